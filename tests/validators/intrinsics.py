"""Plausible results of CloudFormation's functions: linters of policies require strings."""

import re

ACCOUNT, REGION, PARTITION = "111122223333", "us-west-2", "aws"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": PARTITION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
}
# The parts of an ARN from the service on, by the type of a resource.
ARNS = {
    "AWS::DynamoDB::Table": f"dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::Events::EventBus": f"events:{REGION}:{ACCOUNT}:event-bus/{{}}",
    "AWS::Events::Rule": f"events:{REGION}:{ACCOUNT}:rule/{{}}",
    "AWS::IAM::ManagedPolicy": f"iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::Role": f"iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000",
    "AWS::Lambda::Function": f"lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SNS::Topic": f"sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"sqs:{REGION}:{ACCOUNT}:{{}}",
}
# Values of the parameters that have no default and stand for ids or ARNs.
EXAMPLES = {
    "ConsumerRoleArn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/consumer",
    "RedriveRoles": [f"arn:{PARTITION}:iam::{ACCOUNT}:role/on-call"],
    "HookTopics": [f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:hooks"],
    "AllowedVpcs": ["vpc-0123456789abcdef0"],
    "AllowedTargetGroups": [f"arn:{PARTITION}:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/web/0123456789abcdef"],
    "AllowedTopics": [f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:on-call"],
}
# The types whose Ref is the ARN; the Ref of all others is a name.
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}


class Intrinsics:
    """The functions in one template."""

    def __init__(self, template: dict):
        self.parameters = template.get("Parameters", {})
        self.resources = template.get("Resources", {})

    def resolve(self, value):
        """The value without functions. A function that is not known here is an error, not a guess."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1 or not re.fullmatch(r"Ref|Fn::\w+", next(iter(value))):
            return {key: self.resolve(item) for key, item in value.items()}
        ((function, argument),) = value.items()
        match function:
            case "Ref":
                return self.ref(argument)
            case "Fn::GetAtt":
                name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
                return self.attribute(name, attribute)
            case "Fn::Sub":
                text, names = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))
                named = re.sub(r"\$\{([^!}]+)\}", lambda found: names.get(found[1]) or self.named(found[1]), text)
                # An escaped variable is one of IAM.
                return named.replace("${!", "${")
            case "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            case "Fn::If":
                # One branch stands for both: they have the same type.
                return self.resolve(argument[1])
            case "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
        raise ValueError(f"{function} is not known to tests/validators/intrinsics.py")

    def named(self, name):
        """The value of `${name}` and `${name.attribute}` in a Sub."""
        resource, _, attribute = name.partition(".")
        return self.attribute(resource, attribute) if attribute else self.ref(name)

    def ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in EXAMPLES:
            return EXAMPLES[name]
        if name in self.parameters:
            return self.parameters[name].get("Default") or name.lower()
        return self.arn(name) if self.resources[name]["Type"] in REF_IS_ARN else name

    def attribute(self, name, attribute):
        return self.arn(name) if attribute.endswith("Arn") else f"{name}-{attribute}"

    def arn(self, name):
        return f"arn:{PARTITION}:" + ARNS[self.resources[name]["Type"]].format(name)
