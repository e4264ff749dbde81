"""The stacks' templates: one environment each, as cheap as possible, and the resources for its trial."""

ARM_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


def environment(stack, instance_type, **properties):
    """An environment with public addresses, so that no NAT gateway is billed."""
    all_properties = {
        "ServiceToken": {"Fn::ImportValue": stack.account.token},
        "EnvironmentSuffix": stack.suffix,
        "Egress": "PublicIp",
        "ZoneCount": "1",
        "MinSize": "1",
        "MaxSize": "2",
        "InstanceType": instance_type,
        "BucketOnDelete": "Empty",
        "LogRetentionDays": "1",
        # CPU alarms that cannot enter ALARM within half an hour, and no detailed monitoring, which would be billed.
        "AlarmPeriodSeconds": "3600",
        "Tags": {"purpose": "smoke test"},
        **properties,
    }
    if instance_type.startswith("t4g."):
        all_properties["ImageParameter"] = ARM_IMAGE
    return {"Web": {"Type": "Custom::ScalableEnvironment", "Properties": all_properties}}


def template(resources):
    return {"Description": "The smoke test of Envkeeper. It is deleted when the test ends.", "Resources": resources}


def failing(seconds, **attributes):
    """A resource that fails after this number of seconds, and costs nothing: a wait for a signal that is never sent."""
    properties = {"Handle": {"Ref": "Handle"}, "Timeout": str(seconds)}
    return {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Failing": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": properties, **attributes},
    }


def cancelled(stack, instance_type):
    """A sibling fails while the environment is being created."""
    return template({**environment(stack, instance_type), **failing(stack.account.sibling_seconds)})


def rolled_back(stack, instance_type):
    """Another resource fails after a protected environment has settled."""
    protected = environment(stack, instance_type, MinSize="0", DeletionProtection="true")
    return template({**protected, **failing(1, DependsOn="Web")})


def alarm_name(stack):
    """A name without the project as its prefix: no rule of EventBridge matches it, so every invocation is a direct one."""
    return f"envkeeper-direct-{stack.suffix}"


def settled(stack, instance_type, **properties):
    """A protected environment of one to two instances, and a foreign alarm that one of its rules names."""
    rule = {"Alarm": alarm_name(stack), "Action": "ScaleTo", "Capacity": "2", "CooldownSeconds": "0", "DryRun": "true"}
    given = {"DeletionProtection": "true", "AlarmActions": [rule], **properties}
    return template({**environment(stack, instance_type, **given), "Direct": direct_alarm(stack)})


def direct_alarm(stack):
    """An alarm whose metric has no values, so that it keeps the state that the test sets."""
    properties = {
        "AlarmName": alarm_name(stack),
        "AlarmDescription": f"The smoke test sets its state. envkeeper:environment={stack.names.environment}",
        "AlarmActions": [{"Fn::ImportValue": stack.account.alarm_function}],
        "Namespace": "EnvkeeperSmoke",
        "MetricName": "Nothing",
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "TreatMissingData": "ignore",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
