"""The example stacks, unchanged, on a local cloud with the deployment of `make deploy-local`. The demo uses the smallest one."""

import contextlib
import io
import json
import unittest
from pathlib import Path

import deploy_local
from local_cloud import PROJECT, ROOT, LocalCloud, until

LOGS = "/aws/autoscaling/scalable-ec2-prod"
TARGET_GROUP = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        status, cls.printed = cls.deploy(cls.cloud.exports)
        assert status == 0, cls.printed

    @staticmethod
    def deploy(exports):
        """The exit status and the output of `make deploy-local`."""
        with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
            return deploy_local.main(exports), output.getvalue()

    def stack(self, name, example=None, **parameters):
        template = (ROOT / "infra" / "examples" / f"{example or name}.yaml").read_text()
        return self.cloud.stack(name, template, parameters)

    def network(self, number, *zones):
        """Creates a VPC outside of Envkeeper, with a subnet in each zone. Returns its id and the subnets' ids."""
        ec2 = self.cloud.client("ec2")
        vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.{third}.0/24", AvailabilityZone=f"us-west-2{zone}")
            for third, zone in enumerate(zones)
        ]
        return vpc, [it["Subnet"]["SubnetId"] for it in subnets]

    def test_production(self):
        vpc, subnets = self.network(8, *"abc")
        network = {"VpcId": vpc, "SubnetIds": ",".join(subnets), "TargetGroupArns": TARGET_GROUP}
        outputs = self.stack("production", **network, OnCallEmail="on-call@example.com")
        scaling = self.cloud.client("autoscaling")
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[outputs["AutoScalingGroupName"]])[
            "AutoScalingGroups"
        ]
        self.assertEqual((group["MinSize"], group["MaxSize"], group["TargetGroupARNs"]), (3, 12, [TARGET_GROUP]))
        self.assertEqual(set(group["VPCZoneIdentifier"].split(",")), set(subnets), "another network than the target group's")
        self.assertEqual(group["DeletionProtection"], "prevent-all-deletion")
        self.assertEqual({it["LifecycleState"] for it in group["Instances"]}, {"InService"})
        (logs,) = self.cloud.client("logs").describe_log_groups(logGroupNamePrefix=LOGS)["logGroups"]
        self.assertEqual(logs["retentionInDays"], 365)
        self.assertIn(":key/", logs["kmsKeyId"])
        role = self.cloud.client("iam").get_role(RoleName="scalable-ec2-role-uswest2-prod")["Role"]
        self.assertIn("Boundary", role["PermissionsBoundary"]["PermissionsBoundaryArn"])

    def test_events(self):
        role = f"arn:aws:iam::{self.cloud.variables['ACCOUNT_ID']}:role/failures"
        consumer = self.cloud.principal("failures", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
        queue = self.stack("events", ConsumerRoleArn=role)["QueueUrl"]
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        vpc, subnets = self.network(10, *"ab")
        outputs = self.stack("watched", "own-network", Suffix="watched", VpcId=vpc, SubnetIds=",".join(subnets))

        def receive():
            return consumer("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")

        (message,) = until("the rule of the example has the verdict", receive)
        event = json.loads(message["Body"])
        self.assertEqual((event["source"], event["detail-type"]), ("envkeeper", "Launch Gate Verdict"))
        self.assertEqual(event["detail"]["AutoScalingGroupName"], outputs["AutoScalingGroupName"])
        self.assertEqual(event["detail"]["Outcome"], "abandon")
        self.assertIn("its user data failed at line 12", event["detail"]["Reason"])

    def test_own_network(self):
        vpc, subnets = self.network(9, *"ab")
        outputs = self.stack("own-network", VpcId=vpc, SubnetIds=",".join(subnets))
        self.assertEqual(outputs["AutoScalingGroupName"], "scalable-ec2-asg-uswest2-inside")
        vpcs = self.cloud.client("ec2").describe_vpcs(Filters=[{"Name": "tag:ManagedBy", "Values": ["envkeeper"]}])["Vpcs"]
        self.assertEqual([it["VpcId"] for it in vpcs if it["VpcId"] == vpc], [], "the existing VPC has Envkeeper's tag")

    def test_a_deployment_prints_functions_and_settings_and_can_be_repeated(self):
        function = f"arn:aws:lambda:us-west-2:123456789012:function:{PROJECT}-custom-resource"
        self.assertIn(function, self.printed)
        self.assertIn(f"export AWS_ENDPOINT_URL={self.cloud.url}", self.printed)
        plan = {"Request": "plan", "ResourceProperties": {"EnvironmentSuffix": "dev"}}
        self.assertIn("Steps", self.cloud.request(plan))
        self.assertEqual(self.deploy(self.cloud.exports), (0, self.printed))

    def test_a_plan_names_a_key_that_encrypts_nothing(self):
        kms = self.cloud.client("kms")
        key = kms.create_key()["KeyMetadata"]
        kms.schedule_key_deletion(KeyId=key["KeyId"])
        missing = key["Arn"].replace(key["KeyId"], "00000000-0000-4000-8000-000000000000")
        cases = {key["Arn"]: "the key is PendingDeletion; valid is a key that is Enabled", missing: "there is no such key in us-west-2"}
        for function in ("operator-read", "operator"):
            for arn, expected in cases.items():
                plan = {"Request": "plan", "ResourceProperties": {"EnvironmentSuffix": "dev", "KmsKeyArn": arn}}
                self.assertIn(f'KmsKeyArn is "{arn}": {expected}', self.cloud.invoke(function, plan)["Text"])

    def test_a_deployment_without_a_local_cloud_names_the_command_that_starts_one(self):
        status, printed = self.deploy(Path("/nonexistent/exports.sh"))
        self.assertEqual((status, "start `make cloud`" in printed), (1, True), printed)


if __name__ == "__main__":
    unittest.main()
