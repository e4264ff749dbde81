"""The write calls of the reconciler, from an independent record: CloudTrail, or the local cloud's router."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import UnknownRegionError

from local_cloud import Failed

SERVICES = ("autoscaling", "ec2", "iam", "logs", "monitoring", "s3")
# Seconds: CloudTrail delivers within some minutes, without a guarantee; its quota is two calls a second, each for 50 events.
LATEST, PAUSE = 900, 30
# The region in which a partition records calls to IAM, independent of the calling region (IAM User Guide, Logging IAM and AWS
# STS API calls, for the partition `aws`; for the others, the region of IAM). In a partition that is missing here, only the
# deployment's own region is read.
IAM_REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


@dataclass(frozen=True)
class Call:
    """One call to AWS."""

    at: datetime
    service: str
    operation: str
    error: str = ""
    request: str | None = None  # Its parameters as JSON; None if the record has none.


def now():
    return datetime.now(timezone.utc)


def regions(region):
    """The regions that record the calls of a deployment in this region."""
    try:
        iam_region = IAM_REGIONS.get(boto3.Session().get_partition_for_region(region), region)
    except UnknownRegionError:
        iam_region = region
    return list(dict.fromkeys((region, iam_region)))


class CloudTrail:
    """The event history of the account: it exists without a trail, costs nothing, and lags."""

    def __init__(self, account):
        self.account = account

    def writes(self, since, deletes_since):
        """All calls since a time, and the services whose last deletes have not arrived yet."""

        def has_arrived():
            calls = self.recorded(since)
            deleted = {it.service for it in calls if it.operation.startswith("Delete") and it.at >= deletes_since}
            missing = [service for service in SERVICES if service not in deleted]
            self.arrived = calls, missing
            return not missing

        try:
            self.account.until("the last deletes are in CloudTrail", has_arrived, LATEST, PAUSE)
        except Failed:
            """The checks judge the calls that have arrived; the report names the missing ones."""
        return self.arrived

    def recorded(self, since):
        found = {}
        for region in regions(self.account.region):
            only = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
            parameters = {"LookupAttributes": only, "StartTime": since}
            for event in self.account.every("cloudtrail", "lookup_events", region=region, **parameters)["Events"]:
                found[event["EventId"]] = json.loads(event["CloudTrailEvent"])
        own = [record for record in found.values() if is_of(record, f"{self.account.project}-reconciler")]
        return sorted((call(record) for record in own), key=lambda it: it.at)


def is_of(record, function):
    """Whether a function made the call itself: the session of its role has the function's name."""
    identity = record.get("userIdentity", {})
    return identity.get("arn", "").endswith(f"/{function}") and "invokedBy" not in identity


def call(record):
    return Call(
        at=datetime.fromisoformat(record["eventTime"]),
        service=record["eventSource"].split(".")[0],
        operation=record["eventName"],
        error=": ".join(record[it] for it in ("errorCode", "errorMessage") if record.get(it)),
        request=json.dumps(record["requestParameters"]) if record.get("requestParameters") else None,
    )


class Recorder:
    """The router of the local cloud: it has every call at once, and no parameters."""

    READS = ("Describe", "Get", "List", "Head")

    def __init__(self, cloud):
        self.cloud = cloud
        # The router counts from its own start; the time of a call made here gives the time of that start.
        cloud.client("sts").get_caller_identity()
        self.began = now() - timedelta(microseconds=max(it["at_micros"] for it in cloud.calls()))

    def writes(self, since, deletes_since):
        calls = [self.call(it) for it in self.cloud.calls() if it.get("app") == "reconciler"]
        writes = [it for it in calls if it.service in SERVICES and not it.operation.startswith(self.READS)]
        return [it for it in writes if it.at >= since], []

    def call(self, it):
        at = self.began + timedelta(microseconds=it["at_micros"])
        error = f"status {it['status']}" if it["status"] >= 400 else ""
        return Call(at, it["service"], it["operation"], error)
