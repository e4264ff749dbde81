"""The walk of OPERATIONS.md: the commands of a newcomer and their output, from a template with five faults to a repaired environment and
its timeline. The page has exactly what the programs print here; only ids, times, durations and counts are those of the page.

    WALK=write python run.py test_walk.Walk      # writes the page again: read `git diff`
"""

import os
import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

from demo import GROUP, states
from local_cloud import PROGRAM, ROOT, LocalCloud, until

sys.path.append(str(ROOT / "tests" / "authoring"))

import test_editor  # noqa: E402
from language_server import LanguageServer  # noqa: E402

PAGE = ROOT / "infra" / "OPERATIONS.md"
BEGIN, END = "<!-- walk: written by tests/end_to_end/test_walk.py -->\n", "<!-- end of the walk -->\n"

HEAD = """\
# yaml-language-server: $schema=infra/schema/template.schema.json
Resources:
  Web:
    Type: Custom::ScalableEnvironment
    Properties:
      ServiceToken: !ImportValue envkeeper-service-token
      EnvironmentSuffix: dev
"""
FAULTY = f"""{HEAD}\
      InstanceTyp: t3.micro
      MinSize: 3
      MaxSize: 2
      Egress: Internet
      LogRetentionDays: 31
      DeletionProtection: maybe
"""
GOOD = f"""{HEAD}\
      InstanceType: t3.micro
      MinSize: 1
      MaxSize: 3
      BucketOnDelete: Empty
"""
# The lines of the faults that the schema finds, counted from 0. The rule between MinSize and MaxSize is not in the schema.
MARKED = {7, 10, 11, 12}
ALARM = "scalable-ec2-cpu-high-uswest2-dev"

# What differs from run to run, and what the page has in its place.
VARIABLE = (
    (r"\b(\d{4}-\d\d-\d\d)([T ])\d\d:\d\d:\d\d(\.\d+)?Z", r"2026-11-30\g<2>12:00:00Z"),
    (r"\btimeline of \d+ entries\b", "timeline of 18 entries"),
    (r"\b(\d+ min )?\d+(\.\d+)? s\b", "60 s"),
    (r"\b[0-9a-f]{20}\b", "9c5056c23245de345e8f"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "01234567-89ab-cdef-0123-456789abcdef"),
)


class Transcript:
    """Commands and their output, as a reader of the page sees them."""

    def __init__(self, cloud, folder):
        self.cloud, self.folder, self.text, self.instances = cloud, folder, "", []

    def prose(self, text):
        self.text += f"{text}\n\n"

    def file(self, name, content):
        (self.folder / name).write_text(content)
        self.text += f"```yaml\n{content}```\n\n"

    def run(self, command, expected):
        is_file = re.compile(r"[a-z]+\.(yaml|html)").fullmatch
        program, *words = (str(self.folder / it) if is_file(it) else it for it in shlex.split(command))
        exit_code, output = self.lint(words) if program == "cfn-lint" else self.cloud.envkeeper(*words)
        output = output.replace(f"{self.folder}/", "")
        lines = [f"$ {self.stable(command)}", *self.stable(output).rstrip().splitlines(), "$ echo $?", str(exit_code)]
        self.text += "\n".join(["```console", *lines, "```\n\n"])
        if exit_code != expected:
            raise AssertionError(f"{command}: exit code {exit_code} in place of {expected}:\n{output}")
        return output

    @staticmethod
    def lint(words):
        """Runs cfn-lint with the command line on its PATH."""
        path = os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]])
        command = [str(Path(sys.executable).parent / "cfn-lint"), *words]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def stable(self, text):
        for found in re.findall(r"\bi-[0-9a-f]{17}\b|\bi-[0-9a-f]{8}\b", text):
            if found not in self.instances:
                self.instances.append(found)
        for number, found in enumerate(self.instances, start=1):
            text = text.replace(found, f"i-{number:017x}")
        for pattern, replacement in VARIABLE:
            text = re.sub(pattern, replacement, text)
        return text


class Walk(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()

    def test_the_page_has_what_the_command_line_prints(self):
        walk = Transcript(self.cloud, Path(self.cloud.folder))
        self.walk(walk)
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        written, after = rest.split(END)
        if os.environ.get("WALK") == "write":
            PAGE.write_text(f"{before}{BEGIN}{walk.text}{END}{after}")
        else:
            self.assertEqual(written, walk.text)

    @unittest.skipUnless(test_editor.PROGRAM.exists(), "yaml-language-server is not installed: it needs Node.js, npm and a registry")
    def test_an_editor_marks_the_faults_of_the_schema(self):
        def marked(name, text):
            text = text.replace("infra/schema", str(ROOT / "infra" / "schema"))
            return {line for line, _ in server.diagnostics(f"file:///{name}.yaml", text)}

        with LanguageServer(test_editor.PROGRAM, test_editor.settings()) as server:
            self.assertEqual(marked("faulty", FAULTY), MARKED)
            self.assertEqual(marked("good", GOOD), set())

    def walk(self, walk):
        walk.prose("`web.yaml`, a template with five faults. An editor with [the schema](schema/README.md#in-an-editor) marks four of them:")
        walk.file("web.yaml", FAULTY)
        walk.prose("The fifth is a rule between two properties. cfn-lint, with `envkeeper` on the `PATH`, and the command line find all five, without credentials:")
        walk.run("cfn-lint --append-rules infra/schema -- web.yaml", 2)
        walk.run("envkeeper validate web.yaml", 2)
        walk.prose("The same file without faults, checked by the deployment's own limits too. From here on, the commands need credentials and a region:")
        walk.file("web.yaml", GOOD)
        walk.run("cfn-lint --append-rules infra/schema -- web.yaml", 0)
        walk.run("envkeeper validate web.yaml --project scalable-ec2", 0)
        walk.prose("`aws cloudformation deploy --template-file web.yaml --stack-name web` creates the stack. Then the environment is settled:")
        self.cloud.stack("web", GOOD, {})
        walk.run("envkeeper status dev", 0)
        walk.prose("Then its instance is terminated by hand, and no launch succeeds any more: the user data of each new instance fails (on the local cloud by its [control interface](../tests/local-cloud/README.md#routing), `make-unhealthy`):")
        self.break_launches()
        status = walk.run("envkeeper status dev", 3)
        (failed,) = re.findall(r"instance (i-\w+) of version", status)
        until("the ledger is complete", lambda: "4 entries" in self.cloud.envkeeper("why", failed)[1])
        walk.run(f"envkeeper why {failed}", 0)
        self.mend_launches()
        walk.prose("When launches succeed again, `envkeeper watch dev --until-settled` ends. Then an alarm is deleted by hand: the instances are well, and the environment differs from its properties:")
        self.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
        walk.run("envkeeper drift dev", 2)
        walk.run("envkeeper repair dev --yes", 0)
        until("the repair is done", lambda: self.cloud.envkeeper("status", "dev")[0] == 0)
        walk.prose("When the status is settled again:")
        walk.run("envkeeper drift dev", 0)
        walk.prose("The timeline has all of it, as a page for a browser:")
        walk.run("envkeeper timeline dev --since 1h --output timeline.html", 0)
        page = (walk.folder / "timeline.html").read_text()
        self.assertTrue(f"launch of {failed} cancelled" in page, f"the timeline of {failed} has no failed launch")

    def break_launches(self):
        """Every new instance is unhealthy, and the running one ends."""
        (running,) = states(self.cloud)
        self.cloud.control("instances/make-unhealthy?count=9&how=failed-at:line%2012", b"")
        self.cloud.client("ec2").terminate_instances(InstanceIds=[running])
        until("the next launch has begun", lambda: "1 launching. The last launch failed" in self.degraded())

    def degraded(self):
        exit_code, output = self.cloud.envkeeper("status", "dev")
        return output if exit_code == 3 else ""

    def mend_launches(self):
        self.cloud.control("instances/make-unhealthy?count=0&how=failed-at:line%2012", b"")
        until(f"an instance of {GROUP} is in service", lambda: "InService" in states(self.cloud).values())
        until("the environment is settled", lambda: self.cloud.envkeeper("status", "dev")[0] == 0)


if __name__ == "__main__":
    unittest.main()
