"""Planted faults: each is a valid request, or a valid response, with one deviation, and the rule that must find it. A judge that accepts
everything would find none."""

import base64
import copy
import json
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import cbor2

import comparison
from models import Unreadable
from samples import POLICY, STEPS, VALID, WIDGET, exchange


class Planted(NamedTuple):
    """A deviation: the rule, the operation, its description, and one of: the change of the input, the change of the recorded request,
    or the response."""

    rule: str
    operation: str
    name: str
    of_input: object = None
    of_request: object = None
    response: tuple | None = None


# Changes of an input


def put(**members):
    return lambda value: value.update(members)


def put_at(path, item):
    """Sets a member below others; a number is the position in a list."""

    def change(value):
        *parents, last = path.split(".")
        for part in parents:
            value = value[int(part)] if part.isdigit() else value[part]
        value[int(last) if last.isdigit() else last] = item

    return change


def drop(name):
    return lambda value: value.pop(name)


def tags(count, prefix="k"):
    return [{"Key": f"{prefix}{at}", "Value": "v"} for at in range(count)]


# Changes of a recorded request


def form(**pairs):
    """Adds or replaces parameters of a form; `__` in a name is a dot."""

    def change(request):
        given = dict(parse_qsl(request["body"], keep_blank_values=True)) | {key.replace("__", "."): text for key, text in pairs.items()}
        request["body"] = urlencode(given)

    return change


def twice(name):
    def change(request):
        request["body"] += f"&{name}=x"

    return change


def header(name, text):
    return lambda request: request["headers"].update({name: text})


def no_header(name):
    return lambda request: request["headers"].pop(name)


def set_field(name, text):
    return lambda request: request.update({name: text})


def in_body(old, new):
    def change(request):
        assert old in request["body"], (old, request["body"])
        request["body"] = request["body"].replace(old, new, 1)
        request["headers"].pop("x-amz-checksum-crc32", None)
        request["headers"]["x-amz-checksum-sha256"] = "of the changed body"

    return change


def in_cbor(**members):
    def change(request):
        document = cbor2.loads(base64.b64decode(request["body_base64"])) | members
        request["body_base64"] = base64.b64encode(cbor2.dumps(document)).decode()

    return change


def in_json(**members):
    def change(request):
        request["body"] = json.dumps(json.loads(request["body"]) | members)

    return change


def response(body, status=200, content_type="text/xml"):
    return (status, content_type, body)


VPCS = '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><vpcSet><item>{}</item></vpcSet></DescribeVpcsResponse>'
GROUPS = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>{}</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
LONG = "x" * 300
ASG, TEMPLATE, ALARM = "autoscaling:CreateAutoScalingGroup", "ec2:CreateLaunchTemplate", "monitoring:PutMetricAlarm"
LOGS, SEND, UPDATE, LIFECYCLE = "logs:CreateLogGroup", "sqs:SendMessage", "dynamodb:UpdateItem", "s3:PutBucketLifecycleConfiguration"
RULE_0 = "LifecycleConfiguration.Rules.0"

PROTOCOLS = [
    # query
    Planted("unknown-member", ASG, "an unknown parameter", of_request=form(MaximumSize="3")),
    Planted("required", ASG, "no MaxSize", drop("MaxSize")),
    Planted("type", ASG, "a fraction as an integer", of_request=form(MaxSize="1.5")),
    Planted("type", ASG, "a text as a boolean", of_request=form(NewInstancesProtectedFromScaleIn="yes")),
    Planted("length", ASG, "a name of 300 characters", put(AutoScalingGroupName=LONG)),
    Planted("pattern", ASG, "metadata outside of the pattern", put_at("LifecycleHookSpecificationList.0.NotificationMetadata", "\u0001")),
    Planted("range", "autoscaling:DescribeAutoScalingGroups", "a number of 33 bits", put(MaxRecords=2**32)),
    Planted("enum", "elasticloadbalancing:DescribeTargetHealth", "an unknown value", of_request=form(TargetGroupArn="x", Include__member__1="Everything")),
    Planted("list-name", ASG, "a list in the form of EC2", of_request=form(TerminationPolicies__1="Default")),
    Planted("list-numbers", ASG, "a list that begins at 0", of_request=form(TerminationPolicies__member__0="Default")),
    Planted("given-twice", ASG, "a parameter twice", of_request=twice("MinSize")),
    Planted("version", ASG, "another version of the API", of_request=form(Version="2010-01-01")),
    Planted("content-type", ASG, "a form as text", of_request=header("content-type", "text/plain")),
    Planted("http", ASG, "another path", of_request=set_field("target", "/groups")),
    Planted("operation-name", ASG, "another name in the record", of_request=set_field("operation", "CreateGroup")),
    Planted("unreadable", ASG, "an unknown operation", of_request=form(Action="CreateGroup")),
    # ec2
    Planted("unknown-member", TEMPLATE, "an unknown parameter", of_request=form(LaunchTemplateData__Image="ami-1")),
    Planted("required", "ec2:CreateSubnet", "no VPC", drop("VpcId")),
    Planted("type", TEMPLATE, "a text as an integer", of_request=form(LaunchTemplateData__MetadataOptions__HttpPutResponseHopLimit="one")),
    Planted("enum", TEMPLATE, "a value in capitals", put_at("LaunchTemplateData.MetadataOptions.HttpTokens", "Required")),
    Planted("length", TEMPLATE, "a description of 256 characters", put(VersionDescription="x" * 256)),
    Planted("pattern", "ec2:DescribeLaunchTemplateVersions", "a name with a space", put(LaunchTemplateName="a web server")),
    Planted("range", "ec2:DescribeVpcs", "a page of four", put(MaxResults=4)),
    Planted("list-numbers", "ec2:CreateVpc", "a list that begins at 0", of_request=form(TagSpecification__0__ResourceType="vpc")),
    Planted("given-twice", "ec2:CreateVpc", "a parameter twice", of_request=twice("CidrBlock")),
    Planted("version", "ec2:CreateVpc", "another version of the API", of_request=form(Version="2015-10-01")),
    Planted("filter-name", "ec2:DescribeVpcs", "an unknown filter", put(Filters=[{"Name": "vpc", "Values": ["vpc-1"]}])),
    Planted("documented-length", "ec2:CreateNatGateway", "a token of 65 characters", put(ClientToken="x" * 65)),
    # json 1.0
    Planted("unknown-member", SEND, "an unknown member", of_request=in_json(Body="x")),
    Planted("required", SEND, "no queue", drop("QueueUrl")),
    Planted("type", SEND, "a number as a text", of_request=in_json(DelaySeconds="0")),
    Planted("null", SEND, "a null", of_request=in_json(MessageGroupId=None)),
    Planted("enum", UPDATE, "an unknown return value", put(ReturnValues="ALL")),
    Planted("length", UPDATE, "an empty table name", put(TableName="")),
    Planted("content-type", SEND, "JSON 1.1", of_request=header("content-type", "application/x-amz-json-1.1")),
    Planted("target", SEND, "another prefix", of_request=header("x-amz-target", "SQS.SendMessage")),
    Planted("http", SEND, "another method", of_request=set_field("method", "PUT")),
    Planted("given-twice", SEND, "a member twice", of_request=in_body("{", '{"MessageBody": "x", ')),
    # json 1.1
    Planted("unknown-member", LOGS, "an unknown member", of_request=in_json(retentionInDays=1)),
    Planted("required", LOGS, "no name", drop("logGroupName")),
    Planted("type", LOGS, "tags as a list", of_request=in_json(tags=[])),
    Planted("null", LOGS, "a null", of_request=in_json(kmsKeyId=None)),
    Planted("enum", LOGS, "an unknown class", put(logGroupClass="CHEAP")),
    Planted("length", LOGS, "a name of 513 characters", put(logGroupName="x" * 513)),
    Planted("pattern", LOGS, "a name with a space", put(logGroupName="a b")),
    Planted("range", "ssm:SendCommand", "a delivery within 29 s", put(TimeoutSeconds=29)),
    Planted("array-bounds", "logs:PutLogEvents", "no events", put(logEvents=[])),
    Planted("content-type", LOGS, "JSON 1.0", of_request=header("content-type", "application/x-amz-json-1.0")),
    Planted("target", LOGS, "another prefix", of_request=header("x-amz-target", "Logs.CreateLogGroup")),
    # smithy-rpc-v2-cbor
    Planted("unknown-member", ALARM, "an unknown member", of_request=in_cbor(Alarm="x")),
    Planted("required", ALARM, "no name", drop("AlarmName")),
    Planted("type", ALARM, "a number as a text", of_request=in_cbor(Period="60")),
    Planted("null", ALARM, "a null", of_request=in_cbor(AlarmDescription=None)),
    Planted("enum", ALARM, "an unknown comparison", put(ComparisonOperator=">=")),
    Planted("length", ALARM, "a name of 300 characters", put(AlarmName=LONG)),
    Planted("range", ALARM, "no periods", put(EvaluationPeriods=0)),
    Planted("array-bounds", ALARM, "six actions", put(AlarmActions=[f"arn:aws:sns:us-west-2:123456789012:t{at}" for at in range(6)])),
    Planted("documented-values", ALARM, "missing data in lower case", put(TreatMissingData="notbreaching")),
    Planted("smithy-protocol", ALARM, "another protocol", of_request=header("smithy-protocol", "rpc-v2-json")),
    Planted("accept", ALARM, "another type accepted", of_request=header("accept", "application/json")),
    Planted("content-type", ALARM, "another type", of_request=header("content-type", "application/json")),
    Planted("target", ALARM, "another service", of_request=set_field("target", "/service/CloudWatch/operation/PutMetricAlarm")),
    Planted("http", ALARM, "another method", of_request=set_field("method", "PUT")),
    # rest-xml
    Planted("unknown-member", "s3:PutBucketVersioning", "an unknown element", of_request=in_body("<Status>", "<State/><Status>")),
    Planted("unknown-member", "s3:ListObjectVersions", "an unknown parameter", of_request=set_field("target", "/web-data?versions&max=1")),
    Planted("unknown-member", "s3:PutBucketVersioning", "an unknown header", of_request=header("x-amz-versioning", "on")),
    Planted("required", LIFECYCLE, "a rule without its status", lambda value: value["LifecycleConfiguration"]["Rules"][0].pop("Status")),
    Planted("type", LIFECYCLE, "days as a word", of_request=in_body("<Days>30<", "<Days>thirty<")),
    Planted("type", "s3:ListObjectVersions", "a number as a word", of_request=set_field("target", "/web-data?versions&max-keys=all")),
    Planted("enum", "s3:PutBucketVersioning", "a status in lower case", put(VersioningConfiguration={"Status": "enabled"})),
    Planted("given-twice", "s3:PutBucketVersioning", "an element twice", of_request=in_body("<Status>", "<Status>Suspended</Status><Status>")),
    Planted("list-name", "s3:PutBucketTagging", "a list with other items", of_request=lambda request: (in_body("<Tag>", "<Item>")(request), in_body("</Tag>", "</Item>")(request))),
    Planted("deprecated", LIFECYCLE, "a prefix outside of the filter", put_at(f"{RULE_0}.Prefix", "logs/")),
    Planted("xml-root", "s3:PutBucketVersioning", "another namespace", of_request=in_body("s3.amazonaws.com/doc", "s3.amazonaws.com/api")),
    Planted("checksum", LIFECYCLE, "no checksum", of_request=no_header("x-amz-checksum-crc32")),
    Planted("checksum", LIFECYCLE, "a wrong checksum", of_request=header("x-amz-checksum-crc32", "AAAAAA==")),
    Planted("unreadable", "s3:PutBucketVersioning", "a character outside of XML 1.0", of_request=in_body("Enabled", "\u0001")),
    # sentences of the models' documentation
    Planted("documented-count", "autoscaling:AttachLoadBalancerTargetGroups", "eleven target groups", put(TargetGroupARNs=[f"arn:{at}" for at in range(11)])),
    Planted("documented-range", ASG, "a heartbeat of 7,201 s", put_at("LifecycleHookSpecificationList.0.HeartbeatTimeout", 7201)),
]

DOCUMENTED = [
    Planted("security-group-text", "ec2:CreateSecurityGroup", "a name that begins with sg-", put(GroupName="sg-web")),
    Planted("security-group-text", "ec2:CreateSecurityGroup", "quotation marks", put(Description="“web”")),
    Planted("security-group-rule", "ec2:AuthorizeSecurityGroupIngress", "an umlaut in a description", put_at("IpPermissions.0.IpRanges.0.Description", "für alle")),
    Planted("ec2-tags", "ec2:CreateVpc", "51 tags", put_at("TagSpecifications.0.Tags", tags(51))),
    Planted("ec2-tags", "ec2:CreateVpc", "AWS's prefix", put_at("TagSpecifications.0.Tags.0.Key", "AWS:team")),
    Planted("filter-values", "ec2:DescribeVpcs", "201 values", put_at("Filters.0.Values", [str(at) for at in range(201)])),
    Planted("filter-values", "ec2:DescribeVpcs", "an empty value", put_at("Filters.0.Values", [""])),
    Planted("client-token", TEMPLATE, "an umlaut", put(ClientToken="ü")),
    Planted("user-data", TEMPLATE, "plain text", put_at("LaunchTemplateData.UserData", "#!/bin/bash")),
    Planted("user-data", TEMPLATE, "more than 16 KiB", put_at("LaunchTemplateData.UserData", base64.b64encode(b"#" * 16_385).decode())),
    Planted("block-device", TEMPLATE, "a key without encryption", put_at("LaunchTemplateData.BlockDeviceMappings.0.Ebs", {"KmsKeyId": "k"})),
    Planted("block-device", TEMPLATE, "a volume of 65,537 GiB", put_at("LaunchTemplateData.BlockDeviceMappings.0.Ebs.VolumeSize", 65_537)),
    Planted("hop-limit", TEMPLATE, "65 hops", put_at("LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit", 65)),
    Planted("template-groups", TEMPLATE, "groups beside interfaces", put_at("LaunchTemplateData.NetworkInterfaces", [{"DeviceIndex": 0}])),
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
    Planted("lifecycle-action", "autoscaling:CompleteLifecycleAction", "a result in lower case", put(LifecycleActionResult="continue")),
    Planted("lifecycle-action", "autoscaling:CompleteLifecycleAction", "neither instance nor token", drop("InstanceId")),
    Planted("scaling-policy", "autoscaling:PutScalingPolicy", "a cooldown of a step policy", put(Cooldown=60)),
    Planted("scaling-policy", "autoscaling:PutScalingPolicy", "steps of a simple policy", put(PolicyType="SimpleScaling")),
    Planted("scaling-steps", "autoscaling:PutScalingPolicy", "a gap", put(StepAdjustments=[STEPS[0], {**STEPS[1], "MetricIntervalLowerBound": 11.0}])),
    Planted("instances-page", "autoscaling:DescribeAutoScalingInstances", "51 instances", put(InstanceIds=[f"i-{at}" for at in range(51)])),
    Planted("records-page", "autoscaling:DescribeAutoScalingGroups", "a page of 101", put(MaxRecords=101)),
    Planted("scaling-filter", "autoscaling:DescribeAutoScalingGroups", "a filter of EC2", put_at("Filters.0.Name", "vpc-id")),
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
    Planted("dashboard", "monitoring:PutDashboard", "a widget outside of the grid", put(DashboardBody=json.dumps({"widgets": [{**WIDGET, "x": 20}]}))),
    Planted("dashboard", "monitoring:PutDashboard", "an unknown property", put(DashboardBody=json.dumps({"widgets": [{**WIDGET, "properties": {"region": "r", "colour": "red"}}]}))),
    Planted("log-batch", "logs:PutLogEvents", "out of order", put(logEvents=[{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}])),
    Planted("log-batch", "logs:PutLogEvents", "two days", put(logEvents=[{"timestamp": 1, "message": "a"}, {"timestamp": 172_800_001, "message": "b"}])),
    Planted("log-group", LOGS, "aws/ at the beginning", put(logGroupName="aws/web")),
    Planted("log-tags", LOGS, "AWS's prefix", put(tags={"aws:team": "web"})),
    Planted("retention-days", "logs:PutRetentionPolicy", "31 days", put(retentionInDays=31)),
    Planted("log-source", "logs:FilterLogEvents", "names and a prefix", put(logStreamNamePrefix="i-")),
    Planted("log-group-names", "logs:DescribeLogGroups", "prefix and pattern", put(logGroupNamePattern="web")),
    Planted("bucket-name", "s3:CreateBucket", "capitals", put(Bucket="Web-Data")),
    Planted("bucket-name", "s3:CreateBucket", "a reserved prefix", put(Bucket="xn--data")),
    Planted("bucket-location", "s3:CreateBucket", "another region", put(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})),
    Planted("bucket-tags", "s3:PutBucketTagging", "a key of 129 characters", put(Tagging={"TagSet": [{"Key": "k" * 129, "Value": "v"}]})),
    Planted("deleted-objects", "s3:DeleteObjects", "1,001 keys", put(Delete={"Objects": [{"Key": str(at)} for at in range(1001)]})),
    Planted("object-keys", "s3:DeleteObjects", "a key of 1,025 bytes", put(Delete={"Objects": [{"Key": "k" * 1025}]})),
    Planted("lifecycle-rules", LIFECYCLE, "two conditions without And", put_at(f"{RULE_0}.Filter", {"Prefix": "a", "ObjectSizeGreaterThan": 1})),
    Planted("lifecycle-rules", LIFECYCLE, "zero days", put_at(f"{RULE_0}.Expiration", {"Days": 0})),
    Planted("bucket-policy", "s3:PutBucketPolicy", "no JSON", put(Policy="{")),
    Planted("role-policy", "iam:PutRolePolicy", "more than 10,240 characters", put(PolicyDocument=POLICY.replace("s3:GetObject", "s" * 10_240))),
    Planted("role-policy", "iam:PutRolePolicy", "a Sid with a hyphen", put(PolicyDocument=POLICY.replace("Read", "Read-All"))),
    Planted("trust-policy", "iam:CreateRole", "more than 2,048 characters", put(AssumeRolePolicyDocument=POLICY.replace("s3:GetObject", "s" * 2_048))),
    Planted("iam-tags", "iam:CreateRole", "keys that differ by case", put(Tags=[{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "b"}])),
    Planted("region", "sqs:SendMessage", "a zone", of_request=set_field("region", "us-west-2a")),
    Planted("message-text", SEND, "a control character", put(MessageBody="\u0001")),
    Planted("message-text", SEND, "AWS's prefix of an attribute", put(MessageAttributes={"AWS.x": {"DataType": "String", "StringValue": "x"}})),
    Planted("fifo-message", SEND, "no group", drop("MessageGroupId")),
    Planted("fifo-message", SEND, "a delay", put(DelaySeconds=1)),
    Planted("message-times", "sqs:ChangeMessageVisibility", "12 hours and a second", put(VisibilityTimeout=43_201)),
    Planted("notification", "sns:Publish", "a line feed in the subject", put(Subject="An\nalarm")),
    Planted("shell-command", "ssm:SendCommand", "an unknown parameter", put_at("Parameters.command", ["true"])),
    Planted("shell-command", "ssm:SendCommand", "more than two days", put_at("Parameters.executionTimeout", ["172801"])),
    Planted("command-time", "ssm:ListCommandInvocations", "a fraction of a second", put_at("Filters.0.value", "2026-01-02T03:04:05.000Z")),
    Planted("instance-filters", "ssm:DescribeInstanceInformation", "both lists", put(InstanceInformationFilterList=[{"key": "InstanceIds", "valueSet": ["i-0123456789abcdef0"]}])),
    Planted("expression-names", UPDATE, "an unused value", put_at("ExpressionAttributeValues.:u", {"S": "x"})),
    Planted("expression-words", UPDATE, "a reserved word", put(UpdateExpression="SET status = :l")),
    Planted("update-paths", UPDATE, "a path twice", put(UpdateExpression="SET a = :l REMOVE a")),
    Planted("failed-condition", UPDATE, "no condition", drop("ConditionExpression")),
    Planted("item-key", "dynamodb:GetItem", "an empty key", put(Key={"pk": {"S": ""}})),
    Planted("item-key", "dynamodb:Query", "a consistent read of an index", put(ConsistentRead=True)),
]

RESPONSES = [
    Planted("unknown-member", "ec2:DescribeVpcs", "an unknown element of ec2", response=response(VPCS.format("<vpc>x</vpc>"))),
    Planted("enum", "ec2:DescribeVpcs", "an unknown state of ec2", response=response(VPCS.format("<state>ready</state>"))),
    Planted("type", "ec2:DescribeVpcs", "a boolean of ec2 as a word", response=response(VPCS.format("<isDefault>no</isDefault>"))),
    Planted("list-name", "ec2:DescribeVpcs", "other items of ec2", response=response(VPCS.format("").replace("item", "member"))),
    Planted("unreadable", "autoscaling:DescribeAutoScalingGroups", "no result of query", response=response("<DescribeAutoScalingGroupsResponse/>")),
    Planted("required", "autoscaling:DescribeAutoScalingGroups", "no list of query", response=response(GROUPS.format(""))),
    Planted("unknown-member", "autoscaling:DescribeAutoScalingGroups", "an unknown element of query", response=response(GROUPS.format("<AutoScalingGroups/><Groups/>"))),
    Planted("unknown-member", "dynamodb:GetItem", "an unknown member of json", response=response('{"Record": {}}', content_type="application/x-amz-json-1.0")),
    Planted("type", "logs:DescribeLogGroups", "a number of json as a text", response=response('{"logGroups": [{"creationTime": "1"}]}', content_type="application/x-amz-json-1.1")),
    Planted("null", "logs:DescribeLogGroups", "a null of json", response=response('{"nextToken": null}', content_type="application/x-amz-json-1.1")),
    Planted("unknown-member", "monitoring:PutDashboard", "an unknown member of cbor", response=response(cbor2.dumps({"Dashboard": 1}), content_type="application/cbor")),
    Planted("enum", "s3:ListObjectVersions", "an unknown value of rest-xml", response=response("<ListVersionsResult><EncodingType>utf8</EncodingType></ListVersionsResult>")),
    Planted("unknown-member", "s3:ListObjectVersions", "an unknown element of rest-xml", response=response("<ListVersionsResult><Object/></ListVersionsResult>")),
]
ALL = PROTOCOLS + DOCUMENTED + RESPONSES


def run():
    """Each planted fault by its description, and whether its rule finds it. A fault in a request that is not valid without the fault
    counts as not seen."""
    return {f"{it.rule}: {it.operation}: {it.name}": it.rule in rules_found(it) for it in ALL}


def rules_found(it):
    value = copy.deepcopy(VALID.get(it.operation, {}))
    request = exchange(it.operation, value)
    if it.response:
        status, content_type, body = it.response
        recorded = {"status": status, "content_type": content_type}
        recorded |= {"body_base64": base64.b64encode(body).decode()} if isinstance(body, bytes) else {"body": body}
        return {found.rule for found in comparison.of_response(request, it.operation.split(":")[1], recorded)}
    if it.operation in VALID and comparison.of_request(request)[2]:
        return set()
    if it.of_input:
        it.of_input(value)
        request = exchange(it.operation, value)
    else:
        it.of_request(request)
    try:
        return {found.rule for found in comparison.of_request(request)[2]}
    except Unreadable:
        return {"unreadable"}
