"""Every policy of our templates says what IAM knows, and what it says has an effect."""

import copy
import unittest

from intrinsics import Intrinsics
from policies import findings, policies_of, policies_of_an_environment
from templates import OURS, written_out


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        templates = [written_out(path) for path in OURS]
        cls.policies = {name: document for it in templates for name, document in policies_of(it).items()}

    def of_a_function(self):
        """A copy of some function's policy, for a fault to be planted in."""
        return copy.deepcopy(next(it for name, it in self.policies.items() if "Role/" in name))

    def test_our_policies_say_what_iam_knows(self):
        for name, document in self.policies.items():
            with self.subTest(name):
                self.assertEqual(findings(name, document), [])

    def test_what_is_written_for_an_environment_says_what_iam_knows(self):
        written = policies_of_an_environment()
        self.assertEqual(len(written), 3, "of the role and of both buckets")
        for name, document in written.items():
            with self.subTest(name):
                self.assertEqual(findings(name, document), [])

    def test_every_function_and_every_queue_that_takes_events_has_been_looked_at(self):
        types = [it["Type"] for path in OURS for it in written_out(path)["Resources"].values()]
        roles = [name for name in self.policies if "Role/" in name]
        self.assertEqual(len(roles), types.count("AWS::Lambda::Function"))
        self.assertEqual(len(self.policies) - len(roles), sum(it.endswith(("Policy", "KMS::Key")) for it in types))

    def test_a_misspelt_action_is_found_in_any_policy(self):
        for name, document in self.policies.items():
            faulty = copy.deepcopy(document)
            faulty["Statement"][-1]["Action"] = "sqs:SendMesage"
            with self.subTest(name):
                self.assertIn(f"{name} UNKNOWN_ACTION Unknown action sqs:SendMesage", findings(name, faulty))

    def test_an_action_on_what_it_has_no_effect_on_is_found(self):
        self.planted(
            {"Action": "sns:Publish", "Resource": "arn:aws:sqs:us-west-2:111122223333:line"},
            "planted RESOURCE_MISMATCH sns:Publish on arn:*:sns:*:*:*",
        )
        # ListQueues is a question about the account: on one queue it is never allowed.
        self.planted(
            {"Action": "sqs:ListQueues", "Resource": "arn:aws:sqs:us-west-2:111122223333:line"},
            "planted RESOURCE_MISMATCH sqs:ListQueues on *",
        )

    def test_a_wildcard_where_there_is_a_narrower_resource_is_found(self):
        self.planted({"Action": "s3:GetObject", "Resource": "*"}, "planted RESOURCE_STAR s3:GetObject")

    def test_a_condition_that_the_action_does_not_have_is_found(self):
        self.planted(
            {
                "Action": "sqs:DeleteMessage",
                "Resource": "arn:aws:sqs:us-west-2:111122223333:line",
                "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVpc"}},
            },
            "planted UNKNOWN_CONDITION_FOR_ACTION Unknown condition ec2:CreateAction for action sqs:DeleteMessage",
        )

    def planted(self, statement, finding):
        document = self.of_a_function()
        document["Statement"].append({"Effect": "Allow", **statement})
        self.assertIn(finding, findings("planted", document))

    def test_a_function_of_cloudformation_that_nobody_knows_is_no_guess(self):
        with self.assertRaisesRegex(ValueError, "Fn::Cidr"):
            Intrinsics({}).resolve({"Fn::Cidr": ["10.0.0.0/16", 2, 8]})


if __name__ == "__main__":
    unittest.main()
