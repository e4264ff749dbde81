"""This project's rules for templates (infra/rules), evaluated by AWS's cfn-guard."""

import json
import re
from pathlib import Path

from cfn_guard_rs.cfn_guard_rs import run_checks_rs

from templates import ROOT

RULES = sorted(ROOT.glob("infra/rules/*.guard"))


def verdict(rule: Path, template: dict) -> tuple[str, str]:
    """PASS, FAIL, or SKIP if the template has no resource for the rule; and the requirement of the rule, with the resources."""
    report = run_checks_rs(json.dumps(template, default=str), rule.read_text(), False)
    requirements = sorted(set(re.findall(r'"custom_message": "\s*([^"]+?)\s*"', report)))
    resources = sorted(set(re.findall(r'"/Resources/(\w+)', report)))
    try:
        status = json.loads(report)["status"]
    except json.JSONDecodeError:
        # The library returns only the end of a report over 8 KiB. Only failures have reports of such a length.
        status = "FAIL"
    return status, f"required: {'; '.join(requirements)}; see {', '.join(resources)}"


def broken_rules(template: dict) -> dict[str, str]:
    """The rules that this template breaks, by name, each with its requirement."""
    verdicts = {rule.stem: verdict(rule, template) for rule in RULES}
    return {name: text for name, (status, text) in verdicts.items() if status == "FAIL"}


def skipped_rules(template: dict) -> set[str]:
    """The names of the rules that find no resource to evaluate in this template."""
    return {rule.stem for rule in RULES if verdict(rule, template)[0] == "SKIP"}
