"""CloudWatch Logs Insights, as much of its language as the saved queries use. What it doesn't know, it refuses.

A test of the queries against lines as they are really written: whether Insights itself reads them so, only AWS can say.
"""

import json
import re


class Unknown(Exception):
    """A piece of the language that is not known here."""


def run(query, events):
    """The rows that a query gives over log events (timestamp in ms, message), as dictionaries."""
    rows = [row(event) for event in events]
    deduplicated = False
    for command in commands(query):
        name, _, rest = command.partition(" ")
        if deduplicated and name != "limit":
            raise Unknown(f"after dedup only limit may follow: {command}")
        deduplicated = deduplicated or name == "dedup"
        rows = COMMANDS.get(name, refuse(name))(rows, rest.strip())
    return rows


def commands(query):
    text = "\n".join(line for line in query.splitlines() if not line.startswith("#"))
    return [part.strip() for part in re.split(r"\|(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text) if part.strip()]


def refuse(name):
    def no(*_):
        raise Unknown(name)

    return no


def row(event):
    """A line with its fields by their paths, as Insights finds them in JSON."""
    found = {"@timestamp": event["timestamp"], "@message": event["message"], "@logStream": event.get("logStreamName")}
    try:
        flatten("", json.loads(event["message"]), found)
    except ValueError:
        """No JSON: it has no fields of its own."""
    return found


def flatten(path, value, found):
    if isinstance(value, dict):
        for key, inner in value.items():
            flatten(f"{path}.{key}" if path else key, inner, found)
    elif not isinstance(value, list):
        found[path] = value


def fields(rows, rest):
    names = [name.strip() for name in rest.split(",")]
    # All fields stay there for what follows; those that are shown are marked.
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
        # Insights: a line without the field is not unequal to anything.
        return lambda it: name in it and (str(it[name]) == value) == (sign == "=")
    if found := re.fullmatch(r"([\w.@]+)\s+in\s+\[(.*)\]", text):
        name, values = found.group(1), re.findall(r"\"([^\"]*)\"", found.group(2))
        return lambda it: str(it.get(name)) in values
    if found := re.fullmatch(r"([\w.@]+)\s+like\s+/(.*)/", text):
        name, pattern = found.groups()
        return lambda it: re.search(pattern, str(it.get(name, ""))) is not None
    raise Unknown(text)


def ordered(rows, rest):
    name, _, direction = rest.partition(" ")
    there = [it for it in rows if it.get(name) is not None]
    missing = [it for it in rows if it.get(name) is None]
    return sorted(there, key=lambda it: it[name], reverse=direction.strip() == "desc") + missing


def deduplicated(rows, rest):
    seen, kept = set(), []
    for it in rows:
        if it.get(rest) not in seen:
            seen.add(it.get(rest))
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
    wanted = [named(part) for part in re.split(r",(?![^(]*\))", aggregates)]
    names = [name for name, _ in keys]
    return [
        {**dict(zip(names, values)), **{name: of(members) for name, of in wanted}} for values, members in groups.items()
    ]


def named(text):
    """`expression as name`, or just the expression: its name, and what it is of a row or of rows."""
    expression, _, name = text.strip().partition(" as ")
    return (name or expression).strip(), value_of(expression.strip())


def value_of(text):
    if text == "bin(1h)":
        return lambda it: it["@timestamp"] // 3_600_000 * 3_600_000
    if found := re.fullmatch(r"(count_distinct|min|max|latest)\(([\w.@]+)\)", text):
        function, name = found.groups()

        def of(rows):
            there = [it for it in rows if it.get(name) is not None]
            values = [it[name] for it in there]
            if function == "count_distinct":
                return len(set(values))
            if function == "latest":
                return max(there, key=lambda it: it["@timestamp"])[name] if there else None
            return {"min": min, "max": max}[function](values) if values else None

        return of
    if re.fullmatch(r"[\w.@]+", text):
        return lambda it: it.get(text)
    raise Unknown(text)


COMMANDS = {
    "fields": fields,
    "filter": filtered,
    "sort": ordered,
    "dedup": deduplicated,
    "limit": limited,
    "stats": stats,
}
