"""Every policy of the templates uses actions, resources and conditions that IAM knows, and every statement has an effect."""

import copy
import unittest

from intrinsics import Intrinsics
from policies import findings, policies_of, policies_of_an_environment, policies_to_paste
from templates import TEMPLATES, expanded


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        templates = [expanded(path) for path in TEMPLATES]
        cls.policies = {name: document for it in templates for name, document in policies_of(it).items()}

    def of_a_function(self):
        """A copy of a function's policy, in which a test plants a fault."""
        return copy.deepcopy(next(it for name, it in self.policies.items() if "Role/" in name))

    def test_the_templates_policies_have_no_findings(self):
        for name, document in self.policies.items():
            with self.subTest(name):
                self.assertEqual(findings(name, document), [])

    def test_the_policies_of_an_environment_have_no_findings(self):
        written = policies_of_an_environment()
        self.assertEqual(len(written), 3, "policies of the role and of both buckets")
        for name, document in written.items():
            with self.subTest(name):
                self.assertEqual(findings(name, document), [])

    def test_the_policies_to_paste_have_no_findings(self):
        pasted = policies_to_paste()
        self.assertEqual(len(pasted), 3, "the service control policy of SECURITY.md, those of readers and operators")
        for name, document in pasted.items():
            with self.subTest(name):
                self.assertEqual(findings(name, document), [])

    def test_the_policy_of_every_function_queue_and_table_is_checked(self):
        types = [it["Type"] for path in TEMPLATES for it in expanded(path)["Resources"].values()]
        roles = [name for name in self.policies if "Role/" in name]
        self.assertEqual(len(roles), types.count("AWS::Lambda::Function"))
        self.assertEqual(len(self.policies) - len(roles), sum(it.endswith(("Policy", "KMS::Key", "Table")) for it in types))

    def test_a_misspelt_action_is_found_in_any_policy(self):
        for name, document in self.policies.items():
            faulty = copy.deepcopy(document)
            faulty["Statement"][-1]["Action"] = "sqs:SendMesage"
            with self.subTest(name):
                self.assertIn(f"{name} UNKNOWN_ACTION Unknown action sqs:SendMesage", findings(name, faulty))

    def test_an_action_on_a_resource_without_effect_is_found(self):
        self.planted(
            {"Action": "sns:Publish", "Resource": "arn:aws:sqs:us-west-2:111122223333:requests"},
            "planted RESOURCE_MISMATCH sns:Publish on arn:*:sns:*:*:*",
        )
        # ListQueues reads the account: a statement on one queue never allows it.
        self.planted(
            {"Action": "sqs:ListQueues", "Resource": "arn:aws:sqs:us-west-2:111122223333:requests"},
            "planted RESOURCE_MISMATCH sqs:ListQueues on *",
        )

    def test_a_wildcard_in_place_of_a_narrower_resource_is_found(self):
        self.planted({"Action": "s3:GetObject", "Resource": "*"}, "planted RESOURCE_STAR s3:GetObject")

    def test_a_condition_that_the_action_does_not_have_is_found(self):
        self.planted(
            {
                "Action": "sqs:DeleteMessage",
                "Resource": "arn:aws:sqs:us-west-2:111122223333:requests",
                "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVpc"}},
            },
            "planted UNKNOWN_CONDITION_FOR_ACTION Unknown condition ec2:CreateAction for action sqs:DeleteMessage",
        )

    def planted(self, statement, finding):
        document = self.of_a_function()
        document["Statement"].append({"Effect": "Allow", **statement})
        self.assertIn(finding, findings("planted", document))

    def test_an_unknown_function_of_cloudformation_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "Fn::Cidr"):
            Intrinsics({}).resolve({"Fn::Cidr": ["10.0.0.0/16", 2, 8]})


if __name__ == "__main__":
    unittest.main()
