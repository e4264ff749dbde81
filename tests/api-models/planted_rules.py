"""Planted faults of the rules that only documentation has."""

import base64
import json

from planted_fault import Planted, drop, put, put_at, set_field, tags
from samples import POLICY, STEPS, WIDGET

ASG, TEMPLATE, ALARM = "autoscaling:CreateAutoScalingGroup", "ec2:CreateLaunchTemplate", "monitoring:PutMetricAlarm"
LOGS, SEND, UPDATE, LIFECYCLE = (
    "logs:CreateLogGroup",
    "sqs:SendMessage",
    "dynamodb:UpdateItem",
    "s3:PutBucketLifecycleConfiguration",
)
RULE_0 = "LifecycleConfiguration.Rules.0"

RULES = [
    Planted("security-group-text", "ec2:CreateSecurityGroup", "a name that begins with sg-", put(GroupName="sg-web")),
    Planted("security-group-text", "ec2:CreateSecurityGroup", "quotation marks", put(Description="“web”")),
    Planted(
        "security-group-rule",
        "ec2:AuthorizeSecurityGroupIngress",
        "an umlaut in a description",
        put_at("IpPermissions.0.IpRanges.0.Description", "für alle"),
    ),
    Planted("ec2-tags", "ec2:CreateVpc", "51 tags", put_at("TagSpecifications.0.Tags", tags(51))),
    Planted("ec2-tags", "ec2:CreateVpc", "AWS's prefix", put_at("TagSpecifications.0.Tags.0.Key", "AWS:team")),
    Planted(
        "filter-values", "ec2:DescribeVpcs", "201 values", put_at("Filters.0.Values", [str(at) for at in range(201)])
    ),
    Planted(
        "tagged-type", "ec2:CreateVpc", "the type of a subnet", put_at("TagSpecifications.0.ResourceType", "subnet")
    ),
    Planted(
        "tagged-type",
        TEMPLATE,
        "a VPC in a template",
        put_at("LaunchTemplateData.TagSpecifications", [{"ResourceType": "vpc", "Tags": tags(1)}]),
    ),
    Planted("filter-values", "ec2:DescribeVpcs", "an empty value", put_at("Filters.0.Values", [""])),
    Planted("client-token", TEMPLATE, "an umlaut", put(ClientToken="ü")),
    Planted("user-data", TEMPLATE, "plain text", put_at("LaunchTemplateData.UserData", "#!/bin/bash")),
    Planted(
        "user-data",
        TEMPLATE,
        "more than 16 KiB",
        put_at("LaunchTemplateData.UserData", base64.b64encode(b"#" * 16_385).decode()),
    ),
    Planted(
        "block-device",
        TEMPLATE,
        "a key without encryption",
        put_at("LaunchTemplateData.BlockDeviceMappings.0.Ebs", {"KmsKeyId": "k"}),
    ),
    Planted(
        "block-device",
        TEMPLATE,
        "a volume of 65,537 GiB",
        put_at("LaunchTemplateData.BlockDeviceMappings.0.Ebs.VolumeSize", 65_537),
    ),
    Planted("hop-limit", TEMPLATE, "65 hops", put_at("LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", 65)),
    Planted(
        "template-groups",
        TEMPLATE,
        "groups beside interfaces",
        put_at("LaunchTemplateData.NetworkInterfaces", [{"DeviceIndex": 0}]),
    ),
    Planted("template-name", TEMPLATE, "a space", put(LaunchTemplateName="a web server")),
    Planted("template-reference", "ec2:CreateLaunchTemplateVersion", "id and name", put(LaunchTemplateName="web")),
    Planted("route-target", "ec2:CreateRoute", "two targets", put(NatGatewayId="nat-1")),
    Planted("one-attribute", "ec2:ModifyVpcAttribute", "two attributes", put(EnableDnsHostnames={"Value": True})),
    Planted("network-size", "ec2:CreateVpc", "a /15", put(CidrBlock="10.0.0.0/15")),
    Planted("network-size", "ec2:CreateSubnet", "an address inside", put(CidrBlock="10.0.1.1/24")),
    Planted("endpoint-type", "ec2:CreateVpcEndpoint", "route tables of an interface", put(RouteTableIds=["rtb-1"])),
    Planted("nat-address", "ec2:CreateNatGateway", "no address", drop("AllocationId")),
    Planted("page-of-ids", "ec2:DescribeInstances", "a page of ids", put(MaxResults=100)),
    Planted("group-name", ASG, "a colon", put(AutoScalingGroupName="web:1")),
    Planted("group-size", ASG, "more than the maximum", put(DesiredCapacity=4)),
    Planted("health-check-type", ASG, "an unknown type", put(HealthCheckType="EC2,HTTP")),
    Planted("group-tags", ASG, "a key twice", put(Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])),
    Planted(
        "lifecycle-action",
        "autoscaling:CompleteLifecycleAction",
        "a result in lower case",
        put(LifecycleActionResult="continue"),
    ),
    Planted(
        "lifecycle-action", "autoscaling:CompleteLifecycleAction", "neither instance nor token", drop("InstanceId")
    ),
    Planted("scaling-policy", "autoscaling:PutScalingPolicy", "a cooldown of a step policy", put(Cooldown=60)),
    Planted(
        "scaling-policy", "autoscaling:PutScalingPolicy", "steps of a simple policy", put(PolicyType="SimpleScaling")
    ),
    Planted(
        "scaling-steps",
        "autoscaling:PutScalingPolicy",
        "a gap",
        put(StepAdjustments=[STEPS[0], {**STEPS[1], "MetricIntervalLowerBound": 11.0}]),
    ),
    Planted(
        "instances-page",
        "autoscaling:DescribeAutoScalingInstances",
        "51 instances",
        put(InstanceIds=[f"i-{at}" for at in range(51)]),
    ),
    Planted("records-page", "autoscaling:DescribeAutoScalingGroups", "a page of 101", put(MaxRecords=101)),
    Planted(
        "scaling-filter", "autoscaling:DescribeAutoScalingGroups", "a filter of EC2", put_at("Filters.0.Name", "vpc-id")
    ),
    Planted("group-metrics", "autoscaling:EnableMetricsCollection", "an unknown metric", put(Metrics=["GroupSize"])),
    Planted("process-names", "autoscaling:SuspendProcesses", "an unknown process", put(ScalingProcesses=["Launches"])),
    Planted("alarm-period", ALARM, "90 seconds", put(Period=90)),
    Planted("alarm-period", ALARM, "more than a day", put(Period=300, EvaluationPeriods=289)),
    Planted("alarm-actions", ALARM, "a queue", put(AlarmActions=["arn:aws:sqs:us-west-2:123456789012:q"])),
    Planted("alarm-metric", ALARM, "no statistic", drop("Statistic")),
    Planted("alarm-metric", ALARM, "no comparison", drop("ComparisonOperator")),
    Planted("alarm-text", ALARM, "an umlaut in a dimension", put_at("Dimensions.0.Value", "Zürich")),
    Planted("alarm-text", ALARM, "a line feed in the name", put(AlarmName="cpu\nhigh")),
    Planted("cloudwatch-tags", ALARM, "AWS's prefix", put(Tags=[{"Key": "aws:team", "Value": "x"}])),
    Planted("dashboard", "monitoring:PutDashboard", "a dot in the name", put(DashboardName="web.1")),
    Planted(
        "dashboard",
        "monitoring:PutDashboard",
        "a widget outside of the grid",
        put(DashboardBody=json.dumps({"widgets": [{**WIDGET, "x": 20}]})),
    ),
    Planted(
        "dashboard",
        "monitoring:PutDashboard",
        "an unknown property",
        put(DashboardBody=json.dumps({"widgets": [{**WIDGET, "properties": {"region": "r", "colour": "red"}}]})),
    ),
    Planted(
        "log-batch",
        "logs:PutLogEvents",
        "out of order",
        put(logEvents=[{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}]),
    ),
    Planted(
        "log-batch",
        "logs:PutLogEvents",
        "two days",
        put(logEvents=[{"timestamp": 1, "message": "a"}, {"timestamp": 172_800_001, "message": "b"}]),
    ),
    Planted("log-group", LOGS, "aws/ at the beginning", put(logGroupName="aws/web")),
    Planted("log-tags", LOGS, "AWS's prefix", put(tags={"aws:team": "web"})),
    Planted("retention-days", "logs:PutRetentionPolicy", "31 days", put(retentionInDays=31)),
    Planted("log-source", "logs:FilterLogEvents", "names and a prefix", put(logStreamNamePrefix="i-")),
    Planted("log-group-names", "logs:DescribeLogGroups", "prefix and pattern", put(logGroupNamePattern="web")),
    Planted("bucket-name", "s3:CreateBucket", "capitals", put(Bucket="Web-Data")),
    Planted("bucket-name", "s3:CreateBucket", "a reserved prefix", put(Bucket="xn--data")),
    Planted(
        "bucket-location",
        "s3:CreateBucket",
        "another region",
        put(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}),
    ),
    Planted(
        "bucket-tags",
        "s3:PutBucketTagging",
        "a key of 129 characters",
        put(Tagging={"TagSet": [{"Key": "k" * 129, "Value": "v"}]}),
    ),
    Planted(
        "deleted-objects",
        "s3:DeleteObjects",
        "1,001 keys",
        put(Delete={"Objects": [{"Key": str(at)} for at in range(1001)]}),
    ),
    Planted("listed-keys", "s3:ListObjectVersions", "no encoding", drop("EncodingType")),
    Planted("object-keys", "s3:DeleteObjects", "a key of 1,025 bytes", put(Delete={"Objects": [{"Key": "k" * 1025}]})),
    Planted(
        "lifecycle-rules",
        LIFECYCLE,
        "two conditions without And",
        put_at(f"{RULE_0}.Filter", {"Prefix": "a", "ObjectSizeGreaterThan": 1}),
    ),
    Planted("lifecycle-rules", LIFECYCLE, "zero days", put_at(f"{RULE_0}.Expiration", {"Days": 0})),
    Planted("bucket-policy", "s3:PutBucketPolicy", "no JSON", put(Policy="{")),
    Planted(
        "role-policy",
        "iam:PutRolePolicy",
        "more than 10,240 characters",
        put(PolicyDocument=POLICY.replace("s3:GetObject", "s" * 10_240)),
    ),
    Planted(
        "role-policy",
        "iam:PutRolePolicy",
        "a Sid with a hyphen",
        put(PolicyDocument=POLICY.replace("Read", "Read-All")),
    ),
    Planted(
        "trust-policy",
        "iam:CreateRole",
        "more than 2,048 characters",
        put(AssumeRolePolicyDocument=POLICY.replace("s3:GetObject", "s" * 2_048)),
    ),
    Planted(
        "iam-tags",
        "iam:CreateRole",
        "keys that differ by case",
        put(Tags=[{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "b"}]),
    ),
    Planted("region", "sqs:SendMessage", "a zone", of_request=set_field("region", "us-west-2a")),
    Planted("message-text", SEND, "a control character", put(MessageBody="\u0001")),
    Planted(
        "message-text",
        SEND,
        "AWS's prefix of an attribute",
        put(MessageAttributes={"AWS.x": {"DataType": "String", "StringValue": "x"}}),
    ),
    Planted("fifo-message", SEND, "no group", drop("MessageGroupId")),
    Planted("fifo-message", SEND, "a delay", put(DelaySeconds=1)),
    Planted("message-times", "sqs:ChangeMessageVisibility", "12 hours and a second", put(VisibilityTimeout=43_201)),
    Planted("notification", "sns:Publish", "a line feed in the subject", put(Subject="An\nalarm")),
    Planted("event-entry", "events:PutEvents", "a source of AWS", put_at("Entries.0.Source", "aws.ec2")),
    Planted("event-entry", "events:PutEvents", "a detail that is a list", put_at("Entries.0.Detail", "[]")),
    Planted("event-entry", "events:PutEvents", "an entry of 257 KB", put_at("Entries.0.Detail", json.dumps({"x": "x" * 263_168}))),
    Planted("shell-command", "ssm:SendCommand", "an unknown parameter", put_at("Parameters.command", ["true"])),
    Planted(
        "shell-command", "ssm:SendCommand", "more than two days", put_at("Parameters.executionTimeout", ["172801"])
    ),
    Planted(
        "command-time",
        "ssm:ListCommandInvocations",
        "a fraction of a second",
        put_at("Filters.0.value", "2026-01-02T03:04:05.000Z"),
    ),
    Planted(
        "instance-filters",
        "ssm:DescribeInstanceInformation",
        "both lists",
        put(InstanceInformationFilterList=[{"key": "InstanceIds", "valueSet": ["i-0123456789abcdef0"]}]),
    ),
    Planted("expression-names", UPDATE, "an unused value", put_at("ExpressionAttributeValues.:u", {"S": "x"})),
    Planted("expression-words", UPDATE, "a reserved word", put(UpdateExpression="SET status = :l")),
    Planted("update-paths", UPDATE, "a path twice", put(UpdateExpression="SET a = :l REMOVE a")),
    Planted("failed-condition", UPDATE, "no condition", drop("ConditionExpression")),
    Planted("item-key", "dynamodb:GetItem", "an empty key", put(Key={"pk": {"S": ""}})),
    Planted("item-key", "dynamodb:Query", "a consistent read of an index", put(ConsistentRead=True)),
    Planted("attribute-value", "dynamodb:GetItem", "a key of two types", put(Key={"pk": {"S": "x", "N": "1"}})),
    Planted("attribute-value", UPDATE, "no type in a map", put_at("ExpressionAttributeValues.:l", {"M": {"a": {}}})),
]
