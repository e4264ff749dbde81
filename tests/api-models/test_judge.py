"""The judge itself: it reads every valid request without a finding, and sees every planted fault."""

import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import code_members  # noqa: E402
import comparison  # noqa: E402
import error_codes  # noqa: E402
import judge  # noqa: E402
import planted  # noqa: E402
import planted_protocols  # noqa: E402
from code_operations import in_code  # noqa: E402
from models import general, model  # noqa: E402
from rules import TABLE  # noqa: E402
from samples import VALID, exchange  # noqa: E402

# The rules of shapes that each protocol can break in a request.
OF_EACH_PROTOCOL = {"unknown-member", "required", "type", "enum"}
VPCS = "<DescribeVpcsResponse><requestId>{}</requestId><vpcSet><item><state>{}</state></item></vpcSet></DescribeVpcsResponse>"


def protocol(operation):
    metadata = model(operation.split(":")[0]).metadata
    return metadata["protocol"] + metadata.get("jsonVersion", "") * (metadata["protocol"] == "json")


DELETES = Path(__file__).resolve().parents[2] / "shared/environment/tests/core/snapshots/core__waits__deletes_of_a_group.snap"


class Deletes(unittest.TestCase):
    def test_the_table_of_deletes_has_a_row_for_each_lifecycle_state_and_process(self):
        table = DELETES.read_text()
        states = model("autoscaling").shapes["LifecycleState"]["enum"]
        played = re.findall(r"^an instance is ([A-Z][A-Za-z:]*)(?:, planted)? ", table, re.MULTILINE)
        self.assertEqual(sorted(played), sorted(states))
        self.assertEqual(len(re.findall(r"^the process \w+ is suspended ", table, re.MULTILINE)), 9)


class Requests(unittest.TestCase):
    def test_a_valid_request_is_read_back_without_a_finding(self):
        for name, value in VALID.items():
            with self.subTest(name):
                operation, found_value, found = comparison.of_request(exchange(name, value))
                self.assertEqual((operation, found_value, found), (name.split(":")[1], value, []))

    def test_each_planted_fault_is_seen(self):
        self.assertEqual(len(planted.run()), len(planted.ALL), "two faults have the same description")
        for it in planted.ALL:
            with self.subTest(f"{it.operation}: {it.name}"):
                self.assertIn(it.rule, planted.rules_found(it))

    def test_each_rule_of_the_readers_has_a_planted_fault(self):
        names = set()
        for path in Path(__file__).parent.glob("*.py"):
            names |= set(
                re.findall(r'(?:Finding\(|note\(|expect\(\s*reader\.findings,\s*)"([a-z-]+)"', path.read_text())
            )
        self.assertGreater(len(names), 20)
        self.assertEqual(names - {it.rule for it in planted.ALL}, set())

    def test_each_rule_of_the_documentation_has_a_planted_fault_and_a_source(self):
        self.assertEqual({it.name for it in TABLE} - {it.rule for it in planted.ALL}, set())
        self.assertEqual([it.name for it in TABLE if not it.source], [])

    def test_each_protocol_has_planted_faults_in_requests_and_responses(self):
        requests = {(protocol(it.operation), it.rule) for it in planted_protocols.REQUESTS}
        protocols = {protocol(name) for name in VALID}
        self.assertEqual(protocols, {"query", "ec2", "json1.0", "json1.1", "smithy-rpc-v2-cbor", "rest-xml"})
        self.assertEqual({(it, rule) for it in protocols for rule in OF_EACH_PROTOCOL} - requests, set())
        self.assertEqual(protocols - {protocol(it.operation) for it in planted_protocols.RESPONSES}, set())


class Recordings(unittest.TestCase):
    def judged(self, *lines):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "calls.jsonl")
            path.write_text("\n".join(lines))
            return judge.judge_file(path)

    def test_calls_and_their_findings_are_counted_and_a_truncated_last_line_is_ignored(self):
        response = {"status": 200, "content_type": "text/xml", "body": VPCS.format("a", "ready")}
        line = json.dumps(exchange("ec2:DescribeVpcs", VALID["ec2:DescribeVpcs"], response))
        other = json.dumps(
            exchange("ec2:DescribeVpcs", {"MaxResults": 4}, {**response, "body": VPCS.format("b", "ready")})
        )
        verdicts = self.judged(line, other, line[: len(line) // 2])
        self.assertEqual((verdicts.calls, verdicts.operations), (2, {"ec2:DescribeVpcs": 2}))
        self.assertEqual(
            [(key, count) for key, (count, _, _) in verdicts.requests.items()],
            [(("ec2:DescribeVpcs", "range", ".MaxResults"), 1)],
        )
        self.assertEqual(
            [(key, count) for key, (count, _, _) in verdicts.responses.items()],
            [(("ec2:DescribeVpcs", "enum", ".Vpcs[].State"), 2)],
        )
        self.assertIn("Filters.Name", verdicts.members["ec2:DescribeVpcs"])

    def test_a_call_that_cannot_be_read_is_a_finding(self):
        request = exchange("ec2:DescribeVpcs", {})
        verdicts = self.judged(
            json.dumps({**request, "service": "kinesis"}), json.dumps({**request, "body": "Action=DescribeEverything"})
        )
        self.assertEqual({rule for _, rule, _ in verdicts.requests}, {"unreadable"})

    def test_errors_are_not_compared_with_outputs(self):
        error = {"status": 400, "content_type": "text/xml", "body": "<Response><Errors/></Response>"}
        self.assertEqual(self.judged(json.dumps(exchange("ec2:DescribeVpcs", {}, error))).responses, {})

    def test_paths_are_general(self):
        self.assertEqual(general(".Tags[12].Key"), ".Tags[].Key")


class Code(unittest.TestCase):
    def test_the_table_of_error_codes_is_complete(self):
        page = error_codes.PAGE.read_text()
        self.assertEqual(error_codes.updated(page), page, "run tests/api-models/error_codes.py")

    def test_the_operations_of_the_code_include_those_of_each_service(self):
        names = in_code()
        self.assertLessEqual(
            {"ec2:CreateVpc", "s3:CreateBucket", "monitoring:PutMetricAlarm", "sqs:SendMessage", "dynamodb:GetItem"},
            names,
        )
        self.assertNotIn("ssm:GetParametersByPath", names, "an action of the instances' boundary")

    def test_the_members_of_the_code_are_those_that_its_setters_name(self):
        source = """
use aws_sdk_ec2::types::{Filter as Other, Tag};
fn create() {
    let filter = Other::builder().name("vpc-id").values(vpc);
    let request = ec2.describe_subnets().filters(filter);
    let request = request.set_max_results(Some(5));
    println!("{:?}", tag.key());
}
#[cfg(test)]
fn test() { Tag::builder().value("x") }
"""
        expected = {("DescribeSubnetsRequest", "Filters"), ("DescribeSubnetsRequest", "MaxResults")}
        expected |= {("Filter", "Name"), ("Filter", "Values")}
        self.assertEqual(code_members.of_text(source), {("ec2", *it) for it in expected})

    def test_a_member_that_no_recorded_call_has_is_named(self):
        code = code_members.in_code()
        name = ("ec2", "CreateVpcRequest", "CidrBlock")
        self.assertGreater(len(code), 450)
        self.assertIn(name, code)
        self.assertIn("ec2:CreateVpcRequest.CidrBlock", judge.never_sent(code - {name})[0])


if __name__ == "__main__":
    unittest.main()
