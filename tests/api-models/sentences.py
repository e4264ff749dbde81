"""Constraints that the models state in their documentation alone, read from its sentences: the longest text, the most items, the
valid values, a range of numbers, and the names of filters."""

import functools
import html
import re
from typing import NamedTuple

from models import Finding

NUMBER = r"(\d[\d,]*)"
LONGEST = re.compile(
    r"(?:[Mm]aximum(?: of| is)?|[Mm]aximum length(?: of| is)?:?|[Uu]p to|(?:can't|cannot) (?:be longer than|exceed)|can have up to) "
    rf"{NUMBER} (?:Unicode |ASCII |UTF-8 |alphanumeric )?characters"
)
MOST = re.compile(
    rf"(?:[Yy]ou can (?:only )?specify|can include|can contain)(?: up to| a maximum of| no more than) {NUMBER} (?!character|Unicode|ASCII|UTF)"
)
VALID = re.compile(r"Valid [Vv]alues?(?: are)?: ?((?:[\w.:/-]+)(?:(?: ?\| ?|, )(?:and |or )?[\w.:/-]+)+)")
RANGE = re.compile(
    rf"(?:[Tt]he range is from|[Mm]ust be between|[Vv]alid range is(?: from)?:?|[Cc]onstraints?: ?[Mm]inimum(?: value)? of) {NUMBER} (?:to|and|-|through) {NUMBER}"
)
FILTER = re.compile(r"<li>\s*<p>\s*<code>([^<]+)</code>")

# Sentences about something else than the member: (shape, member) and the reason.
MISREAD = {
    (
        "PublishInput",
        "Message",
    ): "140 characters are those of an SMS; a message to a topic has 256 KiB (rule message-size)",
}


class Said(NamedTuple):
    """What a member's documentation says; None where it says nothing."""

    longest: int | None
    most: int | None
    valid: tuple | None
    range: tuple | None
    filters: frozenset


def plain(text):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text or "")).split())


@functools.cache
def said(text):
    clean = plain(text)
    number = lambda found: int(found[1].replace(",", "")) if found else None  # noqa: E731
    valid, limits = VALID.search(clean), RANGE.search(clean)
    return Said(
        longest=number(LONGEST.search(clean)),
        most=number(MOST.search(clean)),
        valid=tuple(re.split(r" ?\| ?|, (?:and |or )?", valid[1].rstrip("."))) if valid else None,
        range=tuple(int(it.replace(",", "")) for it in limits.groups()) if limits else None,
        filters=frozenset(html.unescape(it) for it in FILTER.findall(text or "")),
    )


def check(model, operation, value):
    """The findings in an operation's input."""
    name = model.input_name(operation)
    return list(walk(model, name, value, "")) if name else []


def walk(model, name, value, path):
    shape = model.shapes[name]
    if shape["type"] == "list":
        for at, item in enumerate(value):
            yield from walk(model, shape["member"]["shape"], item, f"{path}[{at}]")
    elif shape["type"] == "structure" and isinstance(value, dict):
        for member, inner in value.items():
            known, here = shape["members"][member], f"{path}.{member}"
            if (name, member) not in MISREAD:
                yield from compare(said(known.get("documentation", "")), inner, here)
            if member in ("Filter", "Filters") and isinstance(inner, list):
                yield from filters(said(known.get("documentation", "")).filters, inner, here)
            yield from walk(model, known["shape"], inner, here)


def compare(it, value, path):
    match value:
        case str():
            if it.longest is not None and len(value) > it.longest:
                yield Finding("documented-length", path, f"{len(value)} characters, at most {it.longest}")
            if it.valid and value not in it.valid:
                yield Finding("documented-values", path, f"{value!r} is not one of {', '.join(it.valid)}")
        case list():
            if it.most is not None and len(value) > it.most:
                yield Finding("documented-count", path, f"{len(value)}, at most {it.most}")
        case int() if not isinstance(value, bool):
            if it.range and not it.range[0] <= value <= it.range[1]:
                yield Finding("documented-range", path, f"{value} is not between {it.range[0]} and {it.range[1]}")


def filters(names, given, path):
    """The names of filters, where the member's documentation lists them."""
    for at, one in enumerate(given):
        name = one.get("Name", "")
        # EC2 writes `tag` for tag:KEY.
        is_tag = any(it == "tag" or it.startswith("tag:") for it in names) and re.fullmatch("tag:.+", name)
        if names and name not in names - {"tag"} and not is_tag:
            yield Finding("filter-name", f"{path}[{at}]", f"{name!r} is not one of {', '.join(sorted(names))}")
