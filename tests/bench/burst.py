"""A burst of events through the real queue into the ledger, and through a plain Python function beside it."""

import io
import json
import sys
import threading
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))

from local_cloud import PROJECT, ROOT, until  # noqa: E402

EVENTS = 10_000
SUFFIX = "burst"
LEDGER = f"/aws/autoscaling/{PROJECT}-{SUFFIX}"
PLAIN = "/aws/autoscaling/plain"


def events(count):
    """Launches of one group, each of its own instance."""
    sample = json.loads((ROOT / "events" / "scaling-log" / "launch.json").read_text())
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for number in range(count):
        detail = {
            **sample["detail"],
            "AutoScalingGroupName": f"{PROJECT}-asg-uswest2-{SUFFIX}",
            "ActivityId": f"00000000-0000-4000-8000-{number:012d}",
            "EC2InstanceId": f"i-{number:017x}",
            "StartTime": now,
            "EndTime": now,
            # Without the sentence that tells of a change of the capacity: one event is one line.
            "Cause": "At 2026-01-02T03:04:04Z an instance was started in response to a launch failure.",
        }
        yield json.dumps({**sample, "id": f"burst-{number}", "time": now, "detail": detail})


def an_environment(cloud):
    """What the ledger asks for before it writes: the environment's record, and its log group."""
    item = {"pk": {"S": f"environment#{PROJECT}-us-west-2-{SUFFIX}"}, "held_by": {"S": "0" * 20}}
    cloud.client("dynamodb").put_item(TableName=table(cloud), Item=item)
    cloud.client("logs").create_log_group(logGroupName=LEDGER)


def table(cloud):
    functions = cloud.client("lambda")
    configuration = functions.get_function_configuration(FunctionName=f"{PROJECT}-scaling-log")
    return configuration["Environment"]["Variables"]["RECORDS_TABLE"]


def a_plain_function(cloud):
    """Deploys the other one, with a queue of its own, and gives the queue."""
    cloud.client("logs").create_log_group(logGroupName=PLAIN)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(ROOT / "tests" / "bench" / "plain.py", "plain.py")
    functions, sqs = cloud.client("lambda"), cloud.client("sqs")
    functions.create_function(
        FunctionName=f"{PROJECT}-plain",
        Runtime="python3.11",
        Handler="plain.handler",
        Role="arn:aws:iam::123456789012:role/plain",
        Code={"ZipFile": code.getvalue()},
        MemorySize=256,
        Timeout=60,
        Environment={"Variables": {"LOG_GROUP": PLAIN, "AWS_SDK_UA_APP_ID": "plain"}},
    )
    queue = sqs.create_queue(QueueName="plain", Attributes={"VisibilityTimeout": "360"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_event_source_mapping(FunctionName=f"{PROJECT}-plain", EventSourceArn=arn, BatchSize=10)
    return queue


def send(cloud, queue, bodies):
    """Sends all of it, from four threads, ten at a time."""
    bodies = list(bodies)

    def part(offset):
        sqs = cloud.client("sqs")
        for at in range(offset * 10, len(bodies), 40):
            some = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[at : at + 10])]
            sqs.send_message_batch(QueueUrl=queue, Entries=some)

    threads = [threading.Thread(target=part, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def written(cloud, group):
    """How many lines there are."""
    logs, count, more = cloud.client("logs"), 0, {}
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        token = None
        while True:
            more = {"nextToken": token} if token else {}
            page = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **more
            )
            count += len(page["events"])
            if page["nextForwardToken"] == token or not page["events"]:
                break
            token = page["nextForwardToken"]
    return count


def memory(cloud, function):
    """The largest resident set of the function's processes so far, in MiB."""
    name, ours = f"AWS_LAMBDA_FUNCTION_NAME={PROJECT}-{function}".encode(), str(cloud.folder).encode()
    peak = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
            if name in variables.split(b"\0") and (ours in variables or function == "plain"):
                status = (process / "status").read_text()
                peak = max(peak, int(status.split("VmHWM:")[1].split()[0]))
        except (FileNotFoundError, PermissionError, ProcessLookupError, IndexError):
            """It ended by itself, or is somebody else's."""
    return peak / 1024


def one(cloud, queue, group, function, count):
    """Sends the burst, and measures until all of it is written."""
    before = len(cloud.calls())
    began = time.monotonic()
    send(cloud, queue, events(count))
    until(f"{count} lines of {function}", lambda: written(cloud, group) >= count, 600)
    seconds = time.monotonic() - began
    calls = [call for call in cloud.calls()[before:] if call.get("app") == function]
    puts = sum(call["operation"] == "PutLogEvents" for call in calls)
    return {"seconds": seconds, "puts": puts, "memory": memory(cloud, function), "lines": written(cloud, group)}


def batches(cloud):
    """The batches that scaling-log says it had: how many, and how many messages in them."""
    logs, found, more = cloud.client("logs"), [], {}
    while True:
        page = logs.filter_log_events(logGroupName=f"/aws/lambda/{PROJECT}-scaling-log", **more)
        found += [json.loads(it["message"]) for it in page["events"] if '"a batch"' in it["message"]]
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    return found


def burst_rows(cloud, row, count=EVENTS):
    """The rows of bench.json."""
    an_environment(cloud)
    (queue,) = cloud.client("sqs").list_queues(QueueNamePrefix="envkeeper-ScalingEvents-")["QueueUrls"]
    ours = one(cloud, queue, LEDGER, "scaling-log", count)
    # An invocation's output is there when it has ended.
    told = until("all batches are told", lambda: (it := batches(cloud)) and sum(b["received"] for b in it) >= count and it, 60)
    plain = one(cloud, a_plain_function(cloud), PLAIN, "plain", count)
    if ours["lines"] != sum(it["accepted"] for it in told):
        raise SystemExit(f"{ours['lines']} lines of {sum(it['accepted'] for it in told)} that were accepted")
    what = f"{count:,} events into the ledger"
    return [
        row(f"{what}, against a plain Python function", ours["seconds"], "s", plain["seconds"]),
        row(f"{what}: invocations", len(told), "calls"),
        row(f"{what}: PutLogEvents, against the least for these batches", ours["puts"], "calls", len(told), most=1.1),
        row(f"{what}: peak memory, against the Python function", ours["memory"], "MiB", plain["memory"]),
    ]
