"""The checks of `make package` and its template, without its build."""

import re
import shutil
import struct
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))

from glibc import machine, newest_glibc  # noqa: E402
from package import HERE, functions, packaged, with_code  # noqa: E402

TEMPLATE = """Parameters:
  Architecture:
    Type: String
    Default: arm64
    AllowedValues: [arm64, x86_64]
  Tracing:
    Type: String
Globals:
  Function:
    Architectures: [!Ref Architecture]
Resources:
  One:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: custom-resource } }
    Properties:
      CodeUri: ../functions/custom-resource
  Other:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../functions/alarm
"""


def program(path):
    return Path(path).resolve().read_bytes()


class TheTemplate(unittest.TestCase):
    def test_each_function_gets_its_own_zip_and_nothing_else_changes(self):
        changed = with_code(TEMPLATE, "zips/{}.zip".format)
        expected = TEMPLATE.replace("../functions/custom-resource", "zips/custom-resource.zip")
        self.assertEqual(changed, expected.replace("../functions/alarm", "zips/alarm.zip"))

    def test_the_architecture_is_that_of_the_zips_and_not_a_parameter_that_an_update_would_keep(self):
        for architecture in ("arm64", "x86_64"):
            changed = packaged(TEMPLATE, architecture)
            expected = f"Parameters:\n  Tracing:\n    Type: String\nGlobals:\n  Function:\n    Architectures: [{architecture}]\n"
            self.assertEqual(changed[: changed.index("Resources:")], expected)
            self.assertIn(f"CodeUri: {architecture}/alarm/bootstrap.zip\n", changed)

    def test_the_template_of_the_deployment_has_the_architecture_as_a_literal(self):
        template = (ROOT / "infra" / "template.yaml").read_text()
        changed = packaged(template, "x86_64")
        self.assertEqual(changed.count("    Architectures: [x86_64]\n"), 1)
        self.assertNotIn("Architecture:", changed)
        self.assertIn("\n  FunctionLogRetentionDays:\n", changed)

    def test_code_from_another_folder_is_rejected(self):
        for code in ("../target/lambda/alarm/", "../functions/", "alarm.zip", "../functions/alarm/src"):
            with self.subTest(code), self.assertRaisesRegex(ValueError, re.escape(code)):
                with_code(TEMPLATE.replace("../functions/alarm", code), str)

    def test_two_functions_with_the_same_code_are_rejected(self):
        with self.assertRaisesRegex(ValueError, "its own"):
            functions(TEMPLATE.replace("custom-resource", "alarm"))

    def test_a_template_without_functions_or_architecture_is_rejected(self):
        strange = TEMPLATE.replace("Type: AWS::Serverless::Function\n    Properties", "Condition: Architecture\n    Properties")
        unused = TEMPLATE.replace("!Ref Architecture", "arm64")
        for template in ("Resources: {}", TEMPLATE.replace("Architecture:", "Arch:"), unused, strange):
            with self.subTest(template), self.assertRaises(ValueError):
                packaged(template, "x86_64")


class TheGlibc(unittest.TestCase):
    def test_the_version_is_the_one_that_readelf_prints(self):
        if not shutil.which("readelf"):
            self.skipTest("readelf is not installed")
        for path in (sys.executable, shutil.which("sh")):
            printed = subprocess.run(["readelf", "-V", path], check=True, capture_output=True, text=True).stdout
            # The last table has the needed versions.
            needs = printed[printed.index("Version needs section") :]
            versions = [tuple(map(int, it.split("."))) for it in re.findall(r"Name: GLIBC_([\d.]+)", needs)]
            self.assertEqual(newest_glibc(program(path)), max(versions), path)

    def test_a_program_is_for_this_machine(self):
        self.assertEqual(machine(program(sys.executable)), HERE)

    def test_a_newer_version_is_found(self):
        elf = program(shutil.which("sh"))
        newest = newest_glibc(elf)
        name = f"GLIBC_{'.'.join(map(str, newest))}\0".encode()
        newer = b"GLIBC_" + b"9" * (len(name) - 7) + b"\0"
        self.assertGreater(newest_glibc(elf.replace(name, newer)), newest)

    def test_a_file_that_is_not_a_64_bit_program_is_rejected(self):
        for other in (b"", b"#!/bin/sh\n", b"\x7fELF" + struct.pack("BB", 1, 1)):
            with self.assertRaises(ValueError):
                machine(other)


if __name__ == "__main__":
    unittest.main()
