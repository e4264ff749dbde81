"""Mistakes of stack authors: the schemas find those that a schema can express, the parser the others, and valid templates pass.

Compares the schemas in infra/schema with the parser's verdicts (inputs.jsonl), runs the rule of cfn-lint over valid and faulty
templates, and writes target/reports/authoring.json.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "infra" / "schema"
EXAMPLES = sorted(ROOT.glob("infra/examples/*.yaml"))
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "envkeeper"
LINT = Path(sys.executable).parent / "cfn-lint"
RULE = "E9801"
STRICT = json.loads((SCHEMAS / "properties.schema.json").read_text())
TEMPLATE = json.loads((SCHEMAS / "template.schema.json").read_text())
INPUTS = [json.loads(line) for line in (Path(__file__).parent / "inputs.jsonl").read_text().splitlines()]
VALID = [it["properties"] for it in INPUTS if not it["violations"]]
INVALID = [it["properties"] for it in INPUTS if it["violations"]]
TOKEN = {"Fn::ImportValue": "envkeeper-service-token"}
FUNCTIONS = {
    "Ref": {"Ref": "Text"},
    "If": {"Fn::If": ["IsTest", {"Ref": "Text"}, {"Ref": "AWS::NoValue"}]},
    "Sub": {"Fn::Sub": "${Text}-x"},
    "Select": {"Fn::Select": [0, {"Fn::Split": [",", {"Ref": "Text"}]}]},
    "ImportValue": {"Fn::ImportValue": "shared"},
    "FindInMap": {"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Value"]},
}
# A program in the place of `envkeeper`, with the document of `envkeeper validate --json`.
FAKE = """#!{python}
import json, sys
assert sys.argv[1:5] == ["validate", "--json", "--resource", "Web"], sys.argv
print(json.dumps({document}))
"""
report = {}


def template(resources):
    """A template with one environment for each of these objects of properties."""
    return {
        "Parameters": {"Text": {"Type": "String"}, "Environment": {"Type": "String"}},
        "Conditions": {"IsTest": {"Fn::Equals": [{"Ref": "Environment"}, "test"]}},
        "Mappings": {"Sizes": {"us-east-1": {"Value": "2"}}},
        "Resources": {
            name: {"Type": "Custom::ScalableEnvironment", "Properties": {"ServiceToken": TOKEN, **properties}}
            for name, properties in resources.items()
        },
    }


def lint(*templates, path=os.environ["PATH"]):
    """The findings of the rule, each a file's index, its path in the template and its message; and the standard error."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for at, content in enumerate(templates):
            files.append(Path(folder) / f"{at}.json" if isinstance(content, dict) else content)
            if isinstance(content, dict):
                files[at].write_text(json.dumps(content))
        command = [LINT, "--format", "json", "--append-rules", SCHEMAS, "--", *files]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "PATH": path})
    names = [str(it) for it in files]
    found = [it for it in json.loads(done.stdout) if it["Rule"]["Id"] in {RULE, "E0002"}]
    return [(names.index(it["Filename"]), it["Location"]["Path"], it["Message"]) for it in found], done.stderr


def with_functions():
    """For each function, an environment in which it is the value of every property, of a list's element, and in rules and tags."""
    names = [it for it in TEMPLATE["definitions"]["properties"]["properties"] if it not in {"ServiceToken", "ImageId"}]
    for name, function in FUNCTIONS.items():
        inner = {
            "SubnetIds": [function],
            "Tags": [{"Key": "team", "Value": function}],
            "AlarmActions": [function, {"Alarm": function, "Action": function, "Amount": function, "DryRun": function}],
        }
        yield template({name: {it: function for it in names}, "Inner": {"EnvironmentSuffix": function, **inner}})


class Schemas(unittest.TestCase):
    def test_both_are_valid_and_have_only_the_keywords_of_draft_07(self):
        for schema in (STRICT, TEMPLATE):
            Draft7Validator.check_schema(schema)
            self.assertEqual(schema["$schema"], "http://json-schema.org/draft-07/schema#")

    def test_each_default_is_valid(self):
        for name, schema in STRICT["properties"].items():
            if "default" in schema:
                with self.subTest(name):
                    Draft7Validator(schema).validate(schema["default"])

    def test_a_number_as_text_has_the_bounds_of_the_number(self):
        for name, schema in STRICT["properties"].items():
            number = next((it for it in schema.get("anyOf", []) if it["type"] == "integer" and "maximum" in it), None)
            if number:
                validator = Draft7Validator(schema)
                for value in range(0, number["maximum"] + 120, 1 if number["maximum"] <= 1000 else 7):
                    self.assertEqual(validator.is_valid(str(value)), validator.is_valid(value), f"{name}: {value}")

    def test_the_schema_refuses_nothing_that_the_parser_accepts_and_the_parser_finds_the_rest(self):
        strict, of_template = Draft7Validator(STRICT), Draft7Validator(TEMPLATE)
        false_alarms = [it for it in VALID if not strict.is_valid(it)]
        by_schema = [it for it in INVALID if not strict.is_valid(it)]
        in_template = [it for it in (*VALID, *INVALID) if of_template.is_valid(template({"Web": it})) != strict.is_valid(it)]
        self.assertEqual(false_alarms, [])
        self.assertEqual(in_template, [], "a value without a function has the same verdict in a template")
        self.assertGreater(len(INVALID), 200)
        self.assertGreater(len(by_schema) / len(INVALID), 0.9)
        by_parser = len(INVALID) - len(by_schema)
        report.update(rejections=len(INVALID), by_schema=len(by_schema), by_validate=by_parser, false_alarms=len(false_alarms))


class Rule(unittest.TestCase):
    def test_valid_templates_pass(self):
        values = {f"E{at}": properties for at, properties in enumerate(VALID)}
        templates = [*EXAMPLES, *with_functions(), template(values)]
        found, _ = lint(*templates)
        self.assertEqual(found, [])
        report.update(templates=len(templates), passed=len(templates) - len({at for at, _, _ in found}))

    def test_it_finds_what_the_schema_refuses(self):
        strict = Draft7Validator(STRICT)
        refused = {f"E{at}": it for at, it in enumerate(INVALID) if not strict.is_valid(it)}
        found, _ = lint(template(refused))
        self.assertEqual(set(refused) - {path[1] for _, path, _ in found}, set())
        self.assertEqual({path[1] for _, path, _ in found} - set(refused), set())
        report.update(missed=len(set(refused) - {path[1] for _, path, _ in found}))

    def test_a_finding_names_the_place_and_the_valid_form_and_no_value(self):
        rule = {"Alarm": "cpu-high", "Action": "ScaleBy"}
        faults = {
            "Suffix": ({"EnvironmentSuffix": "Secret"}, ["EnvironmentSuffix"], "1 to 63 lowercase letters"),
            "Missing": ({}, [], "'EnvironmentSuffix' is a required property"),
            "Unknown": ({"EnvironmentSuffix": "a", "MinSizee": 1}, ["MinSizee"], "did you mean MinSize?"),
            "Choice": ({"EnvironmentSuffix": "a", "Egress": "Secret"}, ["Egress"], "one of NatGateway, NatGatewayPerZone"),
            "Element": ({"EnvironmentSuffix": "a", "DrainServices": ["nginx", "a secret"]}, ["DrainServices", 1], "systemd units"),
            "Field": ({"EnvironmentSuffix": "a", "AlarmActions": [rule]}, ["AlarmActions", 0], "'Amount' is a required property"),
            "Amount": ({"EnvironmentSuffix": "a", "AlarmActions": [{**rule, "Amount": 0}]}, ["AlarmActions", 0, "Amount"], "but not 0"),
        }
        found, _ = lint(template({name: properties for name, (properties, _, _) in faults.items()}))
        self.assertEqual(len(found), len(faults), found)
        for name, (_, inner, text) in faults.items():
            with self.subTest(name):
                ((path, message),) = [(path, message) for _, path, message in found if path[1] == name]
                self.assertEqual(path, ["Resources", name, "Properties", *inner])
                self.assertIn(text, message)
                self.assertNotIn("ecret", message)

    def test_it_knows_the_outputs(self):
        faulty = template({"Web": {"EnvironmentSuffix": "a"}})
        faulty["Outputs"] = {
            "Known": {"Value": {"Fn::GetAtt": ["Web", "VpcId"]}},
            "Unknown": {"Value": {"Fn::GetAtt": ["Web", "Vpc"]}},
            "InText": {"Value": {"Fn::Sub": "${Web.VpcId} ${Web.Group} ${!Web.Literal}"}},
        }
        found, _ = lint(faulty)
        self.assertEqual([path[1] for _, path, _ in found], ["Unknown", "InText"])
        self.assertIn("Web has no output Vpc; valid is one of EnvironmentId, VpcId, SubnetIds", found[0][2])


class Program(unittest.TestCase):
    @unittest.skipUnless(PROGRAM.exists(), f"{PROGRAM.name} is not built")
    def test_validate_finds_the_rest_offline(self):
        strict = Draft7Validator(STRICT)
        rest = [it for it in INVALID if strict.is_valid(it)]
        self.assertEqual([it for it in rest if self.exit_code(it) != 2], [])
        self.assertEqual([it for it in VALID[::20] if self.exit_code(it) != 0], [])

    def exit_code(self, properties):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(properties, file)
            file.flush()
            return subprocess.run([PROGRAM, "validate", "--json", file.name], capture_output=True, check=False).returncode


class Validate(unittest.TestCase):
    """The rule runs `envkeeper validate`, if the program is on the PATH."""

    def findings(self, document, *templates):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "envkeeper"
            program.write_text(FAKE.format(python=sys.executable, document=document))
            program.chmod(0o755)
            return lint(*templates, path=f"{folder}{os.pathsep}{os.environ['PATH']}")

    def test_violations_of_rules_are_findings_and_none_is_reported_twice(self):
        violations = [
            {"Line": 9, "Property": "AlarmActions[0].Capacity", "Value": "9", "Valid": "from MinSize to MaxSize, 1 to 3"},
            {"Line": 7, "Property": "Egress", "Value": "a string", "Valid": "one of NatGateway"},
        ]
        rules = [{"Alarm": "cpu-high", "Action": "ScaleTo", "Capacity": 9}]
        web = {"EnvironmentSuffix": "a", "Egress": "other", "AlarmActions": rules}
        found, errors = self.findings({"schema": 1, "exit": 2, "result": {"Violations": violations}}, template({"Web": web}))
        self.assertEqual(errors, "")
        places = {tuple(path[3:]): message for _, path, message in found}
        self.assertEqual(len(found), 2, found)
        self.assertEqual(places["AlarmActions", 0, "Capacity"], "AlarmActions[0].Capacity is 9: from MinSize to MaxSize, 1 to 3")
        self.assertIn("Egress is not valid", places["Egress",])

    def test_a_failure_of_the_program_is_a_finding(self):
        found, _ = self.findings({"result": {"Error": "the file has no lines"}}, template({"Web": {"EnvironmentSuffix": "a"}}))
        self.assertIn("envkeeper validate failed: the file has no lines", found[0][2])

    def test_its_absence_is_said_once_and_is_no_finding(self):
        valid = template({"Web": {"EnvironmentSuffix": "a"}, "Other": {"EnvironmentSuffix": "b"}})
        found, errors = lint(valid, valid, path="/usr/bin")
        self.assertEqual(found, [])
        self.assertEqual(errors.count("envkeeper is not on the PATH"), 1, errors)


def tearDownModule():
    """The report, if every part of it ran."""
    if {"rejections", "templates", "missed"} <= report.keys():
        file = ROOT / "target" / "reports" / "authoring.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    unittest.main()
