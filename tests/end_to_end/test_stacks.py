"""Stacks on the local cloud: through CloudFormation, the deployed function and the real SDK clients."""

import json
import unittest

import demo
from local_cloud import ROOT, Failed, LocalCloud, web_template

EVENTS = ROOT / "events" / "custom-resource"


def event(name, **changes):
    return {**json.loads((EVENTS / name).read_text()), **changes}


class Stacks(unittest.TestCase):
    """One local cloud for all of them: every test leaves it as empty as it found it."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(LocalCloud())
        cls.cloud.deploy()

    def tearDown(self):
        self.assertEqual(self.cloud.inventory(), [], "something was left behind")

    def create_fails(self, properties, name="bad"):
        """The reason of a stack that cannot be created."""
        template = {
            "Resources": {
                "Web": {
                    "Type": "Custom::ScalableEnvironment",
                    "Properties": {"ServiceToken": {"Fn::ImportValue": "envkeeper-service-token"}, **properties},
                }
            }
        }
        with self.assertRaises(Failed) as failed:
            self.cloud.stack(name, json.dumps(template), {})
        return str(failed.exception)

    def test_all_that_is_wrong_is_in_one_failed_reply(self):
        bad = {"EnvironmentSuffix": "my suffix", "ZoneCount": 4, "VpcCidr": "8.8.0.0/16", "LogRetentionDays": 42}
        reason = self.create_fails({**bad, "MinSize": "maybe", "MaxSiz": 3, "UserDataScript": "#" * 17_000})
        for told in (
            'EnvironmentSuffix is "my suffix": lower case letters',
            'ZoneCount is "4": a whole number from 1 to 3',
            'VpcCidr is "8.8.0.0/16": a network of a private range',
            'LogRetentionDays is "42": one of 1, 3,',
            'MinSize is "maybe": a whole number',
            'MaxSiz is "3": there is no such property; did you mean MaxSize?',
        ):
            self.assertIn(told, reason)

    def test_sizes_and_scripts_that_do_not_fit_are_told_what_would(self):
        reason = self.create_fails({"EnvironmentSuffix": "x" * 60, "MinSize": 5, "MaxSize": 3, "UserDataScript": "#" * 17_000}, "unfit")
        self.assertIn("MinSize is 5: at most MaxSize, which is 3", reason)
        self.assertIn("at most 38 characters, so that the role's name keeps to its service's limit", reason)
        self.assertIn("UserDataScript is 17000 bytes long: at most", reason)

    def test_something_foreign_under_one_of_our_names_is_refused_by_name_and_untouched(self):
        iam = self.cloud.client("iam")
        name = "scalable-ec2-role-uswest2-taken"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Description="somebody else's")
        try:
            reason = self.create_fails({"EnvironmentSuffix": "taken"}, "foreign")
            self.assertIn(f"role {name} exists and is not this environment's", reason)
            self.assertEqual([entry[:2] for entry in self.cloud.inventory()], [("role", name)], "nothing else was made")
            rollback = self.cloud.ask(event("delete.json", ResourceProperties={"EnvironmentSuffix": "taken"}))
            self.assertEqual(rollback["Status"], "SUCCESS")
            self.assertEqual(iam.get_role(RoleName=name)["Role"]["Description"], "somebody else's")
        finally:
            iam.delete_role(RoleName=name)

    def test_a_delete_of_what_never_existed_is_a_success(self):
        answer = self.cloud.ask(event("delete-of-nothing.json"))
        self.assertEqual(answer["Status"], "SUCCESS", answer)

    def test_the_same_event_twice_makes_one_environment_and_the_second_writes_nothing(self):
        try:
            first = self.cloud.ask(event("create.json"))
            self.assertEqual(first["Status"], "SUCCESS", first)
            before = len(demo.writes(self.cloud))
            self.assertEqual(self.cloud.ask(event("create.json")), first)
            self.assertEqual(len(demo.writes(self.cloud)), before)
        finally:
            deleted = self.cloud.ask(event("delete.json", PhysicalResourceId="web-Web-1A2B3C4D5E6F", ResourceProperties={}))
            self.assertEqual(deleted["Status"], "SUCCESS", "whatever id and properties a delete carries")

    def test_a_change_of_what_cannot_change_is_refused_and_rolled_back(self):
        self.cloud.stack("web", web_template(), demo.parameters(demo.ENVIRONMENT))
        before = self.cloud.inventory()
        with self.assertRaises(Failed) as failed:
            self.cloud.stack("web", web_template(), {**demo.parameters(demo.ENVIRONMENT), "Suffix": "other"}, update=True)
        self.assertIn('EnvironmentSuffix is "other": it is "dev" and cannot change', str(failed.exception))
        self.assertEqual(self.cloud.inventory(), before)
        self.cloud.delete_stack("web")


class Demo(unittest.TestCase):
    def test_the_demo_shows_the_life_of_an_environment(self):
        self.assertEqual(demo.main(), 0)


if __name__ == "__main__":
    unittest.main()
