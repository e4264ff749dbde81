"""The pinned AWS CLI accepts the documented and printed commands, and Lambda receives their payloads."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

from templates import ROOT

sys.path[:0] = [str(ROOT / "tests" / it) for it in ("end_to_end", "smoke")]

from account import Account  # noqa: E402

FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(^|\$\()aws [a-z]")
RESULT = b'{"Text": "It is settled."}'


def documented():
    """Every command line with `aws` in this project's documents, continued lines joined, with the name of its document."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        for _, block in FENCE.findall((ROOT / name).read_text()):
            lines = re.sub(r"\\\n *", "", block).splitlines()
            yield from ((name, line.strip()) for line in lines if COMMAND.search(line.strip()))


def printed():
    """The command that the smoke test prints."""
    account = Mock(region="us-west-2", project="scalable-ec2")
    yield "account.py", Account.command(account, {"Request": "delete", "Environment": "scalable-ec2-us-west-2-dev"})


class Endpoint(BaseHTTPRequestHandler):
    """A service of AWS that returns success for every call, and stores the requests."""

    received = []

    def do_POST(self):
        self.received.append((self.path, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
        self.send_response(200)
        self.send_header("Content-Length", str(len(RESULT)))
        self.end_headers()
        self.wfile.write(RESULT)

    do_GET = do_HEAD = do_PUT = do_POST

    def log_message(self, *_):
        """Logs nothing."""


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = cls.enterClassContext(ThreadingHTTPServer(("127.0.0.1", 0), Endpoint))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.shutdown)
        # In an empty folder, so that the commands find and overwrite no files; and without a user's own settings.
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.variables = {
            "PATH": f"{ROOT / '.tools' / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": cls.folder,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "REQUEST_QUEUE_URL": f"http://127.0.0.1:{server.server_port}/123456789012/requests.fifo",
            "AWS_REGION": "us-west-2",
            "AWS_DEFAULT_REGION": "us-west-2",
            "AWS_ACCESS_KEY_ID": "example",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def run_in_bash(self, command):
        Endpoint.received.clear()
        return subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=60
        )

    def test_no_option_of_a_documented_command_is_unknown(self):
        found = list(documented())
        self.assertGreater(len(found), 5)
        for name, command in found:
            with self.subTest(name, command=command):
                errors = self.run_in_bash(command).stderr
                self.assertNotRegex(errors, "usage:|Unknown options|Invalid choice|required|not found")

    def test_lambda_receives_the_payload_of_an_invocation_and_its_result_is_printed(self):
        invocations = [it for it in (*documented(), *printed()) if it[1].startswith("aws lambda invoke ")]
        names = {name for name, _ in invocations}
        self.assertLessEqual({"infra/OPERATIONS.md", "functions/scaling-log/LEDGER.md", "account.py"}, names)
        for name, command in invocations:
            with self.subTest(name, command=command):
                done = self.run_in_bash(command)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                ((path, payload),) = Endpoint.received
                self.assertRegex(path, "/functions/[a-z0-9-]+/invocations$")
                self.assertEqual(json.loads(payload), json.loads(re.search(r"'(.*)'", command)[1]))
                self.assertTrue(done.stdout.startswith(RESULT.decode()), done.stdout)

    def test_an_option_that_only_version_2_accepts_is_reported(self):
        done = self.run_in_bash("aws lambda invoke --function-name f --cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout")
        self.assertIn("Unknown options", done.stderr)


if __name__ == "__main__":
    unittest.main()
