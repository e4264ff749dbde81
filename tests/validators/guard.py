"""Our own rules for templates (infra/rules), judged by AWS's cfn-guard."""

import json
import re
from pathlib import Path

from cfn_guard_rs.cfn_guard_rs import run_checks_rs

from templates import ROOT

RULES = sorted(ROOT.glob("infra/rules/*.guard"))


def verdict(rule: Path, template: dict) -> tuple[str, str]:
    """PASS, FAIL, or SKIP where the template has nothing that the rule is about; and what the rule wants, and where."""
    report = run_checks_rs(json.dumps(template, default=str), rule.read_text(), False)
    wanted = sorted(set(re.findall(r'"custom_message": "\s*([^"]+?)\s*"', report)))
    near = sorted(set(re.findall(r'"/Resources/(\w+)', report)))
    try:
        status = json.loads(report)["status"]
    except json.JSONDecodeError:
        # Of a report beyond 8 KiB the library gives only the end. Only failures are told at such length.
        status = "FAIL"
    return status, f"wanted: {'; '.join(wanted)}; see {', '.join(near)}"


def broken_rules(template: dict) -> dict[str, str]:
    """The rules that this template breaks, by name, each with what it wants."""
    verdicts = {rule.stem: verdict(rule, template) for rule in RULES}
    return {name: text for name, (status, text) in verdicts.items() if status == "FAIL"}


def rules_without_a_say(template: dict) -> set[str]:
    """The names of the rules that find nothing in this template to judge."""
    return {rule.stem for rule in RULES if verdict(rule, template)[0] == "SKIP"}
