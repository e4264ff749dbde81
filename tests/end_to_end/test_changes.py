"""Everything that can change on an environment that is there, and everything that somebody may have changed on it, through the real
functions held to their policies: most operations of the reconciler's policy are called here and nowhere else."""

import json
import unittest

from demo import GROUP, states
from local_cloud import LocalCloud, until
from test_stacks import ANYTHING, with_properties

ROLE = "scalable-ec2-role-uswest2-dev"
DATA = "scalable-ec2-data-uswest2-dev-123456789012"
AT_FIRST = {
    "Egress": "VpcEndpoints",
    "ZoneCount": "1",
    "MinSize": "1",
    "BucketOnDelete": "Empty",
    "Tags": {"team": "web", "stage": "first"},
}
THEN = {
    **AT_FIRST,
    "ZoneCount": "2",
    "Tags": {"team": "shop"},
    "LaunchGate": "false",
    "AlarmPeriodSeconds": "300",
    "LogRetentionDays": "7",
    "AlarmActions": [{"Alarm": "healthy-low", "Action": "ReplaceUnhealthy"}],
}


# But for the zone that came: moto keeps the route table's association with a subnet that is gone, and so would never settle.
BACK = {**AT_FIRST, "ZoneCount": "2"}


class Changes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()
        balancing = cls.cloud.client("elbv2")
        (group,) = balancing.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId="vpc-1")["TargetGroups"]
        cls.targets = group["TargetGroupArn"]

    def succeeds(self, name, properties):
        answer = self.cloud.ask(with_properties(name, **properties))
        self.assertEqual(answer["Status"], "SUCCESS", answer)
        return answer["Data"] if "Data" in answer else {}

    def settled(self):
        """Nothing is left to do."""
        plan = self.cloud.ask({"Request": "plan", "Environment": "scalable-ec2-us-west-2-dev"})
        self.assertEqual(plan["Steps"], [], plan.get("Text"))

    def test_everything_changes_and_changes_back_and_what_somebody_changed_is_put_right(self):
        made = self.succeeds("create.json", AT_FIRST)
        changed = self.succeeds("update.json", {**THEN, "TargetGroupArns": [self.targets]})
        self.assertEqual(changed["VpcId"], made["VpcId"])
        self.settled()
        self.assertEqual(self.tags_of_the_role().get("team"), "shop")
        self.assertNotIn("stage", self.tags_of_the_role(), "a tag that the environment once had goes")
        self.an_unhealthy_instance_leaves_its_targets_and_is_replaced()
        self.succeeds("update.json", BACK)
        self.settled()
        self.somebody_changes(made)
        self.succeeds("update.json", {**BACK, "MaxSize": "4"})
        self.settled()
        self.assertTrue(self.boundary(), "the role has its boundary again")
        self.it_is_deleted_though_somebody_holds_it_up()
        self.assertEqual(self.cloud.inventory(), [])

    def tags_of_the_role(self):
        role = self.cloud.client("iam").get_role(RoleName=ROLE)["Role"]
        return {it["Key"]: it["Value"] for it in role["Tags"]}

    def boundary(self):
        return self.cloud.client("iam").get_role(RoleName=ROLE)["Role"].get("PermissionsBoundary")

    def somebody_changes(self, made):
        ec2, iam, scaling = (self.cloud.client(it) for it in ("ec2", "iam", "autoscaling"))
        iam.delete_role_permissions_boundary(RoleName=ROLE)
        iam.detach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")
        iam.tag_role(RoleName=ROLE, Tags=[{"Key": "team", "Value": "mine"}])
        iam.put_role_policy(RoleName=ROLE, PolicyName="mine", PolicyDocument=json.dumps(ANYTHING))
        scaling.disable_metrics_collection(AutoScalingGroupName=GROUP)
        ec2.modify_vpc_attribute(VpcId=made["VpcId"], EnableDnsHostnames={"Value": False})
        (table, *_) = ec2.describe_route_tables(
            Filters=[{"Name": "vpc-id", "Values": [made["VpcId"]]}, {"Name": "tag:ManagedBy", "Values": ["envkeeper"]}]
        )["RouteTables"]
        (instance,) = states(self.cloud)
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", InstanceId=instance)
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [made["VpcId"]]}])["SecurityGroups"]
        (default,) = [it["GroupId"] for it in groups if it["GroupName"] == "default"]
        for group in groups:
            for permission in group["IpPermissions"]:
                if permission.get("FromPort") == 443:
                    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[permission])
                    mine = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": default}]}
                    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[mine])

    def it_is_deleted_though_somebody_holds_it_up(self):
        """An upload that never ended, and instances that are protected from scale-in."""
        self.cloud.client("s3").create_multipart_upload(Bucket=DATA, Key="half.bin")
        self.cloud.client("s3").put_object(Bucket=DATA, Key="whole.bin", Body=b"1")
        self.cloud.client("autoscaling").set_instance_protection(
            AutoScalingGroupName=GROUP, InstanceIds=list(states(self.cloud)), ProtectedFromScaleIn=True
        )
        self.succeeds("delete.json", {})

    def an_unhealthy_instance_leaves_its_targets_and_is_replaced(self):
        (sick,) = states(self.cloud)
        self.cloud.client("elbv2").register_targets(TargetGroupArn=self.targets, Targets=[{"Id": sick}])
        self.cloud.control(f"instances/make-unhealthy?id={sick}&how=impaired", b"")
        alarm = "scalable-ec2-healthy-low-uswest2-dev"
        self.cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
        until("another took its place", lambda: list(states(self.cloud).values()) == ["InService"] and sick not in states(self.cloud))
        self.assertTrue(self.called("DeregisterTargets"))

    def called(self, operation):
        return any(call["operation"] == operation for call in self.cloud.calls())


if __name__ == "__main__":
    unittest.main()
