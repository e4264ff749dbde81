"""Reads the ledger of an environment from its scaling log group."""

import json

from insights import run

SCALING_LOGS = "/aws/autoscaling/scalable-ec2-dev"


def events(cloud, group=SCALING_LOGS):
    """All log events, with their timestamps."""
    return cloud.client("logs").filter_log_events(logGroupName=group)["events"]


def entries(cloud, **having):
    """The entries with these values, each id once, in the order of time."""
    found = {}
    for event in events(cloud):
        entry = json.loads(event["message"])
        if all(entry.get(name) == value for name, value in having.items()):
            found.setdefault(entry["id"], entry)
    return sorted(found.values(), key=lambda entry: entry["time"])


def saved_queries(cloud):
    """The environment's saved queries: text by title."""
    found = cloud.client("logs").describe_query_definitions(queryDefinitionNamePrefix="scalable-ec2-queries-uswest2-dev/")
    return {it["name"].rsplit("/", 1)[1]: it["queryString"] for it in found["queryDefinitions"]}


def run_query(cloud, title):
    """The rows that a saved query returns for the current ledger."""
    return run(saved_queries(cloud)[title], events(cloud))


def line(entry):
    """An entry as evidence, with the ledger's own words. The command line has them as sentences."""
    words = [entry["time"][11:19], entry["kind"], entry.get("instance", ""), entry["outcome"], entry.get("reason", "")]
    return "  ".join(word for word in words if word)
