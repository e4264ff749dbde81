"""Instances (S4): a stack author who is root on an instance gains nothing outside of the instance's own environment."""

import time
import unittest

from fixture import FORGER, VICTIM, Attack

SECRET = "/payments/database-password"


class Instances(Attack):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ssm = cls.cloud.client("ssm")
        for name in (SECRET, "AmazonCloudWatch-web"):
            ssm.put_parameter(Name=name, Value="a value", Type="String", Overwrite=True)

    def setUp(self):
        self.id = self.instance(FORGER)
        self.root = self.cloud.instance_principal(self.id)

    # Denied.

    def test_an_instance_reads_no_parameter_of_the_account(self):
        """Root on an instance reads an application's parameter by the instance's role: denied."""
        ssm = self.root("ssm")
        self.denied(ssm.get_parameter, Name=SECRET)
        self.denied(ssm.get_parameters, Names=[SECRET])
        self.denied(ssm.get_parameters_by_path, Path="/payments")
        self.denied(ssm.get_parameter_history, Name=SECRET)

    def test_an_instance_publishes_no_metric_of_envkeeper(self):
        """Root on an instance publishes a metric in the namespace Envkeeper, which another environment's alarm reads:
        denied."""
        metric = {"MetricName": "LaunchFailures", "Value": 9, "Dimensions": [{"Name": "Environment", "Value": VICTIM.id}]}
        self.denied(self.root("cloudwatch").put_metric_data, Namespace="Envkeeper", MetricData=[metric])

    def test_an_instance_writes_to_no_other_environments_log(self):
        """Root on an instance creates a stream and writes lines in the victim's instance log group: denied."""
        logs, stream = self.root("logs"), {"logGroupName": VICTIM.instance_logs, "logStreamName": "forged"}
        self.denied(logs.create_log_stream, **stream)
        self.denied(logs.put_log_events, **stream, logEvents=self.line())

    def test_an_instance_writes_to_no_ledger(self):
        """Root on an instance writes to the ledger of its own environment and of the victim's: denied."""
        for environment in (FORGER, VICTIM):
            with self.subTest(environment.suffix):
                stream = {"logGroupName": environment.ledger, "logStreamName": "forged"}
                self.denied(self.root("logs").create_log_stream, **stream)

    def test_an_instance_marks_no_sibling(self):
        """Root on an instance sets the ready marker of the victim's instance, and of another instance of its environment:
        denied."""
        failed = [{"Key": "envkeeper:user-data", "Value": "failed at line 1"}]
        self.addCleanup(self.in_service, 1, FORGER)
        self.addCleanup(self.scale, 1, FORGER)
        self.scale(2, FORGER)
        self.in_service(2, FORGER)
        (sibling,) = [it for it in self.instances(FORGER) if it != self.id]
        for name, other in (("another environment's", self.instance(VICTIM)), ("a sibling", sibling)):
            with self.subTest(name):
                self.denied(self.root("ec2").create_tags, Resources=[other], Tags=failed)

    def test_an_instance_takes_no_ownership_mark(self):
        """Root on an instance sets an ownership mark on its own instance and on the victim's network: denied."""
        mark = [{"Key": "envkeeper:owner", "Value": FORGER.owner}]
        vpc = next(id for kind, name, id in self.cloud.inventory() if kind == "vpc" and name == VICTIM.name("vpc"))
        for resource in (self.id, vpc):
            self.denied(self.root("ec2").create_tags, Resources=[resource], Tags=mark)

    def test_an_instance_decrypts_nothing_but_its_buckets_objects(self):
        """Root on an instance decrypts another application's data with the key of KmsKeyArn, outside of S3: denied."""
        key = self.deployment.secret_key
        secret = self.cloud.client("kms").encrypt(KeyId=key, Plaintext=b"a secret")["CiphertextBlob"]
        self.denied(self.root("kms").decrypt, KeyId=key, CiphertextBlob=secret)
        self.denied(self.root("kms").generate_data_key, KeyId=key, KeySpec="AES_256")

    def test_an_instance_reads_no_other_environments_bucket(self):
        """Root on an instance reads, lists and writes the victim's data bucket: denied."""
        self.cloud.client("s3").put_object(Bucket=VICTIM.data, Key="private", Body=b"private")
        s3 = self.root("s3")
        self.denied(s3.list_objects_v2, Bucket=VICTIM.data)
        self.denied(s3.get_object, Bucket=VICTIM.data, Key="private")
        self.denied(s3.put_object, Bucket=VICTIM.data, Key="forged", Body=b"")

    def test_an_instance_sends_no_message(self):
        """Root on an instance sends a message to the request queue, and invokes custom-resource: denied."""
        self.denied(self.root("sqs").send_message, **self.message("RequestQueue", "{}", FORGER.owner))
        self.denied(self.root("lambda").invoke, FunctionName="scalable-ec2-custom-resource", Payload=b"{}")

    # Allowed.

    def test_an_instance_uses_its_own_log_bucket_marker_metrics_and_parameters(self):
        """The user data and the agents of an instance use the instance's own resources: allowed."""
        logs, stream = self.root("logs"), {"logGroupName": FORGER.instance_logs, "logStreamName": f"{self.id}/app"}
        with self.subTest("log"):
            logs.create_log_stream(**stream)
            logs.put_log_events(**stream, logEvents=self.line())
        with self.subTest("bucket"):
            self.root("s3").put_object(Bucket=FORGER.data, Key="own", Body=b"own")
            self.assertEqual(self.root("s3").get_object(Bucket=FORGER.data, Key="own")["Body"].read(), b"own")
        with self.subTest("marker"):
            self.root("ec2").create_tags(Resources=[self.id], Tags=[{"Key": "envkeeper:user-data", "Value": "done"}])
        with self.subTest("metrics"):
            self.root("cloudwatch").put_metric_data(Namespace="CWAgent", MetricData=[{"MetricName": "mem", "Value": 1}])
            self.root("cloudwatch").put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "orders", "Value": 1}])
        with self.subTest("parameters"):
            image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
            self.root("ssm").get_parameter(Name=image)
            self.root("ssm").get_parameter(Name="AmazonCloudWatch-web")

    def line(self):
        return [{"timestamp": int(time.time() * 1000), "message": "a line"}]


if __name__ == "__main__":
    unittest.main()
