"""Valid inputs of some operations, and the requests that botocore's own serializers make of them."""

import base64
import binascii
import json
from urllib.parse import urlencode

from botocore import model as botocore_model
from botocore import serialize

from models import model

REGION = "us-west-2"
ARN = "arn:aws:{}:us-west-2:123456789012:{}".format
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
TAGS = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "web"}]}]
TEMPLATE = {
    "ImageId": "ami-0123456789abcdef0",
    "InstanceType": "t3.micro",
    "UserData": base64.b64encode(b"#!/bin/bash\n").decode(),
    "SecurityGroupIds": ["sg-0123456789abcdef0"],
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3", "Encrypted": True}}
    ],
}
GROUP = {
    "AutoScalingGroupName": "web",
    "MinSize": 1,
    "MaxSize": 3,
    "DesiredCapacity": 2,
    "HealthCheckType": "EC2",
    "VPCZoneIdentifier": "subnet-1,subnet-2",
    "LaunchTemplate": {"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "1"},
    "LifecycleHookSpecificationList": [
        {
            "LifecycleHookName": "gate",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "HeartbeatTimeout": 300,
            "DefaultResult": "ABANDON",
        }
    ],
    "Tags": [{"Key": "team", "Value": "web", "PropagateAtLaunch": True}],
}
ALARM = {
    "AlarmName": "cpu-high",
    "MetricName": "CPUUtilization",
    "Namespace": "AWS/EC2",
    "Statistic": "Average",
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "web"}],
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 80.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": [ARN("sns", "on-call")],
    "TreatMissingData": "notBreaching",
    "Tags": [{"Key": "team", "Value": "web"}],
}
WIDGET = {
    "type": "metric",
    "x": 0,
    "y": 0,
    "width": 12,
    "height": 6,
    "properties": {"region": REGION, "view": "timeSeries", "metrics": [["AWS/EC2", "CPUUtilization"]]},
}
STEPS = [
    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 2},
]
QUEUE = "https://sqs.us-west-2.amazonaws.com/123456789012/requests"

VALID = {
    "autoscaling:AttachLoadBalancerTargetGroups": {
        "AutoScalingGroupName": "web",
        "TargetGroupARNs": [ARN("elasticloadbalancing", "targetgroup/web/1")],
    },
    "autoscaling:CompleteLifecycleAction": {
        "AutoScalingGroupName": "web",
        "LifecycleHookName": "gate",
        "LifecycleActionResult": "CONTINUE",
        "InstanceId": "i-0123456789abcdef0",
    },
    "autoscaling:CreateAutoScalingGroup": GROUP,
    "autoscaling:DescribeAutoScalingGroups": {"Filters": [{"Name": "tag:team", "Values": ["web"]}], "MaxRecords": 100},
    "autoscaling:DescribeAutoScalingInstances": {"InstanceIds": ["i-0123456789abcdef0"]},
    "autoscaling:EnableMetricsCollection": {
        "AutoScalingGroupName": "web",
        "Granularity": "1Minute",
        "Metrics": ["GroupMinSize"],
    },
    "autoscaling:PutScalingPolicy": {
        "AutoScalingGroupName": "web",
        "PolicyName": "up",
        "PolicyType": "StepScaling",
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": STEPS,
    },
    "autoscaling:SuspendProcesses": {"AutoScalingGroupName": "web", "ScalingProcesses": ["Launch"]},
    "dynamodb:GetItem": {"TableName": "records", "Key": {"pk": {"S": "owner"}}, "ConsistentRead": True},
    "dynamodb:Query": {
        "TableName": "records",
        "IndexName": "pending",
        "KeyConditionExpression": "pending = :p",
        "ExpressionAttributeValues": {":p": {"S": "x"}},
    },
    "dynamodb:UpdateItem": {
        "TableName": "records",
        "Key": {"pk": {"S": "owner"}},
        "UpdateExpression": "SET latest_request = :l REMOVE claimed_by",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": {":l": {"S": "x"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    },
    "ec2:AuthorizeSecurityGroupIngress": {
        "GroupId": "sg-1",
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "HTTPS"}],
            }
        ],
    },
    "ec2:CreateLaunchTemplate": {"LaunchTemplateName": "web", "ClientToken": "t", "LaunchTemplateData": TEMPLATE},
    "ec2:CreateLaunchTemplateVersion": {"LaunchTemplateId": "lt-0123456789abcdef0", "LaunchTemplateData": TEMPLATE},
    "ec2:CreateNatGateway": {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1", "ClientToken": "t"},
    "ec2:CreateRoute": {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"},
    "ec2:CreateSecurityGroup": {"GroupName": "instances", "Description": "Instances", "VpcId": "vpc-1"},
    "ec2:CreateSubnet": {"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"},
    "ec2:CreateVpc": {"CidrBlock": "10.0.0.0/16", "TagSpecifications": TAGS},
    "ec2:CreateVpcEndpoint": {
        "VpcId": "vpc-1",
        "ServiceName": "com.amazonaws.us-west-2.logs",
        "VpcEndpointType": "Interface",
        "SubnetIds": ["subnet-1"],
    },
    "ec2:DescribeInstances": {"InstanceIds": ["i-0123456789abcdef0"]},
    "ec2:DescribeVpcs": {"Filters": [{"Name": "tag:team", "Values": ["web"]}], "MaxResults": 100},
    "ec2:ModifyVpcAttribute": {"VpcId": "vpc-1", "EnableDnsSupport": {"Value": True}},
    "iam:CreateRole": {"RoleName": "web", "AssumeRolePolicyDocument": TRUST, "Tags": [{"Key": "team", "Value": "web"}]},
    "iam:PutRolePolicy": {"RoleName": "web", "PolicyName": "inline", "PolicyDocument": POLICY},
    "logs:CreateLogGroup": {"logGroupName": "/aws/ec2/web", "tags": {"team": "web"}},
    "logs:DescribeLogGroups": {"logGroupNamePrefix": "/aws"},
    "logs:FilterLogEvents": {"logGroupName": "/aws/ec2/web", "logStreamNames": ["i-1"]},
    "logs:PutLogEvents": {
        "logGroupName": "/aws/ec2/web",
        "logStreamName": "i-1",
        "logEvents": [{"timestamp": 1_700_000_000_000, "message": "a"}],
    },
    "logs:PutQueryDefinition": {
        "name": "launches",
        "queryString": "fields @timestamp",
        "logGroupNames": ["/aws/ec2/web"],
    },
    "logs:PutRetentionPolicy": {"logGroupName": "/aws/ec2/web", "retentionInDays": 30},
    "monitoring:PutDashboard": {"DashboardName": "web", "DashboardBody": json.dumps({"widgets": [WIDGET]})},
    "monitoring:PutMetricAlarm": ALARM,
    "s3:CreateBucket": {"Bucket": "web-data", "CreateBucketConfiguration": {"LocationConstraint": REGION}},
    "s3:DeleteObjects": {"Bucket": "web-data", "Delete": {"Objects": [{"Key": "a"}]}},
    "s3:ListObjectVersions": {"Bucket": "web-data", "EncodingType": "url", "MaxKeys": 1000},
    "s3:PutBucketLifecycleConfiguration": {
        "Bucket": "web-data",
        "LifecycleConfiguration": {
            "Rules": [{"ID": "expiry", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}]
        },
    },
    "s3:PutBucketPolicy": {"Bucket": "web-data", "Policy": POLICY},
    "s3:PutBucketTagging": {"Bucket": "web-data", "Tagging": {"TagSet": [{"Key": "team", "Value": "web"}]}},
    "s3:PutBucketVersioning": {"Bucket": "web-data", "VersioningConfiguration": {"Status": "Enabled"}},
    "events:PutEvents": {
        "Entries": [
            {
                "EventBusName": "envkeeper-EventBus-scalable-ec2",
                "Source": "envkeeper",
                "DetailType": "Launch Gate Verdict",
                "Detail": "{}",
                "Time": 1767323110.25,
            }
        ]
    },
    "sns:Publish": {"TopicArn": ARN("sns", "on-call"), "Subject": "An alarm", "Message": "text"},
    "sqs:ChangeMessageVisibility": {"QueueUrl": QUEUE, "ReceiptHandle": "r", "VisibilityTimeout": 60},
    "sqs:SendMessage": {
        "QueueUrl": f"{QUEUE}.fifo",
        "MessageBody": "{}",
        "MessageGroupId": "owner",
        "MessageDeduplicationId": "d",
    },
    "ssm:DescribeInstanceInformation": {"Filters": [{"Key": "InstanceIds", "Values": ["i-0123456789abcdef0"]}]},
    "ssm:ListCommandInvocations": {
        "InstanceId": "i-0123456789abcdef0",
        "Filters": [{"key": "InvokedAfter", "value": "2026-01-02T03:04:05Z"}],
    },
    "ssm:SendCommand": {
        "DocumentName": "AWS-RunShellScript",
        "InstanceIds": ["i-0123456789abcdef0"],
        "TimeoutSeconds": 60,
        "Parameters": {"commands": ["true"], "executionTimeout": ["60"]},
    },
}


def exchange(name, value, response=None):
    """The recorded form of a request with this input."""
    service, operation = name.split(":")
    known = botocore_model.ServiceModel(model(service).document, service)
    serializer = serialize.create_serializer(known.metadata["protocol"], include_validation=False)
    made = serializer.serialize_to_request(value, known.operation_model(operation))
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    recorded = {
        "app": "planted",
        "service": service,
        "region": REGION,
        "operation": operation,
        "method": made["method"],
        "target": target(made),
        "headers": {key.lower(): text for key, text in made["headers"].items()},
        "response": response,
    }
    recorded |= (
        {"body_base64": base64.b64encode(body).decode()}
        if isinstance(body, bytes) and service == "monitoring"
        else {"body": text_of(body)}
    )
    if service == "s3" and body:
        recorded["headers"]["x-amz-checksum-crc32"] = base64.b64encode(
            binascii.crc32(recorded["body"].encode()).to_bytes(4)
        ).decode()
    return recorded


def text_of(body):
    return body.decode() if isinstance(body, bytes) else body


def target(made):
    path, _, fixed = made["url_path"].partition("?")
    parts = [fixed, urlencode(made["query_string"] or {})]
    query = "&".join(it for it in parts if it)
    return f"{path}?{query}" if query else path
