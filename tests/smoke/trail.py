"""The writing calls that the reconciler made, as somebody else recorded them: CloudTrail, or the local cloud's router."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import UnknownRegionError

from local_cloud import Failed

SERVICES = ("autoscaling", "ec2", "iam", "logs", "monitoring", "s3")
# Seconds: CloudTrail delivers within some minutes, and promises nothing; and it may be asked twice a second, for 50 events.
LATEST, PAUSE = 900, 30
# Where a partition's IAM is recorded, wherever it is called from (IAM User Guide, Logging IAM and AWS STS API calls, for AWS's
# own; of the others, the region in which IAM is). Of partitions that are not here nobody looks beside the own region.
OF_IAM = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


@dataclass(frozen=True)
class Call:
    """One call to AWS."""

    at: datetime
    service: str
    operation: str
    error: str = ""
    request: str | None = None  # Its parameters as JSON; None where nobody recorded them.


def now():
    return datetime.now(timezone.utc)


def regions(region):
    """Where the calls of a deployment in this region are recorded."""
    try:
        of_iam = OF_IAM.get(boto3.Session().get_partition_for_region(region), region)
    except UnknownRegionError:
        of_iam = region
    return list(dict.fromkeys((region, of_iam)))


class CloudTrail:
    """The event history of the account: it is there without a trail, costs nothing, and lags."""

    def __init__(self, account):
        self.account = account

    def writes(self, since, deletes_since):
        """All calls since a moment, and the services of which the last deletes have not arrived yet."""

        def look():
            calls = self.recorded(since)
            deleted = {it.service for it in calls if it.operation.startswith("Delete") and it.at >= deletes_since}
            missing = [service for service in SERVICES if service not in deleted]
            self.seen = calls, missing
            return not missing

        try:
            self.account.until("the last deletes are in CloudTrail", look, LATEST, PAUSE)
        except Failed:
            """What has arrived is judged; what is missing is told."""
        return self.seen

    def recorded(self, since):
        found = {}
        for region in regions(self.account.region):
            only = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
            asked = {"LookupAttributes": only, "StartTime": since}
            for event in self.account.every("cloudtrail", "lookup_events", region=region, **asked)["Events"]:
                found[event["EventId"]] = json.loads(event["CloudTrailEvent"])
        mine = [record for record in found.values() if is_of(record, f"{self.account.project}-reconciler")]
        return sorted((call(record) for record in mine), key=lambda it: it.at)


def is_of(record, function):
    """Whether a function made the call itself: its name is that of its role's session."""
    who = record.get("userIdentity", {})
    return who.get("arn", "").endswith(f"/{function}") and "invokedBy" not in who


def call(record):
    return Call(
        at=datetime.fromisoformat(record["eventTime"]),
        service=record["eventSource"].split(".")[0],
        operation=record["eventName"],
        error=": ".join(record[it] for it in ("errorCode", "errorMessage") if record.get(it)),
        request=json.dumps(record["requestParameters"]) if record.get("requestParameters") else None,
    )


class Recorder:
    """The router of the local cloud: it knows every call at once, and no parameters."""

    READS = ("Describe", "Get", "List", "Head")

    def __init__(self, cloud):
        self.cloud = cloud
        # The router counts from its own start, so a call of ours says when that was.
        cloud.client("sts").get_caller_identity()
        self.began = now() - timedelta(microseconds=max(it["at_micros"] for it in cloud.calls()))

    def writes(self, since, deletes_since):
        calls = [self.call(it) for it in self.cloud.calls() if it.get("app") == "reconciler"]
        wanted = [it for it in calls if it.service in SERVICES and not it.operation.startswith(self.READS)]
        return [it for it in wanted if it.at >= since], []

    def call(self, it):
        at = self.began + timedelta(microseconds=it["at_micros"])
        error = f"status {it['status']}" if it["status"] >= 400 else ""
        return Call(at, it["service"], it["operation"], error)
