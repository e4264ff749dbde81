"""The members of requests that the product's code can set, read from its source.

The SDK has a setter for each member, with the member's name in snake case. A setter with an argument belongs to the last request
(`.create_vpc()`) or structure (`Filter::builder()`) that its function began to build, or to one of those before it, since their
chains are mixed. So a member counts for each of them that has it, and accepted.toml names those that the code never sets.
"""

import functools
import re

from code_operations import ROOT, SOURCES
from models import SERVICES, model

# The part of a file that one function or type takes up.
ITEM = re.compile(r"^(?:pub(?:\([a-z]+\))? |async |fn |impl |struct |const |static )", re.MULTILINE)
FUNCTION = re.compile(r"^ {0,8}(?:pub(?:\([a-z]+\))? )?(?:async )?fn ", re.MULTILINE)
CALL = re.compile(r"\.\s*([a-z][a-z0-9_]+)\(\)")
BUILDER = re.compile(r"\b([A-Z]\w*)::builder\(\)")
SETTER = re.compile(r"\.\s*(?:set_)?([a-z][a-z0-9_]*)\(\s*[^)\s]")
ALIAS = re.compile(r"\b([A-Z]\w*) as ([A-Z]\w*)\b")
SDK = re.compile(r"aws_sdk_(\w+)::(?:types::)?")
# The SDK's crates whose names are no signing names.
CRATES = {
    "cloudwatch": "monitoring",
    "cloudwatchlogs": "logs",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "eventbridge": "events",
}


def plain(name):
    """A name without case and separators, in which the SDK's and the model's names are equal."""
    return name.replace("_", "").lower()


@functools.cache
def inputs(service):
    """The plain names of the service's operations, each with the shape of its input."""
    known = model(service)
    return {plain(it): known.input_name(it) for it in known.operations if known.input_name(it)}


@functools.cache
def structures(service):
    """The plain names of the structures that an input of the service contains, each with the shape."""
    known, found, waiting = model(service), {}, list(inputs(service).values())
    seen = set(waiting)
    while waiting:
        shape = known.shapes[waiting.pop()]
        inner = [*shape.get("members", {}).values(), *(shape[it] for it in ("member", "value") if it in shape)]
        for name in {it["shape"] for it in inner} - seen:
            seen.add(name)
            waiting.append(name)
            if known.shapes[name]["type"] == "structure":
                found[plain(name)] = name
    return found


def services(text):
    """The services whose SDK a file uses, directly or through the clients of the crate."""
    named = {CRATES.get(it, it) for it in SDK.findall(text)}
    clients = {it for it in SERVICES if re.search(rf"\b(?:clients|aws|self|at)\s*\.\s*{it}\b", text)}
    clients |= {"monitoring"} if re.search(r"\.\s*cloudwatch\b", text) else set()
    clients |= {"elasticloadbalancing"} if re.search(r"\.\s*elb\w*\b", text) else set()
    return (named | clients) & set(SERVICES)


def of_text(text):
    """The members that a file can set, as (service, shape, member)."""
    text = text.split("#[cfg(test)]")[0]
    aliases = {new: old for old, new in ALIAS.findall(text)}
    found = set()
    for function in FUNCTION.split(text):
        setters = {plain(it) for it in SETTER.findall(function)}
        for service in services(text):
            shapes = [inputs(service).get(plain(it)) for it in CALL.findall(function)]
            shapes += [structures(service).get(plain(aliases.get(it, it))) for it in BUILDER.findall(function)]
            for shape in filter(None, shapes):
                members = model(service).shapes[shape].get("members", {})
                found |= {(service, shape, it) for it in members if plain(it) in setters}
    return found


def in_code():
    """The members that the code can set, as (service, shape, member)."""
    found = set()
    for pattern in SOURCES:
        for path in ROOT.glob(pattern):
            if "tests" not in path.parts and path.stem != "tests":
                found |= of_text(path.read_text())
    return found
