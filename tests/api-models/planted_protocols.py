"""Planted faults of each protocol: in the form of requests, against the constraints of shapes, and in responses."""

import cbor2

from planted_fault import (
    Planted,
    drop,
    form,
    header,
    in_body,
    in_cbor,
    in_json,
    no_header,
    put,
    put_at,
    response,
    set_field,
    twice,
)

VPCS = '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><vpcSet><item>{}</item></vpcSet></DescribeVpcsResponse>'
GROUPS = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>{}</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
LONG = "x" * 300
ASG, TEMPLATE, ALARM = "autoscaling:CreateAutoScalingGroup", "ec2:CreateLaunchTemplate", "monitoring:PutMetricAlarm"
LOGS, SEND, UPDATE, LIFECYCLE = (
    "logs:CreateLogGroup",
    "sqs:SendMessage",
    "dynamodb:UpdateItem",
    "s3:PutBucketLifecycleConfiguration",
)
RULE_0 = "LifecycleConfiguration.Rules.0"

REQUESTS = [
    # query
    Planted("unknown-member", ASG, "an unknown parameter", of_request=form(MaximumSize="3")),
    Planted("required", ASG, "no MaxSize", drop("MaxSize")),
    Planted("type", ASG, "a fraction as an integer", of_request=form(MaxSize="1.5")),
    Planted("type", ASG, "a text as a boolean", of_request=form(NewInstancesProtectedFromScaleIn="yes")),
    Planted("length", ASG, "a name of 300 characters", put(AutoScalingGroupName=LONG)),
    Planted(
        "pattern",
        ASG,
        "metadata outside of the pattern",
        put_at("LifecycleHookSpecificationList.0.NotificationMetadata", "\u0001"),
    ),
    Planted("range", "autoscaling:DescribeAutoScalingGroups", "a number of 33 bits", put(MaxRecords=2**32)),
    Planted(
        "enum",
        "elasticloadbalancing:DescribeTargetHealth",
        "an unknown value",
        of_request=form(TargetGroupArn="x", Include__member__1="Everything"),
    ),
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
    Planted(
        "type",
        TEMPLATE,
        "a text as an integer",
        of_request=form(LaunchTemplateData__MetadataOptions__HttpPutResponseHopLimit="one"),
    ),
    Planted(
        "enum", TEMPLATE, "a value in capitals", put_at("LaunchTemplateData.MetadataOptions.HttpTokens", "Required")
    ),
    Planted("length", TEMPLATE, "a description of 256 characters", put(VersionDescription="x" * 256)),
    Planted(
        "pattern", "ec2:DescribeLaunchTemplateVersions", "a name with a space", put(LaunchTemplateName="a web server")
    ),
    Planted("range", "ec2:DescribeVpcs", "a page of four", put(MaxResults=4)),
    Planted(
        "list-numbers",
        "ec2:CreateVpc",
        "a list that begins at 0",
        of_request=form(TagSpecification__0__ResourceType="vpc"),
    ),
    Planted("given-twice", "ec2:CreateVpc", "a parameter twice", of_request=twice("CidrBlock")),
    Planted("version", "ec2:CreateVpc", "another version of the API", of_request=form(Version="2015-10-01")),
    Planted(
        "filter-name", "ec2:DescribeVpcs", "an unknown filter", put(Filters=[{"Name": "vpc", "Values": ["vpc-1"]}])
    ),
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
    Planted(
        "array-bounds",
        ALARM,
        "six actions",
        put(AlarmActions=[f"arn:aws:sns:us-west-2:123456789012:t{at}" for at in range(6)]),
    ),
    Planted("documented-values", ALARM, "missing data in lower case", put(TreatMissingData="notbreaching")),
    Planted("union", ALARM, "criteria of no kind", put(EvaluationCriteria={})),
    Planted("smithy-protocol", ALARM, "another protocol", of_request=header("smithy-protocol", "rpc-v2-json")),
    Planted("accept", ALARM, "another type accepted", of_request=header("accept", "application/json")),
    Planted("content-type", ALARM, "another type", of_request=header("content-type", "application/json")),
    Planted(
        "target",
        ALARM,
        "another service",
        of_request=set_field("target", "/service/CloudWatch/operation/PutMetricAlarm"),
    ),
    Planted("http", ALARM, "another method", of_request=set_field("method", "PUT")),
    # rest-xml
    Planted(
        "unknown-member",
        "s3:PutBucketVersioning",
        "an unknown element",
        of_request=in_body("<Status>", "<State/><Status>"),
    ),
    Planted(
        "unknown-member",
        "s3:ListObjectVersions",
        "an unknown parameter",
        of_request=set_field("target", "/web-data?versions&max=1"),
    ),
    Planted(
        "unknown-member", "s3:PutBucketVersioning", "an unknown header", of_request=header("x-amz-versioning", "on")
    ),
    Planted(
        "required",
        LIFECYCLE,
        "a rule without its status",
        lambda value: value["LifecycleConfiguration"]["Rules"][0].pop("Status"),
    ),
    Planted("type", LIFECYCLE, "days as a word", of_request=in_body("<Days>30<", "<Days>thirty<")),
    Planted(
        "type",
        "s3:ListObjectVersions",
        "a number as a word",
        of_request=set_field("target", "/web-data?versions&max-keys=all"),
    ),
    Planted(
        "enum", "s3:PutBucketVersioning", "a status in lower case", put(VersioningConfiguration={"Status": "enabled"})
    ),
    Planted(
        "given-twice",
        "s3:PutBucketVersioning",
        "an element twice",
        of_request=in_body("<Status>", "<Status>Suspended</Status><Status>"),
    ),
    Planted(
        "list-name",
        "s3:PutBucketTagging",
        "a list with other items",
        of_request=lambda request: (in_body("<Tag>", "<Item>")(request), in_body("</Tag>", "</Item>")(request)),
    ),
    Planted("deprecated", LIFECYCLE, "a prefix outside of the filter", put_at(f"{RULE_0}.Prefix", "logs/")),
    Planted(
        "xml-root",
        "s3:PutBucketVersioning",
        "another namespace",
        of_request=in_body("s3.amazonaws.com/doc", "s3.amazonaws.com/api"),
    ),
    Planted("checksum", LIFECYCLE, "no checksum", of_request=no_header("x-amz-checksum-crc32")),
    Planted("checksum", LIFECYCLE, "a wrong checksum", of_request=header("x-amz-checksum-crc32", "AAAAAA==")),
    Planted(
        "unreadable",
        "s3:PutBucketVersioning",
        "a character outside of XML 1.0",
        of_request=in_body("Enabled", "\u0001"),
    ),
    # sentences of the models' documentation
    Planted(
        "documented-count",
        "autoscaling:AttachLoadBalancerTargetGroups",
        "eleven target groups",
        put(TargetGroupARNs=[f"arn:{at}" for at in range(11)]),
    ),
    Planted(
        "documented-range",
        ASG,
        "a heartbeat of 7,201 s",
        put_at("LifecycleHookSpecificationList.0.HeartbeatTimeout", 7201),
    ),
]

RESPONSES = [
    Planted(
        "unknown-member",
        "ec2:DescribeVpcs",
        "an unknown element of ec2",
        response=response(VPCS.format("<vpc>x</vpc>")),
    ),
    Planted(
        "enum", "ec2:DescribeVpcs", "an unknown state of ec2", response=response(VPCS.format("<state>ready</state>"))
    ),
    Planted(
        "type",
        "ec2:DescribeVpcs",
        "a boolean of ec2 as a word",
        response=response(VPCS.format("<isDefault>no</isDefault>")),
    ),
    Planted(
        "list-name",
        "ec2:DescribeVpcs",
        "other items of ec2",
        response=response(VPCS.format("").replace("item", "member")),
    ),
    Planted(
        "unreadable",
        "autoscaling:DescribeAutoScalingGroups",
        "no result of query",
        response=response("<DescribeAutoScalingGroupsResponse/>"),
    ),
    Planted(
        "required", "autoscaling:DescribeAutoScalingGroups", "no list of query", response=response(GROUPS.format(""))
    ),
    Planted(
        "unknown-member",
        "autoscaling:DescribeAutoScalingGroups",
        "an unknown element of query",
        response=response(GROUPS.format("<AutoScalingGroups/><Groups/>")),
    ),
    Planted(
        "unknown-member",
        "dynamodb:GetItem",
        "an unknown member of json",
        response=response('{"Record": {}}', content_type="application/x-amz-json-1.0"),
    ),
    Planted(
        "type",
        "logs:DescribeLogGroups",
        "a number of json as a text",
        response=response('{"logGroups": [{"creationTime": "1"}]}', content_type="application/x-amz-json-1.1"),
    ),
    Planted(
        "null",
        "logs:DescribeLogGroups",
        "a null of json",
        response=response('{"nextToken": null}', content_type="application/x-amz-json-1.1"),
    ),
    Planted(
        "unknown-member",
        "monitoring:PutDashboard",
        "an unknown member of cbor",
        response=response(cbor2.dumps({"Dashboard": 1}), content_type="application/cbor"),
    ),
    Planted(
        "enum",
        "s3:ListObjectVersions",
        "an unknown value of rest-xml",
        response=response("<ListVersionsResult><EncodingType>utf8</EncodingType></ListVersionsResult>"),
    ),
    Planted(
        "unknown-member",
        "s3:ListObjectVersions",
        "an unknown element of rest-xml",
        response=response("<ListVersionsResult><Object/></ListVersionsResult>"),
    ),
]
