"""Lifecycle hooks on the local cloud: real rules, a real queue, the real function, and instances as simulated."""

import json
import unittest

from demo import states
from local_cloud import ROOT, until
from one_group import OneGroup
from test_stacks import event


class Hooks(OneGroup):
    PROPERTIES = {"DrainSeconds": "3600"}

    def commands(self):
        calls = self.cloud.calls()
        return sum(call["service"] == "ssm" and call["operation"] == "SendCommand" for call in calls)

    def test_what_no_event_tells_of_is_found_by_the_sweep(self):
        events = self.cloud.client("events")
        (rule,) = [it["Name"] for it in events.list_rules()["Rules"] if "LifecycleActionRule" in it["Name"]]
        events.disable_rule(Name=rule)
        try:
            self.scale(2)
            until("it waits", lambda: "Pending:Wait" in states(self.cloud).values())
            until("a sweep lets it go into service", lambda: self.swept("CONTINUE: healthy"))
            self.in_service(2)
            self.scale(1)
            # The schedule's own sweep may be first.
            until("a sweep has it drained", lambda: self.swept("the drain command") or len(states(self.cloud)) == 1)
            until("it ends, with no other sweep", lambda: len(states(self.cloud)) == 1, 60)
        finally:
            events.enable_rule(Name=rule)

    def swept(self, told):
        sweep = json.loads((ROOT / "events" / "lifecycle-hook" / "sweep.json").read_text())
        return any(told in it["Outcome"] for it in self.cloud.invoke("lifecycle-hook", sweep)["Swept"])

    def test_a_message_that_makes_no_sense_is_put_away_with_its_reason_and_holds_up_nobody(self):
        self.assertEqual(self.buried("HookQueue", "HookDeadLetters"), ("no { JSON", "no JSON, and no lines of Auto Scaling"))
        self.scale(2)
        self.in_service(2)

    def test_a_spot_instance_is_drained_when_ec2_gives_notice_and_replaced(self):
        before, (instance,) = self.commands(), states(self.cloud)
        self.cloud.control(f"instances/interrupt?id={instance}", b"")
        until("it is drained", lambda: self.commands() == before + 1)
        # EC2 ends it after its two minutes, and Auto Scaling starts another one.
        until("another has taken its place", lambda: self.replaced(instance), 240)

    def replaced(self, instance):
        now = states(self.cloud)
        return instance not in now and list(now.values()) == ["InService"]

    def test_every_sample_is_answered_by_the_real_function(self):
        samples = sorted((ROOT / "events" / "lifecycle-hook").glob("*.json"))
        for sample in samples:
            with self.subTest(sample.name):
                told = self.cloud.invoke("lifecycle-hook", json.loads(sample.read_text()))
                shapes = {"batchItemFailures", "Done", "Ignored", "WaitsFor", "Swept"}
                self.assertTrue(shapes & set(told), told)
        self.assertEqual(len(samples), 13)

    def test_whoever_looks_while_an_instance_is_missing_asks_why(self):
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        before = len(self.cloud.calls())
        self.scale(2)
        drift = self.cloud.ask({"Request": "drift", "Environment": "scalable-ec2-us-west-2-dev"})
        asked = [it for it in self.cloud.calls()[before:] if it["operation"] == "DescribeScalingActivities"]
        self.assertIn("custom-resource", [it.get("app") for it in asked], drift)
        self.assertEqual(drift["Drift"], [], "an instance that is missing is nobody's change")
        self.in_service(2)

    def test_a_delete_is_answered_in_time_though_a_drain_would_take_longer(self):
        """Of 440 s a quarter is margin, five minutes are for what follows, and the drain has what is left."""
        self.cloud.control("instances/make-unhealthy?count=1&how=commands-hang", b"")
        self.scale(2)
        self.in_service(2)
        gone = self.cloud.ask(event("delete.json", ServiceTimeout="440"))
        self.assertEqual(gone["Status"], "SUCCESS", gone)
        self.assertEqual(self.cloud.inventory(), [])
        logs = self.cloud.client("logs")
        told = logs.filter_log_events(logGroupName="/aws/lambda/scalable-ec2-lifecycle-hook")["events"]
        over = [json.loads(it["message"]) for it in told if "lifecycle action completed" in it["message"]]
        cut = [it["seconds"] for it in over if it["reason"] == "the drain failed: ExecutionTimedOut"]
        self.assertTrue(len(cut) == 1 and cut[0] <= 40, f"the drain that hung was given 30 s of its 3,600: {over}")
        self.create()


if __name__ == "__main__":
    unittest.main()
