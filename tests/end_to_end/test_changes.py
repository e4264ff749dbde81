"""All changes of an existing environment, and all drift that another user can cause, through the real functions with enforced
policies: most operations of the reconciler's policy are called only here."""

import json
import unittest

from demo import GROUP, states
from local_cloud import LocalCloud, until
from test_stacks import ANYTHING, with_properties

ENVIRONMENT = "scalable-ec2-us-west-2-dev"
ROLE = "scalable-ec2-role-uswest2-dev"
DATA = "scalable-ec2-data-uswest2-dev-123456789012"
INITIAL = {
    "Egress": "VpcEndpoints",
    "ZoneCount": "1",
    "MinSize": "1",
    "BucketOnDelete": "Empty",
    "Tags": {"team": "web", "tier": "first"},
}
CHANGED = {
    **INITIAL,
    "ZoneCount": "2",
    "Tags": {"team": "shop"},
    "LaunchGate": "false",
    "AlarmPeriodSeconds": "300",
    "LogRetentionDays": "7",
    "AlarmActions": [{"Alarm": "healthy-low", "Action": "ReplaceUnhealthy"}],
}


# The added zone remains: moto keeps the route table's association with a deleted subnet, so the environment would never settle.
REVERTED = {**INITIAL, "ZoneCount": "2"}


class Changes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()
        balancing = cls.cloud.client("elbv2")
        (group,) = balancing.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId="vpc-1")["TargetGroups"]
        cls.targets = group["TargetGroupArn"]

    def succeeds(self, name, properties):
        response = self.cloud.request(with_properties(name, **properties))
        self.assertEqual(response["Status"], "SUCCESS", response)
        return response["Data"] if "Data" in response else {}

    def assert_settled(self):
        """Asserts that the plan has no steps."""
        plan = self.cloud.request({"Request": "plan", "Environment": ENVIRONMENT})
        self.assertEqual(plan["Steps"], [], plan.get("Text"))

    def test_all_changes_are_applied_and_reverted_and_drift_is_corrected(self):
        created = self.succeeds("create.json", INITIAL)
        self.assert_launched_with(INITIAL["Tags"])
        changed = self.succeeds("update.json", {**CHANGED, "TargetGroupArns": [self.targets]})
        self.assertEqual(changed["VpcId"], created["VpcId"])
        self.assert_settled()
        self.assertEqual(self.tags_of_the_role().get("team"), "shop")
        self.assertNotIn("tier", self.tags_of_the_role(), "a retired tag is removed")
        self.an_unhealthy_instance_is_deregistered_and_replaced()
        self.assert_launched_with(CHANGED["Tags"])
        self.succeeds("update.json", REVERTED)
        self.assert_settled()
        self.cause_drift(created)
        self.repair()
        self.assert_settled()
        self.assertTrue(self.boundary(), "the role has no permissions boundary")
        self.cloud.control(f"ec2/guardduty?vpc={created['VpcId']}", b"")
        self.delete_succeeds_despite_blockers()
        self.assertEqual(self.cloud.inventory(), [])
        self.the_deleted_environment_is_listed_and_nothing_of_it_is_left()
        vpcs = [it["VpcId"] for it in self.cloud.client("ec2").describe_vpcs()["Vpcs"]]
        self.assertNotIn(created["VpcId"], vpcs)

    def repair(self):
        """Corrects the drift by the operator request: the plan first, then the repair, until it has a response."""
        request = {"Request": "repair", "Environment": ENVIRONMENT}
        planned = self.cloud.request(request)
        self.assertNotEqual(planned["Steps"], [], planned)
        self.assertIn('"Confirm":true', planned["Text"])
        queued = self.cloud.request({**request, "Confirm": True})
        self.assertIn("is queued", queued["Text"])
        status = {"Request": "status", "Environment": ENVIRONMENT}
        last, *_ = until("a response to the repair", lambda: self.last_repair(status), 300)
        self.assertEqual(last["Status"], "SUCCESS", last)

    def last_repair(self, status):
        responses = self.cloud.request(status)["Responses"]
        return responses if responses[0]["Kind"] == "Repair" else None

    def the_deleted_environment_is_listed_and_nothing_of_it_is_left(self):
        (listed,) = self.cloud.request({"Request": "list"})["Environments"]
        self.assertEqual((listed["Environment"], listed["State"]), (ENVIRONMENT, "deleted"), listed)
        inventory = self.cloud.request({"Request": "inventory", "Environment": ENVIRONMENT})
        self.assertEqual((inventory["NothingLeft"], inventory["Resources"]), (True, []), inventory)
        self.assertEqual(self.cloud.request({"Request": "status", "Environment": ENVIRONMENT})["State"], "deleted")
        # The emulator keeps the tags of deleted resources, as EC2 does for a while.
        self.assertEqual(self.cloud.invoke("watchdog", {})["Orphans"], [])

    def tags_of_the_role(self):
        role = self.cloud.client("iam").get_role(RoleName=ROLE)["Role"]
        return {it["Key"]: it["Value"] for it in role["Tags"]}

    def assert_launched_with(self, tags):
        """Asserts that each instance, its volume and its network interface have these tags and the environment's mark."""
        ec2, ids = self.cloud.client("ec2"), list(states(self.cloud))
        reservations = ec2.describe_instances(InstanceIds=ids)["Reservations"]
        instances = [it for reservation in reservations for it in reservation["Instances"]]
        disks = [disk["Ebs"]["VolumeId"] for it in instances for disk in it["BlockDeviceMappings"]]
        volumes = ec2.describe_volumes(VolumeIds=disks)["Volumes"]
        cards = [card["NetworkInterfaceId"] for it in instances for card in it["NetworkInterfaces"]]
        interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=cards)["NetworkInterfaces"]
        self.assertEqual((len(volumes), len(interfaces)), (len(ids), len(ids)))
        expected = {"envkeeper:environment": ENVIRONMENT, "Name": GROUP, **tags}
        every = [it["Tags"] for it in instances + volumes] + [it["TagSet"] for it in interfaces]
        for found in every:
            found = {it["Key"]: it["Value"] for it in found}
            self.assertLessEqual(expected.items(), found.items())
            self.assertEqual("tier" in found, "tier" in tags, "a retired tag remains")

    def boundary(self):
        return self.cloud.client("iam").get_role(RoleName=ROLE)["Role"].get("PermissionsBoundary")

    def cause_drift(self, created):
        ec2, iam, scaling = (self.cloud.client(it) for it in ("ec2", "iam", "autoscaling"))
        iam.delete_role_permissions_boundary(RoleName=ROLE)
        iam.detach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")
        iam.tag_role(RoleName=ROLE, Tags=[{"Key": "team", "Value": "other"}])
        iam.put_role_policy(RoleName=ROLE, PolicyName="other", PolicyDocument=json.dumps(ANYTHING))
        scaling.disable_metrics_collection(AutoScalingGroupName=GROUP)
        ec2.modify_vpc_attribute(VpcId=created["VpcId"], EnableDnsHostnames={"Value": False})
        (table, *_) = ec2.describe_route_tables(
            Filters=[{"Name": "vpc-id", "Values": [created["VpcId"]]}, {"Name": "tag:ManagedBy", "Values": ["envkeeper"]}]
        )["RouteTables"]
        (instance,) = states(self.cloud)
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", InstanceId=instance)
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [created["VpcId"]]}])["SecurityGroups"]
        (default,) = [it["GroupId"] for it in groups if it["GroupName"] == "default"]
        for group in groups:
            for permission in group["IpPermissions"]:
                if permission.get("FromPort") == 443:
                    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[permission])
                    foreign = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": default}]}
                    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[foreign])

    def delete_succeeds_despite_blockers(self):
        """The blockers are an incomplete multipart upload, an instance with scale-in protection on standby, a warm pool, and
        suspended processes: an on-call engineer left them. GuardDuty's endpoint and group are in the VPC."""
        self.cloud.client("s3").create_multipart_upload(Bucket=DATA, Key="half.bin")
        self.cloud.client("s3").put_object(Bucket=DATA, Key="whole.bin", Body=b"1")
        scaling, instances = self.cloud.client("autoscaling"), list(states(self.cloud))
        scaling.set_instance_protection(AutoScalingGroupName=GROUP, InstanceIds=instances, ProtectedFromScaleIn=True)
        scaling.enter_standby(AutoScalingGroupName=GROUP, InstanceIds=instances[:1], ShouldDecrementDesiredCapacity=False)
        until("the instance is on standby", lambda: states(self.cloud).get(instances[0]) == "Standby")
        scaling.put_warm_pool(AutoScalingGroupName=GROUP, MinSize=0, MaxGroupPreparedCapacity=0)
        scaling.suspend_processes(AutoScalingGroupName=GROUP)
        self.succeeds("delete.json", {})
        self.assertTrue(self.called("ResumeProcesses"))
        self.assertTrue(self.called("DeleteWarmPool"))

    def an_unhealthy_instance_is_deregistered_and_replaced(self):
        (unhealthy,) = states(self.cloud)
        self.cloud.client("elbv2").register_targets(TargetGroupArn=self.targets, Targets=[{"Id": unhealthy}])
        self.cloud.control(f"instances/make-unhealthy?id={unhealthy}&how=impaired", b"")
        alarm = "scalable-ec2-healthy-low-uswest2-dev"
        self.cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")

        def is_replaced():
            current = states(self.cloud)
            return list(current.values()) == ["InService"] and unhealthy not in current

        until("another instance replaces the unhealthy one", is_replaced)
        self.assertTrue(self.called("DeregisterTargets"))

    def called(self, operation):
        return any(call["operation"] == operation for call in self.cloud.calls())


if __name__ == "__main__":
    unittest.main()
