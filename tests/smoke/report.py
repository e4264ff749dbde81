"""What was settled: printed as it comes, and written to target/reports."""

import inspect
import json
import time
from dataclasses import asdict, dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from account import AWS
from local_cloud import ROOT, Failed

YES, NO, NOT_SEEN = "yes", "no", "not seen"


@dataclass
class Verdict:
    """The answer to a check, what it rests on for a person, and what was measured for a program."""

    answer: str
    evidence: list = field(default_factory=list)
    measured: dict = field(default_factory=dict)


def claim(check):
    """What a check settles: the first line of its docstring."""
    return inspect.getdoc(check).splitlines()[0].rstrip(".")


class Report:
    """The verdict on each check of a run; what was not come to was not seen."""

    def __init__(self, account, checks):
        self.account, self.checks, self.verdicts = account, checks, {}
        self.began, self.broken, self.left = time.monotonic(), None, []

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", flush=True)

    def settle(self, number, *given):
        """Makes a check. One that breaks off settles nothing."""
        self.say(f"check {number}: {claim(self.checks[number])}")
        try:
            verdict = self.checks[number](*given)
        except (Failed, ClientError, BotoCoreError) as error:
            verdict = Verdict(NOT_SEEN, [f"it broke off: {error}"])
            self.broken = self.broken or f"check {number} broke off: {error}"
        self.verdicts[number] = verdict
        self.say(f"  {verdict.answer}")

    def complete(self):
        for number in self.checks:
            self.verdicts.setdefault(number, Verdict(NOT_SEEN, ["it was not come to"]))

    def is_good(self):
        return not (self.broken or self.left or any(it.answer == NO for it in self.verdicts.values()))

    def told(self, commands):
        """All of it for a person, with the commands that remove what is left."""
        yield f"What was settled on {self.account.where}, {self.account.region}:"
        yield from self.table()
        yield f"Left behind: {'' if self.left else 'nothing'}"
        yield from (f"   {it}" for it in self.left)
        if commands:
            yield "To remove it:"
            yield from (f"   {it}" for it in commands)
        if self.broken:
            yield f"It did not come to its end: {self.broken}"

    def table(self):
        """A line for each check, with what it rests on below it."""
        for number in sorted(self.verdicts):
            verdict = self.verdicts[number]
            yield f"   {verdict.answer:<9}{number}  {claim(self.checks[number])}"
            yield from (f"               {line}" for line in verdict.evidence)

    def write(self, cost):
        """To smoke.json; what was not AWS, and proves nothing of it, to a file of its own."""
        folder = ROOT / "target" / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("smoke.json" if self.account.where == AWS else "smoke-local.json")
        checks = {
            number: {"claim": claim(self.checks[number]), **asdict(verdict)} for number, verdict in sorted(self.verdicts.items())
        }
        told = {
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
        path.write_text(json.dumps(told, indent=2) + "\n")
        return path.relative_to(ROOT)
