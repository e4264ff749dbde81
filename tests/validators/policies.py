"""The policies of a template, and the findings of parliament, which knows IAM's actions, resources and conditions."""

import json
import re
import warnings

import yaml

from intrinsics import Intrinsics
from templates import ROOT

with warnings.catch_warnings():
    # parliament loads its data in a way that setuptools warns about.
    warnings.simplefilter("ignore")
    import parliament

ACCEPTED = yaml.safe_load((ROOT / "tests" / "validators" / "accepted.yaml").read_text())


def policies_of(template: dict) -> dict[str, dict]:
    """Every policy document, by the names of its resource and of the policy: inline, managed, and those of queues, tables,
    keys and event buses."""
    resolve = Intrinsics(template).resolve
    found = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for inline in properties.get("Policies", []):
            found[f"{name}/{inline['PolicyName']}"] = resolve(inline["PolicyDocument"])
        for key in {"PolicyDocument", "KeyPolicy"} & properties.keys():
            found[f"{name}/{key}"] = resolve(properties[key])
        if resource["Type"] == "AWS::Events::EventBusPolicy":
            statement = {"Sid": properties["StatementId"], **resolve(properties["Statement"])}
            found[f"{name}/Statement"] = {"Version": "2012-10-17", "Statement": [statement]}
        if "ResourcePolicy" in properties:
            found[f"{name}/ResourcePolicy"] = resolve(properties["ResourcePolicy"]["PolicyDocument"])
    return found


def policies_of_an_environment() -> dict[str, dict]:
    """The policies that no template has: the functions write them for an environment's role and its buckets. The golden plan of a
    create contains them."""
    plan = (ROOT / "shared" / "environment" / "tests" / "core" / "snapshots" / "core__plans__a_create.snap").read_text()
    written = re.findall(r"^ +(inline-policy|policy)(?: \S+)?: (\{.*\})$", plan, re.MULTILINE)
    return {f"environment/{kind} {number}": json.loads(text) for number, (kind, text) in enumerate(written)}


def policies_to_paste() -> dict[str, dict]:
    """The policies in the security model, which operators attach to an organization."""
    written = re.findall(r"^```json\n(.*?)^```$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE | re.DOTALL)
    return {f"SECURITY.md/{number}": json.loads(text) for number, text in enumerate(written)}


def findings(name: str, document: dict) -> list[str]:
    """The findings of parliament that accepted.yaml does not list: the policy's name, the kind of the finding, its subject."""
    found = []
    for finding in parliament.analyze_policy_string(json.dumps(document), ignore_private_auditors=True).findings:
        match finding.issue:
            case "RESOURCE_STAR":
                subjects = finding.detail
            case "RESOURCE_MISMATCH":
                pairs = [(it["action"], it["required_format"]) for it in finding.detail]
                subjects = [f"{action} on {arn}" for action, arn in pairs if not allows(document, action, arn)]
            case _:
                subjects = [finding.detail]
        found += [f"{name} {finding.issue} {it}" for it in subjects]
    return [line for line in found if not any(re.fullmatch(known, line) for known in ACCEPTED)]


def allows(document, action, required) -> bool:
    """Whether any statement allows the action on a resource of the required form. Parliament expects all resources that an
    action needs in each statement; IAM evaluates each resource separately. This project's policies therefore split them: one
    statement for the created resource, by its new tags, one for an existing resource, by its own tags."""
    for statement in listed(document["Statement"]):
        if statement["Effect"] == "Allow" and action in listed(statement.get("Action", [])):
            for resource in listed(statement.get("Resource", [])):
                if resource == "*" or required != "*" and parliament.is_arn_match("", required, resource):
                    return True
    return False


def listed(value):
    return value if isinstance(value, list) else [value]
