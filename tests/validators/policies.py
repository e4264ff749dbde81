"""The policies of a template, and what parliament, which knows IAM's actions, resources and conditions, says of them."""

import json
import re
import warnings

import yaml

from intrinsics import Intrinsics
from templates import ROOT

with warnings.catch_warnings():
    # It loads its data in a way that setuptools has come to warn of.
    warnings.simplefilter("ignore")
    import parliament

ACCEPTED = yaml.safe_load((ROOT / "tests" / "validators" / "accepted.yaml").read_text())


def policies_of(template: dict) -> dict[str, dict]:
    """Every policy document, by its resource's name and its own: inline, managed, and those of queues and keys."""
    resolve = Intrinsics(template).resolve
    found = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for inline in properties.get("Policies", []):
            found[f"{name}/{inline['PolicyName']}"] = resolve(inline["PolicyDocument"])
        for key in {"PolicyDocument", "KeyPolicy"} & properties.keys():
            found[f"{name}/{key}"] = resolve(properties[key])
    return found


def policies_of_an_environment() -> dict[str, dict]:
    """Those that no template has: what the functions write for an environment's role and its buckets, as the golden plan of a
    create shows them."""
    plan = (ROOT / "shared" / "environment" / "tests" / "snapshots" / "plans__a_create.snap").read_text()
    written = re.findall(r"^ +(inline-policy|policy)(?: \S+)?: (\{.*\})$", plan, re.MULTILINE)
    return {f"environment/{kind} {number}": json.loads(text) for number, (kind, text) in enumerate(written)}


def findings(name: str, document: dict) -> list[str]:
    """What parliament finds and accepted.yaml does not know: the policy's name, the kind of finding, what it is about."""
    found = []
    for finding in parliament.analyze_policy_string(json.dumps(document), ignore_private_auditors=True).findings:
        match finding.issue:
            case "RESOURCE_STAR":
                about = finding.detail
            case "RESOURCE_MISMATCH":
                pairs = [(it["action"], it["required_format"]) for it in finding.detail]
                about = [f"{action} on {wanted}" for action, wanted in pairs if not allows(document, action, wanted)]
            case _:
                about = [finding.detail]
        found += [f"{name} {finding.issue} {it}" for it in about]
    return [line for line in found if not any(re.fullmatch(known, line) for known in ACCEPTED)]


def allows(document, action, wanted) -> bool:
    """Whether any statement allows the action on such a resource. Parliament asks each statement for all that an action
    needs; IAM looks at each resource for itself, so ours split them: what is made by its new tags, what is there by its own."""
    for statement in listed(document["Statement"]):
        if statement["Effect"] == "Allow" and action in listed(statement.get("Action", [])):
            for resource in listed(statement.get("Resource", [])):
                if resource == "*" or wanted != "*" and parliament.is_arn_match("", wanted, resource):
                    return True
    return False


def listed(value):
    return value if isinstance(value, list) else [value]
