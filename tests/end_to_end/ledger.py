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


def summary(cloud, since=""):
    """The ledger as text: one line for each entry, with the reason."""
    found = [entry for entry in entries(cloud) if entry["kind"] != "lifecycle" and entry["time"] >= since]
    return [summary_line(entry) for entry in found]


def summary_line(entry):
    cause = entry.get("cause", {})
    at = entry["time"][11:19]
    kind, outcome, instance = entry["kind"], entry["outcome"], entry.get("instance", "")
    if kind == "capacity":
        actor = {
            "alarm": f"alarm {cause.get('alarm')} by policy {cause.get('policy')}",
            "request": "a user request",
        }.get(cause["actor"], cause["actor"])
        return f"{at}  capacity     {cause['desiredBefore']} → {cause['desiredAfter']}: {actor}"
    if kind == "alarm":
        # AWS's reason ends with the minimum number of datapoints for a transition.
        reason = entry.get("reason", "").split(" (minimum ")[0]
        return f"{at}  alarm        {cause['alarm']} is {outcome}: {reason}"
    duration = f" after {entry['seconds']:.0f} s" if "seconds" in entry else ""
    reason = f": {entry['reason']}" if entry.get("reason") and entry["reason"] != outcome else ""
    if kind == "remediation":
        return f"{at}  remediation  {cause.get('rule', '')} {outcome}{reason}"
    return f"{at}  {kind:<12} {instance} {outcome}{duration}{reason}"
