"""What is measured: each function with the cheapest real event of it, a hello of the same runtime, and Python functions.

An event is chosen so that its answer takes one call of AWS, or the fewest that any real event of that function takes.
The counts of a run are held against `calls`, and its answer against `tells`.
"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EVENTS = ROOT / "events"
GET, QUERY, KEEP = "dynamodb:GetItem", "dynamodb:Query", "sqs:ChangeMessageVisibility"

# All that the reconciler touches, and the door looks at for people.
OF_ENVIRONMENTS = ("autoscaling", "cloudformation", "cloudwatch", "ec2", "iam", "logs", "s3", "sns", "ssm")


@dataclass(frozen=True)
class Contender:
    name: str
    # What it is asked, in a few words.
    asked: str
    event: dict
    calls: tuple
    # A part of the right answer.
    tells: str
    # The services that it has clients for, by boto3's names.
    clients: tuple = ("dynamodb",)
    # Of the floor at most so much.
    most: float | None = None
    # Whether it trusts Amazon's authorities alone (the template's TrustedRoots).
    amazon: bool = False
    # How it is started.
    program: tuple = ()

    @property
    def told(self):
        roots = ", Amazon's roots alone" * self.amazon
        return f"{self.name}, {self.asked}, {len(self.calls)} call{'s' * (len(self.calls) > 1)}{roots}"


def sample(path, records=None):
    event = json.loads((EVENTS / path).read_text())
    return {"Records": event["Records"][:records]} if records else event


def answered_request():
    """The request that the reconciler and the watchdog are asked about: its hash is its message's name."""
    return sample("reconciler/create.json")["Records"][0]["attributes"]["MessageDeduplicationId"]


HELLO = Contender("hello", "any event", {}, (GET,), '"Found":false')

DOOR_AND_SUBSCRIBERS, RECONCILER = 1.5, 2.0  # × the floor

AS_DEPLOYED = (
    Contender(
        "custom-resource", "status of a gone environment", sample("custom-resource/status.json"),
        (GET,), "no environment has this name", ("dynamodb", "sqs", *OF_ENVIRONMENTS), DOOR_AND_SUBSCRIBERS,
    ),
    Contender(
        # It keeps each message before it looks at it: no real one takes a single call.
        "reconciler", "an answered request", sample("reconciler/create.json"),
        (KEEP, GET), '"batchItemFailures":[]', ("dynamodb", "sqs", *OF_ENVIRONMENTS), RECONCILER,
    ),
    Contender(
        "watchdog", "an answered letter", sample("watchdog/dead-letter.json"),
        (GET,), '"batchItemFailures":[]', ("dynamodb", "ec2", "autoscaling"), DOOR_AND_SUBSCRIBERS,
    ),
    Contender(
        "watchdog", "schedule, nothing to do", sample("watchdog/schedule.json"),
        (QUERY, "ec2:DescribeTags", "autoscaling:DescribeTags"), '"Orphans":[]', ("dynamodb", "ec2", "autoscaling"),
    ),
    Contender(
        "lifecycle-hook", "sweep, no groups", sample("lifecycle-hook/sweep.json"),
        ("autoscaling:DescribeAutoScalingGroups",), '"Swept":[]',
        ("dynamodb", "sqs", "autoscaling", "ec2", "elbv2", "logs", "ssm"), DOOR_AND_SUBSCRIBERS,
    ),
    Contender(
        "scaling-log", "event of a gone environment", sample("scaling-log/queue.json", records=1),
        (GET,), '"batchItemFailures":[]', ("dynamodb", "sqs", "autoscaling", "logs"), DOOR_AND_SUBSCRIBERS,
    ),
    Contender(
        "alarm", "alarm of a gone environment", sample("alarm/direct.json"),
        (GET,), "is gone", ("dynamodb", "sqs", "cloudwatch"), DOOR_AND_SUBSCRIBERS,
    ),
)  # fmt: skip
FUNCTIONS = (*AS_DEPLOYED, *(replace(it, amazon=True) for it in AS_DEPLOYED))


def in_python(function):
    """The function that a user would write in its place: with the same clients, and one call whatever it is asked."""
    program = (sys.executable, str(Path(__file__).with_name("plain_function.py")))
    name = f"{function.name} in Python"
    return Contender(name, "any event", {}, (GET,), '"Found": false', function.clients, program=program)


def variables(queues="https://sqs.us-west-2.amazonaws.com/123456789012/"):
    """As `infra/template.yaml` sets them, of all functions together."""
    return {
        "PROJECT_NAME": "scalable-ec2",
        "ACCOUNT_ID": "123456789012",
        "RECORDS_TABLE": "records",
        "LIFECYCLE_HOOKS": "true",
        "AUTOMATION_PAUSED": "false",
        "ALLOWED_RESPONSE_HOSTS": "",
        "HOOK_POLL_SECONDS": "15",
        "REQUEST_QUEUE_URL": f"{queues}requests.fifo",
        "LEDGER_QUEUE_URL": f"{queues}scaling-events",
        "HOOK_QUEUE_URL": f"{queues}hooks",
        "HOOK_DEAD_LETTERS_URL": f"{queues}dead-hooks",
        "EVENT_DEAD_LETTERS_URL": f"{queues}dead-events",
        "CUSTOM_RESOURCE_FUNCTION": "scalable-ec2-custom-resource",
    }
