"""Rules of SQS, SNS, EventBridge, Systems Manager and DynamoDB that only the documentation has, and those of every service."""

import functools
import json
import re
from pathlib import Path

import moto

from models import SERVICES
from rules import at_most_one, is_xml_text, rule

SQS = "SQS API reference, "
# The document AWS-RunShellScript declares this pattern for executionTimeout.
EXECUTION_TIMEOUT = re.compile(r"([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)")
SYNTAX = {"AND", "OR", "NOT", "SET", "REMOVE", "ADD", "DELETE", "BETWEEN", "IN"}
FUNCTIONS = {
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "size",
    "if_not_exists",
    "list_append",
}
EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)


@rule(
    *(f"{service}:*" for service in SERVICES),
    source="AWS general reference, Regions and zones: the form of a region's name",
)
def region(_value, call):
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", call.region):
        yield "", f"the signature's region is {call.region!r}"


# SQS and SNS


@rule("sqs:SendMessage", source=SQS + "SendMessage: MessageBody, MessageAttributes; 1 MiB")
def message_text(value):
    size = len(value.get("MessageBody", "").encode())
    if not value.get("MessageBody") or not is_xml_text(value["MessageBody"]):
        yield "MessageBody", "is empty, or has a character that XML 1.0 cannot contain"
    for name, it in value.get("MessageAttributes", {}).items():
        text = it.get("StringValue", "")
        size += len((name + it.get("DataType", "") + text).encode())
        if not re.fullmatch(r"(?!(?i:aws\.|amazon\.))\w(?:[\w-]|\.(?!\.|$)){0,255}", name, re.ASCII):
            yield "MessageAttributes", f"the name {name!r}"
        if not text or not is_xml_text(text):
            yield "MessageAttributes", f"{name} is empty, or has a character that XML 1.0 cannot contain"
    if size > 1_048_576:
        yield "MessageBody", f"{size} bytes with attributes, at most 1,048,576"


@rule("sqs:SendMessage", source=SQS + "SendMessage: MessageGroupId, MessageDeduplicationId, DelaySeconds")
def fifo_message(value):
    is_fifo = value.get("QueueUrl", "").endswith(".fifo")
    if is_fifo and "MessageGroupId" not in value:
        yield "MessageGroupId", "is missing for a FIFO queue"
    if is_fifo and "DelaySeconds" in value:
        yield "DelaySeconds", "a FIFO queue delays no single message"
    if not is_fifo and "MessageDeduplicationId" in value:
        yield "MessageDeduplicationId", "only for FIFO queues"
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if not re.fullmatch(r"[!-~]{1,128}", value.get(name, "-")):
            yield name, f"{value[name]!r} is not 1 to 128 characters of printable ASCII"


@rule(
    "sqs:ChangeMessageVisibility",
    "sqs:SendMessage",
    source=SQS + "ChangeMessageVisibility: 0 to 43,200 s; SendMessage: DelaySeconds, 0 to 900 s",
)
def message_times(value):
    for name, longest in (("VisibilityTimeout", 43_200), ("DelaySeconds", 900)):
        if not 0 <= value.get(name, 0) <= longest:
            yield name, f"{value[name]} s, 0 to {longest} are valid"


@rule(
    "sns:Publish",
    source="SNS API reference, Publish: Subject (less than 100 ASCII characters, no control characters), Message (256 KiB)",
)
def notification(value):
    if not re.fullmatch(r"[!-~][ -~]{0,98}", value.get("Subject", "-")):
        yield "Subject", f"{value['Subject']!r}"
    if not 1 <= len(value.get("Message", "").encode()) <= 262_144:
        yield "Message", f"{len(value.get('Message', '').encode())} bytes, 1 to 262,144 are valid"


# EventBridge


@rule(
    "events:PutEvents",
    source="EventBridge API reference, PutEvents: 10 entries, Source, Detail (a JSON object), Time; user guide, Calculating "
    "PutEvents event entry size: 256 KB, with 14 bytes for the time",
)
def event_entry(value):
    for at, it in enumerate(value.get("Entries", [])):
        path = f"Entries[{at}]"
        for name in ("Source", "DetailType", "Detail"):
            if not it.get(name):
                yield path, f"no {name}"
        if it.get("Source", "").startswith("aws."):
            yield f"{path}.Source", "a source of AWS"
        try:
            is_object = isinstance(json.loads(it.get("Detail", "")), dict)
        except ValueError:
            is_object = False
        if not is_object:
            yield f"{path}.Detail", "is not a JSON object"
        texts = [it.get(name, "") for name in ("Source", "DetailType", "Detail")] + it.get("Resources", [])
        size = sum(len(text.encode()) for text in texts) + (14 if "Time" in it else 0)
        if size > 262_144:
            yield path, f"{size} bytes, at most 262,144"


# Systems Manager


@rule("ssm:SendCommand", source="Systems Manager document AWS-RunShellScript: its parameters")
def shell_command(value):
    if value.get("DocumentName") != "AWS-RunShellScript":
        return
    parameters = value.get("Parameters", {})
    for name in set(parameters) - {"commands", "workingDirectory", "executionTimeout"}:
        yield "Parameters", f"the document has no {name}"
    if not parameters.get("commands"):
        yield "Parameters", "no commands"
    seconds = parameters.get("executionTimeout", ["3600"])
    if len(seconds) != 1 or not EXECUTION_TIMEOUT.fullmatch(seconds[0]):
        yield "Parameters", f"executionTimeout is {seconds}"


@rule(
    "ssm:ListCommandInvocations",
    "ssm:ListCommands",
    source="Systems Manager API reference, CommandFilter: InvokedAfter",
)
def command_time(value):
    for it in value.get("Filters", []):
        if it.get("key") in ("InvokedAfter", "InvokedBefore") and not re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", it.get("value", "")
        ):
            yield "Filters", f"{it['key']} is {it.get('value')!r}, not of the form 2026-01-02T03:04:05Z"


@rule(
    "ssm:DescribeInstanceInformation",
    source="Systems Manager API reference, DescribeInstanceInformation: one of both lists of filters",
)
def instance_filters(value):
    yield from at_most_one(value, "Filters", "InstanceInformationFilterList")


# DynamoDB


@functools.cache
def reserved_words():
    """DynamoDB developer guide, Reserved words in DynamoDB, as moto contains them."""
    return frozenset(
        (Path(moto.__file__).parent / "dynamodb/parsing/reserved_keywords.txt").read_text().upper().split()
    )


def expressions(value):
    return {name: value[name] for name in EXPRESSIONS if name in value}


@rule(
    "dynamodb:*",
    source="DynamoDB developer guide, Expression attribute names and values: each is used, and each used one is given",
)
def expression_names(value):
    whole = " ".join(expressions(value).values())
    for name, used in (
        ("ExpressionAttributeValues", re.findall(r":\w+", whole)),
        ("ExpressionAttributeNames", re.findall(r"#\w+", whole)),
    ):
        given = set(value.get(name, {}))
        if given != set(used):
            yield name, f"given alone {sorted(given - set(used))}, used alone {sorted(set(used) - given)}"
        if value.get(name) == {}:
            yield name, "is empty"


@rule(
    "dynamodb:*", source="DynamoDB developer guide, Reserved words in DynamoDB; service quotas: 4 KB of an expression"
)
def expression_words(value):
    for name, text in expressions(value).items():
        if len(text.encode()) > 4096:
            yield name, f"{len(text.encode())} bytes, at most 4,096"
        for path in re.findall(r"(?<![:#\w.])[A-Za-z_][\w.]*", text):
            for word in path.split("."):
                if word.upper() in reserved_words() and word.upper() not in SYNTAX and word not in FUNCTIONS:
                    yield name, f"{word} is a reserved word"


@rule(
    "dynamodb:UpdateItem",
    source="DynamoDB developer guide, Update expressions: paths must not overlap, each clause once",
)
def update_paths(value):
    text = value.get("UpdateExpression", "")
    flat = re.sub(r"\([^()]*\)", "", text)
    clauses = re.findall(r"\b(SET|REMOVE|ADD|DELETE)\b\s*(.*?)(?=\b(?:SET|REMOVE|ADD|DELETE)\b|$)", flat, re.DOTALL)
    kinds = [kind for kind, _ in clauses]
    if len(set(kinds)) < len(kinds):
        yield "UpdateExpression", f"a clause twice: {kinds}"
    paths = [
        re.split(r"[\s=]", action.strip())[0]
        for _, actions in clauses
        for action in actions.split(",")
        if action.strip()
    ]
    for path in paths:
        if paths.count(path) > 1 or any(it.startswith(path + ".") for it in paths):
            yield "UpdateExpression", f"{path} overlaps with another path"


@rule("dynamodb:*", source="DynamoDB API reference: ReturnValuesOnConditionCheckFailure belongs to a condition")
def failed_condition(value):
    if "ReturnValuesOnConditionCheckFailure" in value and "ConditionExpression" not in value:
        yield "ReturnValuesOnConditionCheckFailure", "without a ConditionExpression"


@rule(
    "dynamodb:*",
    source="DynamoDB developer guide, service quotas: keys of 1 to 2,048 bytes; reads of a global index are not consistent",
)
def item_key(value):
    for name, it in value.get("Key", {}).items():
        if "S" in it and not 1 <= len(it["S"].encode()) <= 2048:
            yield f"Key.{name}", f"{len(it['S'].encode())} bytes, 1 to 2,048 are valid"
    if "IndexName" in value and value.get("ConsistentRead"):
        yield "ConsistentRead", "of a global secondary index"


@rule("dynamodb:*", source="DynamoDB API reference, AttributeValue: the name of its only member is the type")
def attribute_value(value):
    for name in ("Key", "Item", "ExpressionAttributeValues", "ExclusiveStartKey"):
        for key, it in value.get(name, {}).items():
            yield from one_type(it, f"{name}.{key}")


def one_type(it, path):
    if len(it) != 1:
        yield path, f"{sorted(it)}: a value has exactly one type"
    for key, inner in it.get("M", {}).items():
        yield from one_type(inner, f"{path}.{key}")
    for inner in it.get("L", []):
        yield from one_type(inner, f"{path}[]")
