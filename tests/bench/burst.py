"""A burst of events through the real queue into the ledger, and for comparison through a plain Python function."""

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
PLAIN = "/aws/autoscaling/plain"

# The mixed burst: several environments and days, and events with two lines, so that no batch can be written with one call.
MIXED_EVENTS = 2_000
MIXED = ("burst-a", "burst-b", "burst-c")
DAY = 86_400


def ledger(suffix):
    return f"/aws/autoscaling/{PROJECT}-{suffix}"


def bodies(count, mixed=False):
    """Launches, each of its own instance: in one group, with a line each; or mixed."""
    sample = json.loads((ROOT / "events" / "scaling-log" / "launch.json").read_text())
    now = time.time()
    for number in range(count):
        suffix, day, is_change = mix(number) if mixed else (SUFFIX, 0, False)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - day * DAY))
        # A sentence about a change of the capacity results in a line of its own.
        change = f"At {at} a user request changing the desired capacity from {number} to {number + 1}. "
        cause = f"At {at} an instance was started in response to a launch failure."
        detail = {
            **sample["detail"],
            "AutoScalingGroupName": f"{PROJECT}-asg-uswest2-{suffix}",
            "ActivityId": f"00000000-0000-4000-8000-{number:012d}",
            "EC2InstanceId": f"i-{number:017x}",
            "StartTime": at,
            "EndTime": at,
            "Cause": change + cause if is_change else cause,
        }
        yield json.dumps({**sample, "id": f"burst-{number}", "time": at, "detail": detail})


def mix(number):
    """The environment of an event of the mixed burst, its age in days, and whether its cause contains a change."""
    return MIXED[number % 3], number // 3 % 2, number // 6 % 2 == 0


def lines_of(count, mixed=False):
    return count + sum(mixed and mix(number)[2] for number in range(count))


def streams_of(count, mixed=False):
    return len({mix(number)[:2] for number in range(count)}) if mixed else 1


def create_environment(cloud, suffix):
    """Creates the environment's record and its log group, which scaling-log requires before it writes."""
    # The policy of the table admits no other role.
    cloud.function_principal("reconciler")("dynamodb").update_item(
        TableName=table(cloud),
        Key={"pk": {"S": f"environment#{PROJECT}-us-west-2-{suffix}"}},
        UpdateExpression="SET held_by = :held_by",
        ExpressionAttributeValues={":held_by": {"S": "0" * 20}},
    )
    cloud.client("logs").create_log_group(logGroupName=ledger(suffix))


def table(cloud):
    functions = cloud.client("lambda")
    configuration = functions.get_function_configuration(FunctionName=f"{PROJECT}-scaling-log")
    return configuration["Environment"]["Variables"]["RECORDS_TABLE"]


def deploy_plain_function(cloud):
    """Deploys the plain function with a queue of its own, and returns the queue."""
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
    """Sends all bodies, from four threads, ten at a time."""
    bodies = list(bodies)

    def part(offset):
        sqs = cloud.operator("sqs")
        for at in range(offset * 10, len(bodies), 40):
            some = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[at : at + 10])]
            sqs.send_message_batch(QueueUrl=queue, Entries=some)

    threads = [threading.Thread(target=part, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def written(cloud, groups):
    """All lines in the log groups."""
    logs, found = cloud.client("logs"), []
    for group in groups:
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            token = None
            while True:
                more = {"nextToken": token} if token else {}
                page = logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **more
                )
                found += [it["message"] for it in page["events"]]
                if page["nextForwardToken"] == token or not page["events"]:
                    break
                token = page["nextForwardToken"]
    return found


def memory(cloud, function):
    """The largest resident set of the function's processes so far, in MiB."""
    name, folder = f"AWS_LAMBDA_FUNCTION_NAME={PROJECT}-{function}".encode(), str(cloud.folder).encode()
    peak = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
            if name in variables.split(b"\0") and (folder in variables or function == "plain"):
                status = (process / "status").read_text()
                peak = max(peak, int(status.split("VmHWM:")[1].split()[0]))
        except (FileNotFoundError, PermissionError, ProcessLookupError, IndexError):
            """The process exited by itself, or belongs to another user."""
    return peak / 1024


def is_empty(cloud, queue):
    """Whether no message waits in the queue, and none is in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return all(found[name] == "0" for name in names)


def burst(cloud, queue, groups, function, messages, lines):
    """Sends the burst, and measures the time until all lines are written. It polls the queue first: polling ten thousand lines
    would be most of the emulator's work."""
    began = time.monotonic()
    send(cloud, queue, messages)
    until(f"the queue of {function} is empty", lambda: is_empty(cloud, queue), 900)
    until(f"{lines} lines of {function}", lambda: len(written(cloud, groups)) >= lines, 600)
    return {"seconds": time.monotonic() - began, "memory": memory(cloud, function)}


def logged(cloud, message, since):
    """The log entries of scaling-log with this message since a time."""
    logs, found, more = cloud.client("logs"), [], {}
    while True:
        page = logs.filter_log_events(
            logGroupName=f"/aws/lambda/{PROJECT}-scaling-log", startTime=int(since * 1000), **more
        )
        found += [json.loads(it["message"]) for it in page["events"] if f'"{message}"' in it["message"]]
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    return found


def into_the_ledger(cloud, suffixes, count, mixed=False):
    """A burst into the ledgers of these environments: its time and memory, its batches, and the minimum of calls for them."""
    for suffix in suffixes:
        create_environment(cloud, suffix)
    groups, lines = [ledger(suffix) for suffix in suffixes], lines_of(count, mixed)
    (queue,) = cloud.client("sqs").list_queues(QueueNamePrefix="envkeeper-ScalingEventQueue-")["QueueUrls"]
    began, before = time.time(), len(cloud.calls())
    measured = burst(cloud, queue, groups, "scaling-log", bodies(count, mixed), lines)

    # An invocation's output is readable after its end.
    def all_batches():
        batches = logged(cloud, "batch handled", began)
        return batches if sum(it["received"] for it in batches) >= count else None

    batches = until("the log has all batches", all_batches, 60)
    calls = [it for it in cloud.calls()[before:] if it.get("app") == "scaling-log" and it["operation"] == "PutLogEvents"]
    distinct = {json.loads(line)["id"] for line in written(cloud, groups)}
    if len(distinct) != lines:
        raise SystemExit(f"{len(distinct)} lines in the ledgers, and not {lines}")
    # For the batches as they were delivered: a call for each log group and stream of a batch, since ten small lines reach no limit.
    minimum = sum(it["streams"] for it in logged(cloud, "ledger lines pending", began))
    return {**measured, "batches": len(batches), "puts": len(calls), "minimum": minimum}


def burst_rows(cloud, row, count=EVENTS, mixed=MIXED_EVENTS):
    """The rows of bench.json."""
    ledger_burst = into_the_ledger(cloud, [SUFFIX], count)
    plain = burst(cloud, deploy_plain_function(cloud), [PLAIN], "plain", bodies(count), count)
    mixed_burst = into_the_ledger(cloud, MIXED, mixed, mixed=True)
    title, calls = f"{count:,} events into the ledger", "PutLogEvents, against the minimum for these batches"
    return [
        row(f"{title}, against a plain Python function", ledger_burst["seconds"], "s", plain["seconds"]),
        row(f"{title}: invocations", ledger_burst["batches"], "calls"),
        row(f"{title}: {calls}", ledger_burst["puts"], "calls", ledger_burst["minimum"], most=1.1),
        row(f"{title}: peak memory, against the Python function", ledger_burst["memory"], "MiB", plain["memory"]),
        row(
            f"{mixed:,} of three environments and two days: {calls}",
            *(mixed_burst["puts"], "calls", mixed_burst["minimum"]),
            most=1.1,
        ),
    ]
