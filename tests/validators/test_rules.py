"""infra/rules: every template of ours keeps them, and each of them can be broken."""

import unittest

from guard import RULES, broken_rules, rules_without_a_say
from templates import OURS, ROOT, written_out

RED = sorted(ROOT.glob("infra/rules/red/*.yaml"))


class Rules(unittest.TestCase):
    def test_our_templates_keep_every_rule(self):
        for path in OURS:
            with self.subTest(path.name):
                self.assertEqual(broken_rules(written_out(path)), {})

    def test_a_red_template_breaks_the_rule_of_its_name_and_no_other(self):
        for path in RED:
            with self.subTest(path.name):
                self.assertEqual(set(broken_rules(written_out(path))), {path.name.split(".")[0]})

    def test_every_rule_has_a_red_template(self):
        self.assertEqual({path.name.split(".")[0] for path in RED}, {rule.stem for rule in RULES})

    def test_green_does_not_mean_that_a_rule_looked_past_everything(self):
        # The deployment has no buckets, topics and instances; environments do, and they are made by no template.
        self.assertEqual(
            rules_without_a_say(written_out(ROOT / "infra" / "template.yaml")),
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
