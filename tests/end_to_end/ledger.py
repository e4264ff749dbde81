"""The ledger of an environment, as it is in its scaling log group."""

import json

from insights import run

SCALING_LOGS = "/aws/autoscaling/scalable-ec2-dev"


def events(cloud, group=SCALING_LOGS):
    """All lines, with their times."""
    return cloud.client("logs").filter_log_events(logGroupName=group)["events"]


def lines(cloud, **having):
    """The lines that have these values, each id once, in the order of time."""
    found = {}
    for event in events(cloud):
        line = json.loads(event["message"])
        if all(line.get(name) == value for name, value in having.items()):
            found.setdefault(line["id"], line)
    return sorted(found.values(), key=lambda line: line["time"])


def saved(cloud):
    """The environment's saved queries: text by title."""
    found = cloud.client("logs").describe_query_definitions(queryDefinitionNamePrefix="scalable-ec2-queries-uswest2-dev/")
    return {it["name"].rsplit("/", 1)[1]: it["queryString"] for it in found["queryDefinitions"]}


def ask(cloud, title):
    """What a saved query says of the ledger as it is."""
    return run(saved(cloud)[title], events(cloud))


def story(cloud, since=""):
    """The ledger as people read it: a line for each thing that happened, and why."""
    told = [line for line in lines(cloud) if line["kind"] != "lifecycle" and line["time"] >= since]
    return [sentence(line) for line in told]


def sentence(line):
    cause = line.get("cause", {})
    at = line["time"][11:19]
    kind, outcome, instance = line["kind"], line["outcome"], line.get("instance", "")
    if kind == "capacity":
        by = {
            "alarm": f"alarm {cause.get('alarm')} by policy {cause.get('policy')}",
            "request": "somebody asked for it",
        }.get(cause["actor"], cause["actor"])
        return f"{at}  capacity     {cause['desiredBefore']} → {cause['desiredAfter']}: {by}"
    if kind == "alarm":
        # AWS's reason ends with what it takes to go back.
        why = line.get("reason", "").split(" (minimum ")[0]
        return f"{at}  alarm        {cause['alarm']} is {outcome}: {why}"
    took = f" after {line['seconds']:.0f} s" if "seconds" in line else ""
    why = f": {line['reason']}" if line.get("reason") and line["reason"] != outcome else ""
    if kind == "remediation":
        return f"{at}  remediation  {cause.get('rule', '')} {outcome}{why}"
    return f"{at}  {kind:<12} {instance} {outcome}{took}{why}"


