"""Ownership (S1): tags alone, which any role with ec2:CreateTags can set, neither remove a resource nor move an environment."""

import json
import time
import unittest
from ipaddress import ip_network

from fixture import FORGED_IMAGE, FORGER, SMALL, VICTIM, Attack, Environment, allow

from local_cloud import until

TAGGER = allow("ec2:CreateTags")
SIZES = ("4", "3")


class Ownership(Attack):
    """Each case plants resources with the victim's marks, and the victim's stack is then updated or deleted."""

    # The resources that the cases planted so far.
    planted = []

    def setUp(self):
        self.ec2 = self.cloud.client("ec2")

    def tags_of(self, resource):
        """The tags of a resource of Envkeeper, as a forger copies them."""
        tags = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"]
        return [{"Key": it["Key"], "Value": it["Value"]} for it in tags if not it["Key"].startswith("aws:")]

    def only(self, kind, environment=VICTIM):
        """The id of the one resource of a kind."""
        named = [(it, id) for it, name, id in self.cloud.inventory() if environment.suffix in name]
        (found,) = [id for it, id in named if it == kind and id not in self.planted]
        return found

    def copy_tags(self, tags, *resources):
        self.forger(TAGGER)("ec2").create_tags(Resources=list(resources), Tags=tags)
        self.planted.extend(resources)

    def marks(self, environment=VICTIM):
        """The two tags that mark an owned resource."""
        return [it for it in self.tags_of(self.only("vpc", environment)) if it["Key"].startswith("envkeeper:")]

    def update(self, **properties):
        """The victim's next Update: another size, so that the pass has work."""
        before = self.group()["MaxSize"]
        size = next(it for it in SIZES if it != str(before))
        return self.cloud.request(VICTIM.request("Update", {**self.deployment.victim, "MaxSize": size, **properties}))

    def updated_in_place(self, **properties):
        """Asserts that the victim's Update succeeds, and that its network, its group and its instances remain."""
        kept = ("vpc", "subnet", "internet-gateway", "route-table", "security-group", "instance", "auto-scaling-group")

        def resources():
            return [it for it in self.cloud.inventory() if it[0] in kept and (VICTIM.suffix in it[1] or it[2] in self.planted)]

        before, subnets = resources(), self.group()["VPCZoneIdentifier"]
        response = self.update(**properties)
        self.assertEqual(response["Status"], "SUCCESS", response)
        self.assertEqual(resources(), before)
        self.assertEqual(self.group()["VPCZoneIdentifier"], subnets)
        self.assertEqual(list(self.instances().values()), ["InService"])

    def cidr(self, vpc):
        return ip_network(self.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"])

    def vpc(self, cidr="10.40.0.0/16"):
        return self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]

    def subnet(self, vpc, cidr):
        return self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]

    def strangers_network(self):
        """A stranger's VPC with a subnet, a gateway, a NAT gateway on an address, a route table, and a security group."""
        vpc = self.vpc("10.77.0.0/16")
        subnet = self.subnet(vpc, "10.77.0.0/24")
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        nat = self.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        group = self.ec2.create_security_group(GroupName="stranger", Description="a stranger's", VpcId=vpc)["GroupId"]
        return vpc, subnet, address, gateway, nat, table, group

    def exist(self, *resources):
        """Asserts that all of these resources exist, by reads that do not use tags."""
        self.assertEqual(sorted(set(resources) - self.existing()), [], "the stranger's resources are removed")

    def existing(self):
        ec2 = self.ec2
        nats = [it for it in ec2.describe_nat_gateways()["NatGateways"] if it["State"] not in ("deleted", "deleting")]
        return {
            *(it["VpcId"] for it in ec2.describe_vpcs()["Vpcs"]),
            *(it["SubnetId"] for it in ec2.describe_subnets()["Subnets"]),
            *(it["AllocationId"] for it in ec2.describe_addresses()["Addresses"]),
            *(it["InternetGatewayId"] for it in ec2.describe_internet_gateways()["InternetGateways"]),
            *(it["NatGatewayId"] for it in nats),
            *(it["RouteTableId"] for it in ec2.describe_route_tables()["RouteTables"]),
            *(it["GroupId"] for it in ec2.describe_security_groups()["SecurityGroups"]),
            *(it["VpcEndpointId"] for it in ec2.describe_vpc_endpoints()["VpcEndpoints"]),
        }

    def test_a_marked_vpc_with_thirty_subnets_does_not_move_the_environment(self):
        """A role with ec2:CreateTags copies all tags of the victim's VPC to its own VPC with 30 subnets: the victim's Update
        keeps its VPC and its protected group."""
        tags, cidr = self.tags_of(self.only("vpc")), self.cidr(self.only("vpc"))
        vpc = self.vpc(str(cidr))
        subnets = [self.subnet(vpc, str(it)) for it in list(cidr.subnets(new_prefix=24))[:30]]
        self.copy_tags(tags, vpc)
        self.copy_tags(self.tags_of(self.only("subnet")), *subnets)
        self.updated_in_place()
        self.exist(vpc, *subnets)
        drift = self.cloud.request({"Request": "drift", "Environment": VICTIM.id})
        self.assertIn(vpc, json.dumps(drift), "drift does not name the planted VPC")

    def test_two_copied_tags_remove_no_strangers_network(self):
        """A role with ec2:CreateTags sets the two marks on a stranger's network of seven resources: the victim's Update
        removes none."""
        network = self.strangers_network()
        self.copy_tags(self.marks(), *network)
        self.updated_in_place()
        self.exist(*network)

    def test_a_marked_subnet_in_the_victims_vpc_is_not_removed(self):
        """A role with ec2:CreateTags copies the tags of the victim's subnet to an operator's own subnet in the same VPC:
        group and both subnets are unchanged."""
        tags, vpc = self.tags_of(self.only("subnet")), self.only("vpc")
        free = list(self.cidr(vpc).subnets(new_prefix=24))[-1]
        subnet = self.subnet(vpc, str(free))
        self.copy_tags(tags, subnet)
        self.updated_in_place()
        self.exist(subnet)

    def test_moved_marks_do_not_move_the_environment(self):
        """A role with ec2:CreateTags and ec2:DeleteTags moves the marks from the victim's VPC to its own: no instance is
        drained and no network is removed."""
        real = self.only("vpc")
        tags = self.tags_of(real)
        vpc = self.vpc()
        self.copy_tags(tags, vpc)
        self.copy_tags(self.tags_of(self.only("subnet")), self.subnet(vpc, "10.40.0.0/20"))
        self.forger(TAGGER, allow("ec2:DeleteTags"))("ec2").delete_tags(Resources=[real], Tags=tags)
        instances, subnets = self.instances(), self.group()["VPCZoneIdentifier"]
        try:
            self.update()
            self.assertEqual((self.instances(), self.group()["VPCZoneIdentifier"]), (instances, subnets))
            self.exist(real, vpc, *subnets.split(","))
        finally:
            self.ec2.create_tags(Resources=[real], Tags=tags)
            self.ec2.delete_tags(Resources=[vpc], Tags=tags)

    def test_a_planted_template_version_is_not_used(self):
        """A role with ec2:CreateLaunchTemplateVersion copies a version's description to another image: the victim's Update
        does not use it."""
        template = {"LaunchTemplateId": self.group()["LaunchTemplate"]["LaunchTemplateId"]}
        (first,) = self.versions(Versions=[str(self.version_in_use())])
        response = self.update(InstanceType="t3.small")
        self.assertEqual(response["Status"], "SUCCESS", response)
        forger = self.forger(allow("ec2:CreateLaunchTemplateVersion"))("ec2")
        data = {**first["LaunchTemplateData"], "ImageId": FORGED_IMAGE}
        description = first["VersionDescription"]
        planted = forger.create_launch_template_version(**template, VersionDescription=description, LaunchTemplateData=data)
        number = planted["LaunchTemplateVersion"]["VersionNumber"]
        response = self.update(InstanceType="t3.micro")
        self.assertEqual(response["Status"], "SUCCESS", response)
        used = self.version_in_use()
        self.assertNotEqual(used, number, "the group uses the planted version")
        (used,) = self.versions(Versions=[str(used)])
        self.assertNotEqual(used["LaunchTemplateData"]["ImageId"], FORGED_IMAGE)

    def versions(self, **which):
        found = self.ec2.describe_launch_template_versions(LaunchTemplateName=VICTIM.name("template"), **which)
        return found["LaunchTemplateVersions"]

    def version_in_use(self):
        return int(self.group()["LaunchTemplate"]["Version"])

    def test_a_delete_removes_no_planted_resource(self):
        """A role with ec2:CreateTags marks a stranger's network for an environment that is then deleted: the environment
        goes, the network stays."""
        leaver = Environment("leaver", "leaver")
        created = self.cloud.request(leaver.request("Create", SMALL))
        self.assertEqual(created["Status"], "SUCCESS", created)
        network = self.strangers_network()
        self.copy_tags(self.marks(leaver), *network)
        deleted = self.cloud.request(leaver.request("Delete", SMALL))
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)
        self.exist(*network)
        left = [it for it in self.cloud.inventory() if "leaver" in it[1] and it[2] not in network]
        self.assertEqual(left, [])

    def test_an_unattached_address_with_copied_marks_is_not_released(self):
        """A role with ec2:CreateTags sets the victim's marks on a stranger's spare address: the victim's Update does not
        release it."""
        until("no create intent covers the address", lambda: time.time() > self.deployment.created + 61, 70)
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        name = {"Key": "Name", "Value": VICTIM.name("nat1-eip")}
        self.copy_tags([*self.marks(), name], address)
        self.updated_in_place()
        self.exist(address)

    def test_an_unprotected_group_is_not_drained_by_an_update(self):
        """A role with ec2:CreateTags copies all tags of an unprotected environment's network to a larger one: its Update
        drains no instance."""
        vpc = self.vpc("10.41.0.0/16")
        subnets = [self.subnet(vpc, f"10.41.{number}.0/24") for number in range(3)]
        self.copy_tags(self.tags_of(self.only("vpc", FORGER)), vpc)
        self.copy_tags(self.tags_of(self.only("subnet", FORGER)), *subnets)
        instances, used = self.instances(FORGER), self.group(FORGER)["VPCZoneIdentifier"]
        properties = {**self.deployment.forger, "MaxSize": "2"}
        self.cloud.request(FORGER.request("Update", properties))
        self.assertEqual((self.instances(FORGER), self.group(FORGER)["VPCZoneIdentifier"]), (instances, used))
        self.exist(vpc, *subnets)

    # What still works.

    def test_a_duplicate_of_a_lost_create_is_still_removed(self):
        """The response of a Create's CreateVpc is lost, and a second VPC with the same range appears: the Create removes the
        empty one and succeeds. Which of the two is the empty one depends on the order of the observations."""
        late = Environment("late", "late")
        call = {"service": "ec2", "app": "reconciler", "nth": 1}
        self.cloud.inject_faults(
            {**call, "operation": "CreateVpc", "fault": "lost-response"},
            {**call, "operation": "CreateLaunchTemplate", "fault": "stall", "seconds": 6},
        )
        self.addCleanup(self.cloud.inject_faults)
        sent = self.cloud.send(late.request("Create", SMALL))
        until("the VPC is created", lambda: self.vpcs(late))
        (real,) = self.vpcs(late)
        duplicate = self.vpc("10.0.0.0/16")
        self.ec2.create_tags(Resources=[duplicate], Tags=self.tags_of(real))
        created = self.cloud.wait_for(sent)
        self.assertEqual((created["Status"], len(self.vpcs(late))), ("SUCCESS", 1), created)
        deleted = self.cloud.request(late.request("Delete", SMALL))
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)

    def vpcs(self, environment):
        return [id for kind, name, id in self.cloud.inventory() if kind == "vpc" and environment.suffix in name]


if __name__ == "__main__":
    unittest.main()
