"""Lifecycle hooks on the local cloud: real rules, a real queue, the real function, and simulated instances."""

import contextlib
import json
import unittest

from demo import GROUP, states
from local_cloud import ROOT, until
from one_group import OneGroup
from test_stacks import event


class Hooks(OneGroup):
    PROPERTIES = {"DrainSeconds": "3600", "InstanceWarmupSeconds": "1"}

    def command_count(self):
        calls = self.cloud.calls()
        return sum(call["service"] == "ssm" and call["operation"] == "SendCommand" for call in calls)

    def test_the_sweep_finds_instances_without_an_event(self):
        """Neither an event nor the schedule invokes the function: the test invokes each sweep."""
        with self.without_rules("LifecycleActionRule", "ReadyMarkerRule", "LifecycleHookSweep"):
            self.scale(2)
            until("the instance waits", lambda: "Pending:Wait" in states(self.cloud).values())
            until("a sweep completes the launch", lambda: self.swept("CONTINUE: healthy"))
            self.in_service(2)
            self.scale(1)
            until("a sweep sends the drain command", lambda: self.swept("the drain command"))
            until("the instance is terminated without another sweep", lambda: len(states(self.cloud)) == 1)

    def test_the_ready_marker_wakes_the_gate(self):
        """Nothing else reports the instance: neither the event of its launch nor the sweep."""
        with self.without_rules("LifecycleActionRule", "LifecycleHookSweep"):
            self.scale(2)
            self.in_service(2)

    @contextlib.contextmanager
    def without_rules(self, *logical_ids):
        events = self.cloud.client("events")
        names = [it["Name"] for it in events.list_rules()["Rules"]]
        rules = [name for name in names if any(it in name for it in logical_ids)]
        self.assertEqual(len(rules), len(logical_ids), names)
        for rule in rules:
            events.disable_rule(Name=rule)
        try:
            yield
        finally:
            for rule in rules:
                events.enable_rule(Name=rule)

    def swept(self, outcome):
        sweep = json.loads((ROOT / "events" / "lifecycle-hook" / "sweep.json").read_text())
        return any(outcome in it["Outcome"] for it in self.cloud.invoke("lifecycle-hook", sweep)["Swept"])

    def test_a_malformed_message_is_dead_lettered_with_its_reason_and_delays_no_hook(self):
        expected = ("no { JSON", "neither JSON nor a notification of Auto Scaling")
        self.assertEqual(self.dead_lettered("HookQueue", "HookDeadLetters"), expected)
        self.scale(2)
        self.in_service(2)

    def test_an_interrupted_spot_instance_is_drained_and_replaced(self):
        (on_demand,) = states(self.cloud)
        self.cloud.control("instances/launch-spot?count=1", b"")
        self.scale(2)
        self.in_service(2)
        before, (instance,) = self.command_count(), set(states(self.cloud)) - {on_demand}
        self.cloud.control(f"instances/interrupt?id={instance}", b"")
        until("the Spot instance is drained", lambda: self.command_count() == before + 1)
        # EC2 would terminate the instance two minutes after the notice.
        self.cloud.client("ec2").terminate_instances(InstanceIds=[instance])
        until("the instance is replaced", lambda: self.is_replaced(instance))

    def test_an_instance_refresh_replaces_instances_through_the_gate_and_the_drain(self):
        """OPERATIONS.md, "Replace running instances"."""
        scaling, before, (old,) = self.cloud.client("autoscaling"), self.command_count(), states(self.cloud)
        self.request("update.json", InstanceType="t3.small", Rollout="None")
        self.assertEqual(list(states(self.cloud)), [old], "Rollout: None replaces no instance")
        preferences = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 200, "SkipMatching": True}
        scaling.start_instance_refresh(AutoScalingGroupName=GROUP, Preferences=preferences)

        def is_successful():
            self.assertIn("InService", states(self.cloud).values())
            (refresh,) = scaling.describe_instance_refreshes(AutoScalingGroupName=GROUP)["InstanceRefreshes"]
            return refresh["Status"] == "Successful"

        until("the refresh is successful", is_successful)
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        self.assertEqual([it["InstanceType"] for it in group["Instances"]], ["t3.small"])
        self.assertEqual((old in states(self.cloud), self.command_count()), (False, before + 1))
        self.assertLessEqual({*states(self.cloud)}, self.gated())
        self.request("update.json")

    def gated(self):
        """The instances that the gate let into service."""
        lines = self.cloud.client("logs").filter_log_events(logGroupName="/aws/lambda/scalable-ec2-lifecycle-hook")["events"]
        completed = [json.loads(it["message"]) for it in lines if "lifecycle action completed" in it["message"]]
        return {it["instance"] for it in completed if it["result"] == "CONTINUE"}

    def is_replaced(self, instance):
        current = states(self.cloud)
        return instance not in current and list(current.values()) == ["InService"] * 2

    def test_the_real_function_handles_every_sample(self):
        samples = sorted((ROOT / "events" / "lifecycle-hook").glob("*.json"))
        for sample in samples:
            with self.subTest(sample.name):
                result = self.cloud.invoke("lifecycle-hook", json.loads(sample.read_text()))
                keys = {"batchItemFailures", "Done", "Ignored", "WaitsFor", "Swept"}
                self.assertTrue(keys & set(result), result)
        self.assertEqual(len(samples), 14)

    def test_a_drift_request_during_a_launch_reads_the_scaling_activities(self):
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        before = len(self.cloud.calls())
        self.scale(2)
        drift = self.cloud.request({"Request": "drift", "Environment": "scalable-ec2-us-west-2-dev"})
        reads = [it for it in self.cloud.calls()[before:] if it["operation"] == "DescribeScalingActivities"]
        self.assertIn("operator-read", [it.get("app") for it in reads], drift)
        self.assertEqual(drift["Drift"], [], "a missing instance is not drift")
        self.in_service(2)

    def test_a_delete_gets_its_response_in_time_although_a_drain_would_take_longer(self):
        """Of 440 s, a quarter is margin and five minutes are for the later steps; the drain has the rest."""
        self.cloud.control("instances/make-unhealthy?count=1&how=commands-hang", b"")
        self.scale(2)
        self.in_service(2)
        instances = list(states(self.cloud))
        deleted = self.cloud.request(event("delete.json", ServiceTimeout="440"))
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)
        self.assertEqual(self.cloud.inventory(), [])
        logs = self.cloud.client("logs")
        lines = logs.filter_log_events(logGroupName="/aws/lambda/scalable-ec2-lifecycle-hook")["events"]
        completed = [json.loads(it["message"]) for it in lines if "lifecycle action completed" in it["message"]]
        self.assertIn("the drain failed: ExecutionTimedOut", [it["reason"] for it in completed])
        (limit,) = [limit for instance in instances for limit in self.execution_limits(instance)]
        self.assertLessEqual(limit, 30, "the drain that hung had more than the rest of the delete's time")
        self.create()

    def execution_limits(self, instance):
        """The time limit in seconds of each command that hung on the instance, from its simulated start and end."""
        ssm = self.cloud.client("ssm")
        found = ssm.list_command_invocations(InstanceId=instance)["CommandInvocations"]
        commands = [it["CommandId"] for it in found if it["StatusDetails"] == "ExecutionTimedOut"]
        hung = [ssm.get_command_invocation(CommandId=it, InstanceId=instance) for it in commands]
        return [float(it["ExecutionElapsedTime"].removeprefix("PT").removesuffix("S")) for it in hung]


if __name__ == "__main__":
    unittest.main()
