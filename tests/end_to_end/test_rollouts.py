"""Rollouts: updates that replace running instances, and that go back by themselves, through the real functions."""

import json
import unittest

from demo import GROUP, states
from local_cloud import Failed, until
from one_group import OneGroup
from test_stacks import OnOneCloud, event, with_properties

# Neither a warm-up nor a bake: both are waits of Auto Scaling, which the simulator's tests cover.
QUICK = {"InstanceWarmupSeconds": "0", "BakeSeconds": "0", "CanaryPercentage": "50"}
ENVIRONMENT = "scalable-ec2-us-west-2-dev"


class Rollouts(OneGroup):
    PROPERTIES = QUICK
    sent = 0

    @classmethod
    def create(cls):
        """The sample of an Update has other properties than that of a Create."""
        super().create()
        cls.request("update.json")

    def update(self, **changes):
        """The response to an Update."""
        return self.cloud.request(self.event(**changes))

    def event(self, **changes):
        properties = {"Egress": "PublicIp", "MinSize": "1", "MaxSize": "4", "BucketOnDelete": "Empty", **self.PROPERTIES}
        Rollouts.sent += 1
        return {**with_properties("update.json", **{**properties, **changes}), "RequestId": f"rollout-{Rollouts.sent}"}

    def group(self):
        scaling = self.cloud.client("autoscaling")
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return group

    def types(self):
        return {it["InstanceType"] for it in self.group()["Instances"]}

    def refreshes(self):
        scaling = self.cloud.client("autoscaling")
        return scaling.describe_instance_refreshes(AutoScalingGroupName=GROUP)["InstanceRefreshes"]

    def ledger(self, kind):
        logs = self.cloud.client("logs").filter_log_events(logGroupName="/aws/autoscaling/scalable-ec2-dev")["events"]
        entries = [json.loads(it["message"]) for it in logs]
        return [it["outcome"] for it in sorted(entries, key=lambda it: it["time"]) if it["kind"] == kind]

    def test_a_good_update_replaces_every_instance_before_its_response(self):
        old = set(states(self.cloud))
        response = self.update(InstanceType="t3.medium")
        self.assertEqual((response["Status"], response["Data"]["RolloutState"]), ("SUCCESS", "complete"), response)
        self.assertEqual((self.types(), old & set(states(self.cloud))), ({"t3.medium"}, set()))
        launched = self.group()["LaunchTemplate"]["Version"]
        self.assertEqual(response["Data"]["LaunchTemplateVersion"], launched)
        (refresh, *_) = self.refreshes()
        self.assertEqual((refresh["Status"], refresh["Preferences"]["AutoRollback"]), ("Successful", True))
        until("the ledger has the rollout", lambda: self.ledger("rollout")[-2:] == ["begun", "complete"])
        unchanged = self.update(InstanceType="t3.medium", MaxSize="3")
        self.assertEqual(unchanged["Data"]["RolloutState"], "complete")
        self.assertEqual(self.refreshes()[0]["InstanceRefreshId"], refresh["InstanceRefreshId"], "another refresh was started")
        self.assertEqual(self.update()["Status"], "SUCCESS")

    def test_a_bad_update_goes_back_with_its_evidence_and_is_not_tried_again(self):
        before, kept = self.group()["LaunchTemplate"]["Version"], set(states(self.cloud))
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        failed = self.update(UserDataScript="#!/bin/bash\nfalse\n")
        self.assertEqual(failed["Status"], "FAILED", failed)
        self.assertRegex(failed["Reason"], r"^version \d+ failed: instance i-[0-9a-f]+ of version \d+ is unhealthy: ")
        rollback = self.update()
        self.assertEqual(rollback["Status"], "SUCCESS", rollback)
        until("the way back has ended", lambda: self.refreshes()[0]["Status"] == "RollbackSuccessful")
        self.assertEqual((self.group()["LaunchTemplate"]["Version"], set(states(self.cloud)) >= kept), (before, True))
        again = self.update(UserDataScript="#!/bin/bash\nfalse\n")
        self.assertEqual(again["Status"], "FAILED")
        self.assertIn("It is not tried again until one of its inputs changes", again["Reason"])
        self.assertEqual(self.update()["Status"], "SUCCESS")

    def test_two_updates_in_a_row_end_at_the_second(self):
        first = self.cloud.send(self.event(InstanceType="t3.large"))
        until("the first rollout has begun", lambda: any(it["Status"] == "InProgress" for it in self.refreshes()))
        second = self.cloud.send(self.event(InstanceType="t3.xlarge"))
        self.assertEqual(self.cloud.wait_for(first)["Status"], "FAILED")
        response = self.cloud.wait_for(second)
        self.assertEqual((response["Status"], self.types()), ("SUCCESS", {"t3.xlarge"}), response)
        self.assertEqual(self.update()["Status"], "SUCCESS")

    def test_a_delete_in_the_middle_of_a_rollout_cancels_it_and_waits_for_none_of_it(self):
        update = self.cloud.send(self.event(InstanceType="t3.large"))
        until("the rollout has begun", lambda: any(it["Status"] == "InProgress" for it in self.refreshes()))
        before = len(self.cloud.calls())
        deleted = self.cloud.request(event("delete.json"))
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)
        self.assertEqual((self.cloud.wait_for(update)["Status"], self.cloud.inventory()), ("FAILED", []))
        called = {it["operation"] for it in self.cloud.calls()[before:]}
        self.assertIn("CancelInstanceRefresh", called)
        self.create()

    def test_operators_roll_roll_back_and_cancel(self):
        launched, (old,) = self.group()["LaunchTemplate"]["Version"], states(self.cloud)
        refused = self.operator("cancel")
        self.assertIn("no rollout of this environment is active", refused["Error"])
        self.assertIn("begins", self.operator("roll")["Text"])
        until("the instance is replaced", lambda: old not in states(self.cloud))
        self.ends("Successful")
        self.assertEqual(self.group()["LaunchTemplate"]["Version"], launched)
        self.assertEqual(self.update(InstanceType="t3.medium")["Status"], "SUCCESS")
        self.assertIn("begins", self.operator("rollback")["Text"])
        until("the group is at the version before", lambda: self.group()["LaunchTemplate"]["Version"] == launched)
        until("its instance too", lambda: self.types() == {"t3.small"})
        self.ends("Successful")
        self.assertEqual(self.update()["Status"], "SUCCESS")

    def test_a_hold_suspends_replacements_until_its_release(self):
        def suspended():
            return [it["ProcessName"] for it in self.group()["SuspendedProcesses"]]

        held = self.operator("hold")
        until("the process is suspended", lambda: suspended() == ["InstanceRefresh"])
        words = f"an operator holds the rollout until {held['Until']}"
        self.assertIn(words, self.operator("roll")["Error"])
        refused = self.update(InstanceType="t3.medium")
        self.assertEqual((refused["Status"], self.types()), ("FAILED", {"t3.small"}), refused)
        self.assertIn(words, refused["Reason"])
        self.assertEqual(self.update()["Status"], "SUCCESS")
        self.assertIn("begins", self.operator("release")["Text"])
        until("the process is resumed", lambda: suspended() == [])

    def operator(self, name):
        return self.cloud.request({"Request": name, "Environment": ENVIRONMENT})

    def ends(self, status):
        until(f"the refresh is {status}", lambda: self.refreshes()[0]["Status"] == status)

    def test_an_operators_refresh_blocks_a_change_of_the_template_and_nothing_else(self):
        scaling = self.cloud.client("autoscaling")
        preferences = {"MinHealthyPercentage": 100, "BakeTime": 3600}
        refresh = scaling.start_instance_refresh(AutoScalingGroupName=GROUP, Preferences=preferences)["InstanceRefreshId"]
        unchanged = self.update(MaxSize="3")
        self.assertEqual(unchanged["Status"], "SUCCESS", unchanged)
        refused = self.update(InstanceType="t3.2xlarge")
        self.assertEqual(refused["Status"], "FAILED", refused)
        self.assertIn(f"instance refresh {refresh}, which another principal started", refused["Reason"])
        self.assertEqual(self.update()["Status"], "SUCCESS")
        scaling.cancel_instance_refresh(AutoScalingGroupName=GROUP, WaitForTransitioningInstances=False)
        until("the refresh is cancelled", lambda: self.refreshes()[0]["Status"] == "Cancelled")


class RolloutsOfStacks(OnOneCloud):
    def test_a_stack_follows_a_good_update_and_survives_a_bad_one_and_a_delete_during_a_rollout(self):
        properties = {**QUICK, "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "2", "MaxSize": "4"}
        properties |= {"BucketOnDelete": "Empty"}
        self.stack(properties)
        self.stack({**properties, "InstanceType": "t3.small"}, update=True)
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        with self.assertRaises(Failed) as failed:
            self.stack({**properties, "InstanceType": "t3.medium"}, update=True)
        self.assertRegex(str(failed.exception), r"UPDATE_ROLLBACK_COMPLETE: .*is unhealthy")
        status = self.cloud.request({"Request": "status", "Environment": ENVIRONMENT})
        self.assertNotIn("Error", status)
        self.cloud.delete_stack("web")

    def stack(self, properties, update=False):
        web = {"ServiceToken": {"Fn::ImportValue": "envkeeper-service-token"}, **properties}
        template = {"Resources": {"Web": {"Type": "Custom::ScalableEnvironment", "Properties": web}}}
        return self.cloud.stack("web", json.dumps(template), {}, update=update)


if __name__ == "__main__":
    unittest.main()
