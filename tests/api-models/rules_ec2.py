"""Rules of EC2 and Auto Scaling that only the documentation has."""

import base64
import binascii
import ipaddress
import re

from rules import at_most_one, exactly_one, rule, tag_list

API = "EC2 API reference, "
SCALING = "Auto Scaling API reference, "
GROUP_TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*")
PROCESSES = {
    "Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh", "ReplaceUnhealthy",
    "ScheduledActions",
}  # fmt: skip
METRICS = {
    "GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances", "GroupStandbyInstances",
    "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity", "GroupPendingCapacity", "GroupStandbyCapacity",
    "GroupTerminatingCapacity", "GroupTotalCapacity", "WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity",
    "WarmPoolTerminatingCapacity", "WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity",
    # Recorded on AWS, September 2026: accepted and listed, though the reference has none of them.
    "GroupTerminatingRetainedInstances", "GroupTerminatingRetainedCapacity", "WarmPoolMinSize", "WarmPoolPendingRetainedCapacity",
    "WarmPoolTerminatingRetainedCapacity",
}  # fmt: skip


@rule("ec2:CreateSecurityGroup", source=API + "CreateSecurityGroup: GroupName, GroupDescription")
def security_group_text(value):
    if value.get("GroupName", "").lower().startswith("sg-"):
        yield "GroupName", f"{value['GroupName']!r} begins with sg-"
    for name in ("GroupName", "Description"):
        if not GROUP_TEXT.fullmatch(value.get(name, "")):
            yield name, f"{value[name]!r} has characters other than a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{{}}!$*"


@rule(
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:RevokeSecurityGroupIngress",
    source=API + "IpRange, UserIdGroupPair: Description",
)
def security_group_rule(value):
    for permission in value.get("IpPermissions", []):
        for kind in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
            for it in permission.get(kind, []):
                if not GROUP_TEXT.fullmatch(it.get("Description", "")):
                    yield f"IpPermissions.{kind}", f"the description {it['Description']!r}"


@rule("ec2:*", source="EC2 user guide, Tag your resources: tag restrictions")
def ec2_tags(value):
    data = value.get("LaunchTemplateData", {})
    for it in value.get("TagSpecifications", []) + data.get("TagSpecifications", []):
        yield from tag_list(it.get("Tags", []), "TagSpecifications")
    yield from tag_list(value.get("Tags", []), "Tags")


@rule("ec2:*", source=API + "Using filtering: 200 values for each filter")
def filter_values(value):
    for it in value.get("Filters", []):
        values = it.get("Values", [])
        if not 1 <= len(values) <= 200 or "" in values:
            yield "Filters", f"{it.get('Name')} has {len(values)} values, one of them may be empty; 1 to 200 are valid"


@rule(
    "ec2:*",
    source="EC2 developer guide, Ensuring idempotency: 64 ASCII characters; 128 where the operation's page says so",
)
def client_token(value, call):
    most = 128 if call.operation in ("CreateLaunchTemplate", "CreateLaunchTemplateVersion") else 64
    token = value.get("ClientToken", "")
    if len(token) > most or not token.isascii():
        yield "ClientToken", f"{len(token)} characters, at most {most} ASCII characters"


@rule(
    "ec2:CreateLaunchTemplate",
    "ec2:CreateLaunchTemplateVersion",
    source="EC2 user guide, Run commands when you launch an instance: 16 KB before encoding",
)
def user_data(value):
    text = value.get("LaunchTemplateData", {}).get("UserData", "")
    try:
        if len(base64.b64decode(text, validate=True)) > 16_384:
            yield "LaunchTemplateData.UserData", "more than 16,384 bytes before encoding"
    except binascii.Error:
        yield "LaunchTemplateData.UserData", "is not base64"


@rule(
    "ec2:CreateLaunchTemplate",
    "ec2:CreateLaunchTemplateVersion",
    source=API + "LaunchTemplateEbsBlockDeviceRequest: Encrypted, VolumeSize",
)
def block_device(value):
    for it in value.get("LaunchTemplateData", {}).get("BlockDeviceMappings", []):
        ebs = it.get("Ebs", {})
        if "KmsKeyId" in ebs and not ebs.get("Encrypted"):
            yield "LaunchTemplateData.BlockDeviceMappings", "KmsKeyId without Encrypted"
        largest = {"gp2": 16_384, "gp3": 65_536}.get(ebs.get("VolumeType"))
        if largest and not 1 <= ebs.get("VolumeSize", 1) <= largest:
            yield "LaunchTemplateData.BlockDeviceMappings", f"{ebs['VolumeSize']} GiB of {ebs['VolumeType']}, at most {largest}"


@rule(
    "ec2:CreateLaunchTemplate",
    "ec2:CreateLaunchTemplateVersion",
    source=API + "LaunchTemplateInstanceMetadataOptionsRequest: HttpPutResponseHopLimit",
)
def hop_limit(value):
    hops = value.get("LaunchTemplateData", {}).get("MetadataOptions", {}).get("HttpPutResponseHopLimit", 1)
    if not 1 <= hops <= 64:
        yield "LaunchTemplateData.MetadataOptions", f"{hops} hops, 1 to 64 are valid"


@rule(
    "ec2:CreateLaunchTemplate",
    "ec2:CreateLaunchTemplateVersion",
    source=API + "RequestLaunchTemplateData: NetworkInterfaces, SecurityGroupIds",
)
def template_groups(value):
    data = value.get("LaunchTemplateData", {})
    yield from at_most_one(data, "NetworkInterfaces", "SecurityGroupIds")
    yield from at_most_one(data, "InstanceType", "InstanceRequirements")


@rule(
    "ec2:CreateLaunchTemplate",
    source="EC2's model, LaunchTemplateName, which CreateLaunchTemplate does not use: 3 to 128 characters of the pattern",
)
def template_name(value):
    if not re.fullmatch(r"[a-zA-Z0-9().\-/_]{3,128}", value.get("LaunchTemplateName", "")):
        yield "LaunchTemplateName", f"{value.get('LaunchTemplateName')!r}"


@rule(
    "ec2:CreateLaunchTemplateVersion",
    "ec2:DeleteLaunchTemplate",
    "ec2:DeleteLaunchTemplateVersions",
    source=API + "CreateLaunchTemplateVersion, DeleteLaunchTemplate(Versions): the id or the name, but not both",
)
def template_reference(value):
    yield from exactly_one(value, "LaunchTemplateId", "LaunchTemplateName")


@rule("ec2:CreateRoute", "ec2:ReplaceRoute", source=API + "CreateRoute: exactly one destination and one target")
def route_target(value):
    yield from exactly_one(value, "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    targets = (
        "GatewayId",
        "NatGatewayId",
        "InstanceId",
        "NetworkInterfaceId",
        "TransitGatewayId",
        "VpcPeeringConnectionId",
        "VpcEndpointId",
    )
    yield from exactly_one(
        value, *targets, "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn"
    )


@rule(
    "ec2:ModifyVpcAttribute",
    "ec2:ModifySubnetAttribute",
    source=API + "ModifyVpcAttribute, ModifySubnetAttribute: one attribute at a time",
)
def one_attribute(value):
    yield from exactly_one(value, *(set(value) - {"VpcId", "SubnetId"} or {"an attribute"}))


@rule("ec2:CreateVpc", "ec2:CreateSubnet", source="VPC user guide, VPC CIDR blocks and subnet sizing: /16 to /28")
def network_size(value):
    network = ipaddress.ip_network(value.get("CidrBlock", "0.0.0.0/0"), strict=False)
    if not 16 <= network.prefixlen <= 28 or str(network) != value.get("CidrBlock"):
        yield "CidrBlock", f"{value.get('CidrBlock')} is not a network between /16 and /28"


@rule("ec2:CreateVpcEndpoint", source=API + "CreateVpcEndpoint: the parameters of gateway and of interface endpoints")
def endpoint_type(value):
    is_gateway = value.get("VpcEndpointType", "Gateway") == "Gateway"
    for name in ("SubnetIds", "SecurityGroupIds", "PrivateDnsEnabled") if is_gateway else ("RouteTableIds",):
        if name in value:
            yield name, f"is not a parameter of {value.get('VpcEndpointType')} endpoints"


@rule("ec2:CreateNatGateway", source=API + "CreateNatGateway: AllocationId is required for a public NAT gateway")
def nat_address(value):
    if value.get("ConnectivityType", "public") == "public" and "AllocationId" not in value:
        yield "AllocationId", "is missing"


@rule(
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceStatus",
    source=API + "DescribeInstances: MaxResults and the instance ids exclude each other",
)
def page_of_ids(value):
    yield from at_most_one(value, "MaxResults", "InstanceIds")


# The type of resource that each create call tags.
CREATED = {
    "AllocateAddress": "elastic-ip",
    "CreateInternetGateway": "internet-gateway",
    "CreateLaunchTemplate": "launch-template",
    "CreateNatGateway": "natgateway",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
}
LAUNCHED = {"instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu"}


@rule("ec2:*", source=API + "TagSpecification: the type of the created resource; LaunchTemplateTagSpecificationRequest")
def tagged_type(value, call):
    created = CREATED.get(call.operation)
    for it in value.get("TagSpecifications", []):
        if created and it.get("ResourceType") != created:
            yield "TagSpecifications", f"{it.get('ResourceType')!r}, only {created} is valid"
    for it in value.get("LaunchTemplateData", {}).get("TagSpecifications", []):
        if it.get("ResourceType") not in LAUNCHED:
            yield "LaunchTemplateData.TagSpecifications", f"{it.get('ResourceType')!r} is not launched"


# Auto Scaling


@rule("autoscaling:CreateAutoScalingGroup", source=SCALING + "CreateAutoScalingGroup: AutoScalingGroupName")
def group_name(value):
    if not re.fullmatch(r"[!-9;-~]{1,255}", value.get("AutoScalingGroupName", "-")):
        yield "AutoScalingGroupName", "has other characters than printable ASCII without colon and space"


@rule(
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    source=SCALING + "CreateAutoScalingGroup: MinSize, MaxSize, DesiredCapacity",
)
def group_size(value):
    sizes = [value[name] for name in ("MinSize", "DesiredCapacity", "MaxSize") if name in value]
    if sizes != sorted(sizes):
        yield "DesiredCapacity", f"{sizes} are not in order"


@rule(
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    source=SCALING + "CreateAutoScalingGroup: HealthCheckType",
)
def health_check_type(value):
    for it in value.get("HealthCheckType", "EC2").split(","):
        if it not in ("EC2", "EBS", "ELB", "VPC_LATTICE"):
            yield "HealthCheckType", f"{it!r}"


@rule(
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:CreateOrUpdateTags",
    source="Auto Scaling user guide, Tag groups and instances: 50 tags",
)
def group_tags(value):
    yield from tag_list(value.get("Tags", []), "Tags")


@rule(
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:RecordLifecycleActionHeartbeat",
    source=SCALING + "CompleteLifecycleAction: LifecycleActionResult, InstanceId, LifecycleActionToken",
)
def lifecycle_action(value, call):
    result = value.get("LifecycleActionResult")
    if call.operation == "CompleteLifecycleAction" and result not in ("CONTINUE", "ABANDON"):
        yield "LifecycleActionResult", f"{result!r} is neither CONTINUE nor ABANDON"
    if "LifecycleActionToken" not in value and "InstanceId" not in value:
        yield "InstanceId", "neither an instance nor a token"


@rule("autoscaling:PutScalingPolicy", source=SCALING + "PutScalingPolicy: the parameters of each policy type")
def scaling_policy(value):
    policy = value.get("PolicyType", "SimpleScaling")
    required = {
        "SimpleScaling": ("AdjustmentType", "ScalingAdjustment"),
        "StepScaling": ("AdjustmentType", "StepAdjustments"),
        "TargetTrackingScaling": ("TargetTrackingConfiguration",),
        "PredictiveScaling": ("PredictiveScalingConfiguration",),
    }
    others = {
        "SimpleScaling": ("StepAdjustments", "MetricAggregationType", "EstimatedInstanceWarmup"),
        "StepScaling": ("ScalingAdjustment", "Cooldown"),
    }
    if policy not in required:
        yield "PolicyType", f"{policy!r}"
    for name in required.get(policy, ()):
        if name not in value:
            yield name, f"is missing in a policy of type {policy}"
    for name in others.get(policy, ()):
        if name in value:
            yield name, f"is not a parameter of {policy}"
    if value.get("AdjustmentType") not in (None, "ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"):
        yield "AdjustmentType", f"{value['AdjustmentType']!r}"
    if "MinAdjustmentMagnitude" in value and value.get("AdjustmentType") != "PercentChangeInCapacity":
        yield "MinAdjustmentMagnitude", "only with PercentChangeInCapacity"


@rule(
    "autoscaling:PutScalingPolicy",
    source="Auto Scaling user guide, Step and simple scaling policies: at most 20 steps, no gaps and no overlaps",
)
def scaling_steps(value):
    steps = value.get("StepAdjustments", [])
    bounds = sorted(
        (it.get("MetricIntervalLowerBound", float("-inf")), it.get("MetricIntervalUpperBound", float("inf")))
        for it in steps
    )
    if len(steps) > 20:
        yield "StepAdjustments", f"{len(steps)} steps, at most 20"
    for (_, upper), (lower, _) in zip(bounds, bounds[1:]):
        if upper != lower:
            yield "StepAdjustments", f"the steps {bounds} have a gap or an overlap"
    if any(lower >= upper or (lower, upper) == (float("-inf"), float("inf")) for lower, upper in bounds):
        yield "StepAdjustments", f"{bounds}: each step has a bound, and the lower one is less"


@rule(
    "autoscaling:DescribeAutoScalingInstances",
    source=SCALING + "DescribeAutoScalingInstances: InstanceIds and MaxRecords, at most 50",
)
def instances_page(value):
    if len(value.get("InstanceIds", [])) > 50 or value.get("MaxRecords", 1) > 50:
        yield "InstanceIds", f"{len(value.get('InstanceIds', []))} ids, {value.get('MaxRecords')} records; at most 50"


@rule(
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeTags",
    "autoscaling:DescribePolicies",
    "autoscaling:DescribeScalingActivities",
    source=SCALING + "DescribeAutoScalingGroups: MaxRecords, at most 100",
)
def records_page(value):
    if not 1 <= value.get("MaxRecords", 1) <= 100:
        yield "MaxRecords", f"{value['MaxRecords']}, 1 to 100 are valid"


@rule(
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeTags",
    source=SCALING + "Filter: the names of each operation",
)
def scaling_filter(value, call):
    names = {
        "DescribeAutoScalingGroups": "tag-key tag-value tag:.+",
        "DescribeTags": "auto-scaling-group key value propagate-at-launch",
    }
    for it in value.get("Filters", []):
        if not any(re.fullmatch(name, it.get("Name", "")) for name in names[call.operation].split()):
            yield "Filters", f"{it.get('Name')!r} is not a filter of {call.operation}"


@rule("autoscaling:EnableMetricsCollection", source=SCALING + "EnableMetricsCollection: Granularity, Metrics")
def group_metrics(value):
    if value.get("Granularity") != "1Minute":
        yield "Granularity", f"{value.get('Granularity')!r}, only 1Minute is valid"
    for it in set(value.get("Metrics", [])) - METRICS:
        yield "Metrics", f"{it!r}"


@rule(
    "autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses", source=SCALING + "SuspendProcesses: ScalingProcesses"
)
def process_names(value):
    for it in set(value.get("ScalingProcesses", [])) - PROCESSES:
        yield "ScalingProcesses", f"{it!r}"
