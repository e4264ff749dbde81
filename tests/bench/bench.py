"""`make bench`: figures, as a table and in target/reports/bench.json.

The Rust program in this folder measures the rows of the engine alone; the rows of starts, memory and sizes come from the release
builds, if `make package` has built them; the others from environments on the local cloud, as its router recorded them.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "end_to_end"), str(ROOT / "tests" / "bench" / "start")]

from burst import burst_rows  # noqa: E402
from local_cloud import PROGRAM, REQUEST_FUNCTIONS, LocalCloud, web_template  # noqa: E402
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
    properties = {"BucketOnDelete": "Empty", **properties}
    event = {"RequestType": kind, "ResourceType": "Custom::ScalableEnvironment", **common, "ResourceProperties": properties}
    return event if kind == "Create" else {**event, "PhysicalResourceId": "bench"}


def calls_of(cloud, kind, request, **properties):
    """Sends a request, and returns the calls that the functions made for it."""
    before = len(cloud.calls())
    response = cloud.request(event(kind, request, **properties))
    if response.get("Status") != "SUCCESS":
        raise SystemExit(f"{kind} of {properties}: {response}")
    return [call for call in cloud.calls()[before:] if call.get("app") in REQUEST_FUNCTIONS]


def by_api(calls):
    counts = Counter(call["service"] for call in calls)
    return {api: counts[api] for api in APIS if counts[api]}


def writes(calls):
    """The calls that change the environment, without those to the records, the queues and the event bus."""
    return [call for call in calls if call["service"] not in ("dynamodb", "sqs", "events") and not call["operation"].startswith(READS)]


def call_rows(cloud):
    """Calls of a create, of a settled run and of a delete, for each API, over one to three zones."""
    rows = []
    for zones in (1, 2, 3):
        properties = {"EnvironmentSuffix": f"zones{zones}", "ZoneCount": zones}
        runs = {
            "create": calls_of(cloud, "Create", "create", **properties),
            "settled run": calls_of(cloud, "Update", "again", **properties),
            "delete": calls_of(cloud, "Delete", "delete", **properties),
        }
        for run, calls in runs.items():
            rows += [row(f"{run}, {zones} zones, writes", len(writes(calls)), "calls")]
            rows += [row(f"{run}, {zones} zones, {api}", count, "calls") for api, count in by_api(calls).items()]
    return rows


def end_of(call):
    return call["at_micros"] + call["micros"]


def response_row(cloud):
    """The time from the end of a stack's last call to the start of the response."""
    cloud.stack("response", web_template(), {"Suffix": "response", "BucketOnDelete": "Empty"})
    calls = cloud.calls()
    response = next(call for call in reversed(calls) if "cfn-response" in call["operation"])
    earlier = [call for call in calls if call.get("app") in REQUEST_FUNCTIONS and end_of(call) <= response["at_micros"]]
    last = max(end_of(call) for call in earlier)
    cloud.delete_stack("response")
    return row("response after the last call", (response["at_micros"] - last) / 1000, "ms", 1000)


def command_row(cloud):
    """The time of `envkeeper status` without that of its call, which the router recorded. 50 ms are promised for the release build
    of `make package-cli`; without it, the debug build is measured."""
    packaged = PACKAGED / "envkeeper"
    program, build = (packaged, "release") if packaged.exists() else (PROGRAM, "debug")
    calls_of(cloud, "Create", "create", EnvironmentSuffix="status")
    # The first run fills the page cache, and is not counted.
    times = sorted([milliseconds_beyond_the_call(cloud, program) for _ in range(21)][1:])
    calls_of(cloud, "Delete", "delete", EnvironmentSuffix="status")
    most = 1 if build == "release" else None
    return row(f"envkeeper status ({build} build), without its call, p95 of 20, against 50 ms", times[18], "ms", 50, most)


def milliseconds_beyond_the_call(cloud, program):
    began = time.monotonic()
    command = [str(program), "status", "status"]
    subprocess.run(command, env={**os.environ, **cloud.variables}, check=True, stdout=subprocess.DEVNULL)
    took = time.monotonic() - began
    call = next(call for call in reversed(cloud.calls()) if call["service"] == "lambda" and call["operation"] == "Invoke")
    return took * 1000 - call["micros"] / 1000


def latency_rows(cloud):
    """A create with the latencies of AWS, against the same calls one after another without any wait."""
    properties = {"EnvironmentSuffix": "slow", "Egress": "PublicIp", "WaitForInstances": False}
    calls = calls_of(cloud, "Create", "create", **properties)
    seconds = (max(map(end_of, calls)) - min(call["at_micros"] for call in calls)) / 1e6
    one_by_one = sum(call["micros"] for call in calls) / 1e6
    calls_of(cloud, "Delete", "delete", **properties)
    return [row("create, PublicIp, local cloud with latencies of AWS, against its calls one by one", seconds, "s", one_by_one)]


def script_rows(cloud):
    """The script that a user would write, and the same environment by Envkeeper: NatGateway, two zones."""
    script = [sys.executable, ROOT / "tests" / "bench" / "boto3_script.py", "--suffix", "script", "--poll", "1"]
    environment = {**os.environ, **cloud.variables}
    done = subprocess.run([str(part) for part in script], env=environment, check=True, capture_output=True, text=True)
    scripted = json.loads(done.stdout)
    calls = calls_of(cloud, "Create", "create", EnvironmentSuffix="envkeeper")
    seconds = (max(map(end_of, calls)) - min(call["at_micros"] for call in calls)) / 1e6
    calls_of(cloud, "Delete", "delete", EnvironmentSuffix="envkeeper")
    return [
        row("create, NatGateway, against a boto3 script, with latencies of AWS", seconds, "s", scripted["create_seconds"]),
        row("writes of a create, against all calls of a boto3 script", len(writes(calls)), "calls", scripted["create_calls"]),
        row("all calls of a create, against a boto3 script", len(calls), "calls", scripted["create_calls"]),
    ]


def warm(cloud):
    """Runs a create and a delete, since the emulators load each of their services at its first call."""
    calls_of(cloud, "Create", "create", EnvironmentSuffix="warm")
    calls_of(cloud, "Delete", "delete", EnvironmentSuffix="warm")


def cloud_rows():
    with LocalCloud() as cloud:
        cloud.deploy()
        warm(cloud)
        rows = [*call_rows(cloud), response_row(cloud), command_row(cloud)]
    with LocalCloud() as cloud:
        # A debug build takes several times as long, and Python is an optimized program.
        cloud.deploy(PACKAGED if PACKAGED.exists() else None)
        rows += burst_rows(cloud, row)
    with LocalCloud("--latency", LATENCY) as cloud:
        cloud.deploy()
        warm(cloud)
        return [*rows, *latency_rows(cloud), *script_rows(cloud)]


def release_rows():
    """Starts, memory and sizes. The bench does not wait for a release build of many minutes, so these rows may be missing."""
    if not PACKAGED.exists():
        print("starts, memory and sizes are left out: `make package` creates the release builds", file=sys.stderr)
        return []
    return [*start_rows(), *size_rows(row, REPORTS / "package.json")]


def main():
    rows = [*engine_rows(), *release_rows(), *cloud_rows()]
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "bench.json").write_text(json.dumps(rows, indent=2) + "\n")
    print("\n".join(table(rows)))
    # After the report, so that the report has all rows.
    if broken := missed(rows):
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
