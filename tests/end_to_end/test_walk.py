"""The walk of OPERATIONS.md: the commands of a newcomer and their output, from a file with five faults to a repaired environment. The
page has exactly what the command line prints here; only ids, times and durations are those of the page.

    WALK=write python run.py test_walk.Walk      # writes the page again: read `git diff`
"""

import os
import re
import shlex
import unittest
from pathlib import Path

from demo import GROUP, parameters, states
from local_cloud import ROOT, LocalCloud, until, web_template

PAGE = ROOT / "infra" / "OPERATIONS.md"
BEGIN, END = "<!-- walk: written by tests/end_to_end/test_walk.py -->\n", "<!-- end of the walk -->\n"

FAULTY = """\
EnvironmentSuffix: dev
InstanceTyp: t3.micro
MinSize: 3
MaxSize: 2
Egress: Internet
LogRetentionDays: 31
DeletionProtection: maybe
"""
GOOD = """\
EnvironmentSuffix: dev
InstanceType: t3.micro
MinSize: 1
MaxSize: 3
DeletionProtection: false
BucketOnDelete: Empty
"""
DEPLOYED = {
    "EnvironmentSuffix": "dev",
    "InstanceType": "t3.micro",
    "MinSize": "1",
    "MaxSize": "3",
    "DeletionProtection": "false",
    "BucketOnDelete": "Empty",
}
ALARM = "scalable-ec2-cpu-high-uswest2-dev"

# What differs from run to run, and what the page has in its place.
VARIABLE = (
    (r"\b(\d{4}-\d\d-\d\d)([T ])\d\d:\d\d:\d\d(\.\d+)?Z", r"2026-11-30\g<2>12:00:00Z"),
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
        self.text += f"```yaml\n# {name}\n{content}```\n\n"

    def run(self, command, expected):
        words = shlex.split(command)[1:]
        exit_code, output = self.cloud.envkeeper(*(str(self.folder / it) if it.endswith(".yaml") else it for it in words))
        output = output.replace(f"{self.folder}/", "")
        self.text += f"```console\n$ {self.stable(command)}\n{self.stable(output).rstrip()}\n$ echo $?\n{exit_code}\n```\n\n"
        if exit_code != expected:
            raise AssertionError(f"{command}: exit code {exit_code} in place of {expected}:\n{output}")
        return output

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

    def walk(self, walk):
        walk.prose("A file of properties with five faults. No credentials are needed to find them:")
        walk.file("environment.yaml", FAULTY)
        walk.run("envkeeper validate environment.yaml", 2)
        walk.prose("The same file without faults, checked by the deployment's own limits too:")
        walk.file("environment.yaml", GOOD)
        walk.run("envkeeper validate environment.yaml --project scalable-ec2", 0)
        walk.prose("Deployed by a stack with these properties, the environment is settled:")
        self.cloud.stack("web", web_template(), parameters(DEPLOYED))
        walk.run("envkeeper status dev", 0)
        walk.prose("Then its instance fails, and no launch succeeds any more (here: the user data of each new instance fails):")
        self.break_launches()
        status = walk.run("envkeeper status dev", 3)
        (failed,) = re.findall(r"instance (i-\w+) of version", status)
        until("the ledger is complete", lambda: "4 entries" in self.cloud.envkeeper("why", failed)[1])
        walk.run(f"envkeeper why {failed}", 0)
        self.mend_launches()
        walk.prose("An alarm is deleted by hand. The instances are well, and the environment differs from its properties:")
        self.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
        walk.run("envkeeper drift dev", 2)
        walk.run("envkeeper repair dev --yes", 0)
        until("the repair is done", lambda: self.cloud.envkeeper("status", "dev")[0] == 0)
        walk.run("envkeeper drift dev", 0)

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
