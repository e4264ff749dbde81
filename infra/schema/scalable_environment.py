"""A rule of cfn-lint for `Custom::ScalableEnvironment`: `cfn-lint --append-rules FOLDER-OF-THIS-FILE TEMPLATE`.

It applies the schema of templates, checks the names in `Fn::GetAtt` and `Fn::Sub`, and runs `envkeeper validate` for the rules
between properties, if that program is on the PATH. It repeats no value: a value may be a secret.
"""

import difflib
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from cfnlint.jsonschema import StandardValidator
from cfnlint.rules import CloudFormationLintRule, RuleMatch

TYPE = "Custom::ScalableEnvironment"
SCHEMA = json.loads((Path(__file__).parent / "template.schema.json").read_text(encoding="utf-8"))
ATTRIBUTES = SCHEMA["definitions"]["attribute"]["enum"]
PROPERTIES = SCHEMA["definitions"]["properties"]
# The definitions stay where the references of the schema find them.
VALIDATOR = StandardValidator({"definitions": SCHEMA["definitions"], "$ref": "#/definitions/properties"})
FUNCTION = {"$ref": "#/definitions/function"}
# `${Web.VpcId}`, but not `${!Literal}`.
IN_SUB = re.compile(r"\$\{([A-Za-z0-9]+)\.([^}]+)\}")
# Seconds. The program reads one file, and makes no call without `--project`.
LIMIT = 30


class ScalableEnvironment(CloudFormationLintRule):
    """The properties and outputs of environments."""

    id = "E9801"
    shortdesc = "Properties and outputs of Custom::ScalableEnvironment"
    description = "Checks the properties by Envkeeper's schema and by `envkeeper validate`, and the names in Fn::GetAtt"
    source_url = "https://json-schema.org/draft-07/json-schema-release-notes.html"
    tags = ["resources", "custom"]

    def match(self, cfn):
        environments = {
            name: resource.get("Properties")
            for name, resource in cfn.template.get("Resources", {}).items()
            if isinstance(resource, dict) and resource.get("Type") == TYPE
        }
        for name, properties in environments.items():
            path = ["Resources", name, "Properties"]
            if not isinstance(properties, dict):
                yield RuleMatch(path[:2], f"{name} has no Properties; ServiceToken and EnvironmentSuffix are required")
                continue
            found = [it for error in VALIDATOR.iter_errors(properties) for it in findings(path, error)]
            yield from found
            # The program reports the same values once more, and what the schema does not express.
            reported = {tuple(it.path[: len(path) + 1]) for it in found}
            yield from (it for it in violations(cfn.filename, path) if tuple(it.path[: len(path) + 1]) not in reported)
        yield from unknown_attributes(cfn, environments)


def findings(path, error, inner=(), description=""):
    """The findings of a violation of the schema, with the description of the nearest value that has one."""
    inner = [*inner, *error.path]
    description = error.schema.get("description", description) if isinstance(error.schema, dict) else description
    meant = meant_form(error)
    if meant:
        for deeper in meant:
            yield from findings(path, deeper, inner, description)
    elif error.validator == "additionalProperties" and len(inner) == 1:
        near = difflib.get_close_matches(inner[0], PROPERTIES["properties"], n=1)
        yield RuleMatch(path + inner, f"{inner[0]} is an unknown property{f'; did you mean {near[0]}?' if near else ''}")
    elif error.validator == "required":
        yield RuleMatch(path + inner, f"{written(inner) or path[1]}: {error.message}")
    else:
        description = description or PROPERTIES["properties"][inner[0]]["description"]
        yield RuleMatch(path + inner, f"{written(inner)} is not valid. {description}")


def meant_form(error):
    """Of a value that has none of several forms: the violations of the one form whose type it has, if there is one."""
    if error.validator != "anyOf":
        return None
    forms = {at: [] for at, form in enumerate(error.validator_value) if form != FUNCTION}
    for inner in error.context:
        forms.get(inner.schema_path[0], []).append(inner)
    meant = [found for found in forms.values() if not any(it.validator == "type" and not it.path for it in found)]
    return meant[0] if len(meant) == 1 else None


def written(inner):
    """`AlarmActions[0].Capacity`, for the path of a value in the properties."""
    text = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in inner)
    return text.removeprefix(".")


def violations(filename, path):
    """The violations that `envkeeper validate` finds in one resource of the file."""
    program = validate_program()
    if program is None or not filename:
        return
    command = [program, "validate", "--json", "--resource", str(path[1]), filename]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    try:
        result = json.loads(done.stdout)["result"]
    except (json.JSONDecodeError, KeyError):
        result = {"Error": f"exit code {done.returncode}"}
    if "Violations" not in result:
        yield RuleMatch(path, f"envkeeper validate failed: {result.get('Error')}. The command was: {' '.join(command)}")
        return
    for violation in result["Violations"]:
        inner = [int(it) if it.isdigit() else it for it in re.findall(r"[^.\[\]]+", violation["Property"])]
        yield RuleMatch(path + inner, f"{violation['Property']} is {violation['Value']}: {violation['Valid']}")


@cache
def validate_program():
    """The program `envkeeper`. Its absence is reported once, and is no finding: the schema works without it."""
    program = shutil.which("envkeeper")
    if program is None:
        print("envkeeper is not on the PATH: the rules between properties are not checked", file=sys.stderr)
    return program


def unknown_attributes(cfn, environments):
    """References to outputs that no environment has."""
    for *path, value in cfn.search_deep_keys("Fn::GetAtt"):
        pair = value.split(".", 1) if isinstance(value, str) else value
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], str):
            yield from unknown_attribute(path, environments, *pair)
    for *path, value in cfn.search_deep_keys("Fn::Sub"):
        text = value[0] if isinstance(value, list) and value else value
        for name, attribute in IN_SUB.findall(text if isinstance(text, str) else ""):
            yield from unknown_attribute(path, environments, name, attribute)


def unknown_attribute(path, environments, name, attribute):
    if name in environments and attribute not in ATTRIBUTES:
        yield RuleMatch(path, f"{name} has no output {attribute}; valid is one of {', '.join(ATTRIBUTES)}")
