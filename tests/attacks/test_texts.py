"""Texts and bounds (S7): no secret in a text, and no input that is too large, too long or in another time."""

import json
import unittest
import uuid

from fixture import SMALL, VICTIM, Attack, Environment, allow, hook_event, now

from local_cloud import FUNCTIONS, ROOT

AUTHOR = Environment("author", "author")
ARN = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/"


class Texts(Attack):
    def setUp(self):
        self.secret = f"hunter2-{uuid.uuid4().hex[:12]}"

    def create_fails(self, **properties):
        """The reason of a Create with these properties, which is refused at once."""
        sent = self.cloud.send(AUTHOR.request("Create", {**SMALL, **properties}))
        response = self.cloud.wait_for(sent, 20)
        self.assertEqual(response["Status"], "FAILED", response)
        return response["Reason"]

    def no_secret_in(self, reason):
        self.assertNotIn(self.secret, reason)
        for function in FUNCTIONS:
            self.assertNotIn(self.secret, self.log_lines(function), f"the secret is in the log of {function}")

    def test_a_refused_script_is_not_quoted(self):
        """A stack author writes a secret into a script of a refused format: neither reason nor log quotes it."""
        self.no_secret_in(self.create_fails(UserDataScript=f"<powershell>$key = '{self.secret}'</powershell>"))

    def test_a_refused_drain_script_is_not_quoted(self):
        """A stack author writes a secret into a drain script of a refused format: neither reason nor log quotes it."""
        self.no_secret_in(self.create_fails(DrainScript=f"#cloud-config\n# {self.secret}"))

    def test_a_script_that_is_too_long_is_not_quoted(self):
        """A stack author writes a secret into a script that is too long: neither reason nor log quotes it."""
        self.no_secret_in(self.create_fails(UserDataScript=f"export KEY={self.secret}\n" + "#" * 17_000))

    def test_a_script_of_another_type_is_not_quoted(self):
        """A stack author passes a list of commands with a secret as a script: neither reason nor log quotes it."""
        self.no_secret_in(self.create_fails(UserDataScript=[f"export KEY={self.secret}"]))

    def test_an_unknown_property_is_not_quoted(self):
        """A stack author passes a secret as an unknown property: neither reason nor log quotes it."""
        self.no_secret_in(self.create_fails(DatabasePassword=self.secret))

    def test_an_unknown_field_of_a_rule_is_not_quoted(self):
        """A stack author passes a secret as an unknown field of an alarm's rule: neither reason nor log quotes it."""
        rule = {"Alarm": "healthy-low", "Action": "ScaleBy", "Amount": "1", "Password": self.secret}
        self.no_secret_in(self.create_fails(AlarmActions=[rule]))

    def test_an_arn_of_450_kilobytes_is_refused_at_once(self):
        """A stack author passes an ARN of 450 KB, which no record can hold: refused at once, not retried to the deadline."""
        reason = self.create_fails(TargetGroupArns=[f"{ARN}{'a' * 450_000}/0123456789abcdef"])
        self.assertIn("TargetGroupArns", reason)

    def test_long_target_groups_are_refused(self):
        """A stack author passes 20 target groups of 300 characters, whose metadata no hook accepts: refused at once."""
        reason = self.create_fails(TargetGroupArns=[f"{ARN}{'a' * 230}{number}/0123456789abcdef" for number in range(20)])
        self.assertIn("TargetGroupArns", reason)

    def test_a_tag_key_with_a_leading_space_is_refused(self):
        """A stack author passes a tag key with a leading space, which looks like another key: refused at once."""
        self.assertIn("Tags", self.create_fails(Tags={" team": "web"}))

    def test_a_time_far_ahead_in_an_alarm_makes_no_dead_letter(self):
        """A role with lambda:InvokeFunction reports the victim's alarm at a time far ahead: the invocation succeeds without
        effect."""
        cloudwatch, alarm = self.cloud.client("cloudwatch"), VICTIM.name("launch-failures")
        forged = json.loads((ROOT / "events" / "alarm" / "direct.json").read_text())
        forged["alarmData"]["alarmName"] = alarm
        self.addCleanup(cloudwatch.set_alarm_state, AlarmName=alarm, StateValue="OK", StateReason="the end of an attack")
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="an attack")
        for at in (now(30 * 86_400), "9999-12-31T23:59:59.999+0000"):
            with self.subTest(at), self.unharmed():
                forged |= {"time": at}
                forged["alarmData"]["state"]["timestamp"] = at
                self.invoke(self.forger(allow("lambda:InvokeFunction")), "alarm", forged)
                self.processed("ScalingEventQueue")
                self.no_dead_letter("ScalingEventDeadLetters")

    def test_a_time_far_ahead_in_the_ledgers_input_makes_no_dead_letter(self):
        """An operator of RedriveRoles sends the ledger an event at a time far ahead, and one far behind: no dead letter."""
        event = json.loads((ROOT / "events" / "scaling-log" / "launch.json").read_text())
        for at in ("9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z"):
            with self.subTest(at):
                detail = {**event["detail"], "StartTime": at, "EndTime": at, "EC2InstanceId": self.instance()}
                forged = {**event, "time": at, "detail": detail}
                self.cloud.operator("sqs").send_message(**self.message("ScalingEventQueue", forged))
                self.processed("ScalingEventQueue")
                self.no_dead_letter("ScalingEventDeadLetters")

    def test_a_time_far_ahead_in_a_lifecycle_event_has_no_effect(self):
        """An operator of RedriveRoles sends a lifecycle event at a time far ahead: no effect and no dead letter."""
        forged = hook_event(VICTIM, self.instance(), time="9999-12-31T23:59:59Z")
        with self.unharmed():
            self.cloud.operator("sqs").send_message(**self.message("HookQueue", forged))
            self.processed("HookQueue")
        self.no_dead_letter("HookDeadLetters")

    def no_dead_letter(self, queue):
        self.assertTrue(self.is_empty(queue), f"{queue} has a message")


if __name__ == "__main__":
    unittest.main()
