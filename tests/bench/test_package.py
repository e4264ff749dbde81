"""What `make package` checks and writes, without its build."""

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
        changed = packaged(TEMPLATE, "arm64")
        expected = TEMPLATE.replace("../functions/custom-resource", "arm64/custom-resource/bootstrap.zip")
        self.assertEqual(changed, expected.replace("../functions/alarm", "arm64/alarm/bootstrap.zip"))

    def test_zips_for_another_architecture_come_with_its_parameter(self):
        changed = packaged(TEMPLATE, "x86_64")
        self.assertIn("    Default: x86_64\n    AllowedValues: [arm64, x86_64]\n", changed)

    def test_code_from_elsewhere_is_refused(self):
        for code in ("../target/lambda/alarm/", "../functions/", "alarm.zip", "../functions/alarm/src"):
            with self.subTest(code), self.assertRaisesRegex(ValueError, re.escape(code)):
                with_code(TEMPLATE.replace("../functions/alarm", code), str)

    def test_two_functions_with_the_same_code_are_refused(self):
        with self.assertRaisesRegex(ValueError, "its own"):
            functions(TEMPLATE.replace("custom-resource", "alarm"))

    def test_a_template_without_functions_or_architecture_is_refused(self):
        for template in ("Resources: {}", TEMPLATE.replace("Architecture:", "Arch:")):
            with self.assertRaises(ValueError):
                packaged(template, "x86_64")


class TheGlibc(unittest.TestCase):
    def test_it_is_the_one_that_readelf_tells(self):
        if not shutil.which("readelf"):
            self.skipTest("readelf is not there")
        for path in (sys.executable, shutil.which("sh")):
            told = subprocess.run(["readelf", "-V", path], check=True, capture_output=True, text=True).stdout
            # The last table is what is needed.
            needs = told[told.index("Version needs section") :]
            versions = [tuple(map(int, it.split("."))) for it in re.findall(r"Name: GLIBC_([\d.]+)", needs)]
            self.assertEqual(newest_glibc(program(path)), max(versions), path)

    def test_a_program_is_for_this_machine(self):
        self.assertEqual(machine(program(sys.executable)), HERE)

    def test_a_newer_one_is_seen(self):
        elf = program(shutil.which("sh"))
        newest = newest_glibc(elf)
        name = f"GLIBC_{'.'.join(map(str, newest))}\0".encode()
        newer = b"GLIBC_" + b"9" * (len(name) - 7) + b"\0"
        self.assertGreater(newest_glibc(elf.replace(name, newer)), newest)

    def test_what_is_no_program_of_64_bits_is_refused(self):
        for other in (b"", b"#!/bin/sh\n", b"\x7fELF" + struct.pack("BB", 1, 1)):
            with self.assertRaises(ValueError):
                machine(other)


if __name__ == "__main__":
    unittest.main()
