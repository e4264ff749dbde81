"""The table of rules that only AWS's documentation has, each with its source. `sentences.py` reads further ones from the models' own
documentation."""

import functools
import re
from typing import NamedTuple

from models import Finding

TABLE = []


class Call(NamedTuple):
    """A request after it was read: the region of its signature, and the operation."""

    region: str
    operation: str


class Rule(NamedTuple):
    """A rule: its name, the operations (`service:Operation`, or `service:*`), its source, and the function that yields
    (path, detail) for each deviation of an input."""

    name: str
    operations: tuple
    source: str
    deviations: object


def rule(*operations, source):
    """Adds the decorated function to the table. It gets the input and, if it has a second parameter, the call."""

    def add(function):
        takes_call = function.__code__.co_argcount == 2
        deviations = function if takes_call else lambda value, _call: function(value)
        TABLE.append(Rule(function.__name__.replace("_", "-"), operations, source, deviations))
        return function

    return add


@functools.cache
def rules_of(name):
    service = name.split(":")[0]
    return [it for it in TABLE if name in it.operations or f"{service}:*" in it.operations]


def check(model, operation, value, region):
    """The findings in an operation's input."""
    found = []
    for it in rules_of(f"{model.service}:{operation}"):
        try:
            found += [
                Finding(it.name, f".{path}", str(detail)[:300])
                for path, detail in it.deviations(value, Call(region, operation))
            ]
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            found.append(Finding(it.name, "", f"the rule cannot read the input: {error!r}"))
    return found


def exactly_one(value, *names):
    given = [name for name in names if name in value]
    if len(given) != 1:
        yield " ".join(names), f"exactly one, not {len(given)}: {', '.join(given)}"


def at_most_one(value, *names):
    given = [name for name in names if name in value]
    if len(given) > 1:
        yield " ".join(names), f"at most one, not {', '.join(given)}"


def tag_list(tags, path, most=50, is_case_sensitive=True):
    """The limits that tags have in all services: number, equal keys, and AWS's own prefix."""
    keys = [it.get("Key", "") for it in tags]
    if len(keys) > most:
        yield path, f"{len(keys)} tags, at most {most}"
    compared = keys if is_case_sensitive else [it.lower() for it in keys]
    if len(set(compared)) < len(compared):
        yield path, f"a key twice: {sorted(keys)}"
    for key in keys:
        if key.lower().startswith("aws:"):
            yield path, f"{key!r} has AWS's prefix"


def is_xml_text(text):
    """Whether XML 1.0 can contain the text."""
    return not re.search("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
