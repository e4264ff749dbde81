"""infra/rules: every template of this project keeps them, and each rule can be broken."""

import unittest

from guard import RULES, broken_rules, skipped_rules
from templates import ROOT, TEMPLATES, expanded

RED = sorted(ROOT.glob("infra/rules/red/*.yaml"))


class Rules(unittest.TestCase):
    def test_all_templates_keep_every_rule(self):
        for path in TEMPLATES:
            with self.subTest(path.name):
                self.assertEqual(broken_rules(expanded(path)), {})

    def test_a_red_template_breaks_the_rule_of_its_name_and_no_other(self):
        for path in RED:
            with self.subTest(path.name):
                self.assertEqual(set(broken_rules(expanded(path))), {path.name.split(".")[0]})

    def test_every_rule_has_a_red_template(self):
        self.assertEqual({path.name.split(".")[0] for path in RED}, {rule.stem for rule in RULES})

    def test_only_the_listed_rules_have_no_resource_to_evaluate(self):
        # The deployment has no buckets, topics and instances; environments do, and no template creates them.
        self.assertEqual(
            skipped_rules(expanded(ROOT / "infra" / "template.yaml")),
            {
                "buckets_are_encrypted",
                "instance_metadata_wants_a_token",
                "no_public_ingress",
                "topics_are_encrypted",
                "topics_take_alarms",
                "volumes_are_encrypted",
            },
        )


if __name__ == "__main__":
    unittest.main()
