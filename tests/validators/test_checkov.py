"""The well-known rules of checkov. checkov.yaml lists the skipped ones, with the reasons."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from templates import ROOT, TEMPLATES, expanded

RED = ROOT / "infra" / "rules" / "red" / "buckets_are_encrypted.yaml"


class Checkov(unittest.TestCase):
    def test_all_templates_pass_and_a_red_one_does_not(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in [*TEMPLATES, RED]:
                Path(folder, f"{path.stem}.json").write_text(json.dumps(expanded(path), default=str))
            # One run for all templates: most of its time is the start of checkov.
            run = subprocess.run(
                [Path(sys.executable).with_name("checkov"), "--directory", folder, "--output", "json"]
                + ["--config-file", ROOT / "tests" / "validators" / "checkov.yaml"],
                capture_output=True,
                text=True,
                cwd=folder,
            )
        report = json.loads(run.stdout)
        passed, failed = (
            {(Path(it["file_path"]).stem, it["check_id"], it["resource"]) for it in report["results"][f"{outcome}_checks"]}
            for outcome in ("passed", "failed")
        )
        self.assertEqual([it for it in sorted(failed) if it[0] != RED.stem], [])
        self.assertIn((RED.stem, "CKV_AWS_53", "AWS::S3::Bucket.Open"), failed, "buckets block public access")
        self.assertIn(("template", "CKV_AWS_28", "AWS::DynamoDB::Table.Records"), passed, "tables can be restored")
        self.assertEqual(report["summary"]["parsing_errors"], 0)


if __name__ == "__main__":
    unittest.main()
