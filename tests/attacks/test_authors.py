"""Stack authors (S5, S6): another environment's retained data, and what an author's own rights lack."""

import unittest

from fixture import SMALL, Attack, Environment, allow

from local_cloud import LocalCloud

FIRST = Environment("archive", "first")
NEXT = Environment("archive", "next")


class Authors(Attack):
    """The deployment's allow-lists are set: one VPC, two instance types, one owner of images, one target group, one topic, four
    instances."""

    TARGETS = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef"

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        ec2 = cls.cloud.client("ec2")
        allowed, cls.other_vpc = [ec2.create_vpc(CidrBlock=f"10.9{it}.0.0/16")["Vpc"]["VpcId"] for it in (7, 8)]
        cls.cloud.deploy(
            AllowedVpcs=allowed,
            AllowedInstanceTypes="t3.micro,t3.small",
            AllowedImageOwners="amazon",
            AllowedTargetGroups=cls.TARGETS,
            AllowedTopics="arn:aws:sns:us-west-2:123456789012:on-call",
            MaxInstances="4",
        )

    def refused(self, parameter, base=SMALL, **properties):
        """Asserts that a Create with these properties fails by this parameter of the deployment, before it creates any."""
        before = self.cloud.inventory()
        environment = Environment("author", "author")
        response = self.cloud.request(environment.request("Create", {**base, **properties}))
        try:
            self.assertEqual(response["Status"], "FAILED", response)
            for part in (parameter, next(iter(properties))):
                self.assertIn(part, response["Reason"])
            self.assertEqual(self.cloud.inventory(), before)
        finally:
            self.cloud.request(environment.request("Delete", base))

    def test_a_type_outside_of_the_list_is_refused(self):
        """A stack author without ec2:RunInstances asks for a large instance type: refused by AllowedInstanceTypes."""
        self.refused("AllowedInstanceTypes", InstanceType="m5.24xlarge")

    def test_more_instances_than_allowed_are_refused(self):
        """A stack author without ec2:RunInstances asks for 1,000 instances: refused by MaxInstances."""
        self.refused("MaxInstances", MaxSize="1000")

    def test_a_target_group_outside_of_the_list_is_refused(self):
        """A stack author without rights on a load balancer puts instances behind it: refused by AllowedTargetGroups."""
        arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/payments/0123456789abcdef"
        self.refused("AllowedTargetGroups", TargetGroupArns=[arn])

    def test_a_topic_outside_of_the_list_is_refused(self):
        """A stack author without sns:Publish on a topic notifies it by AlarmActions and AlarmTopicArn: refused by
        AllowedTopics."""
        arn = "arn:aws:sns:us-west-2:123456789012:payments"
        self.refused("AllowedTopics", AlarmActions=[{"Alarm": "healthy-low", "Action": "Notify", "TopicArn": arn}])
        self.refused("AllowedTopics", AlarmTopicArn=arn)

    def test_a_vpc_outside_of_the_list_is_refused(self):
        """A stack author without rights on a VPC launches instances in it: refused by AllowedVpcs."""
        subnet = self.cloud.client("ec2").create_subnet(VpcId=self.other_vpc, CidrBlock="10.98.0.0/24")["Subnet"]["SubnetId"]
        self.refused("AllowedVpcs", {"MinSize": "1"}, VpcId=self.other_vpc, SubnetIds=subnet)

    def test_an_image_of_another_owner_is_refused(self):
        """A stack author launches an image of an owner outside of the list: refused by AllowedImageOwners."""
        image = self.cloud.client("ec2").register_image(Name="image-of-this-account")["ImageId"]
        self.refused("AllowedImageOwners", ImageId=image)

    def test_an_environment_within_the_lists_is_created(self):
        """A stack author stays within the lists: the Create succeeds."""
        inside = Environment("inside", "inside")
        properties = {**SMALL, "InstanceType": "t3.small", "MaxSize": "4", "TargetGroupArns": [self.TARGETS]}
        created = self.cloud.request(inside.request("Create", properties))
        self.assertEqual(created["Status"], "SUCCESS", created)
        deleted = self.cloud.request(inside.request("Delete", properties))
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)

    def test_retained_data_is_not_adopted_without_consent(self):
        """A stack author takes a deleted environment's name to read its retained bucket: refused, until the operator allows
        this owner."""
        s3, retain = self.cloud.client("s3"), {**SMALL, "BucketOnDelete": "Retain"}
        self.assertEqual(self.cloud.request(FIRST.request("Create", retain))["Status"], "SUCCESS")
        s3.put_object(Bucket=FIRST.data, Key="private", Body=b"private")
        self.assertEqual(self.cloud.request(FIRST.request("Delete", retain))["Status"], "SUCCESS")
        before = self.cloud.inventory()

        refused = self.cloud.request(NEXT.request("Create", SMALL))
        self.assertEqual(refused["Status"], "FAILED", "the next owner adopts the bucket, and its Delete empties it")
        self.assertIn(FIRST.data, refused["Reason"])
        self.assertIn("allow-adoption", refused["Reason"])
        self.assertEqual(self.cloud.inventory(), before)
        self.assertEqual(s3.get_object(Bucket=FIRST.data, Key="private")["Body"].read(), b"private")
        self.cloud.request(NEXT.request("Delete", SMALL))
        self.assertEqual(self.cloud.inventory(), before, "the rollback of the refused Create changes the retained buckets")

        self.allow_adoption(NEXT)
        adopted = self.cloud.request(NEXT.request("Create", SMALL))
        self.assertEqual(adopted["Status"], "SUCCESS", adopted)
        self.assertEqual(s3.get_object(Bucket=FIRST.data, Key="private")["Body"].read(), b"private")
        self.assertEqual(self.cloud.request(NEXT.request("Delete", SMALL))["Status"], "SUCCESS")

    def test_a_forged_consent_of_a_role_without_rights_on_the_bucket_is_denied(self):
        """A role with tag:TagResources and no right on the bucket writes the consent: denied."""
        s3 = self.cloud.principal("forger-consent", allow("ec2:CreateTags"))("s3")
        s3_admin = self.cloud.client("s3")
        s3_admin.create_bucket(Bucket="retained", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        consent = {"TagSet": [{"Key": "envkeeper:adoptable-by", "Value": NEXT.owner}]}
        self.denied(s3.put_bucket_tagging, Bucket="retained", Tagging=consent)

    def allow_adoption(self, environment):
        request = {"Request": "allow-adoption", "Environment": environment.id, "Owner": environment.owner}
        self.cloud.request(request)


if __name__ == "__main__":
    unittest.main()
