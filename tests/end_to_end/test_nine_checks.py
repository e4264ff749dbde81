"""Each of the nine checks can say no: a manually planted environment passes all checks, and one planted fault fails one check."""

import base64
import itertools
import json
import os
import subprocess
import sys
import unittest

import nine_checks
from local_cloud import ROOT, LocalCloud

NUMBERS = itertools.count(1)
TRIALS = {6: True, 8: True, 9: True}
TOPIC = "arn:aws:sns:us-west-2:123456789012:on-call"
SCRIPT = """#!/bin/bash
set -euo pipefail
dnf install -y amazon-cloudwatch-agent
systemctl enable amazon-ssm-agent
systemctl start amazon-ssm-agent
systemctl is-active --quiet amazon-ssm-agent
cat > /etc/agent.json <<'CONFIG'
{ "logs": {} }
CONFIG
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \\
  -c file:/etc/agent.json
"""


class Planted:
    """The resources that the checks read, planted with the expected settings. Each part can be planted again with a fault."""

    def __init__(self, client, names):
        self.client = client
        self.names = names
        self.plant_buckets()
        self.plant_log_groups()
        self.plant_role()
        self.plant_group()
        self.plant_monitoring()

    def tags(self, name):
        return [{"Key": nine_checks.TAG, "Value": self.names.environment}, {"Key": "Name", "Value": name}]

    def specification(self, kind, name):
        return [{"ResourceType": kind, "Tags": self.tags(name)}]

    def plant_buckets(self):
        configuration = {"CreateBucketConfiguration": {"LocationConstraint": self.names.region}}
        for name in (self.names.bucket("data"), self.names.bucket("logs")):
            self.client("s3").create_bucket(Bucket=name, **configuration)
            self.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": self.tags(name)})
        self.plant_log_delivery()
        self.plant_access_logs("access-logs/")

    def plant_log_delivery(self, **changes):
        condition = {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{self.names.bucket('data')}"},
            "StringEquals": {"aws:SourceAccount": self.names.account},
        }
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{self.names.bucket('logs')}/access-logs/*",
            "Condition": condition,
        }
        self.client("s3").put_bucket_policy(Bucket=self.names.bucket("logs"), Policy=document(statement | changes))

    def plant_access_logs(self, prefix):
        enabled = {"LoggingEnabled": {"TargetBucket": self.names.bucket("logs"), "TargetPrefix": prefix}}
        self.client("s3").put_bucket_logging(Bucket=self.names.bucket("data"), BucketLoggingStatus=enabled)

    def plant_log_groups(self):
        for name in self.names.log_groups():
            self.client("logs").create_log_group(logGroupName=name, tags={nine_checks.TAG: self.names.environment})
            self.client("logs").put_retention_policy(logGroupName=name, retentionInDays=30)

    def plant_role(self):
        name = self.names.of("role")
        self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(), Tags=self.tags(name))
        for arn in self.names.managed_policies():
            self.client("iam").attach_role_policy(RoleName=name, PolicyArn=arn)
        self.plant_inline_policy(self.names.bucket("data"))

    def plant_inline_policy(self, bucket, kind="policy"):
        arn = f"arn:aws:s3:::{bucket}"
        objects = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": [arn, f"{arn}/*"]}
        logs = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
        role, name = self.names.of("role"), self.names.of(kind)
        self.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document(objects, logs))

    def plant_vpc(self, name):
        tags = self.specification("vpc", name)
        return self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]

    def plant_group(self):
        ec2, name = self.client("ec2"), self.names.of("asg")
        subnet = ec2.create_subnet(VpcId=self.plant_vpc(self.names.of("vpc")), CidrBlock="10.0.0.0/24")["Subnet"]
        template = self.names.of("template")
        tags = self.specification("launch-template", template)
        ec2.create_launch_template(
            LaunchTemplateName=template, LaunchTemplateData=template_data(encoded(SCRIPT)), TagSpecifications=tags
        )
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=1,
            VPCZoneIdentifier=subnet["SubnetId"],
            LaunchTemplate={"LaunchTemplateName": template, "Version": "1"},
            DeletionProtection="prevent-all-deletion",
            Tags=[{**tag, "PropagateAtLaunch": True} for tag in self.tags(name)],
        )
        self.client("autoscaling").enable_metrics_collection(
            AutoScalingGroupName=name, Metrics=["GroupInServiceInstances"], Granularity="1Minute"
        )

    def use_user_data(self, user_data):
        template = self.names.of("template")
        self.client("ec2").create_launch_template_version(
            LaunchTemplateName=template, LaunchTemplateData=template_data(user_data)
        )
        self.update_group(LaunchTemplate={"LaunchTemplateName": template, "Version": "2"})

    def update_group(self, **changes):
        self.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=self.names.of("asg"), **changes)

    def plant_monitoring(self):
        self.scale_up, self.scale_down = self.plant_steps("scale-up-steps", 1, 2), self.plant_policy("scale-down", -1)
        self.plant_alarm("cpu-high", "GreaterThanOrEqualToThreshold", 70, self.scale_up)
        self.plant_alarm("cpu-low", "LessThanOrEqualToThreshold", 30, self.scale_down)
        self.plant_query("user-data")
        self.plant_hook("launch-hook")
        self.plant_dashboard("dashboard")

    def plant_dashboard(self, kind):
        text = {"type": "text", "width": 6, "height": 3, "properties": {"markdown": self.mark()}}
        name, body = self.names.of(kind), json.dumps({"widgets": [text]})
        self.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)

    def plant_query(self, title):
        name = f"{self.names.of('queries')}/{title}"
        self.client("logs").put_query_definition(name=name, queryString=f"# {self.mark()}\nfields @message")

    def plant_hook(self, kind):
        group, transition = self.names.of("asg"), "autoscaling:EC2_INSTANCE_LAUNCHING"
        self.client("autoscaling").put_lifecycle_hook(
            AutoScalingGroupName=group, LifecycleHookName=self.names.of(kind), LifecycleTransition=transition
        )

    def mark(self):
        return f"Do not change. {nine_checks.TAG}={self.names.environment}"

    def plant_policy(self, kind, adjustment):
        group, name = self.names.of("asg"), self.names.of(kind)
        change = {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": adjustment}
        policy = self.client("autoscaling").put_scaling_policy(AutoScalingGroupName=group, PolicyName=name, **change)
        return policy["PolicyARN"]

    def plant_steps(self, kind, *adjustments):
        last = len(adjustments) - 1
        steps = [
            {"MetricIntervalLowerBound": 10.0 * at, "ScalingAdjustment": adjustment}
            | ({} if at == last else {"MetricIntervalUpperBound": 10.0 * (at + 1)})
            for at, adjustment in enumerate(adjustments)
        ]
        policy = self.client("autoscaling").put_scaling_policy(
            AutoScalingGroupName=self.names.of("asg"),
            PolicyName=self.names.of(kind),
            PolicyType="StepScaling",
            AdjustmentType="ChangeInCapacity",
            StepAdjustments=steps,
        )
        return policy["PolicyARN"]

    def plant_alarm(self, kind, comparison, threshold, *actions):
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=self.names.of(kind),
            AlarmDescription=self.mark(),
            Namespace="AWS/EC2",
            MetricName="CPUUtilization",
            Dimensions=[{"Name": "AutoScalingGroupName", "Value": self.names.of("asg")}],
            Statistic="Average",
            ComparisonOperator=comparison,
            Threshold=threshold,
            Period=60,
            EvaluationPeriods=3,
            AlarmActions=list(actions),
        )

    def remove(self):
        """Removes the resources that the checks of other environments read too."""
        for bucket in (self.names.bucket("data"), self.names.bucket("logs")):
            self.client("s3").delete_bucket(Bucket=bucket)
        for name in self.names.log_groups():
            self.client("logs").delete_log_group(logGroupName=name)
        self.client("cloudwatch").delete_dashboards(DashboardNames=[self.names.of("dashboard")])


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def template_data(user_data):
    return {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro", "UserData": user_data}


class NineChecks(unittest.TestCase):
    """One local cloud for all tests, and a separate environment for each test."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.region = cls.cloud.variables["AWS_REGION"]
        cls.client = staticmethod(cls.cloud.client)
        cls.account = cls.client("sts").get_caller_identity()["Account"]

    def setUp(self):
        names = nine_checks.Names("scalable-ec2", f"t{next(NUMBERS)}", self.region, self.account)
        self.planted = Planted(self.client, names)
        self.addCleanup(self.planted.remove)

    def verdicts(self, trials=TRIALS, **more):
        expected = nine_checks.Expected(retention=30, protected=True, **more)
        return nine_checks.check(self.client, self.planted.names, expected, trials)

    def assert_only(self, number, reason, trials=TRIALS, **more):
        """Asserts that only this check says no, with this reason."""
        verdicts = self.verdicts(trials, **more)
        self.assertEqual([it for it in verdicts if verdicts[it]["ok"] is not True], [number], verdicts)
        self.assertIs(verdicts[number]["ok"], False)
        self.assertIn(reason, "; ".join(verdicts[number]["reasons"]))

    def test_the_planted_environment_passes_all_nine_checks(self):
        verdicts = self.verdicts()
        self.assertEqual(list(verdicts), list(range(1, 10)))
        self.assertTrue(all(it["ok"] is True for it in verdicts.values()), verdicts)

    def test_1_user_data_is_encoded_twice(self):
        self.planted.use_user_data(encoded(encoded(SCRIPT)))
        self.assert_only(1, "user data, decoded once, begins with: Iy, not #!")

    def test_1_an_agent_is_not_checked(self):
        self.planted.use_user_data(encoded(SCRIPT.replace("systemctl is-active", "# systemctl is-active")))
        self.assert_only(1, "['check the SSM agent']")

    def test_1_an_agent_is_started_in_a_here_document_only(self):
        command = "systemctl start amazon-ssm-agent"
        self.planted.use_user_data(encoded(SCRIPT.replace(command, f"cat > run <<EOF\n{command}\nEOF")))
        self.assert_only(1, "['start the SSM agent']")

    def test_2_an_alarm_executes_the_wrong_policy(self):
        self.planted.plant_alarm("cpu-high", "GreaterThanOrEqualToThreshold", 70, self.planted.scale_down)
        self.assert_only(2, "cpu-high-uswest2")

    def test_2_alarms_notify_the_requested_topic_and_no_other(self):
        self.planted.plant_alarm("cpu-high", "GreaterThanOrEqualToThreshold", 70, self.planted.scale_up, TOPIC)
        self.planted.plant_alarm("cpu-low", "LessThanOrEqualToThreshold", 30, self.planted.scale_down, TOPIC)
        verdicts = self.verdicts(alarm_topic=TOPIC)
        self.assertTrue(all(it["ok"] is True for it in verdicts.values()), verdicts)
        self.assert_only(2, f"'{TOPIC}'], not ['{self.planted.scale_up}']")
        self.planted.plant_alarm("cpu-high", "GreaterThanOrEqualToThreshold", 70, self.planted.scale_up)
        self.assert_only(2, f"not ['{self.planted.scale_up}', '{TOPIC}']", alarm_topic=TOPIC)

    def test_2_thresholds_are_equal(self):
        self.planted.plant_alarm("cpu-low", "LessThanOrEqualToThreshold", 70, self.planted.scale_down)
        self.assert_only(2, "thresholds, the low alarm's first: [70.0, 70.0], not [70.0]")

    def test_2_a_group_without_metrics(self):
        group = {"AutoScalingGroupName": self.planted.names.of("asg")}
        self.client("autoscaling").disable_metrics_collection(**group, Metrics=["GroupInServiceInstances"])
        self.assert_only(2, "metrics that the group does not publish: ['GroupInServiceInstances']")

    def test_3_a_log_group_has_no_retention(self):
        self.client("logs").delete_retention_policy(logGroupName=self.planted.names.log_groups()[1])
        self.assert_only(3, "in days: [None], not [30]")

    def test_4_the_policy_names_a_guessed_bucket(self):
        self.planted.plant_inline_policy(f"scalable-ec2-data-{self.planted.names.suffix}")
        self.assert_only(4, f"'arn:aws:s3:::scalable-ec2-data-{self.planted.names.suffix}/*'")

    def test_4_the_policy_allows_every_bucket(self):
        self.planted.plant_inline_policy("*")
        self.assert_only(4, "arn:aws:s3:::*")

    def test_5_there_is_another_managed_policy(self):
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        self.client("iam").attach_role_policy(RoleName=self.planted.names.of("role"), PolicyArn=arn)
        self.assert_only(5, "AdministratorAccess")

    def test_5_there_is_another_inline_policy(self):
        self.planted.plant_inline_policy(self.planted.names.bucket("data"), kind="another")
        self.assert_only(5, "inline policies: [")

    def test_6_the_group_has_no_protection(self):
        self.planted.update_group(DeletionProtection="none")
        self.assert_only(6, "the group's deletion protection: none, not prevent-all-deletion")

    def test_6_the_protection_did_not_hold(self):
        self.assert_only(6, "the trial of the behaviour failed", {**TRIALS, 6: False})

    def test_7_the_access_logs_have_another_prefix(self):
        self.planted.plant_access_logs("logs/")
        self.assert_only(7, "'logs/'), not (")

    def test_7_the_log_bucket_is_public(self):
        self.planted.plant_log_delivery(Principal="*")
        self.assert_only(7, "allows: *, not")

    def test_7_the_log_bucket_accepts_logs_of_every_bucket(self):
        self.planted.plant_log_delivery(Condition={"StringEquals": {"aws:SourceAccount": self.account}})
        self.assert_only(7, "source conditions of")

    def test_8_a_name_has_a_timestamp(self):
        self.planted.plant_vpc(self.planted.names.of("vpc-1763855123"))
        self.assert_only(8, "names with timestamps or random parts: [('vpc', 'scalable-ec2-vpc-1763855123-uswest2")

    def test_8_a_name_has_an_appended_part(self):
        self.planted.plant_vpc(f"{self.planted.names.of('vpc')}-7f3a")
        self.assert_only(8, "names that do not follow the naming rule: [('vpc'")

    def test_8_a_resource_without_tags_has_a_timestamp(self):
        self.planted.plant_alarm("cpu-high-1763855123", "GreaterThanThreshold", 70, self.planted.scale_down)
        self.planted.plant_dashboard("dashboard-1763855123")
        self.planted.plant_policy("scale-up-1763855123", 1)
        self.planted.plant_hook("launch-hook-1763855123")
        self.planted.plant_query("user-data-1763855123")
        self.assert_only(8, "with timestamps or random parts")
        reasons = "; ".join(self.verdicts()[8]["reasons"])
        for kind in ("alarm", "dashboard", "scaling policy", "lifecycle hook", "saved query"):
            self.assertIn(f"('{kind}'", reasons)

    def test_8_plans_differ(self):
        self.assert_only(8, "the trial of the behaviour failed", {**TRIALS, 8: False})

    def test_9_a_variable_changes_a_settled_environment(self):
        self.assert_only(9, "the trial of the behaviour failed", {**TRIALS, 9: False})

    def test_arns_have_the_partition_of_the_region(self):
        partitions = {"us-west-2": "aws", "cn-north-1": "aws-cn", "us-gov-east-1": "aws-us-gov"}
        for region, partition in partitions.items():
            names = nine_checks.Names("scalable-ec2", "dev", region, self.account)
            self.assertTrue(names.bucket_arn("logs").startswith(f"arn:{partition}:s3:::scalable-ec2-logs-"))
            managed = f"arn:{partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
            self.assertIn(managed, names.managed_policies())

    def test_a_check_without_its_trial_is_neither_yes_nor_no(self):
        verdicts = self.verdicts({})
        self.assertEqual([number for number, it in verdicts.items() if it["ok"] is None], [6, 8, 9])

    def test_without_an_environment_every_reading_says_no(self):
        absent = nine_checks.Names("scalable-ec2", "absent", self.region, self.account)
        verdicts = nine_checks.check(self.client, absent)
        self.assertEqual([number for number, it in verdicts.items() if it["ok"] is False], list(range(1, 9)))

    def test_the_checks_make_only_reading_calls(self):
        before = len(self.cloud.calls())
        self.verdicts()
        operations = {call["operation"] for call in self.cloud.calls()[before:]}
        self.assertTrue(operations)
        self.assertEqual([it for it in operations if not it.startswith(("Describe", "Get", "List"))], [])

    def test_the_program_prints_nine_lines_and_exits_with_1_if_one_says_no(self):
        self.planted.plant_access_logs("logs/")
        done = self.run_program("--protected")
        self.assertEqual(done.returncode, 1, done)
        words = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertEqual(words, ["yes"] * 5 + ["?", "no", "?", "?"])

    def run_program(self, *more):
        program = ROOT / "tests" / "end_to_end" / "nine_checks.py"
        command = [sys.executable, str(program), "--suffix", self.planted.names.suffix, "--region", self.region, *more]
        return subprocess.run(command, env={**os.environ, **self.cloud.variables}, capture_output=True, text=True)


if __name__ == "__main__":
    unittest.main()
