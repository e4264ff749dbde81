"""Rollouts: updates that replace running instances, and that go back by themselves, through the real functions."""

import contextlib
import json
import unittest

from botocore.exceptions import ClientError
from demo import GROUP, states
from local_cloud import Failed, until
from one_group import OneGroup
from test_stacks import OnOneCloud, event, with_properties

# Neither a warm-up nor a bake: both are waits of Auto Scaling, which the simulator's tests cover.
QUICK = {"InstanceWarmupSeconds": "0", "BakeSeconds": "0", "CanaryPercentage": "50"}
ENVIRONMENT = "scalable-ec2-us-west-2-dev"


class RolledGroup(OneGroup):
    """The environment of both classes, and what their tests read of it."""

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
        RolledGroup.sent += 1
        old = with_properties("update.json", **properties)["ResourceProperties"]
        sent = {"RequestId": f"rollout-{RolledGroup.sent}", "OldResourceProperties": old}
        return {**with_properties("update.json", **{**properties, **changes}), **sent}

    def group(self):
        scaling = self.cloud.client("autoscaling")
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return group

    def types(self):
        return {it["InstanceType"] for it in self.group()["Instances"]}

    def refreshes(self):
        scaling = self.cloud.client("autoscaling")
        return scaling.describe_instance_refreshes(AutoScalingGroupName=GROUP)["InstanceRefreshes"]

    def begins(self, event):
        """Sends an Update, and waits until its refresh replaces instances. Returns the sent event, and the id of the refresh."""
        sent = self.cloud.send(event)
        in_progress = lambda: next((it for it in self.refreshes() if it["Status"] == "InProgress"), None)  # noqa: E731
        return sent, until("the rollout has begun", in_progress)["InstanceRefreshId"]

    def ledger(self, kind):
        logs = self.cloud.client("logs").filter_log_events(logGroupName="/aws/autoscaling/scalable-ec2-dev")["events"]
        entries = [json.loads(it["message"]) for it in logs]
        return [it["outcome"] for it in sorted(entries, key=lambda it: it["time"]) if it["kind"] == kind]


class Rollouts(RolledGroup):
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
        first, _ = self.begins(self.event(InstanceType="t3.large"))
        second = self.cloud.send(self.event(InstanceType="t3.xlarge"))
        self.assertEqual(self.cloud.wait_for(first)["Status"], "FAILED")
        response = self.cloud.wait_for(second)
        self.assertEqual((response["Status"], self.types()), ("SUCCESS", {"t3.xlarge"}), response)
        self.assertEqual(self.update()["Status"], "SUCCESS")

    def test_a_delete_in_the_middle_of_a_rollout_cancels_it_and_waits_for_none_of_it(self):
        update, _ = self.begins(self.event(InstanceType="t3.large"))
        before = len(self.cloud.calls())
        deleted = self.cloud.request(event("delete.json"))
        self.assertEqual(deleted["Status"], "SUCCESS", deleted)
        self.assertEqual((self.cloud.wait_for(update)["Status"], self.cloud.inventory()), ("FAILED", []))
        called = {it["operation"] for it in self.cloud.calls()[before:]}
        self.assertIn("CancelInstanceRefresh", called)
        self.create()

    def test_a_rollout_whose_record_is_lost_is_adopted_and_not_begun_again(self):
        # The warm-up leaves time for the loss.
        properties = {"InstanceType": "t3.medium", "InstanceWarmupSeconds": "20"}
        update, refresh = self.begins(self.event(**properties))
        self.lose_record()
        lost = self.cloud.wait_for(update)
        self.assertEqual(lost["Status"], "FAILED", lost)
        self.assertIn("The record of this request does not exist", lost["Reason"])
        again = self.update(**properties)
        self.assertEqual((again["Status"], again.get("Data", {}).get("RolloutState")), ("SUCCESS", "complete"), again)
        self.assertEqual((self.types(), self.refreshes()[0]["InstanceRefreshId"]), ({"t3.medium"}, refresh), self.refreshes())
        self.assertEqual(self.update()["Status"], "SUCCESS")

    def lose_record(self):
        """Deletes the record of the environment's owner. Only an administrator can, who removes the table's policy first."""
        functions, dynamodb = self.cloud.client("lambda"), self.cloud.client("dynamodb")
        configuration = functions.get_function_configuration(FunctionName="scalable-ec2-reconciler")
        table = configuration["Environment"]["Variables"]["RECORDS_TABLE"]
        arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
        policy = dynamodb.get_resource_policy(ResourceArn=arn)["Policy"]
        dynamodb.delete_resource_policy(ResourceArn=arn)

        def keys():
            # The removal takes effect after a second.
            with contextlib.suppress(ClientError):
                return [it["pk"] for it in dynamodb.scan(TableName=table)["Items"]]

        (record,) = [key for key in until("the records can be read", keys) if key["S"].startswith("owner#")]
        dynamodb.delete_item(TableName=table, Key={"pk": record})
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)


class RolloutsOfOperators(RolledGroup):
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
    def test_a_stack_follows_a_good_update_and_survives_a_bad_one_a_bad_sibling_and_a_delete(self):
        properties = {**QUICK, "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "2", "MaxSize": "4"}
        properties |= {"BucketOnDelete": "Empty"}
        self.stack(properties)
        self.stack({**properties, "InstanceType": "t3.small"}, update=True)
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        with self.assertRaises(Failed) as failed:
            self.stack({**properties, "InstanceType": "t3.medium"}, update=True)
        self.assertRegex(str(failed.exception), r"UPDATE_ROLLBACK_COMPLETE: .*is unhealthy")
        with self.assertRaises(Failed) as failed:
            self.stack({**properties, "InstanceType": "t3.large"}, {"EnvironmentSuffix": "bad suffix"}, update=True)
        self.assertRegex(str(failed.exception), r"UPDATE_ROLLBACK_COMPLETE: .*EnvironmentSuffix is")
        self.assertIn("t3.large", self.launched, "the rollout was complete before its sibling failed")
        until("every instance is of the version before", lambda: self.types() == ["t3.small"] * 2)
        status = self.cloud.request({"Request": "status", "Environment": ENVIRONMENT})
        self.assertNotIn("Error", status)
        self.cloud.delete_stack("web")

    def types(self):
        scaling = self.cloud.client("autoscaling")
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return [it["InstanceType"] for it in group["Instances"]]

    def stack(self, properties, sibling=None, update=False):
        """Creates or updates the stack; with properties of a sibling, which follows the environment."""
        self.launched = set()

        def resource(properties, **more):
            web = {"ServiceToken": {"Fn::ImportValue": "envkeeper-service-token"}, **properties}
            return {"Type": "Custom::ScalableEnvironment", "Properties": web, **more}

        resources = {"Web": resource(properties)}
        if sibling:
            resources["Sibling"] = resource(sibling, DependsOn="Web")
        progress = (lambda _: self.launched.update(self.types())) if sibling else None
        return self.cloud.stack("web", json.dumps({"Resources": resources}), {}, update=update, progress=progress)


if __name__ == "__main__":
    unittest.main()
