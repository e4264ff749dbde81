"""The measured contenders: each function with its cheapest real event, a hello of the same runtime, and Python functions.

Each event needs one call to AWS for its response, or the fewest calls that any real event of that function needs.
A run compares its counts with `calls`, and its response with `expected`.
"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EVENTS = ROOT / "events"
GET, QUERY, EXTEND = "dynamodb:GetItem", "dynamodb:Query", "sqs:ChangeMessageVisibility"

# The services that the reconciler calls, and that operator-read reads.
ENVIRONMENT_SERVICES = ("autoscaling", "cloudformation", "cloudwatch", "ec2", "iam", "logs", "s3", "sns", "ssm")


@dataclass(frozen=True)
class Contender:
    name: str
    # The event, in a few words.
    title: str
    event: dict
    calls: tuple
    # A part of the expected response.
    expected: str
    # The services that the function has clients for, by boto3's names.
    clients: tuple = ("dynamodb",)
    # The highest promised ratio to the floor.
    most: float | None = None
    # Whether the function trusts Amazon's authorities alone (the template's TrustedRoots).
    amazon: bool = False
    # The command line.
    program: tuple = ()

    @property
    def label(self):
        roots = ", Amazon's roots alone" * self.amazon
        return f"{self.name}, {self.title}, {len(self.calls)} call{'s' * (len(self.calls) > 1)}{roots}"


def sample(path, records=None):
    event = json.loads((EVENTS / path).read_text())
    return {"Records": event["Records"][:records]} if records else event


def completed_request():
    """The hash of the request in the events of the reconciler and the watchdog: the deduplication id of its message."""
    return sample("reconciler/create.json")["Records"][0]["attributes"]["MessageDeduplicationId"]


HELLO = Contender("hello", "any event", {}, (GET,), '"Found":false')

MOST, MOST_OF_RECONCILER = 1.5, 2.0  # × the floor

AS_DEPLOYED = (
    Contender(
        "operator-read", "status of a deleted environment", sample("operator-read/status.json"),
        (GET, QUERY), "no environment has this name", ("dynamodb", "sqs", *ENVIRONMENT_SERVICES), MOST,
    ),
    Contender(
        # The reconciler extends the visibility of each message before it reads it: no real message takes a single call.
        "reconciler", "a completed request", sample("reconciler/create.json"),
        (EXTEND, GET), '"batchItemFailures":[]', ("dynamodb", "sqs", *ENVIRONMENT_SERVICES), MOST_OF_RECONCILER,
    ),
    Contender(
        "watchdog", "a dead letter of a completed request", sample("watchdog/dead-letter.json"),
        (GET,), '"batchItemFailures":[]', ("dynamodb", "sqs", "ec2", "autoscaling"), MOST,
    ),
    Contender(
        "watchdog", "schedule, nothing to do", sample("watchdog/schedule.json"),
        # The overdue requests; the waiting requests and the sixteen pages of tasks.
        (*(QUERY,) * 18, "ec2:DescribeTags", "autoscaling:DescribeTags"), '"Orphans":[]',
        ("dynamodb", "sqs", "ec2", "autoscaling"),
    ),
    Contender(
        "lifecycle-hook", "sweep, no groups", sample("lifecycle-hook/sweep.json"),
        ("autoscaling:DescribeAutoScalingGroups",), '"Swept":[]',
        ("dynamodb", "sqs", "autoscaling", "ec2", "elbv2", "logs", "ssm"), MOST,
    ),
    Contender(
        "scaling-log", "event of a deleted environment", sample("scaling-log/queue.json", records=1),
        (GET,), '"batchItemFailures":[]', ("dynamodb", "sqs", "autoscaling", "logs"), MOST,
    ),
    Contender(
        "alarm", "alarm of a deleted environment", sample("alarm/direct.json"),
        (GET,), "no longer exists", ("dynamodb", "sqs", "cloudwatch"), MOST,
    ),
)  # fmt: skip
FUNCTIONS = (*AS_DEPLOYED, *(replace(it, amazon=True) for it in AS_DEPLOYED))


def in_python(function):
    """The function that a user would write in its place: with the same clients, and one call for every event."""
    program = (sys.executable, str(Path(__file__).with_name("plain_function.py")))
    name = f"{function.name} in Python"
    return Contender(name, "any event", {}, (GET,), '"Found": false', function.clients, program=program)


def variables(queues="https://sqs.us-west-2.amazonaws.com/123456789012/"):
    """The variables of all functions together, as `infra/template.yaml` sets them."""
    return {
        "PROJECT_NAME": "scalable-ec2",
        "ACCOUNT_ID": "123456789012",
        "RECORDS_TABLE": "records",
        "LIFECYCLE_HOOKS": "true",
        "AUTOMATION_PAUSED": "false",
        "ALLOWED_RESPONSE_HOSTS": "",
        "HOOK_POLL_SECONDS": "15",
        "REQUEST_QUEUE_URL": f"{queues}requests.fifo",
        "RECONCILERS_AT_ONCE": "5",
        "EVENT_BUS_NAME": "own-events",
        "LEDGER_QUEUE_URL": f"{queues}scaling-events",
        "HOOK_QUEUE_URL": f"{queues}hooks",
        "HOOK_DEAD_LETTERS_URL": f"{queues}dead-hooks",
        "EVENT_DEAD_LETTERS_URL": f"{queues}dead-events",
        "OPERATOR_FUNCTION": "scalable-ec2-operator",
    }
