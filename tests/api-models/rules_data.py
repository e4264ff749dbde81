"""Rules of CloudWatch, CloudWatch Logs, S3 and IAM that only the documentation has."""

import json
import re
import time

from rules import at_most_one, exactly_one, is_xml_text, rule, tag_list

CLOUDWATCH = "CloudWatch API reference, "
LOGS = "CloudWatch Logs API reference, "
S3 = "S3 API reference, "
DAY_MS = 86_400_000
RETENTION = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
ALARM_ACTION = re.compile(r"arn:aws[\w-]*:(sns|autoscaling|automate|lambda|ssm|ssm-incidents|aiops):.+")
# The properties of each type of widget.
WIDGETS = {
    "metric": "accountId annotations end legend liveData metrics period region setPeriodToTimeRange singleValueFullPrecision sparkline "
    "stacked start stat table timezone title trend view yAxis",
    "log": "accountId query queryBy queryLanguage region stacked title view",
    "text": "background markdown",
    "alarm": "alarms sortBy states title",
}
VIEWS = {"metric": "timeSeries singleValue gauge bar pie table", "log": "table timeSeries bar pie"}


# CloudWatch


@rule("monitoring:PutMetricAlarm", source=CLOUDWATCH + "PutMetricAlarm: Period, EvaluationPeriods")
def alarm_period(value):
    period, periods = value.get("Period", 60), value.get("EvaluationPeriods", 1)
    if period not in (10, 20, 30) and (period % 60 or period == 0):
        yield "Period", f"{period} s is neither 10, 20 or 30 nor a multiple of 60"
    longest = 604_800 if period >= 3600 else 86_400
    if period * periods > longest:
        yield "EvaluationPeriods", f"{periods} periods of {period} s are longer than {longest} s"
    if value.get("DatapointsToAlarm", periods) > periods:
        yield "DatapointsToAlarm", f"{value['DatapointsToAlarm']} of {periods} periods"


@rule("monitoring:PutMetricAlarm", source=CLOUDWATCH + "PutMetricAlarm: AlarmActions")
def alarm_actions(value):
    for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for it in value.get(name, []):
            if not ALARM_ACTION.fullmatch(it):
                yield name, f"{it!r} is not an action's ARN"


@rule("monitoring:PutMetricAlarm", source=CLOUDWATCH + "PutMetricAlarm: the parameters of an alarm on a metric")
def alarm_metric(value):
    if "MetricName" in value:
        yield from exactly_one(value, "Statistic", "ExtendedStatistic")
        for name in ("Namespace", "Period", "Threshold", "ComparisonOperator", "EvaluationPeriods"):
            if name not in value:
                yield name, "is missing"
    yield from exactly_one(value, "MetricName", "Metrics")


@rule("monitoring:PutMetricAlarm", source=CLOUDWATCH + "PutMetricAlarm: AlarmName; Dimension: Name, Value")
def alarm_text(value):
    if re.search(r"[\x00-\x1f\x7f]", value.get("AlarmName", "")):
        yield "AlarmName", "has a control character"
    for it in value.get("Dimensions", []):
        for text in (it.get("Name", ""), it.get("Value", "")):
            if not text.isascii() or not text.strip() or re.search(r"[\x00-\x1f]", text):
                yield "Dimensions", f"{text!r} is not printable ASCII with a character other than a space"
        if it.get("Name", "").startswith(":"):
            yield "Dimensions", f"{it['Name']!r} begins with a colon"


@rule("monitoring:*", source=CLOUDWATCH + "Tag; TagResource: 50 tags")
def cloudwatch_tags(value):
    yield from tag_list(value.get("Tags", []), "Tags")


@rule("monitoring:PutDashboard", source="CloudWatch API reference, Dashboard body structure and syntax")
def dashboard(value):
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", value.get("DashboardName", "")):
        yield "DashboardName", f"{value.get('DashboardName')!r}"
    try:
        widgets = json.loads(value.get("DashboardBody", "")).get("widgets", [])
    except ValueError:
        yield "DashboardBody", "is not JSON"
        return
    if len(widgets) > 500:
        yield "DashboardBody", f"{len(widgets)} widgets, at most 500"
    for at, it in enumerate(widgets):
        for detail in widget(it):
            yield f"DashboardBody.widgets[{at}]", detail


def widget(it):
    kind, properties = it.get("type"), it.get("properties", {})
    if kind not in WIDGETS:
        yield f"the type {kind!r}"
        return
    x, width, height = it.get("x", 0), it.get("width", 6), it.get("height", 6)
    if not (0 <= x <= 23 and 1 <= width <= 24 - x and 1 <= height <= 1000 and it.get("y", 0) >= 0):
        yield f"at column {x}, {width} wide, {height} high"
    for name in set(properties) - set(WIDGETS[kind].split()):
        yield f"a widget of type {kind} has no {name}"
    if kind in VIEWS:
        if properties.get("view", "table") not in VIEWS[kind].split():
            yield f"the view {properties['view']!r}"
        if "region" not in properties:
            yield "no region"
    period = properties.get("period", 60)
    if period not in (1, 5, 10, 20, 30) and period % 60:
        yield f"a period of {period} s"
    if kind == "log" and not re.match(r"SOURCE '[^']+'( \| SOURCE '[^']+')* \| ", properties.get("query", "")):
        yield f"the query {properties.get('query')!r} does not begin with its log groups"
    if kind == "alarm" and not 1 <= len(properties.get("alarms", [])) <= 100:
        yield f"{len(properties.get('alarms', []))} alarms, 1 to 100 are valid"


# CloudWatch Logs


@rule("logs:PutLogEvents", source=LOGS + "PutLogEvents: the constraints of a batch")
def log_batch(value):
    events = value.get("logEvents", [])
    sizes = [len(it.get("message", "").encode()) + 26 for it in events]
    times = [it.get("timestamp", 0) for it in events]
    if sum(sizes) > 1_048_576 or len(events) > 10_000:
        yield "logEvents", f"{len(events)} events of {sum(sizes)} bytes, at most 10,000 of 1,048,576"
    if times != sorted(times):
        yield "logEvents", "are not in order of their time"
    if times and max(times) - min(times) > DAY_MS:
        yield "logEvents", "span more than 24 hours"
    # The recording may be some hours old.
    if times and max(times) > time.time() * 1000 + 7_200_000:
        yield "logEvents", "are more than two hours ahead"


@rule("logs:CreateLogGroup", source=LOGS + "CreateLogGroup: the name must not begin with aws/; 50 tags")
def log_group(value):
    if value.get("logGroupName", "").startswith("aws/"):
        yield "logGroupName", f"{value['logGroupName']!r} begins with aws/"


@rule("logs:CreateLogGroup", "logs:TagResource", source=LOGS + "CreateLogGroup, TagResource: tags")
def log_tags(value):
    yield from tag_list([{"Key": key} for key in value.get("tags", {})], "tags")


@rule("logs:PutRetentionPolicy", source=LOGS + "PutRetentionPolicy: retentionInDays")
def retention_days(value):
    if value.get("retentionInDays") not in RETENTION:
        yield "retentionInDays", f"{value.get('retentionInDays')}"


@rule(
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    source=LOGS + "FilterLogEvents: the log group by name or identifier; streams by names or prefix",
)
def log_source(value):
    yield from exactly_one(value, "logGroupName", "logGroupIdentifier")
    yield from at_most_one(value, "logStreamNames", "logStreamNamePrefix")


@rule("logs:DescribeLogGroups", source=LOGS + "DescribeLogGroups: prefix and pattern exclude each other")
def log_group_names(value):
    yield from at_most_one(value, "logGroupNamePrefix", "logGroupNamePattern")


# S3


@rule("s3:*", source="S3 user guide, General purpose bucket naming rules")
def bucket_name(value):
    name = value.get("Bucket", "bucket")
    is_valid = (
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)
        and ".." not in name
        and not re.fullmatch(r"\d+(\.\d+){3}", name)
    )
    if (
        not is_valid
        or name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        or name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"))
    ):
        yield "Bucket", f"{name!r}"


@rule("s3:CreateBucket", source=S3 + "CreateBucket: LocationConstraint; us-east-1 has none")
def bucket_location(value, call):
    location = value.get("CreateBucketConfiguration", {}).get("LocationConstraint", "us-east-1")
    if location != call.region or (
        call.region == "us-east-1"
        and "CreateBucketConfiguration" in value
        and "LocationConstraint" in value["CreateBucketConfiguration"]
    ):
        yield "CreateBucketConfiguration.LocationConstraint", f"{location} in a request to {call.region}"


@rule(
    "s3:CreateBucket",
    "s3:PutBucketTagging",
    source="S3 user guide, Using tags with buckets: 50 tags of 128 and 256 characters",
)
def bucket_tags(value):
    tags = value.get("Tagging", {}).get("TagSet", []) + value.get("CreateBucketConfiguration", {}).get("Tags", [])
    yield from tag_list(tags, "TagSet")
    for it in tags:
        if len(it.get("Key", "")) > 128 or len(it.get("Value", "")) > 256:
            yield "TagSet", f"{it.get('Key')!r} is too long"


@rule("s3:DeleteObjects", source=S3 + "DeleteObjects: 1 to 1,000 keys")
def deleted_objects(value):
    count = len(value.get("Delete", {}).get("Objects", []))
    if not 1 <= count <= 1000:
        yield "Delete.Objects", f"{count}, 1 to 1,000 are valid"


@rule("s3:DeleteObjects", source=S3 + "DeleteObjects: XML 1.0 cannot contain the key, which DeleteObject deletes")
def object_keys(value):
    for it in value.get("Delete", {}).get("Objects", []):
        if not it.get("Key") or not is_xml_text(it["Key"]) or len(it["Key"].encode()) > 1024:
            yield "Delete.Objects", f"the key {it.get('Key')!r}"


@rule(
    "s3:ListObjectVersions",
    "s3:ListMultipartUploads",
    "s3:ListObjectsV2",
    source=S3 + "ListObjectVersions, EncodingType: an XML 1.0 parser cannot read every key",
)
def listed_keys(value):
    if value.get("EncodingType") != "url":
        yield "EncodingType", "is missing: a key with a control character makes the response unreadable"


@rule("s3:PutBucketLifecycleConfiguration", source=S3 + "LifecycleRule, LifecycleRuleFilter")
def lifecycle_rules(value):
    rules = value.get("LifecycleConfiguration", {}).get("Rules", [])
    if not 1 <= len(rules) <= 1000 or len({it.get("ID") for it in rules}) < len(rules):
        yield "LifecycleConfiguration.Rules", f"{len(rules)} rules, 1 to 1,000 with different ids are valid"
    for it in rules:
        if "Prefix" not in it and len(it.get("Filter", {})) != 1:
            yield "LifecycleConfiguration.Rules", f"the filter {it.get('Filter')} has not exactly one condition"
        days = [
            it.get("Expiration", {}).get("Days", 1),
            it.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 1),
        ]
        days.append(it.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 1))
        if min(days) < 1:
            yield "LifecycleConfiguration.Rules", f"{min(days)} days"


# Policies


def policy_document(text, path, longest):
    """The general rules of IAM's documents. Their size is counted without white space."""
    try:
        document = json.loads(text)
    except ValueError:
        yield path, "is not JSON"
        return
    size = len(re.sub(r"\s", "", text))
    if size > longest:
        yield path, f"{size} characters, at most {longest}"
    if document.get("Version") not in ("2012-10-17", "2008-10-17"):
        yield path, f"the version {document.get('Version')!r}"
    statements = document.get("Statement", [])
    sids = [it["Sid"] for it in (statements if isinstance(statements, list) else [statements]) if it.get("Sid")]
    if len(set(sids)) < len(sids):
        yield path, f"a Sid twice: {sids}"
    return


@rule("s3:PutBucketPolicy", source="S3 user guide, Bucket policies: 20 KB")
def bucket_policy(value):
    yield from policy_document(value.get("Policy", ""), "Policy", 20_480)


@rule(
    "iam:PutRolePolicy",
    source="IAM user guide, IAM and STS quotas: 10,240 characters of inline policies; JSON policy elements, Sid",
)
def role_policy(value):
    yield from policy_document(value.get("PolicyDocument", ""), "PolicyDocument", 10_240)
    for sid in re.findall(r'"Sid"\s*:\s*"([^"]*)"', value.get("PolicyDocument", "")):
        if not re.fullmatch("[A-Za-z0-9]*", sid):
            yield "PolicyDocument", f"the Sid {sid!r} has characters other than letters and digits"


@rule(
    "iam:CreateRole",
    "iam:UpdateAssumeRolePolicy",
    source="IAM user guide, IAM and STS quotas: 2,048 characters of a trust policy",
)
def trust_policy(value):
    name = "AssumeRolePolicyDocument" if "AssumeRolePolicyDocument" in value else "PolicyDocument"
    yield from policy_document(value.get(name, ""), name, 2_048)


@rule("iam:*", source="IAM user guide, Tags for IAM resources: 50 tags; keys that differ by case alone are equal")
def iam_tags(value):
    yield from tag_list(value.get("Tags", []), "Tags", is_case_sensitive=False)
