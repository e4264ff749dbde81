"""The example for Terraform: its files as HCL, its stack against the template that it deploys, and its variable by Terraform
itself where that program is on the PATH. Its provider is not available from a package registry, so nothing checks the
arguments of the resource but their reader."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import hcl2

from templates import ROOT, TEMPLATES, expanded

FOLDER = ROOT / "infra" / "examples" / "terraform"
PROGRAM = shutil.which("terraform")
# A field of an object's type, with the default of an optional one.
FIELD = re.compile(r"'(\w+)': '\$\{(?:optional\((\w+),(.*?)\)|(\w+))\}'")
# Without the provider: the parts that Terraform evaluates alone.
ALONE = ("variables.tf", "locals.tf")
OUTPUTS = 'output "template" { value = local.template }\noutput "parameters" { value = local.parameters }\n'


def parsed(name):
    return hcl2.loads((FOLDER / name).read_text())


def text_of(literal):
    """A default in Terraform, as a parameter of CloudFormation has it."""
    return literal.strip('"').lower() if literal in ("True", "False") else literal.strip('"')


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (cls.locals,) = parsed("locals.tf")["locals"]
        main = parsed("main.tf")
        (cls.stack,) = main["resource"]
        cls.outputs = {name: it["value"][0] for output in main["output"] for name, it in output.items()}
        ((_, relative),) = re.findall(r'file\("(\$\{path\.module\})/(.+)"\)', cls.locals["template"][0])
        cls.path = (FOLDER / relative).resolve()
        cls.template = expanded(cls.path)

    def test_the_template_is_one_that_is_checked(self):
        self.assertIn(self.path, TEMPLATES)
        body = self.stack["aws_cloudformation_stack"]["web"]["template_body"]
        self.assertEqual(body, ["${local.template}"])

    def test_each_parameter_is_a_typed_field_with_the_default_of_the_template(self):
        (variable,) = parsed("variables.tf")["variable"]
        fields = {name: default for name, _, default, _ in FIELD.findall(variable["environment"]["type"][0])}
        (parameters,) = self.locals["parameters"]
        self.assertEqual(set(parameters), set(self.template["Parameters"]))
        self.assertEqual(sorted(parameters.values()), sorted(f"${{var.environment.{it}}}" for it in fields))
        for name, value in parameters.items():
            default = fields[value.removeprefix("${var.environment.").removesuffix("}")]
            if default:
                with self.subTest(name):
                    self.assertEqual(text_of(default), str(self.template["Parameters"][name]["Default"]))

    def test_each_output_is_one_of_the_template(self):
        names = [re.fullmatch(r'\$\{aws_cloudformation_stack\.web\.outputs\["(\w+)"\]\}', it)[1] for it in self.outputs.values()]
        self.assertEqual(set(names) - set(self.template["Outputs"]), set())


@unittest.skipUnless(PROGRAM, "terraform is not on the PATH")
class Terraform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        root = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="terraform-")))
        cls.folder = root / "terraform"
        cls.folder.mkdir()
        for name in (*ALONE, "../web.yaml"):
            shutil.copy(FOLDER / name, cls.folder / name)
        (cls.folder / "outputs.tf").write_text(OUTPUTS)
        cls.run_in(cls.folder, "init", "-input=false")

    @staticmethod
    def run_in(folder, *words):
        command = [PROGRAM, f"-chdir={folder}", *words]
        variables = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=variables)

    def apply(self, **environment):
        """The exit code, the text, and the outputs of the parts without a provider."""
        given = f"-var=environment={json.dumps(environment)}"
        done = self.run_in(self.folder, "apply", "-no-color", "-input=false", "-auto-approve", given)
        outputs = json.loads(self.run_in(self.folder, "output", "-json").stdout)
        return done.returncode, " ".join(re.sub(r"[│╷╵]", "", done.stdout + done.stderr).split()), outputs

    def test_the_files_are_formatted(self):
        done = self.run_in(FOLDER, "fmt", "-check", "-recursive")
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_the_stack_has_the_template_and_the_parameters_of_the_variable(self):
        code, text, outputs = self.apply(suffix="dev", min_size=2, deletion_protection=True)
        self.assertEqual(code, 0, text)
        self.assertEqual(outputs["template"]["value"], (FOLDER / "../web.yaml").read_text())
        expected = {"Suffix": "dev", "MinSize": 2, "MaxSize": 3, "InstanceType": "t3.micro", "DeletionProtection": True}
        self.assertEqual(outputs["parameters"]["value"], {**expected, "BucketOnDelete": "Retain"})

    def test_a_faulty_variable_is_refused_by_name(self):
        faults = {
            "suffix: lowercase letters": {"suffix": "Dev"},
            "min_size: at most max_size": {"suffix": "dev", "min_size": 4},
            "bucket_on_delete: one of Retain": {"suffix": "dev", "bucket_on_delete": "Keep"},
            'attribute "suffix" is required': {},
            "a number is required": {"suffix": "dev", "min_size": "two"},
        }
        for message, environment in faults.items():
            with self.subTest(message):
                code, text, _ = self.apply(**environment)
                self.assertEqual(code, 1)
                self.assertIn(message, text)


if __name__ == "__main__":
    unittest.main()
