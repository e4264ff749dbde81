"""The fixture of the attacks: a deployment with enforced policies, the environment of a victim, and that of a forger.

A forger is a role with the rights that a case names and no others. A case asserts effects: the state of the victim before and
after, and the writing calls of the functions. It waits for events and never for a time.
"""

import atexit
import functools
import hashlib
import json
import sys
import time
import unittest
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from local_cloud import FUNCTIONS, PROJECT, LocalCloud, until  # noqa: E402
from test_stacks import event  # noqa: E402

ACCOUNT = "123456789012"
REGION = "us-west-2"
# The topic that the deployment's parameter HookTopics names.
HOOK_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:hooks"
QUEUES = (
    "RequestQueue",
    "RequestDeadLetters",
    "FailedInvocations",
    "HookQueue",
    "HookDeadLetters",
    "ScalingEventQueue",
    "ScalingEventDeadLetters",
)
DENIALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
READS = ("Describe", "Get", "List", "Head", "Filter", "Receive", "Query")
# The image of an attacker: no version of a template that Envkeeper writes has it.
FORGED_IMAGE = "ami-0123456789abcdef0"


def allow(*actions, resource="*"):
    """A statement that allows actions, by default on all resources."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@dataclass(frozen=True)
class Environment:
    """An environment, and the CloudFormation resource that owns it."""

    suffix: str
    stack: str
    logical_id: str = "Web"

    @property
    def stack_id(self):
        return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.stack}/5b0e4a70-3c1d-11f1-9f6e-0a58a9feac02"

    @property
    def owner(self):
        return hashlib.sha256(f"{self.stack_id}\n{self.logical_id}".encode()).hexdigest()[:20]

    @property
    def id(self):
        return f"{PROJECT}-{REGION}-{self.suffix}"

    def name(self, kind):
        return f"{PROJECT}-{kind}-uswest2-{self.suffix}"

    @property
    def group(self):
        return self.name("asg")

    @property
    def data(self):
        return f"{self.name('data')}-{ACCOUNT}"

    @property
    def instance_logs(self):
        return f"/aws/ec2/{PROJECT}-{self.suffix}"

    @property
    def ledger(self):
        return f"/aws/autoscaling/{PROJECT}-{self.suffix}"

    def request(self, kind, properties, **fields):
        """A request of CloudFormation for this environment, with a new id."""
        sample = event({"Create": "create.json", "Update": "update.json", "Delete": "delete.json"}[kind])
        sample.pop("OldResourceProperties", None)
        ids = {"StackId": self.stack_id, "LogicalResourceId": self.logical_id, "RequestId": str(uuid.uuid4())}
        return {**sample, **ids, "ResourceProperties": {"EnvironmentSuffix": self.suffix, **properties}, **fields}


VICTIM = Environment("dev", "storefront")
FORGER = Environment("mallory", "mallory")
SMALL = {"Egress": "PublicIp", "ZoneCount": "1", "MinSize": "1", "MaxSize": "3", "BucketOnDelete": "Empty"}


class Deployment:
    """A local cloud with Envkeeper, the victim's environment and the forger's."""

    def __init__(self, cloud):
        self.cloud = cloud
        cloud.deploy(HookTopics=HOOK_TOPIC)
        group = cloud.client("elbv2").create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId="vpc-1")
        self.targets = group["TargetGroups"][0]["TargetGroupArn"]
        self.secret_key = cloud.client("kms").create_key(Description="the account's")["KeyMetadata"]["Arn"]
        rule = {"Action": "ScaleBy", "Amount": "1"}
        rules = [{"Alarm": "healthy-low", **rule}, {"Alarm": "launch-failures", "DryRun": "true", **rule}]
        self.victim = {**SMALL, "TargetGroupArns": [self.targets], "AlarmActions": rules, "DeletionProtection": "true"}
        self.forger = {**SMALL, "KmsKeyArn": self.secret_key}
        sent = [VICTIM.request("Create", self.victim), FORGER.request("Create", self.forger)]
        for created in [cloud.wait_for(it) for it in [cloud.send(it) for it in sent]]:
            assert created["Status"] == "SUCCESS", created
        # No create of either environment started after this time.
        self.created = time.time()


@functools.cache
def deployment():
    """The deployment that all classes of a process share. It ends with the process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return Deployment(stack.enter_context(LocalCloud()))


class Attack(unittest.TestCase):
    """Every case leaves the victim as it was, with one instance in service."""

    @classmethod
    def setUpClass(cls):
        cls.deployment = deployment()
        cls.cloud = cls.deployment.cloud

    @property
    def forgers_role(self):
        """The name of the role of a case, which is at most 64 characters long."""
        return f"forger-{self._testMethodName[-40:]}"

    def forger(self, *statements):
        """The clients of a role with these rights only."""
        return self.cloud.principal(self.forgers_role, *statements)

    # The state of an environment.

    def instances(self, environment=VICTIM):
        """The state of each instance of an environment's group."""
        return {it["InstanceId"]: it["LifecycleState"] for it in self.group(environment)["Instances"]}

    def group(self, environment=VICTIM):
        scaling = self.cloud.client("autoscaling")
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[environment.group])["AutoScalingGroups"]
        return group

    def instance(self, environment=VICTIM):
        """The one instance of an environment."""
        (instance,) = self.instances(environment)
        return instance

    def in_service(self, count, environment=VICTIM):
        until(f"{count} in service", lambda: list(self.instances(environment).values()) == ["InService"] * count, 120)

    def scale(self, to, environment=VICTIM):
        self.cloud.control(f"auto-scaling/scale?group={environment.group}&to={to}", b"")

    def status(self, environment=VICTIM):
        """What an operator reads about an environment's requests."""
        status = self.cloud.request({"Request": "status", "Environment": environment.id})
        keys = ("Owner", "Settled", "Protected", "Unlocked", "LatestRequest", "Responses", "HeldUntil")
        return {key: status.get(key) for key in keys}

    def state(self, environment=VICTIM):
        """All that an attack could change of an environment."""
        ec2, logs = self.cloud.client("ec2"), self.cloud.client("logs")
        group = self.group(environment)
        settings = ("MinSize", "MaxSize", "DesiredCapacity", "VPCZoneIdentifier", "LaunchTemplate", "TargetGroupARNs")
        versions = ec2.describe_launch_template_versions(LaunchTemplateName=environment.name("template"))
        streams = logs.describe_log_streams(logGroupName=environment.instance_logs)["logStreams"]
        return {
            "resources": [it for it in self.cloud.inventory() if environment.suffix in it[1]],
            "group": {name: group.get(name) for name in settings},
            "instances": self.instances(environment),
            "versions": [it["LaunchTemplateData"] for it in versions["LaunchTemplateVersions"]],
            "evidence": sorted(it["logStreamName"] for it in streams if it["logStreamName"].endswith("/evidence")),
            "targets": self.registered(self.deployment.targets),
            "commands": [len(self.commands(it)) for it in self.instances(environment)],
            "status": self.status(environment),
        }

    def commands(self, instance):
        """The commands that were sent to an instance: drains, and reads of its logs."""
        return self.cloud.client("ssm").list_command_invocations(InstanceId=instance)["CommandInvocations"]

    def registered(self, targets):
        """The registered targets of a target group."""
        health = self.cloud.client("elbv2").describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
        return sorted(it["Target"]["Id"] for it in health if it["TargetHealth"]["State"] != "draining")

    @contextmanager
    def unharmed(self, environment=VICTIM):
        """Asserts that the block changes nothing of an environment, and that no function makes a writing call."""
        before, calls = self.state(environment), len(self.cloud.calls())
        yield
        self.assert_unchanged(before, environment)
        self.assertEqual(self.writes(calls), [])

    def assert_unchanged(self, before, environment=VICTIM):
        """Asserts that the state of an environment is this one, and names the parts that differ."""
        after = self.state(environment)
        self.assertEqual({it: after[it] for it in after if after[it] != before[it]}, {})

    def writes(self, since=0):
        """The writing calls of the functions since a number of calls, without those to the ledger, the event bus, the records
        and the queues."""
        own = [it for it in self.cloud.calls()[since:] if it.get("app") in FUNCTIONS]
        writes = [it for it in own if it["service"] not in ("sqs", "events", "dynamodb", "unsigned") and it["status"] < 300]
        writes = [it for it in writes if not it["operation"].startswith(READS) and it["app"] != "scaling-log"]
        return [f"{it['app']} {it['service']}:{it['operation']}" for it in writes]

    # Entrances.

    def queue(self, name):
        (url,) = self.cloud.client("sqs").list_queues(QueueNamePrefix=f"envkeeper-{name}-")["QueueUrls"]
        return url

    def queue_arn(self, name):
        found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=["QueueArn"])
        return found["Attributes"]["QueueArn"]

    def message(self, queue, body, group=None):
        """The parameters of a message to a queue; `group` is that of a FIFO queue."""
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": str(uuid.uuid4())} if group else {}
        return {"QueueUrl": self.queue(queue), "MessageBody": body if isinstance(body, str) else json.dumps(body), **fifo}

    def is_empty(self, queue):
        names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
        found = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self.queue(queue), AttributeNames=names)
        return not any(int(count) for count in found["Attributes"].values())

    def processed(self, queue):
        """Waits until a queue's messages have been processed."""
        until(f"{queue} is empty", lambda: self.is_empty(queue), 60)

    def denied(self, call, *arguments, **parameters):
        """Asserts that a call is denied, by the service's own error."""
        with self.assertRaises(ClientError, msg=f"the call is allowed: {call.__name__}") as error:
            call(*arguments, **parameters)
        self.assertIn(error.exception.response["Error"]["Code"], DENIALS, str(error.exception))

    def invoke(self, principal, function, body):
        """The result of a direct invocation of a function by a principal."""
        result = principal("lambda").invoke(FunctionName=f"{PROJECT}-{function}", Payload=json.dumps(body))
        payload = json.load(result["Payload"])
        self.assertNotIn("FunctionError", result, payload)
        return payload

    def log_lines(self, function):
        """The text of a function's log."""
        found = self.cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{PROJECT}-{function}")
        return "\n".join(it["message"] for it in found["events"])


def hook_event(environment, instance, kind="terminate", time="2026-01-02T03:04:05Z", **settings):
    """EventBridge's event of a lifecycle action, with metadata of a forger's choice."""
    task = {"drain": {"seconds": 300}} if kind == "terminate" else {"gate": {"seconds": 60, "onTimeout": "Abandon"}}
    metadata = {
        "envkeeper": 1,
        "owner": environment.owner,
        "environment": environment.id,
        "logGroup": environment.instance_logs,
        "heartbeatSeconds": 300,
        **task,
        **settings,
    }
    transition = {"terminate": "TERMINATING", "launch": "LAUNCHING"}[kind]
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": f"EC2 Instance-{kind} Lifecycle Action",
        "source": "aws.autoscaling",
        "account": ACCOUNT,
        "time": time,
        "region": REGION,
        "resources": [],
        "detail": {
            "LifecycleActionToken": str(uuid.uuid4()),
            "AutoScalingGroupName": environment.group,
            "LifecycleHookName": environment.name(f"{kind}-hook"),
            "EC2InstanceId": instance,
            "LifecycleTransition": f"autoscaling:EC2_INSTANCE_{transition}",
            "NotificationMetadata": json.dumps(metadata),
        },
    }


def found_waiting(event):
    """The message that a sweep sends itself about the same instance: it has no token, which a forger cannot know."""
    detail = {name: value for name, value in event["detail"].items() if name != "LifecycleActionToken"}
    return {"detail-type": "Envkeeper Instance Found Waiting", "detail": detail}


def spot_notice(instance, kind="EC2 Spot Instance Interruption Warning"):
    """EventBridge's notice that EC2 interrupts an instance."""
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance}"
    envelope = {"version": "0", "id": str(uuid.uuid4()), "detail-type": kind, "source": "aws.ec2", "account": ACCOUNT}
    detail = {"instance-id": instance, "instance-action": "terminate"}
    return {**envelope, "time": now(), "region": REGION, "resources": [arn], "detail": detail}


def now(later=0):
    """The time in AWS's form, or a time `later` by this many seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + later))


def failed_invocation(request):
    """Lambda's record of a failed invocation of custom-resource."""
    return {
        "version": "1.0",
        "timestamp": "2026-01-02T03:07:21.904Z",
        "requestContext": {"requestId": str(uuid.uuid4()), "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": request,
        "responsePayload": {"errorMessage": "a forged error"},
    }


def batch(queue_arn, body, **attributes):
    """Lambda's event of one message of a queue."""
    sent = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000)), **attributes}
    text = body if isinstance(body, str) else json.dumps(body)
    record = {"messageId": str(uuid.uuid4()), "receiptHandle": "forged", "body": text, "attributes": sent}
    record |= {"messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": queue_arn, "awsRegion": REGION}
    return {"Records": [record]}
