"""The example of the CDK construct (infra/cdk/examples), synthesised and deployed on a local cloud: `make test-cdk-stack`."""

import sys
import unittest

from botocore.exceptions import ClientError

from local_cloud import PROJECT, ROOT, LocalCloud

sys.path.append(str(ROOT / "tests" / "cdk"))
from synthesized import MISSING, synthesize  # noqa: E402

LEDGER = f"/aws/autoscaling/{PROJECT}-cdk"


@unittest.skipIf(MISSING, MISSING)
class Cdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()
        cls.template = synthesize(cls.cloud.folder / "cdk")
        cls.outputs = cls.cloud.stack("cdk", cls.template.read_text(), {})

    def test_the_template_is_valid_by_the_deployment(self):
        exit_code, printed = self.cloud.envkeeper("validate", self.template, "--project", PROJECT)
        self.assertEqual(exit_code, 0, printed)

    def test_the_environment_has_the_properties_and_outputs_of_the_example(self):
        self.assertEqual(self.outputs["AutoScalingGroupName"], f"{PROJECT}-asg-uswest2-cdk")
        groups = self.cloud.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.outputs["AutoScalingGroupName"]]
        )
        (group,) = groups["AutoScalingGroups"]
        self.assertEqual((group["MinSize"], group["MaxSize"]), (1, 3))
        self.assertEqual({it["LifecycleState"] for it in group["Instances"]}, {"InService"})
        self.assertIn(("team", "web"), {(it["Key"], it["Value"]) for it in group["Tags"]})
        self.assertIn("#dashboards/dashboard/", self.outputs["DashboardUrl"])

    def test_the_own_alarm_invokes_the_function_alarm(self):
        (alarm,) = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=["cdk-impaired"])["MetricAlarms"]
        self.assertEqual([it.rsplit(":", 1)[-1] for it in alarm["AlarmActions"]], [f"{PROJECT}-alarm"])
        self.assertEqual([it["Value"] for it in alarm["Dimensions"]], [self.outputs["AutoScalingGroupName"]])

    def test_the_grantee_reads_the_ledger_and_the_bucket_and_writes_neither(self):
        logs, s3 = (self.cloud.client_of(f"role.{self.outputs['OnCallRole']}", it) for it in ("logs", "s3"))
        bucket = self.outputs["BucketName"]
        logs.filter_log_events(logGroupName=LEDGER)
        self.assertNotIn("Contents", s3.list_objects_v2(Bucket=bucket))
        denied = {
            "another log group": lambda: logs.filter_log_events(logGroupName=f"/aws/ec2/{PROJECT}-cdk"),
            "a write to the ledger": lambda: logs.create_log_stream(logGroupName=LEDGER, logStreamName="x"),
            "a write to the bucket": lambda: s3.put_object(Bucket=bucket, Key="x", Body=b""),
        }
        for name, call in denied.items():
            with self.subTest(name), self.assertRaises(ClientError) as raised:
                call()
            self.assertIn("AccessDenied", raised.exception.response["Error"]["Code"], name)


if __name__ == "__main__":
    unittest.main()
