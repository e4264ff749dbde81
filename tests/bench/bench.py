"""`make bench`: figures, as a table and in target/reports/bench.json.

Rows of the engine alone come from the Rust program beside this file; those of starts, memory and sizes from the release
builds, where `make package` has made them; the others from environments on the local cloud, as its router recorded them.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "end_to_end"), str(ROOT / "tests" / "bench" / "start")]

from burst import burst_rows  # noqa: E402
from local_cloud import REQUEST_FUNCTIONS, LocalCloud, web_template  # noqa: E402
from measure import PACKAGED, start_rows  # noqa: E402
from rows import missed, row, table  # noqa: E402
from sizes import size_rows  # noqa: E402

REPORTS = ROOT / "target" / "reports"
LATENCY = ROOT / "tests" / "local-cloud" / "latency.json"
APIS = ("ec2", "autoscaling", "iam", "s3", "monitoring", "logs", "ssm", "dynamodb", "sqs")
READS = ("Describe", "Get", "List", "Head")


def engine_rows():
    command = ["cargo", "run", "--release", "--locked", "--quiet", "--package", "bench"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def event(kind, request, **properties):
    stack = "arn:aws:cloudformation:us-west-2:123456789012:stack/bench/0"
    common = {"StackId": stack, "LogicalResourceId": properties["EnvironmentSuffix"], "RequestId": request}
    wanted = {"BucketOnDelete": "Empty", **properties}
    event = {"RequestType": kind, "ResourceType": "Custom::ScalableEnvironment", **common, "ResourceProperties": wanted}
    return event if kind == "Create" else {**event, "PhysicalResourceId": "bench"}


def ask(cloud, kind, request, **properties):
    """Asks, and gives the calls that the function made for it."""
    before = len(cloud.calls())
    answer = cloud.request(event(kind, request, **properties))
    if answer.get("Status") != "SUCCESS":
        raise SystemExit(f"{kind} of {properties}: {answer}")
    return [call for call in cloud.calls()[before:] if call.get("app") in REQUEST_FUNCTIONS]


def by_api(calls):
    counts = Counter(call["service"] for call in calls)
    return {api: counts[api] for api in APIS if counts[api]}


def writes(calls):
    """Those that change the environment: the records aside."""
    return [call for call in calls if call["service"] not in ("dynamodb", "sqs") and not call["operation"].startswith(READS)]


def call_rows(cloud):
    """Calls of a create, of a settled run and of a delete, per API, over one to three zones."""
    rows = []
    for zones in (1, 2, 3):
        properties = {"EnvironmentSuffix": f"zones{zones}", "ZoneCount": zones}
        runs = {
            "create": ask(cloud, "Create", "create", **properties),
            "settled run": ask(cloud, "Update", "again", **properties),
            "delete": ask(cloud, "Delete", "delete", **properties),
        }
        for run, calls in runs.items():
            rows += [row(f"{run}, {zones} zones, writes", len(writes(calls)), "calls")]
            rows += [row(f"{run}, {zones} zones, {api}", count, "calls") for api, count in by_api(calls).items()]
    return rows


def ends(call):
    return call["at_micros"] + call["micros"]


def reply_row(cloud):
    """From the end of a stack's last call to its answer on the way."""
    cloud.stack("reply", web_template(), {"Suffix": "reply", "BucketOnDelete": "Empty"})
    calls = cloud.calls()
    reply = next(call for call in reversed(calls) if "cfn-response" in call["operation"])
    made = [call for call in calls if call.get("app") in REQUEST_FUNCTIONS and ends(call) <= reply["at_micros"]]
    last = max(ends(call) for call in made)
    cloud.delete_stack("reply")
    return row("reply after the last call", (reply["at_micros"] - last) / 1000, "ms", 1000)


def latency_rows(cloud):
    """A create with the latencies of AWS, against the same calls made one after another without any wait."""
    properties = {"EnvironmentSuffix": "slow", "Egress": "PublicIp", "WaitForInstances": False}
    calls = ask(cloud, "Create", "create", **properties)
    seconds = (max(map(ends, calls)) - min(call["at_micros"] for call in calls)) / 1e6
    one_by_one = sum(call["micros"] for call in calls) / 1e6
    ask(cloud, "Delete", "delete", **properties)
    return [row("create, PublicIp, local cloud with latencies of AWS, against its calls one by one", seconds, "s", one_by_one)]


def by_hand_rows(cloud):
    """The script that a user would write, and the same environment by Envkeeper: NatGateway, two zones."""
    script = [sys.executable, ROOT / "tests" / "bench" / "by_hand.py", "--suffix", "byhand", "--poll", "1"]
    environment = {**os.environ, **cloud.variables}
    done = subprocess.run([str(part) for part in script], env=environment, check=True, capture_output=True, text=True)
    hand = json.loads(done.stdout)
    calls = ask(cloud, "Create", "create", EnvironmentSuffix="ours")
    seconds = (max(map(ends, calls)) - min(call["at_micros"] for call in calls)) / 1e6
    ask(cloud, "Delete", "delete", EnvironmentSuffix="ours")
    return [
        row("create, NatGateway, against a boto3 script, with latencies of AWS", seconds, "s", hand["create_seconds"]),
        row("writes of a create, against all calls of a boto3 script", len(writes(calls)), "calls", hand["create_calls"]),
        row("all calls of a create, against a boto3 script", len(calls), "calls", hand["create_calls"]),
    ]


def warm(cloud):
    """The emulators load each of their services at its first call."""
    ask(cloud, "Create", "create", EnvironmentSuffix="warm")
    ask(cloud, "Delete", "delete", EnvironmentSuffix="warm")


def cloud_rows():
    with LocalCloud() as cloud:
        cloud.deploy()
        warm(cloud)
        rows = [*call_rows(cloud), reply_row(cloud)]
    with LocalCloud() as cloud:
        # An unoptimised program takes several times as long, and would be measured against an optimised Python.
        cloud.deploy(PACKAGED if PACKAGED.exists() else None)
        rows += burst_rows(cloud, row)
    with LocalCloud("--latency", LATENCY) as cloud:
        cloud.deploy()
        warm(cloud)
        return [*rows, *latency_rows(cloud), *by_hand_rows(cloud)]


def release_rows():
    """Starts, memory and sizes. Nobody waits for a release build of many minutes here, so they may be missing."""
    if not PACKAGED.exists():
        print("starts, memory and sizes are left out: `make package` makes the release builds", file=sys.stderr)
        return []
    return [*start_rows(), *size_rows(row, REPORTS / "package.json")]


def main():
    rows = [*engine_rows(), *release_rows(), *cloud_rows()]
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "bench.json").write_text(json.dumps(rows, indent=2) + "\n")
    print("\n".join(table(rows)))
    # After the report, so that it tells of all rows.
    if broken := missed(rows):
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
