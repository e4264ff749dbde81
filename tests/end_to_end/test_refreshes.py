"""Instance refreshes of the local cloud over HTTP, as boto3 and EventBridge show them, without Envkeeper."""

import json
import unittest

from botocore.exceptions import ClientError

from local_cloud import LocalCloud, until

GROUP = {"AutoScalingGroupName": "web"}
ENDED = ("Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")


class Refreshes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.scaling, cls.alarms = cls.cloud.client("autoscaling"), cls.cloud.client("cloudwatch")
        ec2, events, queues = (cls.cloud.client(name) for name in ("ec2", "events", "sqs"))
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        data = {"ImageId": ec2.describe_images()["Images"][0]["ImageId"], "InstanceType": "t3.micro"}
        created = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
        cls.template = created["LaunchTemplate"]["LaunchTemplateId"]
        for _ in range(2):
            ec2.create_launch_template_version(LaunchTemplateId=cls.template, LaunchTemplateData=data)
        cls.scaling.create_auto_scaling_group(
            **GROUP,
            MinSize=0,
            MaxSize=3,
            DesiredCapacity=2,
            DefaultInstanceWarmup=1,
            VPCZoneIdentifier=subnet,
            LaunchTemplate=cls.version(1),
        )
        cls.queue = queues.create_queue(QueueName="events")["QueueUrl"]
        queue = queues.get_queue_attributes(QueueUrl=cls.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}]}
        queues.set_queue_attributes(QueueUrl=cls.queue, Attributes={"Policy": json.dumps(policy)})
        kind = [{"prefix": "EC2 Auto Scaling Instance Refresh "}]
        events.put_rule(Name="refreshes", EventPattern=json.dumps({"source": ["aws.autoscaling"], "detail-type": kind}))
        events.put_targets(Rule="refreshes", Targets=[{"Id": "queue", "Arn": queue}])
        cls.alarms.put_metric_alarm(
            AlarmName="errors",
            Namespace="web",
            MetricName="errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
        )
        until("both instances are in service", lambda: cls.in_service() == ["1", "1"])

    @classmethod
    def version(cls, number):
        return {"LaunchTemplateId": cls.template, "Version": str(number)}

    @classmethod
    def group(cls):
        return cls.scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]

    @classmethod
    def in_service(cls):
        """The template versions of the instances in service."""
        instances = (it for it in cls.group()["Instances"] if it["LifecycleState"] == "InService")
        return [it["LaunchTemplate"]["Version"] for it in instances]

    def refresh(self):
        return self.scaling.describe_instance_refreshes(**GROUP)["InstanceRefreshes"][0]

    def start(self, version, **preferences):
        limits = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110, "AutoRollback": True}
        preferences = {**limits, "AlarmSpecification": {"Alarms": ["errors"]}, **preferences}
        desired = {"LaunchTemplate": self.version(version)}
        self.scaling.start_instance_refresh(**GROUP, DesiredConfiguration=desired, Preferences=preferences)

    def end(self):
        """The refresh when it has ended. At least two instances are in service until then."""

        def has_ended():
            self.assertGreaterEqual(len(self.in_service()), 2)
            return self.refresh()["Status"] in ENDED

        until("the refresh ends", has_ended)
        return self.refresh()

    def events(self):
        """The kinds of the events in the queue, which is empty afterwards."""
        queues, kinds, prefix = self.cloud.client("sqs"), [], "EC2 Auto Scaling Instance Refresh "
        while messages := queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                kinds.append(json.loads(message["Body"])["detail-type"].removeprefix(prefix))
                queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return kinds

    def set_alarm(self, state):
        self.alarms.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="test")

    def test_a_refresh_replaces_the_instances_and_the_next_one_rolls_back_for_an_alarm(self):
        with self.assertRaisesRegex(ClientError, "errors in AlarmSpecification is INSUFFICIENT_DATA"):
            self.start(2)
        self.set_alarm("OK")
        with self.assertRaisesRegex(ClientError, "Could not find the specified version 9"):
            self.start(9)

        self.start(2, CheckpointPercentages=[50, 100], CheckpointDelay=1, BakeTime=1)
        with self.assertRaisesRegex(ClientError, "An active instance refresh with a desired configuration exists"):
            self.scaling.update_auto_scaling_group(**GROUP, LaunchTemplate=self.version(3))
        self.scaling.update_auto_scaling_group(**GROUP, MaxSize=4, LaunchTemplate=self.version(1))
        ended = self.end()
        shown = tuple(ended[name] for name in ("Status", "PercentageComplete", "InstancesToUpdate"))
        self.assertEqual(shown, ("Successful", 100, 0))
        self.assertEqual((self.in_service(), self.group()["LaunchTemplate"]["Version"]), (["2", "2"], "2"))
        expected = ["Started", "Checkpoint Reached", "Started Baking", "Succeeded"]
        kinds = []
        until("all events arrive", lambda: kinds.extend(self.events()) or len(kinds) >= len(expected))
        self.assertEqual(kinds, expected)

        self.start(3, BakeTime=600)
        until("the refresh bakes", lambda: self.refresh()["Status"] == "Baking")
        self.set_alarm("ALARM")
        ended = self.end()
        self.assertEqual((ended["Status"], ended["PercentageComplete"]), ("RollbackSuccessful", 0))
        self.assertIn("alarm errors", ended["RollbackDetails"]["RollbackReason"])
        self.assertEqual((self.in_service(), self.group()["LaunchTemplate"]["Version"]), (["2", "2"], "2"))
        with self.assertRaisesRegex(ClientError, "ActiveInstanceRefreshNotFound"):
            self.scaling.cancel_instance_refresh(**GROUP)


if __name__ == "__main__":
    unittest.main()
