"""Nine checks of an environment, independent of Envkeeper's own code.

The script reads the account that the standard AWS variables select, with boto3 and no code of Envkeeper. It finds all resources
by the documented names and the environment's tag, and changes nothing:

    python nine_checks.py --project scalable-ec2 --suffix dev --region us-west-2

Each check prints one line: `yes`, `no` with the reasons, or `?` if the readings are right and the check also needs a trial of a
behaviour, which readings cannot show. A caller that ran the trials passes their results to `check`.
"""

import argparse
import base64
import functools
import json
import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

TAG = "envkeeper:environment"
MANAGED = ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")

# A command may stand behind a test of the packages that are there, and behind a function that repeats it.
RUN = r"^(rpm -q [\w -]+ \|\| )?(retry )?"

# The steps of the user data in their order, with the commands that perform them.
STEPS = (
    ("stop at the first failure", r"^set -\w*e"),
    ("install the CloudWatch agent", RUN + r"(dnf|yum) install .*\bamazon-cloudwatch-agent\b"),
    ("enable the SSM agent", RUN + r"systemctl enable (--now )?amazon-ssm-agent$"),
    ("start the SSM agent", RUN + r"systemctl start amazon-ssm-agent$"),
    ("check the SSM agent", RUN + r"systemctl is-active (--quiet )?amazon-ssm-agent$"),
    ("start the CloudWatch agent", RUN + r"(\S*amazon-cloudwatch-agent-ctl .*-s\b|systemctl start amazon-cloudwatch-agent$)"),
)

# The forms of timestamps and random parts: eight digits in a row, twelve hexadecimal ones, the beginning of a UUID.
VARIABLE_PART = re.compile(r"\d{8,}|[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f]{4}")


@dataclass(frozen=True)
class Names:
    """The documented names of one environment."""

    project: str
    suffix: str
    region: str
    account: str

    @property
    def environment(self):
        return f"{self.project}-{self.region}-{self.suffix}"

    def of(self, kind):
        return f"{self.project}-{kind}-{self.region.replace('-', '')}-{self.suffix}"

    def bucket(self, kind):
        return f"{self.of(kind)}-{self.account}"

    @functools.cached_property
    def partition(self):
        """The partition in ARNs: `aws`, or another one for regions in China and of governments."""
        return boto3.Session().get_partition_for_region(self.region)

    def bucket_arn(self, kind):
        return f"arn:{self.partition}:s3:::{self.bucket(kind)}"

    def managed_policies(self):
        return [f"arn:{self.partition}:iam::aws:policy/{name}" for name in MANAGED]

    def log_groups(self):
        return [f"/aws/{service}/{self.project}-{self.suffix}" for service in ("autoscaling", "ec2")]


@dataclass(frozen=True)
class Expected:
    """The requested settings of the environment."""

    retention: int = 30
    protected: bool = False
    alarm_topic: str | None = None


class Reader:
    """Reads the account, page by page."""

    def __init__(self, client, names, expected):
        self.client = functools.cache(client)
        self.names = names
        self.expected = expected

    def list_all(self, service, operation, key, **parameters):
        pages = self.client(service).get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page[key]]

    @functools.cached_property
    def group(self):
        name = self.names.of("asg")
        groups = self.list_all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=[name])
        if not groups:
            raise LookupError(f"the group {name} does not exist")
        return groups[0]

    def is_tagged(self, tags):
        return any(tag["Key"] == TAG and tag["Value"] == self.names.environment for tag in tags)

    def is_marked(self, text):
        """Whether a text contains the environment's mark, which resources without tags carry in a text."""
        return re.search(rf"{TAG}={re.escape(self.names.environment)}(?![\w-])", text) is not None


def user_data(reader):
    used = reader.group["LaunchTemplate"]
    yield "the group's launch template", used.get("LaunchTemplateName"), reader.names.of("template")
    version = {"LaunchTemplateId": used["LaunchTemplateId"], "Versions": [used["Version"]]}
    versions = reader.list_all("ec2", "describe_launch_template_versions", "LaunchTemplateVersions", **version)
    script = decoded(versions[0]["LaunchTemplateData"].get("UserData", ""))
    yield "user data, decoded once, begins with", script[:2], "#!"
    yield "steps that are missing or out of order", missing_steps(script), []


def decoded(text):
    """The content of a base64 text; empty if the text is not base64."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def missing_steps(script):
    commands, after, missing = plain_commands(script), 0, []
    for step, pattern in STEPS:
        places = [place for place, command in enumerate(commands) if place >= after and re.search(pattern, command)]
        if places:
            after = places[0] + 1
        else:
            missing.append(step)
    return missing


def plain_commands(script):
    """The lines that a shell runs: continued lines are joined, and here-documents are removed."""
    joined = script.replace("\\\n", " ")
    run = re.sub(r"<<-?\s*['\"]?([\w-]+).*?^\s*\1$", "", joined, flags=re.DOTALL | re.MULTILINE)
    return [line.strip() for line in run.splitlines()]


def alarms_and_metrics(reader):
    group, names = reader.names.of("asg"), [reader.names.of("cpu-low"), reader.names.of("cpu-high")]
    policies = reader.list_all("autoscaling", "describe_policies", "ScalingPolicies", AutoScalingGroupName=group)
    policies = {policy["PolicyName"]: policy for policy in policies}
    alarms = reader.list_all("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=names)
    alarms = {alarm["AlarmName"]: alarm for alarm in alarms}
    topics = [reader.expected.alarm_topic] if reader.expected.alarm_topic else []
    pairs = zip(names, (reader.names.of("scale-down"), reader.names.of("scale-up-steps")), ("LessThan", "GreaterThan"), (-1, 1))
    for name, policy, comparison, sign in pairs:
        yield from cpu_alarm(name, alarms.get(name, {}), group, comparison)
        yield from scaling_policy(policy, policies.get(policy, {}), sign)
        yield f"actions of {name}", alarms.get(name, {}).get("AlarmActions"), [policies.get(policy, {}).get("PolicyARN"), *topics]
    thresholds = [alarms[name]["Threshold"] for name in names if name in alarms]
    yield "thresholds, the low alarm's first", thresholds, sorted(set(thresholds))
    published = [metric["Metric"] for metric in reader.group.get("EnabledMetrics", [])]
    yield "metrics that the group does not publish", [it for it in ["GroupInServiceInstances"] if it not in published], []


def cpu_alarm(name, alarm, group, comparison):
    metric = (alarm.get("Namespace"), alarm.get("MetricName"), alarm.get("Dimensions"))
    dimensions = [{"Name": "AutoScalingGroupName", "Value": group}]
    yield f"metric of {name}", metric, ("AWS/EC2", "CPUUtilization", dimensions)
    yield f"comparison of {name}", alarm.get("ComparisonOperator", "")[: len(comparison)], comparison
    yield f"actions of {name} are enabled", alarm.get("ActionsEnabled"), True


def scaling_policy(name, policy, sign):
    steps = policy.get("StepAdjustments") or [policy]
    adjustments = [step.get("ScalingAdjustment", 0) for step in steps]
    yield f"adjustment type of {name}", policy.get("AdjustmentType"), "ChangeInCapacity"
    yield f"signs of the adjustments {adjustments} of {name}", {(it > 0) - (it < 0) for it in adjustments}, {sign}


def log_groups(reader):
    for name in reader.names.log_groups():
        found = reader.list_all("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        days = [group.get("retentionInDays") for group in found if group["logGroupName"] == name]
        yield f"retention of {name} in days", days, [reader.expected.retention]


def inline_policy(reader):
    bucket, arn = reader.names.bucket("data"), reader.names.bucket_arn("data")
    buckets = [it["Name"] for it in reader.list_all("s3", "list_buckets", "Buckets")]
    yield "the data bucket", [it for it in buckets if it == bucket], [bucket]
    role, policy = reader.names.of("role"), reader.names.of("policy")
    document = reader.client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    named = {resource for statement in allowed(document) if allows_s3(statement) for resource in resources(statement)}
    yield "resources of S3 actions that the policy allows", sorted(named), [arn, f"{arn}/*"]


def listed(value):
    return value if isinstance(value, list) else [value]


def allowed(document):
    return [statement for statement in listed(document["Statement"]) if statement["Effect"] == "Allow"]


def resources(statement):
    """The resources of a statement: all resources if the statement has NotResource."""
    return listed(statement.get("Resource", "*"))


def allows_s3(statement):
    """Whether an action of the statement is, or may match, an action of S3."""
    services = [action.split(":")[0].lower() for action in listed(statement.get("Action", "*"))]
    return any(fnmatchcase("s3", service) for service in services)


def attached_policies(reader):
    role = reader.names.of("role")
    attached = reader.list_all("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
    yield "attached policies", sorted(policy["PolicyArn"] for policy in attached), reader.names.managed_policies()
    inline = reader.list_all("iam", "list_role_policies", "PolicyNames", RoleName=role)
    yield "inline policies", inline, [reader.names.of("policy")]


def protection(reader):
    expected = "prevent-all-deletion" if reader.expected.protected else "none"
    yield "the group's deletion protection", reader.group.get("DeletionProtection", "none"), expected


def access_logs(reader):
    data, logs = reader.names.bucket("data"), reader.names.bucket("logs")
    s3 = reader.client("s3")
    found = s3.get_bucket_logging(Bucket=data).get("LoggingEnabled", {})
    yield f"target of the access logs of {data}", (found.get("TargetBucket"), found.get("TargetPrefix")), (logs, "access-logs/")
    statements = allowed(json.loads(s3.get_bucket_policy(Bucket=logs)["Policy"]))
    yield f"number of Allow statements in the policy of {logs}", len(statements), 1
    for statement in statements:
        yield f"principal that {logs} allows", statement.get("Principal"), {"Service": "logging.s3.amazonaws.com"}
        yield f"actions that {logs} allows", listed(statement.get("Action")), ["s3:PutObject"]
        outside = [it for it in resources(statement) if not it.startswith(f"{reader.names.bucket_arn('logs')}/")]
        yield f"resources of the policy of {logs} other than its objects", outside, []
        source = {"aws:sourceaccount": [reader.names.account], "aws:sourcearn": [reader.names.bucket_arn("data")]}
        yield f"source conditions of {logs}", exact_conditions(statement), source


def exact_conditions(statement):
    """The conditions that require exact values. Others, such as those that hold only if a key is present, do not count."""
    exact = [statement.get("Condition", {}).get(operator, {}) for operator in ("StringEquals", "ArnEquals", "ArnLike")]
    return {key.lower(): listed(values) for pairs in exact for key, values in pairs.items()}


def all_names(reader):
    """Checks every name of a resource with the environment's tag. A service without such a resource would prove nothing."""
    found = {service: sorted(set(find(reader))) for service, find in NAMES_IN.items()}
    yield f"services without resources of {reader.names.environment}", [it for it in found if not found[it]], []
    parts = {name: specific_part(reader.names, *name) for service in found.values() for name in service}
    yield "names that do not follow the naming rule", [name for name, part in parts.items() if part is None], []
    yield "names with timestamps or random parts", [name for name, part in parts.items() if VARIABLE_PART.search(part or "")], []


def specific_part(names, kind, name):
    """The part of a name other than project, region, suffix and account; None if the name does not follow the naming rule."""
    if kind == "log group":
        return "" if name in names.log_groups() else None
    before, after = names.of("/").split("/")
    end = {"bucket": f"-{names.account}", "saved query": "/[a-z-]+"}.get(kind, "")
    follows = re.fullmatch(rf"{re.escape(before)}([a-z0-9-]+){re.escape(after)}{end}", name)
    return follows and follows[1]


def names_in_ec2(reader):
    owned = [{"Name": "key", "Values": [TAG]}, {"Name": "value", "Values": [reader.names.environment]}]
    titles = reader.list_all("ec2", "describe_tags", "Tags", Filters=[{"Name": "key", "Values": ["Name"]}])
    titles = {tag["ResourceId"]: tag["Value"] for tag in titles}
    for tag in reader.list_all("ec2", "describe_tags", "Tags", Filters=owned):
        yield tag["ResourceType"], titles.get(tag["ResourceId"], tag["ResourceId"])
    filters = [{"Name": f"tag:{TAG}", "Values": [reader.names.environment]}]
    for template in reader.list_all("ec2", "describe_launch_templates", "LaunchTemplates", Filters=filters):
        yield "launch template", template["LaunchTemplateName"]
    for group in reader.list_all("ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
        yield "security group", group["GroupName"]


def names_in_iam(reader):
    for role in [role["RoleName"] for role in reader.list_all("iam", "list_roles", "Roles")]:
        if reader.is_tagged(reader.list_all("iam", "list_role_tags", "Tags", RoleName=role)):
            yield "role", role
            for policy in reader.list_all("iam", "list_role_policies", "PolicyNames", RoleName=role):
                yield "inline policy", policy
            for profile in reader.list_all("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=role):
                yield "instance profile", profile["InstanceProfileName"]


def names_in_auto_scaling(reader):
    for group in reader.list_all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
        if reader.is_tagged(group["Tags"]):
            name = {"AutoScalingGroupName": group["AutoScalingGroupName"]}
            yield "group", name["AutoScalingGroupName"]
            for policy in reader.list_all("autoscaling", "describe_policies", "ScalingPolicies", **name):
                yield "scaling policy", policy["PolicyName"]
            for hook in reader.client("autoscaling").describe_lifecycle_hooks(**name)["LifecycleHooks"]:
                yield "lifecycle hook", hook["LifecycleHookName"]


def names_in_s3(reader):
    for bucket in [bucket["Name"] for bucket in reader.list_all("s3", "list_buckets", "Buckets")]:
        try:
            if reader.is_tagged(reader.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]):
                yield "bucket", bucket
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchTagSet":
                raise


def names_in_logs(reader):
    for group in reader.list_all("logs", "describe_log_groups", "logGroups"):
        arn = group["arn"].removesuffix(":*")
        if reader.client("logs").list_tags_for_resource(resourceArn=arn)["tags"].get(TAG) == reader.names.environment:
            yield "log group", group["logGroupName"]
    prefix = f"{reader.names.project}-"
    for query in reader.client("logs").describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"]:
        if reader.is_marked(query["queryString"]):
            yield "saved query", query["name"]


def names_in_cloudwatch(reader):
    prefix = f"{reader.names.project}-"
    for alarm in reader.list_all("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix):
        if reader.is_marked(alarm.get("AlarmDescription", "")):
            yield "alarm", alarm["AlarmName"]
    for dashboard in reader.list_all("cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=prefix):
        name = dashboard["DashboardName"]
        if reader.is_marked(reader.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]):
            yield "dashboard", name


NAMES_IN = {
    "EC2": names_in_ec2,
    "IAM": names_in_iam,
    "Auto Scaling": names_in_auto_scaling,
    "S3": names_in_s3,
    "CloudWatch Logs": names_in_logs,
    "CloudWatch": names_in_cloudwatch,
}

# The title of each check and its function, which yields readings: the subject, the found value and the expected value.
CHECKS = {
    1: ("user data is encoded once, a plain script, and starts both agents", user_data),
    2: ("the CPU alarms drive this group's policies; group metrics are on", alarms_and_metrics),
    3: ("both log groups exist with the requested retention", log_groups),
    4: ("the role's inline policy names the real bucket, and no other", inline_policy),
    5: ("the role has two managed policies and one inline policy, and no others", attached_policies),
    6: ("deletion protection is as requested, and holds until it is removed", protection),
    7: ("the data bucket logs to the log bucket, which accepts nothing else", access_logs),
    8: ("names follow the rule, without timestamps or random parts; equal plans", all_names),
    9: ("variables set defaults, properties override them; settled values remain", lambda _: ()),
}

BEHAVIOURS = (6, 8, 9)  # These checks also need a trial of a behaviour.


def check(client, names, expected=Expected(), trials=None):
    """The verdict on each check by its number: the title, whether the check passed, and the reasons if it did not.

    `client` creates a boto3 client from a service's name. `trials` has the results of the trials of checks 6, 8 and 9: True,
    False, or None for a trial that did not run. Without its trial such a check is None, unless a reading is already wrong.
    """
    reader = Reader(client, names, expected)
    return {number: verdict(reader, number, (trials or {}).get(number)) for number in CHECKS}


def verdict(reader, number, trial):
    title, readings = CHECKS[number]
    try:
        reasons = [difference(*reading) for reading in readings(reader) if reading[1] != reading[2]]
    except (ClientError, LookupError) as error:
        reasons = [str(error)]
    if number in BEHAVIOURS and trial is False:
        reasons.append("the trial of the behaviour failed")
    if number in BEHAVIOURS and trial is None and not reasons:
        return {"title": title, "ok": None, "reasons": ["all readings are right; the trial of the behaviour did not run"]}
    return {"title": title, "ok": not reasons, "reasons": reasons}


def difference(subject, found, expected):
    return f"{subject}: {found}, not {expected}" if expected else f"{subject}: {found}"


def table(verdicts):
    words = {True: "yes", False: "no", None: "?"}
    line = "{:<4}{}  {:<72}{}".format
    return [line(words[it["ok"]], number, it["title"], "; ".join(it["reasons"])).rstrip() for number, it in verdicts.items()]


def main():
    parser = argparse.ArgumentParser(description="Nine checks of an environment; exits with 1 if any says no.")
    parser.add_argument("--project", default="scalable-ec2")
    parser.add_argument("--suffix", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--retention", type=int, default=30, help="the requested retention in days")
    parser.add_argument("--protected", action="store_true", help="deletion protection was requested")
    parser.add_argument("--alarm-topic", metavar="ARN", help="the requested AlarmTopicArn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the verdicts to this file")
    given = parser.parse_args()
    session = boto3.Session(region_name=given.region)
    account = session.client("sts").get_caller_identity()["Account"]
    names = Names(given.project, given.suffix, given.region, account)
    verdicts = check(session.client, names, Expected(given.retention, given.protected, given.alarm_topic))
    print("\n".join(table(verdicts)))
    if given.json:
        given.json.write_text(json.dumps(verdicts, indent=2) + "\n")
    return int(any(it["ok"] is False for it in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
