"""The template of the construct's example: it has nothing that only the CDK's command line deploys, and no finding."""

import json
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

from jsonschema import Draft7Validator

from synthesized import CDK, MISSING, synthesize

SCHEMA = CDK.parent / "schema"
LINT = Path(sys.executable).parent / "cfn-lint"


class Files(unittest.TestCase):
    def test_no_file_has_the_address_of_a_registry(self):
        lock = json.loads((CDK / "package-lock.json").read_text())
        packages = {name: it for name, it in lock["packages"].items() if name}
        self.assertGreater(len(packages), 50)
        self.assertEqual([name for name, it in packages.items() if "resolved" in it], [])
        self.assertEqual([name for name, it in packages.items() if not it.get("inBundle") and "integrity" not in it], [])

    def test_the_tools_have_exact_versions(self):
        package = json.loads((CDK / "package.json").read_text())
        self.assertEqual([it for it in package["devDependencies"].values() if not it.replace(".", "").isdigit()], [])
        self.assertNotIn("dependencies", package, "users install the construct alone")

    def test_the_oldest_supported_versions_are_tested(self):
        package = json.loads((CDK / "package.json").read_text())
        tested = {name: f"^{package['devDependencies'][name]}" for name in package["peerDependencies"]}
        self.assertEqual(package["peerDependencies"], tested)

    def test_the_version_is_that_of_the_workspace(self):
        workspace = tomllib.loads((CDK.parents[1] / "Cargo.toml").read_text())["workspace"]
        self.assertEqual(json.loads((CDK / "package.json").read_text())["version"], workspace["package"]["version"])


@unittest.skipIf(MISSING, MISSING)
class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="cdk-")))
        cls.path = synthesize(cls.folder)
        cls.template = json.loads(cls.path.read_text())

    def test_the_template_needs_no_bootstrapped_account(self):
        self.assertEqual(set(self.template), {"Description", "Resources", "Outputs"}, "no parameter and no rule of the bootstrap")
        types = {it["Type"] for it in self.template["Resources"].values()}
        self.assertIn("Custom::ScalableEnvironment", types)
        self.assertNotIn("AWS::CDK::Metadata", types)
        manifest = json.loads((self.folder / "manifest.json").read_text())
        kinds = {it["type"] for it in manifest["artifacts"].values()}
        self.assertIn("aws:cloudformation:stack", kinds)
        self.assertNotIn("cdk:asset-manifest", kinds)
        self.assertEqual([it.name for it in self.folder.glob("*asset*")], [])

    def test_the_schema_of_templates_accepts_it(self):
        Draft7Validator(json.loads((SCHEMA / "template.schema.json").read_text())).validate(self.template)

    def test_cfn_lint_finds_nothing(self):
        command = [LINT, "--append-rules", SCHEMA, "--", self.path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
