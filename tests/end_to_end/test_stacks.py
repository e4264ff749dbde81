"""Stacks on the local cloud: through CloudFormation, the deployed function and the real SDK clients."""

import json
import unittest

import demo
from local_cloud import ROOT, Failed, LocalCloud, web_template

EVENTS = ROOT / "events" / "custom-resource"
OPEN = {**demo.ENVIRONMENT, "DeletionProtection": "false"}
ANYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
DATA = "scalable-ec2-data-uswest2-dev-123456789012"
SHARED = "arn:aws:ssm:us-west-2:210987654321:parameter/golden/al2023"


def event(name, **changes):
    return {**json.loads((EVENTS / name).read_text()), **changes}


def with_properties(name, **properties):
    sample = event(name)
    return {**sample, "ResourceProperties": {**sample["ResourceProperties"], **properties}}


class OnOneCloud(unittest.TestCase):
    """One local cloud for all tests of a class. Every test leaves no resources behind."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()

    def tearDown(self):
        self.assertEqual(self.cloud.inventory(), [], "resources are left behind")

    def create_fails(self, properties, name="bad"):
        """The reason of a stack whose create fails."""
        template = {
            "Resources": {
                "Web": {
                    "Type": "Custom::ScalableEnvironment",
                    "Properties": {"ServiceToken": {"Fn::ImportValue": "envkeeper-service-token"}, **properties},
                }
            }
        }
        with self.assertRaises(Failed) as failed:
            self.cloud.stack(name, json.dumps(template), {})
        return str(failed.exception)

    def control_zones(self, path, zones):
        self.cloud.control(f"ec2/{path}&zones={','.join(zones)}", b"")
        self.addCleanup(self.cloud.control, f"ec2/{path}&zones=us-west-2a,us-west-2b,us-west-2c,us-west-2d", b"")

    def succeeds(self, request):
        response = self.cloud.request(request)
        self.assertEqual(response["Status"], "SUCCESS", response)
        return response

    def kinds(self):
        return {kind for kind, _, _ in self.cloud.inventory()}


class Networks(OnOneCloud):
    """Every network of an environment, and the facts that decide whether it can exist."""

    def test_a_create_that_the_region_or_the_account_cannot_have_makes_nothing(self):
        self.control_zones("endpoint-service?service=ec2messages", [])
        self.control_zones("endpoint-service?service=monitoring", [])
        endpoints = {"EnvironmentSuffix": "es", "Egress": "VpcEndpoints"}
        arm = {"EnvironmentSuffix": "arm", "InstanceType": "t4g.micro"}
        small = {"EnvironmentSuffix": "pl", "VpcCidr": "10.0.0.0/25", "MaxSize": "1000"}
        for properties, expected in (
            (endpoints, "the region us-west-2 has no endpoint service com.amazonaws.us-west-2.monitoring. Use NatGateway"),
            (arm, 'InstanceType is "t4g.micro": its architecture is arm64'),
            ({**arm, "InstanceType": "t3.mircro"}, "the region us-west-2 has no such instance type; did you mean t3.micro?"),
            ({**arm, "InstanceType": "t3.micro", "ImageId": "ami-0123456789abcdef0"}, "ami-0123456789abcdef0 does not exist"),
            ({"EnvironmentSuffix": "arn", "ImageParameter": SHARED}, f'ImageParameter is "{SHARED}": the SSM parameter does not exist'),
            (small, "MaxSize is 1000: at most 22"),
        ):
            with self.subTest(properties):
                before = len(demo.writes(self.cloud))
                planned = self.cloud.request({"Request": "plan", "ResourceProperties": properties})
                self.assertIn(expected, planned["Error"])
                rejected = self.cloud.request(event("create.json", ResourceProperties=properties))
                self.assertIn(expected, rejected["Reason"])
                self.assertEqual(len(demo.writes(self.cloud)), before, "a rejected create got a writing call")
                self.succeeds(event("delete.json", ResourceProperties=properties))

    def test_an_update_that_the_zones_or_a_foreign_subnet_forbid_changes_nothing_and_is_rolled_back(self):
        ec2 = self.cloud.client("ec2")
        created = self.succeeds(with_properties("create.json", Egress="PublicIp"))
        subnet = ec2.create_subnet(VpcId=created["Data"]["VpcId"], CidrBlock="10.40.64.0/19")["Subnet"]["SubnetId"]
        self.control_zones("instance-type?type=p5.48xlarge", ["us-west-2c", "us-west-2d"])
        before = len(demo.writes(self.cloud))
        for number, (change, expected) in enumerate(
            (
                ({"ZoneCount": "3"}, f"ZoneCount is 3: the subnet {subnet} with 10.40.64.0/19"),
                ({"InstanceType": "p5.48xlarge"}, "its zones are us-west-2a, us-west-2b, and this type is offered in us-west-2c"),
            )
        ):
            update = {**with_properties("create.json", Egress="PublicIp", **change), "RequestType": "Update"}
            update = {**update, "RequestId": f"update-{number}", "PhysicalResourceId": created["PhysicalResourceId"]}
            rejected = self.cloud.request(update)
            self.assertIn(expected, rejected["Reason"])
            rollback = {**update, **with_properties("create.json", Egress="PublicIp"), "RequestType": "Update"}
            self.succeeds({**rollback, "RequestId": f"rollback-{number}", "PhysicalResourceId": created["PhysicalResourceId"]})
        self.assertEqual(len(demo.writes(self.cloud)), before, "a rejected update got a writing call")
        ec2.delete_subnet(SubnetId=subnet)
        self.succeeds(event("delete.json"))

    def test_every_egress_is_created_settles_and_is_deleted(self):
        for egress, present, absent in (
            ("NatGatewayPerZone", "nat-gateway", "vpc-endpoint"),
            ("VpcEndpoints", "vpc-endpoint", "internet-gateway"),
            ("PublicIp", "internet-gateway", "nat-gateway"),
        ):
            with self.subTest(egress):
                self.succeeds(with_properties("create.json", Egress=egress))
                self.assertIn(present, self.kinds())
                self.assertNotIn(absent, self.kinds())
                added = self.second_address() if egress == "NatGatewayPerZone" else None
                before = len(demo.writes(self.cloud))
                self.succeeds(with_properties("create.json", Egress=egress))
                self.assertEqual(len(demo.writes(self.cloud)), before, "a settled environment got a writing call")
                self.succeeds(event("delete.json"))
                self.assertEqual(self.cloud.inventory(), [])
                if added:
                    # The address of another owner is free again, and still there.
                    self.cloud.client("ec2").release_address(AllocationId=added)

    def second_address(self):
        """Associates an address of another owner with a NAT gateway, and returns its id."""
        ec2 = self.cloud.client("ec2")
        gateway = next(id for kind, _, id in self.cloud.inventory() if kind == "nat-gateway")
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.associate_nat_gateway_address(NatGatewayId=gateway, AllocationIds=[address])
        (found,) = ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        self.assertIn(address, [it["AllocationId"] for it in found["NatGatewayAddresses"]])
        return address

    def test_an_existing_network_is_used_and_retained(self):
        ec2 = self.cloud.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/24")["Subnet"]["SubnetId"]
        properties = {"EnvironmentSuffix": "dev", "VpcId": vpc, "BucketOnDelete": "Empty"}
        rejected = self.cloud.request(event("create.json", ResourceProperties={**properties, "SubnetIds": "subnet-00000000"}))
        self.assertIn("subnet-00000000", rejected["Reason"])
        self.a_foreign_security_group_is_rejected(ec2, vpc, {**properties, "SubnetIds": subnet})
        created = self.succeeds(event("create.json", ResourceProperties={**properties, "SubnetIds": subnet}))
        self.assertEqual((created["Data"]["VpcId"], created["Data"]["SubnetIds"]), (vpc, subnet))
        self.assertNotIn("vpc", self.kinds())
        self.succeeds(event("delete.json"))
        self.assertEqual(ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"], vpc)
        ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)

    def a_foreign_security_group_is_rejected(self, ec2, vpc, properties):
        name = "scalable-ec2-instances-sg-uswest2-dev"
        group = ec2.create_security_group(GroupName=name, Description="foreign", VpcId=vpc)["GroupId"]
        rejected = self.cloud.request(event("create.json", RequestId="taken", ResourceProperties=properties))
        self.assertIn(f"{group} has this name in {vpc}, and is not this environment's", rejected["Reason"])
        self.succeeds(event("delete.json", RequestId="rollback"))
        ec2.delete_security_group(GroupId=group)


class Stacks(OnOneCloud):
    """The requests of a stack: rejected, repeated, changed, and adopted."""

    def test_all_violations_are_in_one_failed_response(self):
        bad = {"EnvironmentSuffix": "my suffix", "ZoneCount": 4, "VpcCidr": "8.8.0.0/16", "LogRetentionDays": 42}
        reason = self.create_fails({**bad, "MinSize": "maybe", "MaxSiz": 3, "UserDataScript": "#" * 17_000})
        for violation in (
            "EnvironmentSuffix is a string of 9 characters: 1 to 63 lowercase letters",
            'ZoneCount is "4": a whole number from 1 to 3',
            'VpcCidr is "8.8.0.0/16": a network of a private range',
            'LogRetentionDays is "42": one of 1, 3,',
            "MinSize is a string of 5 characters: a whole number",
            "MaxSiz is a string of 1 character: unknown property; did you mean MaxSize?",
        ):
            self.assertIn(violation, reason)

    def test_violations_of_sizes_and_scripts_name_the_limits(self):
        properties = {"EnvironmentSuffix": "x" * 60, "MinSize": 5, "MaxSize": 3, "UserDataScript": "#" * 17_000}
        reason = self.create_fails(properties, "unfit")
        self.assertIn("MinSize is 5: at most MaxSize, which is 3", reason)
        self.assertIn("at most 24 characters, so that the bucket's name is within the limit of its service", reason)
        self.assertRegex(reason, "UserDataScript is 17000 bytes long: at most [0-9]+ bytes: AWS accepts 16384 bytes of user data")

    def test_values_that_the_deployment_does_not_allow_and_invalid_defaults_are_rejected(self):
        image = self.cloud.client("ec2").register_image(Name="image-of-this-account")["ImageId"]
        properties = {"EnvironmentSuffix": "limited", "ImageId": image}
        lists = {"ALLOWED_IMAGE_OWNERS": "amazon", "ALLOWED_INSTANCE_TYPES": "m5.*"}
        try:
            for name, value in lists.items():
                self.cloud.set_variable(name, value)
            reason = self.create_fails(properties, "limited")
            self.assertIn('InstanceType is "t3.micro": one of AllowedInstanceTypes of this deployment: m5.*', reason)
            reason = self.create_fails({**properties, "InstanceType": "m5.large"}, "owned")
            self.assertIn("one of AllowedImageOwners of this deployment: amazon", reason)
            self.cloud.set_variable_of("operator-read", "PROPERTY_DEFAULTS", '{"MaxSizes": 3}')
            status = self.cloud.request({"Request": "status", "Environment": "scalable-ec2-us-west-2-dev"})
            self.assertIn("PROPERTY_DEFAULTS: MaxSizes: unknown property; did you mean MaxSize?", status["Text"].split("\n")[0])
        finally:
            self.cloud.set_variable_of("operator-read", "PROPERTY_DEFAULTS", "")
            for name in lists:
                self.cloud.set_variable(name, "")

    def test_the_deployment_is_healthy_and_properties_are_validated_without_a_call(self):
        for function in ("operator-read", "operator"):
            doctor = self.cloud.invoke(function, {"Request": "doctor"})
            self.assertTrue(doctor["Healthy"], doctor)
        before = len(self.cloud.calls())
        validated = self.cloud.request({"Request": "validate", "ResourceProperties": {"EnvironmentSuffix": "v", "MinSize": "5"}})
        self.assertEqual([it["Property"] for it in validated["Violations"]], ["MinSize"], validated)
        called = [it for it in self.cloud.calls()[before:] if it.get("app") == "operator-read"]
        self.assertEqual([it for it in called if it["service"] != "unsigned"], [])

    def test_a_foreign_resource_with_an_environments_name_is_rejected_by_name_and_unchanged(self):
        iam = self.cloud.client("iam")
        name = "scalable-ec2-role-uswest2-taken"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Description="foreign")
        try:
            reason = self.create_fails({"EnvironmentSuffix": "taken"}, "foreign")
            self.assertIn(f"role {name} exists and is not this environment's", reason)
            self.assertEqual([entry[:2] for entry in self.cloud.inventory()], [("role", name)], "another resource was created")
            rollback = self.cloud.request(event("delete.json", ResourceProperties={"EnvironmentSuffix": "taken"}))
            self.assertEqual(rollback["Status"], "SUCCESS")
            self.assertEqual(iam.get_role(RoleName=name)["Role"]["Description"], "foreign")
        finally:
            iam.delete_role(RoleName=name)

    def test_the_delete_of_an_unknown_environment_succeeds(self):
        response = self.cloud.request(event("delete-of-nothing.json"))
        self.assertEqual(response["Status"], "SUCCESS", response)

    def test_a_repeated_create_makes_no_writing_call(self):
        try:
            first = self.cloud.request(event("create.json"))
            self.assertEqual(first["Status"], "SUCCESS", first)
            before = len(demo.writes(self.cloud))
            self.assertEqual(self.cloud.request(event("create.json")), first)
            self.assertEqual(len(demo.writes(self.cloud)), before)
        finally:
            deleted = self.cloud.request(event("delete.json", PhysicalResourceId="web-Web-1A2B3C4D5E6F", ResourceProperties={}))
            self.assertEqual(deleted["Status"], "SUCCESS", "the delete depends on the id or the properties of its event")

    def test_a_change_of_an_immutable_property_is_rejected_and_rolled_back(self):
        self.cloud.stack("web", web_template(), demo.parameters(OPEN))
        before = self.cloud.inventory()
        with self.assertRaises(Failed) as failed:
            self.cloud.stack("web", web_template(), {**demo.parameters(OPEN), "Suffix": "other"}, update=True)
        self.assertIn('EnvironmentSuffix is "other": it is "dev" and cannot change', str(failed.exception))
        self.assertEqual(self.cloud.inventory(), before)
        self.cloud.delete_stack("web")

    def test_buckets_are_retained_adopted_and_emptied_as_the_property_says(self):
        s3 = self.cloud.client("s3")
        properties = {"EnvironmentSuffix": "dev", "Egress": "PublicIp"}
        self.succeeds(event("create.json", ResourceProperties={**properties, "BucketOnDelete": "Retain"}))
        s3.put_object(Bucket=DATA, Key="retained", Body=b"one")
        s3.put_object(Bucket=DATA, Key="retained", Body=b"two")
        response = self.succeeds(event("delete.json"))
        self.assertIn(DATA, response["Data"]["Retained"])
        self.assertEqual(self.kinds(), {"bucket"})

        failing = {**properties, "BucketOnDelete": "FailIfNotEmpty"}
        self.a_retained_bucket_is_adopted_with_consent_only(s3, event("create.json", RequestId="again", ResourceProperties=failing))
        self.assertEqual(s3.get_object(Bucket=DATA, Key="retained")["Body"].read(), b"two", "the adopted bucket lost an object")
        before = self.cloud.inventory()
        rejected = self.cloud.request(event("delete.json", RequestId="rejected"))
        self.assertIn("BucketOnDelete is FailIfNotEmpty", rejected["Reason"])
        self.assertEqual(self.cloud.inventory(), before, "a resource was deleted")

        emptied = event("update.json", RequestId="empty", ResourceProperties={**properties, "BucketOnDelete": "Empty"})
        self.succeeds(emptied)
        self.succeeds(event("delete.json", RequestId="now"))

    def a_retained_bucket_is_adopted_with_consent_only(self, s3, create):
        before = len(demo.writes(self.cloud))
        refused = self.cloud.request({**create, "RequestId": "without-consent"})
        self.assertEqual(refused["Status"], "FAILED", refused)
        self.assertIn(f"bucket {DATA} exists: the deleted environment", refused["Reason"])
        self.assertEqual(len(demo.writes(self.cloud)), before, "a refused create wrote something")
        command = refused["Reason"].split("`envkeeper ")[1].split("`")[0]
        exit_code, allowed = self.cloud.envkeeper(*command.split(), "--yes", "--json")
        self.assertEqual((exit_code, len(json.loads(allowed)["result"].get("Buckets", []))), (0, 2), allowed)
        self.succeeds(create)
        tags = {it["Key"] for it in s3.get_bucket_tagging(Bucket=DATA)["TagSet"]}
        self.assertIn("envkeeper:owner", tags)
        self.assertNotIn("envkeeper:adoptable-by", tags, "the consent is not used up")

    def test_the_next_request_corrects_drift(self):
        self.succeeds(event("create.json"))
        s3, cloudwatch, iam, ec2 = (self.cloud.client(name) for name in ("s3", "cloudwatch", "iam", "ec2"))
        s3.put_bucket_versioning(Bucket=DATA, VersioningConfiguration={"Status": "Suspended"})
        s3.delete_bucket_policy(Bucket=DATA)
        cloudwatch.delete_alarms(AlarmNames=["scalable-ec2-cpu-high-uswest2-dev"])
        role = "scalable-ec2-role-uswest2-dev"
        iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=json.dumps(ANYTHING))
        trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": trusted}
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        # The private subnets' default route leads to the internet gateway instead of the NAT gateway.
        owned = [{"Name": "tag:ManagedBy", "Values": ["envkeeper"]}]
        routes = [
            (table["RouteTableId"], route)
            for table in ec2.describe_route_tables(Filters=owned)["RouteTables"]
            for route in table["Routes"]
        ]
        (table,) = {table for table, route in routes if route.get("NatGatewayId")}
        (gateway,) = {it["GatewayId"] for _, it in routes if it.get("GatewayId", "").startswith("igw-")}
        ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        before = len(demo.writes(self.cloud))
        self.succeeds(event("create.json", RequestId="repair"))
        corrections = sorted(demo.writes(self.cloud)[before:])
        # CreateRoute is rejected if the route exists, and ReplaceRoute follows.
        # A policy that another sender put on the role is left alone.
        expected = ["ec2:CreateRoute", "ec2:ReplaceRoute", "iam:UpdateAssumeRolePolicy", "monitoring:PutMetricAlarm"]
        expected += ["s3:PutBucketPolicy", "s3:PutBucketVersioning"]
        self.assertEqual(corrections, expected)
        self.succeeds(event("delete.json"))


class Demo(unittest.TestCase):
    def test_the_demo_shows_the_life_of_an_environment(self):
        self.assertEqual(demo.main(), 0)

    def test_the_option_keep_is_1_or_0(self):
        self.assertEqual([demo.keep_option(text) for text in ("", "0", "1")], [False, False, True])
        self.assertRaisesRegex(Failed, "KEEP is 'yes': 1 keeps", demo.keep_option, "yes")


if __name__ == "__main__":
    unittest.main()
