"""The verdicts of a run: printed one by one, and written to target/reports."""

import inspect
import json
import time
from dataclasses import asdict, dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from account import AWS
from local_cloud import ROOT, Failed

YES, NO, NOT_OBSERVED = "yes", "no", "not observed"


@dataclass
class Verdict:
    """The result of a check, its evidence for the operator, and its measured values for programs."""

    result: str
    evidence: list = field(default_factory=list)
    measured: dict = field(default_factory=dict)


def claim(check):
    """The claim that a check settles: the first line of its docstring."""
    return inspect.getdoc(check).splitlines()[0].rstrip(".")


class Report:
    """The verdict on each check of a run. A check that did not run is not observed."""

    def __init__(self, account, checks):
        self.account, self.checks, self.verdicts = account, checks, {}
        self.began, self.broken, self.left = time.monotonic(), None, []

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", flush=True)

    def settle(self, number, *given):
        """Runs a check. A check that breaks off settles nothing."""
        self.say(f"check {number}: {claim(self.checks[number])}")
        try:
            verdict = self.checks[number](*given)
        except (Failed, ClientError, BotoCoreError) as error:
            verdict = Verdict(NOT_OBSERVED, [f"the check broke off: {error}"])
            self.broken = self.broken or f"check {number} broke off: {error}"
        self.verdicts[number] = verdict
        self.say(f"  {verdict.result}")

    def complete(self):
        for number in self.checks:
            self.verdicts.setdefault(number, Verdict(NOT_OBSERVED, ["the check did not run"]))

    def is_good(self):
        return not (self.broken or self.left or any(it.result == NO for it in self.verdicts.values()))

    def summary(self, commands):
        """The whole report as text for the operator, with the commands that delete the remaining resources."""
        yield f"Verdicts on {self.account.where}, {self.account.region}:"
        yield from self.table()
        yield f"Left behind: {'' if self.left else 'nothing'}"
        yield from (f"   {it}" for it in self.left)
        if commands:
            yield "Commands that delete these resources:"
            yield from (f"   {it}" for it in commands)
        if self.broken:
            yield f"The run is not complete: {self.broken}"

    def table(self):
        """A line for each check, with the evidence below it."""
        for number in sorted(self.verdicts):
            verdict = self.verdicts[number]
            yield f"   {verdict.result:<13}{number}  {claim(self.checks[number])}"
            yield from (f"                   {line}" for line in verdict.evidence)

    def write(self, cost):
        """Writes smoke.json. A run outside of AWS proves nothing about AWS, so it has a file of its own."""
        folder = ROOT / "target" / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("smoke.json" if self.account.where == AWS else "smoke-local.json")
        checks = {
            number: {"claim": claim(self.checks[number]), **asdict(verdict)} for number, verdict in sorted(self.verdicts.items())
        }
        report = {
            "where": self.account.where,
            "account": self.account.number,
            "region": self.account.region,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - self.began),
            "estimated_cost": round(cost, 4),
            "broken": self.broken,
            "left": self.left,
            "checks": checks,
        }
        path.write_text(json.dumps(report, indent=2) + "\n")
        return path.relative_to(ROOT)
