"""Compares recorded calls with AWS's API models and documentation, and writes target/reports/api-models.json.

    python judge.py target/reports/exchanges                 # `make judge`
    python judge.py target/reports/exchanges --members       # also prints which members of each operation were sent

The exit status is 0 if no request deviates, every response deviates only as accepted.toml allows, each operation that the code calls
and each member that it can set was recorded, and each planted fault is seen.
"""

import argparse
import json
import re
import sys
import time
import tomllib
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import code_members
import comparison
import planted
from code_operations import in_code
from models import Finding, Unreadable, general, model

HERE = Path(__file__).resolve().parent
REPORT = HERE.parents[1] / "target" / "reports" / "api-models.json"
# Ids that differ in each response, so that equal responses are compared once.
REQUEST_ID = re.compile(r"(?i)(<requestid>)[^<]*")


@dataclass
class Verdicts:
    """The findings of many calls, by (operation, rule, general path)."""

    calls: int = 0
    operations: Counter = field(default_factory=Counter)
    members: dict = field(default_factory=lambda: defaultdict(set))
    # Each member that was sent, as (service, shape, member).
    sent: set = field(default_factory=set)
    requests: dict = field(default_factory=dict)
    responses: dict = field(default_factory=dict)

    def add(self, kind, operation, app, found):
        for it in found:
            key = (operation, it.rule, general(it.path))
            count, example, apps = kind.get(key, (0, it.detail, frozenset()))
            kind[key] = (count + 1, example, apps | {app})

    def merge(self, other):
        self.calls += other.calls
        self.operations += other.operations
        for operation, members in other.members.items():
            self.members[operation] |= members
        self.sent |= other.sent
        for mine, others in ((self.requests, other.requests), (self.responses, other.responses)):
            for key, (count, example, apps) in others.items():
                known = mine.get(key, (0, example, frozenset()))
                mine[key] = (known[0] + count, known[1], known[2] | apps)


def judge_file(path):
    """The verdicts of one file of recorded calls."""
    verdicts, seen = Verdicts(), {}
    with open(path) as lines:
        for line in lines:
            try:
                exchange = json.loads(line)
            except ValueError:
                # The last line of a process that was ended may be truncated.
                continue
            judge_call(exchange, verdicts, seen)
    return verdicts


def judge_call(exchange, verdicts, seen):
    """Adds the verdict of one call. `seen` has the findings of equal requests and responses."""
    verdicts.calls += 1
    response, app = exchange.pop("response", None), exchange.pop("app")
    key = json.dumps(exchange, sort_keys=True)
    if key not in seen:
        try:
            operation, value, found = comparison.of_request(exchange)
            members = sent_members(model(exchange["service"]), operation, value, verdicts.sent)
        except Unreadable as error:
            operation, found, members = exchange["operation"], [Finding("unreadable", "", str(error))], set()
        seen[key] = (f"{exchange['service']}:{operation}", found, members)
    name, found, members = seen[key]
    verdicts.operations[name] += 1
    verdicts.members[name] |= members
    verdicts.add(verdicts.requests, name, app, found)
    if response and not any(it.rule == "unreadable" for it in found):
        body = REQUEST_ID.sub(r"\1", response.get("body", response.get("body_base64", "")))
        key = (name, response["status"], response["content_type"], body)
        if key not in seen:
            seen[key] = comparison.of_response(exchange, name.split(":")[1], response)
        verdicts.add(verdicts.responses, name, app, seen[key])


def sent_members(known, operation, value, sent):
    """The paths of all members in an input. Adds each of them to `sent`, with its shape."""
    found = set()

    def walk(name, value, path):
        shape = known.shapes[name]
        if shape["type"] == "structure" and isinstance(value, dict):
            for member, inner in value.items():
                found.add(f"{path}{member}")
                sent.add((known.service, name, member))
                walk(shape["members"][member]["shape"], inner, f"{path}{member}.")
        elif shape["type"] in ("list", "map"):
            inner = shape["member"] if shape["type"] == "list" else shape["value"]
            for it in value if shape["type"] == "list" else value.values():
                walk(inner["shape"], it, path)

    if value and known.input_name(operation):
        walk(known.input_name(operation), value, "")
    return found


def judge(folder):
    """The verdicts of all files in a folder and in its folders."""
    verdicts = Verdicts()
    files = sorted(Path(folder).rglob("*.jsonl"), key=lambda it: -it.stat().st_size)
    with ProcessPoolExecutor() as pool:
        for it in pool.map(judge_file, files):
            verdicts.merge(it)
    return verdicts


def accepted():
    """The deviations of responses that accepted.toml allows, each with its reason."""
    return tomllib.loads((HERE / "accepted.toml").read_text())["response"]


def played_elsewhere():
    """The operations that only tests without recordings play, each with its reason in accepted.toml."""
    return {it["call"] for it in tomllib.loads((HERE / "accepted.toml").read_text())["unrecorded"]}


def never_sent(sent):
    """The members that the code can set and no recorded call has, as text; and the entries of accepted.toml that name a sent
    or unknown one. A call that is played elsewhere has its members there."""
    elsewhere = {tuple(it.split(":")) for it in played_elsewhere()}
    shapes = {(service, model(service).input_name(operation)) for service, operation in elsewhere}
    missing = {it for it in code_members.in_code() - sent if it[:2] not in shapes}
    missing = {f"{service}:{shape}.{member}" for service, shape, member in missing}
    expected = {it["member"] for it in tomllib.loads((HERE / "accepted.toml").read_text())["unsent"]}
    return sorted(missing - expected), sorted(expected - missing)


def without_accepted(found):
    """The findings in responses that no entry allows, and the entries that allow none."""
    left, used = dict(found), set()
    for at, entry in enumerate(accepted()):
        for operation, rule, path in found:
            if re.fullmatch(entry["call"], operation) and re.fullmatch(entry["deviation"], f"{rule} {path}"):
                left.pop((operation, rule, path), None)
                used.add(at)
    return left, [it for at, it in enumerate(accepted()) if at not in used]


def listed(found):
    return [
        {
            "operation": operation,
            "rule": rule,
            "path": path,
            "calls": count,
            "example": example,
            "callers": sorted(apps),
        }
        for (operation, rule, path), (count, example, apps) in sorted(found.items())
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--members", action="store_true", help="print which members of each operation were sent")
    given = parser.parse_args()
    began = time.monotonic()
    faults = planted.run()
    verdicts = judge(given.folder)
    if not verdicts.calls:
        sys.exit(f"{given.folder} has no recorded calls: run `make test-rust test-stacks`")
    responses, stale = without_accepted(verdicts.responses)
    not_called = sorted(in_code() - set(verdicts.operations) - played_elsewhere())
    unsent, stale_members = never_sent(verdicts.sent)
    report = {
        "calls": verdicts.calls,
        "operations": len(verdicts.operations),
        "violations": sum(count for count, _, _ in (*verdicts.requests.values(), *responses.values())),
        "planted": len(faults),
        "planted_seen": sum(faults.values()),
        "seconds": round(time.monotonic() - began, 1),
        "requests": listed(verdicts.requests),
        "responses": listed(responses),
        "not_called": not_called,
        "members": len(code_members.in_code()),
        "never_sent": unsent,
    }
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    for name in sorted(verdicts.members) if given.members else ():
        print(f"{name}: {', '.join(sorted(verdicts.members[name]))}")
    for kind in ("requests", "responses"):
        for it in report[kind]:
            callers = ", ".join(it["callers"])
            print(
                f"{kind[:-1]} {it['operation']} [{it['rule']}] {it['path']}, {it['calls']} calls of {callers}: {it['example']}"
            )
    if not_called:
        print(f"called by the code and by no recorded test: {', '.join(not_called)}")
    if unsent:
        print(f"set by the code and sent by no recorded test: {', '.join(unsent)}")
    for member in stale_members:
        print(f"accepted.toml: {member} is sent, or the code cannot set it")
    for entry in stale:
        print(f"accepted.toml: no recorded response deviates by {entry['call']} {entry['deviation']}")
    for name, is_seen in faults.items():
        if not is_seen:
            print(f"planted fault not seen: {name}")
    print(
        f"{report['calls']:,} calls of {report['operations']} operations: {report['violations']} deviations; "
        f"{report['planted_seen']} of {report['planted']} planted faults seen; {report['seconds']} s"
    )
    is_clean = not (report["violations"] or not_called or unsent) and report["planted"] == report["planted_seen"]
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
