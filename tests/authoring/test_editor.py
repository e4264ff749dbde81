"""An editor with the settings of infra/schema/README.md: yaml-language-server, as VS Code's YAML extension runs it."""

import json
import re
import unittest
from pathlib import Path

from language_server import LanguageServer

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".tools" / "editor" / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
README = (ROOT / "infra" / "schema" / "README.md").read_text()
MODELINE = f"# yaml-language-server: $schema={ROOT / 'infra' / 'schema' / 'template.schema.json'}\n"
HEAD = """Resources:
  Web:
    Type: Custom::ScalableEnvironment
    Properties:
      ServiceToken: !ImportValue envkeeper-service-token
"""
SHORT_FORMS = """\
      EnvironmentSuffix: !Sub "${Name}-x"
      MinSize: !Ref Size
      MaxSize: !If [IsTest, 1, 2]
      ZoneCount: !FindInMap [Sizes, a, b]
      WaitForInstances: !Ref Flag
      Egress: !If [IsTest, PublicIp, NatGateway]
      SubnetIds: [!Ref Subnet, !Select [0, !Ref Subnets]]
      KmsKeyArn: !GetAtt Key.Arn
      TargetGroupArns: !Split [",", !ImportValue { "Fn::Sub": "${Name}-groups" }]
      Tags: { team: !Ref Team }
      AlarmActions:
        - { Alarm: cpu-high, Action: ScaleBy, Amount: !Ref Amount }
        - !If [IsTest, { Alarm: cpu-low, Action: ReplaceUnhealthy }, !Ref AWS::NoValue]
"""
FAULTS = {
    "EnvironmentSuffix: Dev": "pattern",
    "MinSizee: 1": "Property MinSizee is not allowed",
    "MinSize: 1001": "maximum of 1000",
    'MinSize: "1001"': "Incorrect type",
    "WaitForInstances: maybe": "Incorrect type",
    "Egress: NatGatewy": "NatGatewayPerZone",
    "SubnetIds: [subnet-xyz]": "pattern",
    "LogRetentionDays: 42": "Valid values",
    "AlarmActions: [{ Alarm: cpu-high, Action: ScaleBy }]": 'Missing property "Amount"',
    "Tags: { Name: x }": "pattern",
}


def settings():
    """The settings of the README, and no schemas from a network."""
    written = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL)[1])
    return {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}, "customTags": written["yaml.customTags"]}


@unittest.skipUnless(PROGRAM.exists(), "yaml-language-server is not installed: it needs Node.js, npm and a registry")
class Editor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(LanguageServer(PROGRAM, settings()))

    def diagnostics(self, name, text):
        return self.server.diagnostics(f"file:///{name}.yaml", MODELINE + text)

    def test_the_examples_have_no_findings(self):
        for path in sorted(ROOT.glob("infra/examples/*.yaml")):
            with self.subTest(path.name):
                self.assertEqual(self.diagnostics(path.stem, path.read_text()), [])

    def test_short_forms_of_functions_are_values(self):
        self.assertEqual(self.diagnostics("short", HEAD + SHORT_FORMS), [])

    def test_faults_are_found_in_their_line(self):
        for at, (line, text) in enumerate(FAULTS.items()):
            with self.subTest(line):
                suffix = "" if line.startswith("EnvironmentSuffix") else "      EnvironmentSuffix: dev\n"
                found = self.diagnostics(f"fault-{at}", f"{HEAD}{suffix}      {line}\n")
                self.assertEqual({it for it, _ in found}, {(HEAD + suffix).count("\n") + 1}, found)
                self.assertIn(text, " ".join(message for _, message in found))

    def test_a_missing_property_is_found(self):
        found = self.diagnostics("missing", HEAD)
        self.assertIn('Missing property "EnvironmentSuffix"', " ".join(message for _, message in found))

    def test_names_and_values_are_completed_and_described(self):
        uri = "file:///typing.yaml"
        self.server.diagnostics(uri, f"{MODELINE}{HEAD}      EnvironmentSuffix: dev\n      Egress: \n      Mi\n")
        self.assertLessEqual({"NatGateway", "PublicIp"}, self.server.completions(uri, 7, 14))
        self.assertLessEqual({"MinSize", "MinHealthyPercentage"}, self.server.completions(uri, 8, 8))
        uri = "file:///reading.yaml"
        self.server.diagnostics(uri, f"{MODELINE}{HEAD}      EnvironmentSuffix: dev\n      ZoneCount: 2\n")
        self.assertIn("The number of availability zones", self.server.hover(uri, 7, 8))


if __name__ == "__main__":
    unittest.main()
