"""The constraints of shapes: required members, deprecated members, unions, enumerations, lengths, array bounds, patterns, ranges."""

import functools

import regex

from models import Finding

UNITS = {"string": "characters", "blob": "bytes", "list": "items", "map": "entries"}
INTEGERS = {"integer": 31, "long": 63}


def check(model, name, value):
    """The findings in the value of the shape with this name."""
    return list(walk(model, name, value, ""))


def walk(model, name, value, path):
    shape = model.shapes[name]
    match shape["type"]:
        case "structure" if not shape.get("document"):
            yield from structure(model, name, shape, value, path)
        case "list":
            yield from size(name, shape, value, path)
            for at, item in enumerate(value):
                yield from walk(model, shape["member"]["shape"], item, f"{path}[{at}]")
        case "map":
            yield from size(name, shape, value, path)
            for key, item in value.items():
                yield from walk(model, shape["key"]["shape"], key, f"{path}[{key}]")
                yield from walk(model, shape["value"]["shape"], item, f"{path}[{key}]")
        case "integer" | "long" | "float" | "double" as kind:
            low, high = shape.get("min"), shape.get("max")
            if (low is not None and value < low) or (high is not None and value > high):
                yield Finding("range", path, f"{value} is not between {low} and {high} ({name})")
            if kind in INTEGERS and not -(2 ** INTEGERS[kind]) <= value < 2 ** INTEGERS[kind]:
                yield Finding("range", path, f"{value} has more than {INTEGERS[kind] + 1} bits")
        case "blob":
            yield from size(name, shape, value, path)
        case "string":
            yield from size(name, shape, value, path)
            yield from text(name, shape, value, path)


def structure(model, name, shape, value, path):
    for member in shape.get("required", []):
        if member not in value:
            yield Finding("required", f"{path}.{member}", f"{name} requires it")
    if shape.get("union") and len(value) != 1:
        yield Finding("union", path, f"{sorted(value)}: {name} has exactly one member")
    for member, inner in value.items():
        known = shape["members"][member]
        if known.get("deprecated"):
            yield Finding("deprecated", f"{path}.{member}", known.get("deprecatedMessage", ""))
        yield from walk(model, known["shape"], inner, f"{path}.{member}")


def size(name, shape, value, path):
    low, high = shape.get("min", 0), shape.get("max")
    if len(value) < low or (high is not None and len(value) > high):
        rule = "length" if shape["type"] in ("string", "blob") else "array-bounds"
        yield Finding(rule, path, f"{len(value)} {UNITS[shape['type']]}, not {low} to {high} ({name})")


def text(name, shape, value, path):
    if "enum" in shape and value not in shape["enum"]:
        yield Finding("enum", path, f"{value!r} is not one of {', '.join(shape['enum'][:20])} ({name})")
    if "pattern" in shape and not compiled(shape["pattern"]).fullmatch(value):
        yield Finding("pattern", path, f"{value!r} does not match {shape['pattern']} ({name})")


@functools.cache
def compiled(pattern):
    """The pattern as Python reads it: the models' patterns are Java's, with surrogate pairs for the higher planes."""
    return regex.compile(pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"))
