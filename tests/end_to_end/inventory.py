"""Lists the resources of an account that carry Envkeeper's tag or one of its names: for the demo's output and for tests."""

MARK = [{"Name": "tag:ManagedBy", "Values": ["envkeeper"]}]
PREFIX = "scalable-ec2-"
ABSENT_STATES = ("terminated", "shutting-down", "deleted", "deleting")


def inventory(client):
    """All such resources, as sorted (kind, name, id); `client` creates a boto3 client from a service's name."""
    parts = (network, compute, identity, storage, monitoring)
    return sorted(entry for part in parts for entry in part(client))


def tagged(kind, items, key):
    def name(item):
        return next((tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == "Name"), "")

    return [(kind, name(item), item[key]) for item in items if state(item) not in ABSENT_STATES]


def state(item):
    found = item.get("State", "")
    return found["Name"] if isinstance(found, dict) else found


def named(kind, items, name, key):
    return [(kind, item[name], item[key]) for item in items if item[name].startswith(PREFIX)]


def network(client):
    ec2 = client("ec2")
    return [
        *tagged("vpc", ec2.describe_vpcs(Filters=MARK)["Vpcs"], "VpcId"),
        *tagged("internet-gateway", ec2.describe_internet_gateways(Filters=MARK)["InternetGateways"], "InternetGatewayId"),
        *tagged("subnet", ec2.describe_subnets(Filters=MARK)["Subnets"], "SubnetId"),
        *tagged("address", ec2.describe_addresses(Filters=MARK)["Addresses"], "AllocationId"),
        *tagged("nat-gateway", ec2.describe_nat_gateways(Filters=MARK)["NatGateways"], "NatGatewayId"),
        *tagged("route-table", ec2.describe_route_tables(Filters=MARK)["RouteTables"], "RouteTableId"),
        *tagged("security-group", ec2.describe_security_groups(Filters=MARK)["SecurityGroups"], "GroupId"),
        *tagged("vpc-endpoint", ec2.describe_vpc_endpoints(Filters=MARK)["VpcEndpoints"], "VpcEndpointId"),
    ]


def compute(client):
    ec2, scaling = client("ec2"), client("autoscaling")
    templates = ec2.describe_launch_templates()["LaunchTemplates"]
    reservations = ec2.describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    groups = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    policies = scaling.describe_policies()["ScalingPolicies"]
    return [
        *named("launch-template", templates, "LaunchTemplateName", "LaunchTemplateId"),
        *tagged("instance", instances, "InstanceId"),
        *named("auto-scaling-group", groups, "AutoScalingGroupName", "AutoScalingGroupARN"),
        *named("scaling-policy", policies, "PolicyName", "PolicyARN"),
    ]


def identity(client):
    iam = client("iam")
    # The names of the deployment's own roles begin with the same prefix as those of the environments.
    own = ("custom-resource", "operator")
    roles = [role for role in iam.list_roles()["Roles"] if not any(it in role["RoleName"].lower() for it in own)]
    profiles = iam.list_instance_profiles()["InstanceProfiles"]
    return [
        *named("role", roles, "RoleName", "Arn"),
        *named("instance-profile", profiles, "InstanceProfileName", "Arn"),
    ]


def storage(client):
    logs = client("logs")
    prefixes = [f"/aws/{service}/{PREFIX}" for service in ("autoscaling", "ec2")]
    groups = [group for prefix in prefixes for group in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]]
    return [
        *named("bucket", client("s3").list_buckets()["Buckets"], "Name", "Name"),
        *[("log-group", group["logGroupName"], group["arn"]) for group in groups],
    ]


def monitoring(client):
    cloudwatch = client("cloudwatch")
    queries = client("logs").describe_query_definitions()["queryDefinitions"]
    return [
        *named("alarm", cloudwatch.describe_alarms()["MetricAlarms"], "AlarmName", "AlarmArn"),
        *named("dashboard", cloudwatch.list_dashboards()["DashboardEntries"], "DashboardName", "DashboardName"),
        *named("saved-query", queries, "name", "queryDefinitionId"),
    ]
