"""ministack, with the changes that the local cloud needs. If a later ministack lacks a changed function, the start fails here.

- Its own evaluation of alarms is off: the local cloud evaluates alarms and executes their actions. ministack's evaluation mixes
  the dimensions of a metric, and supports topics only.
- The router decides whether a service may deliver to a queue: EventBridge for a rule, SNS for a topic, and Lambda for a failed
  invocation. These deliveries do not pass the router.
- CloudFormation stores the resource policy of a table, which ministack ignores, and the policy of an event bus, whose type
  ministack does not know.
- PutEvents rejects entries as AWS does, and an event has the time of its entry.
- The ids of load balancers and target groups are hexadecimal, as AWS's are.
"""

import contextlib
import json
import logging
import os
import secrets
import urllib.error
import urllib.request

from ministack.app import app as app
from ministack.services import alb, cloudwatch, dynamodb, eventbridge, lambda_svc, sqs
from ministack.services.cloudformation import provisioners

ROUTER = os.environ["AWS_ENDPOINT_URL"]
# Far more than a decision takes. The router does not call ministack for it, which does not respond meanwhile.
DECISION_SECONDS = 10

logger = logging.getLogger("local-cloud")


def replace(module, name, make):
    original = getattr(module, name)
    assert callable(original), name
    setattr(module, name, make(original))


def may_deliver(sender, queue_arn):
    """Whether the policies let the sender send to a queue. True for other targets and for a queue that does not exist."""
    queue = sqs._queue_by_arn(queue_arn) if ":sqs:" in queue_arn else None
    if queue is None:
        return True
    delivery = {"sender": sender, "queue": queue_arn, "policy": queue["attributes"].get("Policy") or ""}
    try:
        address = f"{ROUTER}/_local-cloud/policies/delivery"
        with urllib.request.urlopen(address, json.dumps(delivery).encode(), DECISION_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        logger.warning("delivery to %s is denied: %s", queue_arn, error.read().decode())
        return False


def invoke_target(original):
    def invoke(target, event, rule, *more):
        if target.get("RoleArn"):
            sender = {"role": {"arn": target["RoleArn"]}}
        else:
            sender = {"service": {"name": "events.amazonaws.com", "source": rule.get("Arn", "")}}
        if may_deliver(sender, target.get("Arn", "")):
            original(target, event, rule, *more)

    return invoke


def queue_policy_allows(_):
    def allows(queue_arn, service, source_arn, _account):
        return may_deliver({"service": {"name": service, "source": source_arn}}, queue_arn)

    return allows


def route_async_failure(original):
    def route(target_arn, func_name, event, result):
        role = lambda_svc._functions.get(func_name, {}).get("config", {}).get("Role", "")
        if may_deliver({"function": {"name": func_name, "role": role}}, target_arn):
            original(target_arn, func_name, event, result)

    return route


def with_policy_of_table(original):
    """The create or update of a table, after which the table has the policy of the properties, or none."""

    def provision(*given, **named):
        name, attributes = original(*given, **named)
        # The properties are the last dictionary among the arguments: those before them are the old ones.
        properties = [it for it in given if isinstance(it, dict)][-1]
        arn = attributes["Arn"]
        policy = properties.get("ResourcePolicy", {}).get("PolicyDocument")
        if policy:
            dynamodb._put_resource_policy({"ResourceArn": arn, "Policy": json.dumps(policy)})
        else:
            dynamodb._delete_resource_policy({"ResourceArn": arn})
        return name, attributes

    return provision


def bus_policy_statement(properties):
    """The statement of an AWS::Events::EventBusPolicy, whose name is a property of its own."""
    return {"Sid": properties["StatementId"], **properties["Statement"]}


def put_bus_policy(_, properties, __):
    """Adds the statement to the policy of the bus. A statement of the same name is replaced (recorded on AWS, September 2026:
    stackd 9dc356f5, permissions)."""
    bus, statement = properties["EventBusName"], bus_policy_statement(properties)
    policy = eventbridge._event_bus_policies.setdefault(bus, {"Version": "2012-10-17", "Statement": []})
    policy["Statement"] = [it for it in policy["Statement"] if it["Sid"] != statement["Sid"]] + [statement]
    return f"{bus}|{statement['Sid']}", {}


def delete_bus_policy(_, properties):
    eventbridge._remove_permission({"EventBusName": properties["EventBusName"], "StatementId": properties["StatementId"]})


def rejected_entry(entry):
    """The code and the message of an entry that EventBridge rejects while it accepts the call (recorded on AWS, September 2026:
    stackd 9dc356f5, control_plane:partial-events). A bus that does not exist is no reason: such an event is lost."""
    if str(entry.get("Source", "")).startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    try:
        well_formed = isinstance(json.loads(entry.get("Detail", "")), dict)
    except ValueError:
        well_formed = False
    return None if well_formed else ("MalformedDetail", "Detail is malformed.")


def put_events(original):
    def put(data, *more, **named):
        if len(data.get("Entries", [])) > 10:
            return original(data, *more, **named)
        results = []
        for entry in data["Entries"]:
            if rejected := rejected_entry(entry):
                results.append(dict(zip(("ErrorCode", "ErrorMessage"), rejected)))
                continue
            with at_time(entry.get("Time")):
                _, _, body = original({"Entries": [entry]}, *more, **named)
            results += json.loads(body)["Entries"]
        failed = sum("ErrorCode" in it for it in results)
        return eventbridge.json_response({"FailedEntryCount": failed, "Entries": results})

    return put


@contextlib.contextmanager
def at_time(seconds):
    """The time of an event is that of its entry, to the second; ministack takes its own."""
    now = eventbridge._now_ts
    eventbridge._now_ts = now if seconds is None else lambda: seconds
    try:
        yield
    finally:
        eventbridge._now_ts = now


for evaluation in ("_evaluate_alarm", "_dispatch_alarm_actions"):
    replace(cloudwatch, evaluation, lambda _: lambda *given: None)
replace(alb, "_short_id", lambda _: lambda: secrets.token_hex(8))
replace(eventbridge, "_invoke_target", invoke_target)
replace(eventbridge, "_put_events", put_events)
replace(sqs, "queue_policy_allows", queue_policy_allows)
replace(lambda_svc, "_route_async_failure", route_async_failure)

table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
for step in ("create", "update"):
    table[step] = with_policy_of_table(table[step])

assert "AWS::Events::EventBusPolicy" not in provisioners._RESOURCE_HANDLERS
provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {"create": put_bus_policy, "delete": delete_bus_policy}
