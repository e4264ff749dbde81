"""`make figures`: writes tests/bench/FIGURES.md from the reports in target/reports, so that none of its figures is typed.

Each entry of FIGURES names its row of bench.json. A row that is not in the reports, or a campaign without rows, is reported as
missing.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "target" / "reports"
PAGE = ROOT / "tests" / "bench" / "FIGURES.md"
INTRO = """# Figures

`make figures` writes this page from the reports of `make bench`, `make campaign` and `make judge` in `target/reports`.

On two cores; virtual time and the local cloud: nothing was measured on AWS."""

# The title of a figure, the name of its row, and the description of its baseline.
FIGURES = [
    ("create with a NAT gateway, two instances in service, virtual time", "create, NatGateway, virtual time", "the calculated lower bound"),
    ("create with public addresses, the same", "create, PublicIp, virtual time", "the calculated lower bound"),
    ("create with public addresses, with AWS's latencies, instances not waited for", "create, PublicIp, local cloud with latencies of AWS, against its calls one by one", "the same calls one by one"),
    ("create with a NAT gateway, with AWS's latencies, until the gate releases an instance", "create, NatGateway, against a boto3 script, with latencies of AWS", "a boto3 script for the same environment, without a gate"),
    ("writes of a create over two zones", "writes of a create, against all calls of a boto3 script", "all calls of that script"),
    ("writes of a settled run", "settled run, 2 zones, writes", ""),
    ("the response after the last call", "response after the last call", "the limit of one second"),
    ("due passes a minute, five reconcilers, in a model of the queue", "due passes, 5 reconcilers: 10,000 owners due in a minute, passes a minute", ""),
    ("the same, a hundred reconcilers", "due passes, 100 reconcilers: 10,000 owners due in a minute, passes a minute", ""),
    ("a Delete while 10,000 due passes wait, five reconcilers: most until its first pass", "due passes, 5 reconcilers: a Delete meanwhile, most until its first pass", "the limit of ten seconds"),
    ("a good change of ten instances, from the Update until the last one is in service, p95, virtual time", "rollout, good change, 10 in the group: asked to the end, p95", "Auto Scaling's refresh alone"),
    ("a change whose user data fails, three instances, from the Update until the group is as before, p95", "rollout, user data fails, 3 in the group: asked to the end, p95", "Auto Scaling's refresh alone"),
    ("a change whose instances are silent, the same", "rollout, silent instances, 3 in the group: asked to the end, p95", "Auto Scaling's refresh alone"),
    ("the first unhealthy instance of a rollout until Auto Scaling has accepted the rollback, three instances, p95", "rollout, user data fails, 3 in the group: verdict to rollback accepted, p95", "the limit of 30 s"),
    ("the same after the canary, with lost wake-ups", "rollout, user data fails after the canary, wake-ups lost, 3 in the group: verdict to rollback accepted, p95", "the limit of 75 s"),
    ("planning 1,000 environments", "planning 1000 environments", "a hundred times the time for ten"),
    ("the timeline of 10,000 mixed entries as a page", "timeline of 10,000 mixed entries", "the limit of 50 ms"),
    ("the same of 10,000 alarms alone", "timeline of 10,000 alarms", "the limit of 50 ms"),
    ("the page of the mixed entries: size", "timeline of 10,000 mixed entries: size", "the limit of 400 KB"),
    ("10,000 events into the ledger, in batches of ten: PutLogEvents", "10,000 events into the ledger: PutLogEvents, against the minimum for these batches", "the minimum for these batches"),
    ("the same: seconds", "10,000 events into the ledger, against a plain Python function", "a plain Python function"),
    ("the same: peak memory", "10,000 events into the ledger: peak memory, against the Python function", "a plain Python function"),
]
NO_CAMPAIGN = "`make campaign`: not measured."
NO_JUDGE = "`make judge`: not measured."
STARTS = re.compile(r"(start|memory), (.+), against (the floor|Python)")


def shown(value):
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.1f}"


def figures(rows):
    yield "| | | against |"
    yield "|---|---|---|"
    for title, name, baseline in FIGURES:
        it = rows.get(name)
        if it is None:
            yield f"| {title} | not measured | |"
            continue
        against = f"{shown(it['baseline'])} {it['unit']}, {baseline}: × {it['ratio']:.2f}" if it["baseline"] else ""
        yield f"| {title} | {shown(it['value'])} {it['unit']} | {against} |"


def starts(rows):
    """A row for each function: the time from the start of its process to its first response, and its memory."""
    found = {}
    for name, it in rows.items():
        if parts := STARTS.fullmatch(name):
            found.setdefault(parts[2], {})[parts[1], parts[3]] = it
    if not found:
        return
    yield "| process start to first response, with one call over TLS | ms | of the bare runtime's | Python's | memory, MiB | Python's |"
    yield "|---|---|---|---|---|---|"
    for name, it in found.items():
        floor, python, memory = it.get(("start", "the floor")), it[("start", "Python")], it[("memory", "Python")]
        of_floor = f"× {floor['ratio']:.2f}" if floor else ""
        yield (
            f"| {name} | {python['value']:.1f} | {of_floor} | {python['baseline']:.0f} (× {1 / python['ratio']:.0f}) "
            f"| {memory['value']:.1f} | {memory['baseline']:.0f} (1/{1 / memory['ratio']:.1f}) |"
        )


def sizes(rows):
    zips = [it for name, it in rows.items() if name.startswith("zip, ")]
    if zips:
        listed = ", ".join(f"{it['name'].split(', ')[1]} {it['value']:.1f}" for it in zips)
        yield f"Zips, in MB ({zips[0]['name'].split(', ')[2]}): {listed}."


def campaign():
    report = REPORTS / "campaign.json"
    rows = json.loads(report.read_text()) if report.exists() else []
    if not rows:
        yield NO_CAMPAIGN
        return
    total = {name: sum(row[name] for row in rows) for name in ("runs", "converged", "leaked", "duplicated", "no_response")}
    yield (
        f"`make campaign`: {total['runs']:,} runs in {len(rows)} rows, {total['converged']:,} converged, "
        f"{total['leaked']} leaked, {total['duplicated']} duplicated, {total['no_response']} without a response."
    )


def api_models():
    report = REPORTS / "api-models.json"
    if not report.exists():
        yield NO_JUDGE
        return
    it = json.loads(report.read_text())
    yield (
        f"`make judge`: {it['calls']:,} recorded calls of {it['operations']} operations against AWS's API models, {it['violations']} violations; "
        f"{it['planted_seen']} of {it['planted']} planted faults seen."
    )


def main():
    rows = {it["name"]: it for it in json.loads((REPORTS / "bench.json").read_text())}
    blocks = [figures(rows), starts(rows), sizes(rows), campaign(), api_models()]
    text = "\n\n".join("\n".join(block) for block in map(list, blocks) if block)
    PAGE.write_text(f"{INTRO}\n\n{text}\n")
    missing = [name for _, name, _ in FIGURES if name not in rows]
    missing += [target for target, absent in (("make campaign", NO_CAMPAIGN), ("make judge", NO_JUDGE)) if absent in text]
    if missing:
        sys.exit(f"not in the reports: {'; '.join(missing)}")


if __name__ == "__main__":
    main()
