"""Nine checks of an environment, by somebody who does not trust Envkeeper.

It reads the account that the standard AWS variables point at, with boto3 and nothing of Envkeeper's, finds everything by
the documented names and the environment's tag, and changes nothing:

    python nine_checks.py --project scalable-ec2 --suffix dev --region us-west-2

A line each: `yes`, `no` with what is wrong, or `?` for what looks right and needs a behaviour, too, that reading does not
show. Those who tried it call `check` and say how it went.
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

# What the user data has to do, in this order, by the commands that do it.
STEPS = (
    ("stop at the first failure", r"^set -\w*e"),
    ("enable the SSM agent", r"^systemctl enable (--now )?amazon-ssm-agent$"),
    ("start the SSM agent", r"^systemctl start amazon-ssm-agent$"),
    ("check the SSM agent", r"^systemctl is-active (--quiet )?amazon-ssm-agent$"),
    ("install the CloudWatch agent", r"^(dnf|yum) install .*\bamazon-cloudwatch-agent\b"),
    ("start the CloudWatch agent", r"^\S*amazon-cloudwatch-agent-ctl .*-s\b|^systemctl start amazon-cloudwatch-agent$"),
)

# What time and chance look like: eight digits in a row, twelve hexadecimal ones, the beginning of a UUID.
CHANCE = re.compile(r"\d{8,}|[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f]{4}")


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
        """What ARNs begin with: `aws`, or another where the region is in China or of a government."""
        return boto3.Session().get_partition_for_region(self.region)

    def bucket_arn(self, kind):
        return f"arn:{self.partition}:s3:::{self.bucket(kind)}"

    def managed_policies(self):
        return [f"arn:{self.partition}:iam::aws:policy/{name}" for name in MANAGED]

    def log_groups(self):
        return [f"/aws/{service}/{self.project}-{self.suffix}" for service in ("autoscaling", "ec2")]


@dataclass(frozen=True)
class Expected:
    """What the environment was asked to be."""

    retention: int = 30
    protected: bool = False


class Reader:
    """Reads the account, page by page."""

    def __init__(self, client, names, expected):
        self.client = functools.cache(client)
        self.names = names
        self.expected = expected

    def every(self, service, operation, key, **asked):
        pages = self.client(service).get_paginator(operation).paginate(**asked)
        return [item for page in pages for item in page[key]]

    @functools.cached_property
    def group(self):
        name = self.names.of("asg")
        groups = self.every("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=[name])
        if not groups:
            raise LookupError(f"there is no group {name}")
        return groups[0]

    def is_tagged(self, tags):
        return any(tag["Key"] == TAG and tag["Value"] == self.names.environment for tag in tags)

    def is_marked(self, text):
        """Whether a text carries the environment's mark, as it stands on what lists no tags."""
        return re.search(rf"{TAG}={re.escape(self.names.environment)}(?![\w-])", text) is not None


def user_data(see):
    used = see.group["LaunchTemplate"]
    yield "the group's template", used.get("LaunchTemplateName"), see.names.of("template")
    wanted = {"LaunchTemplateId": used["LaunchTemplateId"], "Versions": [used["Version"]]}
    versions = see.every("ec2", "describe_launch_template_versions", "LaunchTemplateVersions", **wanted)
    script = decoded(versions[0]["LaunchTemplateData"].get("UserData", ""))
    yield "user data, decoded once, begins with", script[:2], "#!"
    yield "what the script lacks, or has in a wrong place", missing_steps(script), []


def decoded(text):
    """What a base64 text says, or nothing if it is none."""
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
    """The lines that a shell runs: joined where they go on, and without what stands in here-documents."""
    joined = script.replace("\\\n", " ")
    run = re.sub(r"<<-?\s*['\"]?([\w-]+).*?^\s*\1$", "", joined, flags=re.DOTALL | re.MULTILINE)
    return [line.strip() for line in run.splitlines()]


def alarms_and_metrics(see):
    group, names = see.names.of("asg"), [see.names.of("cpu-low"), see.names.of("cpu-high")]
    policies = see.every("autoscaling", "describe_policies", "ScalingPolicies", AutoScalingGroupName=group)
    policies = {policy["PolicyName"]: policy for policy in policies}
    alarms = see.every("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=names)
    alarms = {alarm["AlarmName"]: alarm for alarm in alarms}
    pairs = zip(names, (see.names.of("scale-down"), see.names.of("scale-up")), ("LessThan", "GreaterThan"), (-1, 1))
    for name, policy, way, sign in pairs:
        yield from cpu_alarm(name, alarms.get(name, {}), group, way)
        yield from scaling_policy(policy, policies.get(policy, {}), sign)
        yield f"{name} acts on", alarms.get(name, {}).get("AlarmActions"), [policies.get(policy, {}).get("PolicyARN")]
    thresholds = [alarms[name]["Threshold"] for name in names if name in alarms]
    yield "thresholds, the low one first", thresholds, sorted(set(thresholds))
    sent = [metric["Metric"] for metric in see.group.get("EnabledMetrics", [])]
    yield "metrics that the group does not send", [it for it in ["GroupInServiceInstances"] if it not in sent], []


def cpu_alarm(name, alarm, group, way):
    watched = (alarm.get("Namespace"), alarm.get("MetricName"), alarm.get("Dimensions"))
    dimensions = [{"Name": "AutoScalingGroupName", "Value": group}]
    yield f"{name} watches", watched, ("AWS/EC2", "CPUUtilization", dimensions)
    yield f"{name} compares by", alarm.get("ComparisonOperator", "")[: len(way)], way
    yield f"{name} may act", alarm.get("ActionsEnabled"), True


def scaling_policy(name, policy, sign):
    by = policy.get("ScalingAdjustment", 0)
    yield f"{name} is a", policy.get("AdjustmentType"), "ChangeInCapacity"
    yield f"{name} changes it by {by}, the sign of which is", (by > 0) - (by < 0), sign


def log_groups(see):
    for name in see.names.log_groups():
        found = see.every("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        days = [group.get("retentionInDays") for group in found if group["logGroupName"] == name]
        yield f"the days for which {name} keeps its lines", days, [see.expected.retention]


def inline_policy(see):
    bucket, arn = see.names.bucket("data"), see.names.bucket_arn("data")
    yield "the bucket", [it["Name"] for it in see.every("s3", "list_buckets", "Buckets") if it["Name"] == bucket], [bucket]
    role, policy = see.names.of("role"), see.names.of("policy")
    document = see.client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    named = {resource for statement in allowed(document) if is_of_s3(statement) for resource in resources(statement)}
    yield "where the policy allows S3 actions", sorted(named), [arn, f"{arn}/*"]


def listed(value):
    return value if isinstance(value, list) else [value]


def allowed(document):
    return [statement for statement in listed(document["Statement"]) if statement["Effect"] == "Allow"]


def resources(statement):
    """What a statement is about: everything, if it says what it is not about."""
    return listed(statement.get("Resource", "*"))


def is_of_s3(statement):
    """Whether any action is, or may be, one of S3's."""
    services = [action.split(":")[0].lower() for action in listed(statement.get("Action", "*"))]
    return any(fnmatchcase("s3", service) for service in services)


def attached_policies(see):
    role = see.names.of("role")
    attached = see.every("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)
    yield "attached", sorted(policy["PolicyArn"] for policy in attached), see.names.managed_policies()
    yield "inline", see.every("iam", "list_role_policies", "PolicyNames", RoleName=role), [see.names.of("policy")]


def protection(see):
    wanted = "prevent-all-deletion" if see.expected.protected else "none"
    yield "the group's protection", see.group.get("DeletionProtection", "none"), wanted


def access_logs(see):
    data, logs = see.names.bucket("data"), see.names.bucket("logs")
    s3 = see.client("s3")
    found = s3.get_bucket_logging(Bucket=data).get("LoggingEnabled", {})
    yield f"{data} logs to", (found.get("TargetBucket"), found.get("TargetPrefix")), (logs, "access-logs/")
    statements = allowed(json.loads(s3.get_bucket_policy(Bucket=logs)["Policy"]))
    yield f"how often the policy of {logs} allows something", len(statements), 1
    for statement in statements:
        yield f"whom {logs} lets in", statement.get("Principal"), {"Service": "logging.s3.amazonaws.com"}
        yield f"what {logs} allows", listed(statement.get("Action")), ["s3:PutObject"]
        outside = [it for it in resources(statement) if not it.startswith(f"{see.names.bucket_arn('logs')}/")]
        yield f"what the policy of {logs} is about beside its objects", outside, []
        wanted = {"aws:sourceaccount": [see.names.account], "aws:sourcearn": [see.names.bucket_arn("data")]}
        yield f"whose logs {logs} takes", exact_conditions(statement), wanted


def exact_conditions(statement):
    """The conditions that name what has to be; others, such as those that hold only if a key is there, do not count."""
    exact = [statement.get("Condition", {}).get(operator, {}) for operator in ("StringEquals", "ArnEquals", "ArnLike")]
    return {key.lower(): listed(values) for pairs in exact for key, values in pairs.items()}


def every_name(see):
    """Every name that the environment's tag leads to. A service in which it leads to none would prove nothing."""
    found = {service: sorted(set(find(see))) for service, find in NAMES_IN.items()}
    yield f"services in which nothing is of {see.names.environment}", [it for it in found if not found[it]], []
    parts = {name: part_of_its_own(see.names, *name) for service in found.values() for name in service}
    yield "names that do not follow the rule", [name for name, part in parts.items() if part is None], []
    yield "names with time or chance in them", [name for name, part in parts.items() if CHANCE.search(part or "")], []


def part_of_its_own(names, kind, name):
    """What a name has beside project, region, suffix and account; None if it is not built as the rule says."""
    if kind == "log group":
        return "" if name in names.log_groups() else None
    before, after = names.of("/").split("/")
    end = {"bucket": f"-{names.account}", "saved query": "/[a-z-]+"}.get(kind, "")
    follows = re.fullmatch(rf"{re.escape(before)}([a-z0-9-]+){re.escape(after)}{end}", name)
    return follows and follows[1]


def names_in_ec2(see):
    mine = [{"Name": "key", "Values": [TAG]}, {"Name": "value", "Values": [see.names.environment]}]
    titles = see.every("ec2", "describe_tags", "Tags", Filters=[{"Name": "key", "Values": ["Name"]}])
    titles = {tag["ResourceId"]: tag["Value"] for tag in titles}
    for tag in see.every("ec2", "describe_tags", "Tags", Filters=mine):
        yield tag["ResourceType"], titles.get(tag["ResourceId"], tag["ResourceId"])
    filters = [{"Name": f"tag:{TAG}", "Values": [see.names.environment]}]
    for template in see.every("ec2", "describe_launch_templates", "LaunchTemplates", Filters=filters):
        yield "launch template", template["LaunchTemplateName"]
    for group in see.every("ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
        yield "security group", group["GroupName"]


def names_in_iam(see):
    for role in [role["RoleName"] for role in see.every("iam", "list_roles", "Roles")]:
        if see.is_tagged(see.every("iam", "list_role_tags", "Tags", RoleName=role)):
            yield "role", role
            for policy in see.every("iam", "list_role_policies", "PolicyNames", RoleName=role):
                yield "inline policy", policy
            for profile in see.every("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=role):
                yield "instance profile", profile["InstanceProfileName"]


def names_in_auto_scaling(see):
    for group in see.every("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
        if see.is_tagged(group["Tags"]):
            name = {"AutoScalingGroupName": group["AutoScalingGroupName"]}
            yield "group", name["AutoScalingGroupName"]
            for policy in see.every("autoscaling", "describe_policies", "ScalingPolicies", **name):
                yield "scaling policy", policy["PolicyName"]
            for hook in see.client("autoscaling").describe_lifecycle_hooks(**name)["LifecycleHooks"]:
                yield "lifecycle hook", hook["LifecycleHookName"]


def names_in_s3(see):
    for bucket in [bucket["Name"] for bucket in see.every("s3", "list_buckets", "Buckets")]:
        try:
            if see.is_tagged(see.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]):
                yield "bucket", bucket
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchTagSet":
                raise


def names_in_logs(see):
    for group in see.every("logs", "describe_log_groups", "logGroups"):
        arn = group["arn"].removesuffix(":*")
        if see.client("logs").list_tags_for_resource(resourceArn=arn)["tags"].get(TAG) == see.names.environment:
            yield "log group", group["logGroupName"]
    prefix = f"{see.names.project}-"
    for query in see.client("logs").describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"]:
        if see.is_marked(query["queryString"]):
            yield "saved query", query["name"]


def names_in_cloudwatch(see):
    prefix = f"{see.names.project}-"
    for alarm in see.every("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix):
        if see.is_marked(alarm.get("AlarmDescription", "")):
            yield "alarm", alarm["AlarmName"]
    for dashboard in see.every("cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=prefix):
        name = dashboard["DashboardName"]
        if see.is_marked(see.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]):
            yield "dashboard", name


NAMES_IN = {
    "EC2": names_in_ec2,
    "IAM": names_in_iam,
    "Auto Scaling": names_in_auto_scaling,
    "S3": names_in_s3,
    "CloudWatch Logs": names_in_logs,
    "CloudWatch": names_in_cloudwatch,
}

# What each check is, and what makes it: readings as what was read, what was found, and what should be.
CHECKS = {
    1: ("user data is encoded once, a plain script, and starts both agents", user_data),
    2: ("the CPU alarms drive this group's policies; group metrics are on", alarms_and_metrics),
    3: ("both log groups exist with the retention asked for", log_groups),
    4: ("the role's inline policy names the real bucket, and no other", inline_policy),
    5: ("two managed policies are attached, one is inline, and that is all", attached_policies),
    6: ("deletion protection is as asked for; it holds until it is lifted", protection),
    7: ("the bucket logs to the log bucket, which takes nothing else", access_logs),
    8: ("names follow the rule, without time or chance; equal plans", every_name),
    9: ("defaults from the variable, overridden; what is settled keeps its own", lambda _: ()),
}

BEHAVIOURS = (6, 8, 9)  # These have a part that shows only when something is done.


def check(client, names, expected=Expected(), behaviour=None):
    """The verdict on each check by its number: what it is, whether it is so, and why not.

    `client` makes a boto3 client from a service's name. `behaviour` says how the trials of checks 6, 8 and 9 went: True,
    False, or None where nobody tried; then such a check is None itself, unless what was read is wrong already.
    """
    see = Reader(client, names, expected)
    return {number: verdict(see, number, (behaviour or {}).get(number)) for number in CHECKS}


def verdict(see, number, shown):
    what, look = CHECKS[number]
    try:
        why = [told(*reading) for reading in look(see) if reading[1] != reading[2]]
    except (ClientError, LookupError) as error:
        why = [str(error)]
    if number in BEHAVIOURS and shown is False:
        why.append("it was tried, and did not behave so")
    if number in BEHAVIOURS and shown is None and not why:
        return {"what": what, "ok": None, "why": ["nothing that can be read is wrong; the behaviour was not tried"]}
    return {"what": what, "ok": not why, "why": why}


def told(what, found, wanted):
    return f"{what}: {found}, not {wanted}" if wanted else f"{what}: {found}"


def table(verdicts):
    words = {True: "yes", False: "no", None: "?"}
    line = "{:<4}{}  {:<72}{}".format
    return [line(words[it["ok"]], number, it["what"], "; ".join(it["why"])).rstrip() for number, it in verdicts.items()]


def main():
    parser = argparse.ArgumentParser(description="Nine checks of an environment; exits with 1 if any says no.")
    parser.add_argument("--project", default="scalable-ec2")
    parser.add_argument("--suffix", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--retention", type=int, default=30, help="the days asked for")
    parser.add_argument("--protected", action="store_true", help="deletion protection was asked for")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdicts there, too")
    given = parser.parse_args()
    session = boto3.Session(region_name=given.region)
    account = session.client("sts").get_caller_identity()["Account"]
    names = Names(given.project, given.suffix, given.region, account)
    verdicts = check(session.client, names, Expected(given.retention, given.protected))
    print("\n".join(table(verdicts)))
    if given.json:
        given.json.write_text(json.dumps(verdicts, indent=2) + "\n")
    return int(any(it["ok"] is False for it in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
