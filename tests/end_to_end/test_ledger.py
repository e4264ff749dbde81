"""The ledger and the alarm actions on the local cloud: real rules, real queues, the real functions."""

import json
import pathlib
import re
import tempfile
import threading
import time
import unittest

import ledger
from demo import GROUP, cpu, states
from local_cloud import PROJECT, ROOT, Failed, policy_document, until
from one_group import OneGroup

TOPIC = "arn:aws:sns:us-west-2:123456789012:on-call"
RULES = [
    {"Alarm": "launch-failures", "Action": "Notify", "TopicArn": TOPIC, "CooldownSeconds": "0"},
    {"Alarm": "healthy-low", "Action": "ScaleBy", "Amount": "1", "CooldownSeconds": "600"},
    {"Alarm": "healthy-low", "Action": "ScaleTo", "Capacity": "4", "DryRun": "true"},
    {"Alarm": "queue-is-long", "Action": "Notify", "TopicArn": TOPIC, "CooldownSeconds": "0"},
    {"Alarm": "pages-are-slow", "Action": "ReplaceUnhealthy"},
    {"Alarm": "shop-is-down", "Action": "ScaleBy", "Amount": "1", "DryRun": "true"},
]
MARK = "envkeeper:environment=scalable-ec2-us-west-2-dev"
HEALTHY_LOW = "scalable-ec2-healthy-low-uswest2-dev"


def changes(entries):
    """The changes of the desired capacity: before and after."""
    causes = [entry["cause"] for entry in entries if entry["kind"] == "capacity"]
    return {(cause["desiredBefore"], cause["desiredAfter"]) for cause in causes}


class Ledger(OneGroup):
    PROPERTIES = {"AlarmActions": RULES}

    @classmethod
    def create(cls):
        """Creates an on-call topic too, with a subscribed queue."""
        sns, sqs = cls.cloud.client("sns"), cls.cloud.client("sqs")
        assert sns.create_topic(Name="on-call")["TopicArn"] == TOPIC
        cls.inbox = sqs.create_queue(QueueName="on-call")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=cls.inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = policy_document({**allow, "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}}})
        sqs.set_queue_attributes(QueueUrl=cls.inbox, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
        super().create()

    def test_the_requests_of_the_stack_and_of_an_operator_are_in_the_ledger(self):
        self.cloud.invoke("operator", {"Request": "unlock", "Environment": "scalable-ec2-us-west-2-dev", "Caller": "ann"})
        expected = {
            ("started", "Create"),
            ("responded", "Create succeeded"),
            ("accepted", "unlock, claimed caller: ann"),
        }

        def complete():
            return expected <= {(it["outcome"], it["reason"]) for it in ledger.entries(self.cloud, kind="request")}

        until("the requests are in the ledger", complete)

    def test_an_abandoned_instance_and_a_drain_are_published_with_their_reasons(self):
        before = {entry["id"] for entry in ledger.entries(self.cloud)}
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        self.scale(2)
        self.in_service(2)
        self.scale(1)
        self.in_service(1)

        def complete():
            new = [entry for entry in ledger.entries(self.cloud) if entry["id"] not in before]
            kinds = {(entry["kind"], entry["outcome"]) for entry in new}
            expected = {
                ("capacity", "changed"),
                ("gate", "abandon"),
                ("gate", "continue"),
                ("launch", "cancelled"),
                ("launch", "successful"),
                ("drain", "drained"),
                ("terminate", "successful"),
            }
            # The unhealthy instance is terminated too, so the outcomes alone do not show the scale-in: its cause has the change.
            return new if expected <= kinds and changes(new) == {(1, 2), (2, 1)} else None

        new = until("the ledger is complete", complete)
        (abandoned,) = [entry for entry in new if entry["outcome"] == "abandon"]
        self.assertIn("its user data failed at line 12", abandoned["reason"])
        (failed,) = [entry for entry in new if entry["outcome"] == "cancelled"]
        self.assertEqual((failed["failure"], failed["LaunchFailures"]), ("abandoned", 1.0))
        self.assertEqual(failed["instance"], abandoned["instance"])
        # The scaled-in instance is gone from Auto Scaling: its version is in the ledger.
        ended = [it for it in new if it["kind"] in ("launch", "terminate") and it["instance"] != abandoned["instance"]]
        self.assertEqual({it["kind"] for it in ended}, {"launch", "terminate"})
        self.assertTrue(all(it.get("templateVersion") for it in ended), ended)
        for entry in new:
            self.assertEqual((entry["v"], entry["environment"], entry["group"]), (1, "scalable-ec2-us-west-2-dev", GROUP))

        # The metric of the entry triggers the alarm, and the rule notifies the topic.
        def receive():
            return self.cloud.client("sqs").receive_message(QueueUrl=self.inbox).get("Messages")

        (message,) = until("the topic is notified of failed launches", receive)
        self.assertIn("The alarm scalable-ec2-launch-failures-uswest2-dev", json.loads(message["Body"])["Message"])
        done = until("the remediation is in the ledger", lambda: ledger.entries(self.cloud, kind="remediation", outcome="done"))
        self.assertIn(f"launch-failures: Notify {TOPIC}", [entry["cause"]["rule"] for entry in done])

        # The saved queries from the account, run on these entries.
        def rows(title):
            return ledger.run_query(self.cloud, title)

        self.assertEqual(len(ledger.saved_queries(self.cloud)), 8)
        causes = [(it["cause.desiredBefore"], it["cause.desiredAfter"], it["cause.actor"]) for it in rows("capacity-changes")]
        self.assertIn((1, 2, "request"), causes)
        self.assertEqual(len(causes), len(set(it["id"] for it in rows("capacity-changes"))))
        seconds = [it["seconds"] for it in rows("slowest-launches")]
        self.assertTrue(seconds and seconds == sorted(seconds, reverse=True), seconds)
        failures = {(it["kind"], it["failure"]): it["failures"] for it in rows("failures-by-cause")}
        self.assertEqual(failures[("launch", "abandoned")], 1)
        (hour, *_) = rows("flapping")
        self.assertGreaterEqual(hour["changes"], 2)
        self.assertTrue({it["outcome"] for it in rows("drains")} >= {"drained"})
        self.assertIn(abandoned["instance"], {it.get("instance") for it in rows("scaling-events")})

    def test_the_entry_of_a_scale_out_names_its_alarm_and_its_policy(self):
        before = {entry["id"] for entry in ledger.entries(self.cloud)}
        cpu(self.cloud, 75)
        self.in_service(2)

        def complete():
            new = [entry for entry in ledger.entries(self.cloud) if entry["id"] not in before]
            kinds = [entry["kind"] for entry in new]
            # The scale-in after the test before may arrive late.
            return new if {"alarm", "gate", "launch"} <= set(kinds) and (1, 2) in changes(new) else None

        new = until("the ledger is complete", complete)
        (change,) = [entry for entry in new if entry["kind"] == "capacity" and changes([entry]) != {(2, 1)}]
        alarm, policy = "scalable-ec2-cpu-high-uswest2-dev", "scalable-ec2-scale-up-steps-uswest2-dev"
        cause = {name: change["cause"].get(name) for name in ("actor", "alarm", "policy", "desiredBefore", "desiredAfter")}
        self.assertEqual(
            cause, {"actor": "alarm", "alarm": alarm, "policy": policy, "desiredBefore": 1, "desiredAfter": 2}
        )
        states_of = [entry["outcome"] for entry in new if entry["kind"] == "alarm" and entry["cause"]["alarm"] == alarm]
        self.assertEqual(states_of[:1], ["alarm"])
        rows = ledger.run_query(self.cloud, "capacity-changes")
        self.assertIn((alarm, policy), {(it.get("cause.alarm"), it.get("cause.policy")) for it in rows})
        # With these values the average is 40, between both thresholds.
        cpu(self.cloud, 5)
        until("the alarm is OK", lambda: ledger.entries(self.cloud, kind="alarm", outcome="ok"))

    def test_the_command_line_shows_the_environment_and_the_life_of_an_instance(self):
        """Each reading verb, with the real functions: its exit code, and its document."""
        def document(*words):
            code, output = self.cloud.envkeeper(*words, "--json")
            result = json.loads(output)
            self.assertEqual((result["schema"], result["verb"], result["exit"]), (1, words[0], code))
            return code, result["result"]

        self.assertEqual(document("status", "dev")[0], 0)
        (instance,) = document("instances", "dev")[1]["Instances"]
        code, why = document("why", instance["Id"], "--environment", "dev")
        self.assertEqual((code, why["Entries"][-1]["instance"]), (0, instance["Id"]))
        self.assertIn("The launch gate let it pass", " ".join(why["Story"]))
        kinds = {entry["kind"] for entry in document("events", "dev")[1]["Entries"]}
        self.assertLessEqual({"launch", "gate", "capacity"}, kinds)
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "timeline.html"
            code, written = document("timeline", "dev", "--output", page)
            self.assertEqual((code, written["Output"]), (0, str(page)))
            self.assertIn(instance["Id"], page.read_text())
        self.assertEqual(document("drift", "dev")[0], 0)
        self.assertEqual(document("rollout", "dev")[0], 0)
        checks = document("doctor")[1]["Checks"]
        self.assertEqual([it for it in checks if not it["Ok"]], [])
        self.assertEqual(document("version")[0], 0)
        code, plan = document("plan", ROOT / "infra" / "examples" / "web.yaml", "--parameter", "Suffix=other")
        self.assertEqual((code, bool(plan["Steps"])), (2, True))
        self.assertEqual(document("validate", ROOT / "infra" / "examples" / "web.yaml", "--project", PROJECT)[0], 0)
        self.assertEqual(document("logs", "dev")[0], 0)
        _, output = self.cloud.envkeeper("watch", "dev", "--until-settled")
        self.assertTrue(output.startswith("settled: 1 of 1 in service"), output)

    def test_the_widget_of_a_dashboard_shows_the_ledger_of_the_environment(self):
        event = json.loads((ROOT / "events" / "timeline" / "widget.json").read_text())
        now = round(time.time() * 1000)
        event["widgetContext"]["timeRange"] = {"mode": "relative", "start": now - 3_600_000, "end": now + 60_000}
        (instance,) = states(self.cloud)

        def shown():
            widget = self.cloud.invoke("timeline", event)
            return widget if instance in widget else None

        widget = until("the widget has the instance", shown)
        self.assertIn('aria-label="scalable-ec2-us-west-2-dev, ', widget)
        self.assertIn("<svg ", widget)
        self.assertIn("has no ledger", self.cloud.invoke("timeline", {**event, "environment": "prod"}))
        self.assertIn("**environment**", self.cloud.invoke("timeline", {"describe": True})["markdown"])

    def test_events_that_the_bus_does_not_accept_are_in_the_ledger_all_the_same(self):
        puts = {"service": "events", "operation": "PutEvents", "app": "lifecycle-hook"}
        self.addCleanup(self.cloud.inject_faults)
        for fault in ("access-denied", "lost-response"):
            with self.subTest(fault):
                before = {entry["id"] for entry in ledger.entries(self.cloud)}
                self.cloud.inject_faults({**puts, "fault": fault})
                self.scale(2)
                self.in_service(2)
                self.scale(1)
                self.in_service(1)

                def verdicts_and_drains(before=before):
                    new = [entry for entry in ledger.entries(self.cloud) if entry["id"] not in before]
                    return [(it["kind"], it["outcome"]) for it in new if it["kind"] in ("gate", "drain")]

                expected = [("gate", "continue"), ("drain", "drained")]
                until("the ledger has both, once each", lambda: verdicts_and_drains() == expected)

    def test_entries_without_an_event_are_backfilled_and_marked(self):
        rules = self.cloud.client("events")
        (rule,) = [it["Name"] for it in rules.list_rules()["Rules"] if "ScalingEventRule" in it["Name"]]
        rules.disable_rule(Name=rule)
        try:
            before = set(states(self.cloud))
            self.scale(2)
            self.in_service(2)
            (new,) = set(states(self.cloud)) - before
        finally:
            rules.enable_rule(Name=rule)
        self.assertFalse(ledger.entries(self.cloud, kind="launch", instance=new), "an event reported the launch")
        schedule = json.loads((ROOT / "events" / "scaling-log" / "backfill.json").read_text())
        self.assertEqual(self.cloud.invoke("scaling-log", schedule), {"Backfilled": {}}, "events may still arrive")
        schedule["detail"] = {"LateMinutes": 0}
        # The capacity change and the launch.
        self.assertEqual(self.cloud.invoke("scaling-log", schedule), {"Backfilled": {GROUP: 2}})
        (entry,) = ledger.entries(self.cloud, kind="launch", instance=new)
        self.assertTrue(entry["backfilled"])
        # Both runs observed the group.
        *_, first, last = ledger.entries(self.cloud, kind="state")
        self.assertNotEqual(first["time"], last["time"])
        observed = last["state"]["instances"]
        self.assertEqual({instance: it["state"] for instance, it in observed.items()}, states(self.cloud))
        self.assertEqual((last["state"]["desired"], len(observed)), (2, 2))
        self.assertTrue(all(it["templateVersion"] >= 1 for it in observed.values()), observed)
        self.assertNotIn("_aws", entry, "a backfilled entry has metrics")
        self.assertEqual(self.cloud.invoke("scaling-log", schedule), {"Backfilled": {}}, "the backfill is not idempotent")

    def test_a_malformed_message_is_dead_lettered_with_its_reason(self):
        expected = ("no { JSON", "neither JSON nor a notification of Auto Scaling")
        self.assertEqual(self.dead_lettered("ScalingEventQueue", "ScalingEventDeadLetters"), expected)

    def test_a_hundred_concurrent_deliveries_of_an_alarm_in_all_shapes_have_one_effect(self):
        cloudwatch = self.cloud.client("cloudwatch")
        cloudwatch.set_alarm_state(AlarmName=HEALTHY_LOW, StateValue="ALARM", StateReason="a test")
        alarm = cloudwatch.describe_alarms(AlarmNames=[HEALTHY_LOW])["MetricAlarms"][0]
        since = alarm["StateUpdatedTimestamp"].strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
        shapes = []
        for name in ("direct", "event-bridge", "topic"):
            text = (ROOT / "events" / "alarm" / f"{name}.json").read_text()
            shapes.append(json.loads(text.replace("2026-01-02T03:04:01.120+0000", since)))
        results = []

        def invoke(shape):
            results.append(self.cloud.invoke("alarm", shape))

        threads = [threading.Thread(target=invoke, args=(shapes[number % 3],)) for number in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 100)
        until("the group has two instances", lambda: len(states(self.cloud)) == 2)

        def scaled():
            done = ledger.entries(self.cloud, kind="remediation", outcome="done")
            return [entry for entry in done if entry["cause"]["rule"] == "healthy-low: ScaleBy 1"]

        (done,) = until("the remediation is in the ledger", scaled)
        calls = [it for it in self.cloud.calls() if it["operation"] == "SetDesiredCapacity" and it["app"] == "reconciler"]
        self.assertEqual(len(calls), 1)
        self.assertEqual((done["cause"]["desiredBefore"], done["cause"]["desiredAfter"]), (1, 2))

        def dry_runs():
            dry = ledger.entries(self.cloud, kind="remediation", outcome="dry-run")
            return [entry["reason"] for entry in dry if entry["cause"]["rule"] == "healthy-low: ScaleTo 4"]

        (reason,) = until("the dry run is in the ledger", dry_runs)
        self.assertRegex(reason, "^the desired capacity would be 4, and is [12]$")
        # A later delivery is skipped, with the reason.
        again = self.cloud.invoke("alarm", shapes[0])
        self.assertEqual([it["Outcome"] for it in again["Outcomes"]], ["skipped", "skipped"])
        self.assertIn("the rule acted for this state of the alarm", again["Outcomes"][0]["Reason"])
        self.assertIn("the rule was evaluated as a dry run for this state of the alarm", again["Outcomes"][1]["Reason"])

        # A flapping alarm has no more effects during the cooldown, and the ledger has a reason each time.
        def skipped(reason):
            found = ledger.entries(self.cloud, kind="remediation", outcome="skipped")
            return [entry for entry in found if re.search(reason, entry["reason"])]

        def in_cooldown():
            return skipped("^the rule's cooldown of 600 s has not ended: it acted at")

        def dry_run_in_cooldown():
            return skipped("not ended: it was evaluated as a dry run at")

        for times in (1, 2, 3):
            # The emulator's state times are whole seconds, and a rule acts once for one time.
            changed = time.time()
            until("the next second begins", lambda: int(time.time()) > changed)
            for state in ("OK", "ALARM"):
                cloudwatch.set_alarm_state(AlarmName=HEALTHY_LOW, StateValue=state, StateReason="flapping")
            until(f"the cooldown is the reason {times} times", lambda: len(in_cooldown()) == times)
        self.assertEqual((len(scaled()), len(dry_runs())), (1, 1))
        until("the dry run's cooldown is the reason 3 times", lambda: len(dry_run_in_cooldown()) == 3)
        self.in_service(2)
        cloudwatch.set_alarm_state(AlarmName=HEALTHY_LOW, StateValue="OK", StateReason="a test")

    def test_user_alarms_act_through_the_function_and_through_a_topic(self):
        cloudwatch, sns = self.cloud.client("cloudwatch"), self.cloud.client("sns")
        function = f"arn:aws:lambda:us-west-2:123456789012:function:{PROJECT}-alarm"
        topic = sns.create_topic(Name="alarms")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
        alarm = {"Namespace": "Shop", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
        alarm["ComparisonOperator"] = "GreaterThanThreshold"
        of_group = [{"Name": "AutoScalingGroupName", "Value": GROUP}]
        cloudwatch.put_metric_alarm(
            AlarmName="queue-is-long", AlarmDescription=MARK, MetricName="Waiting", AlarmActions=[function], **alarm
        )
        cloudwatch.put_metric_alarm(
            AlarmName="pages-are-slow", Dimensions=of_group, MetricName="Slow", AlarmActions=[topic], **alarm
        )
        cloudwatch.put_composite_alarm(
            AlarmName="shop-is-down",
            AlarmDescription=MARK,
            AlarmRule="ALARM(queue-is-long) AND ALARM(pages-are-slow)",
            AlarmActions=[function],
        )
        names = ["queue-is-long", "pages-are-slow", "shop-is-down"]
        try:
            # The state of the third alarm depends on both.
            for name in names[:2]:
                cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

            def outcomes_of(kind):
                found = [entry for entry in ledger.entries(self.cloud, kind=kind) if entry["cause"]["alarm"] in names]
                return {entry["cause"]["alarm"]: (entry["outcome"], entry["reason"]) for entry in found}

            kinds = ("remediation", "alarm")
            until("the ledger is complete", lambda: all(len(outcomes_of(kind)) == 3 for kind in kinds))
            outcomes = {
                "queue-is-long": ("done", f"{TOPIC} is notified"),
                "pages-are-slow": ("skipped", "no instance in service is unhealthy"),
                "shop-is-down": ("dry-run", "the desired capacity would be 2, and is 1"),
            }
            self.assertEqual(outcomes_of("remediation"), outcomes)
            self.assertEqual({outcome for outcome, _ in outcomes_of("alarm").values()}, {"alarm"})
            self.assertIn("transitioned to ALARM", outcomes_of("alarm")["shop-is-down"][1])
        finally:
            # A composite alarm is deleted before its alarms.
            for name in reversed(names):
                cloudwatch.delete_alarms(AlarmNames=[name])
            sns.delete_topic(TopicArn=topic)

    def test_both_functions_handle_every_sample(self):
        for function in ("scaling-log", "alarm"):
            for sample in sorted((ROOT / "events" / function).glob("*.json")):
                with self.subTest(f"{function} {sample.stem}"):
                    self.assertIsNotNone(self.cloud.invoke(function, json.loads(sample.read_text())))

    def test_a_malformed_event_is_rejected_with_the_valid_forms(self):
        with self.assertRaisesRegex(Failed, "neither alarmData"):
            self.cloud.invoke("alarm", {"hello": 1})


if __name__ == "__main__":
    unittest.main()
