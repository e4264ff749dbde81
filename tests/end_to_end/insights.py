"""An interpreter for the part of CloudWatch Logs Insights' language that the saved queries use. Other syntax is rejected.

It tests the queries on log events that the functions wrote. Only AWS can show whether Insights itself reads the queries in the
same way.
"""

import json
import re


class UnsupportedSyntax(Exception):
    """A part of the language that this interpreter does not support."""


def run(query, events):
    """The rows that a query returns for log events (timestamp in ms, message), as dictionaries."""
    rows = [row(event) for event in events]
    deduplicated = False
    for command in commands(query):
        name, _, rest = command.partition(" ")
        if deduplicated and name != "limit":
            raise UnsupportedSyntax(f"after dedup only limit may follow: {command}")
        deduplicated = deduplicated or name == "dedup"
        rows = COMMANDS.get(name, reject(name))(rows, rest.strip())
    return rows


def commands(query):
    text = "\n".join(line for line in query.splitlines() if not line.startswith("#"))
    return [part.strip() for part in re.split(r"\|(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text) if part.strip()]


def reject(name):
    def command(*_):
        raise UnsupportedSyntax(name)

    return command


def row(event):
    """A log event with its fields by their paths, as Insights discovers them in JSON."""
    found = {"@timestamp": event["timestamp"], "@message": event["message"], "@logStream": event.get("logStreamName")}
    try:
        flatten("", json.loads(event["message"]), found)
    except ValueError:
        """The message is not JSON, and so has no other fields."""
    return found


def flatten(path, value, found):
    if isinstance(value, dict):
        for key, inner in value.items():
            flatten(f"{path}.{key}" if path else key, inner, found)
    elif not isinstance(value, list):
        found[path] = value


def fields(rows, rest):
    names = [name.strip() for name in rest.split(",")]
    # Later commands can use all fields; the empty key lists the displayed ones.
    return [{**it, "": names} for it in rows]


def filtered(rows, rest):
    test = condition(rest)
    return [it for it in rows if test(it)]


def condition(text):
    """Terms with `and` between them."""
    terms = [term(part.strip()) for part in re.split(r"\s+and\s+", text)]
    return lambda it: all(one(it) for one in terms)


def term(text):
    if found := re.fullmatch(r"([\w.@]+)\s*(!?=)\s*\"([^\"]*)\"", text):
        name, sign, value = found.groups()
        # In Insights, != does not match a log event without the field.
        return lambda it: name in it and (str(it[name]) == value) == (sign == "=")
    if found := re.fullmatch(r"([\w.@]+)\s+in\s+\[(.*)\]", text):
        name, values = found.group(1), re.findall(r"\"([^\"]*)\"", found.group(2))
        return lambda it: str(it.get(name)) in values
    if found := re.fullmatch(r"([\w.@]+)\s+like\s+/(.*)/", text):
        name, pattern = found.groups()
        return lambda it: re.search(pattern, str(it.get(name, ""))) is not None
    raise UnsupportedSyntax(text)


def ordered(rows, rest):
    name, _, direction = rest.partition(" ")
    present = [it for it in rows if it.get(name) is not None]
    missing = [it for it in rows if it.get(name) is None]
    return sorted(present, key=lambda it: it[name], reverse=direction.strip() == "desc") + missing


def deduplicated(rows, rest):
    values, kept = set(), []
    for it in rows:
        if it.get(rest) not in values:
            values.add(it.get(rest))
            kept.append(it)
    return kept


def limited(rows, rest):
    return rows[: int(rest)]


def stats(rows, rest):
    aggregates, _, keys = rest.partition(" by ")
    keys = [named(key) for key in keys.split(",") if key.strip()]
    groups = {}
    for it in rows:
        groups.setdefault(tuple(key(it) for _, key in keys), []).append(it)
    columns = [named(part) for part in re.split(r",(?![^(]*\))", aggregates)]
    names = [name for name, _ in keys]
    return [
        {**dict(zip(names, values)), **{name: of(members) for name, of in columns}} for values, members in groups.items()
    ]


def named(text):
    """Parses `expression as name`, or an expression alone: the name, and the function from a row or rows to the value."""
    expression, _, name = text.strip().partition(" as ")
    return (name or expression).strip(), value_of(expression.strip())


def value_of(text):
    if text == "bin(1h)":
        return lambda it: it["@timestamp"] // 3_600_000 * 3_600_000
    if found := re.fullmatch(r"(count_distinct|min|max|latest)\(([\w.@]+)\)", text):
        function, name = found.groups()

        def of(rows):
            present = [it for it in rows if it.get(name) is not None]
            values = [it[name] for it in present]
            if function == "count_distinct":
                return len(set(values))
            if function == "latest":
                return max(present, key=lambda it: it["@timestamp"])[name] if present else None
            return {"min": min, "max": max}[function](values) if values else None

        return of
    if re.fullmatch(r"[\w.@]+", text):
        return lambda it: it.get(text)
    raise UnsupportedSyntax(text)


COMMANDS = {
    "fields": fields,
    "filter": filtered,
    "sort": ordered,
    "dedup": deduplicated,
    "limit": limited,
    "stats": stats,
}
