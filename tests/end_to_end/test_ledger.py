"""The ledger and the alarms' actions on the local cloud: real rules, real queues, the real functions."""

import json
import threading
import time
import unittest

import ledger
from demo import GROUP, cpu, states
from local_cloud import PROJECT, ROOT, Failed, until
from one_group import OneGroup

TOPIC = "arn:aws:sns:us-west-2:123456789012:on-call"
RULES = [
    {"Alarm": "launch-failures", "Action": "Notify", "TopicArn": TOPIC, "CooldownSeconds": "0"},
    {"Alarm": "healthy-low", "Action": "ScaleBy", "Amount": "1", "CooldownSeconds": "600"},
    {"Alarm": "healthy-low", "Action": "ScaleTo", "Capacity": "4", "DryRun": "true"},
    {"Alarm": "queue-is-long", "Action": "Notify", "TopicArn": TOPIC, "CooldownSeconds": "0"},
    {"Alarm": "pages-are-slow", "Action": "ReplaceUnhealthy"},
    {"Alarm": "shop-is-ill", "Action": "ScaleBy", "Amount": "1", "DryRun": "true"},
]
MARK = "envkeeper:environment=scalable-ec2-us-west-2-dev"
HEALTHY_LOW = "scalable-ec2-healthy-low-uswest2-dev"


def changes(lines):
    """The changes of the capacity: before and after."""
    causes = [line["cause"] for line in lines if line["kind"] == "capacity"]
    return {(cause["desiredBefore"], cause["desiredAfter"]) for cause in causes}


class Ledger(OneGroup):
    PROPERTIES = {"AlarmActions": RULES}

    @classmethod
    def create(cls):
        """With somebody who is on call: a topic, and a queue that hears of it."""
        sns, sqs = cls.cloud.client("sns"), cls.cloud.client("sqs")
        assert sns.create_topic(Name="on-call")["TopicArn"] == TOPIC
        cls.inbox = sqs.create_queue(QueueName="on-call")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=cls.inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
        super().create()

    def test_a_launch_past_a_sick_instance_and_a_drain_are_told_with_their_reasons(self):
        before = {line["id"] for line in ledger.lines(self.cloud)}
        self.cloud.control("instances/make-unhealthy?count=1&how=failed-at:line%2012", b"")
        self.scale(2)
        self.in_service(2)
        self.scale(1)
        self.in_service(1)

        def told():
            new = [line for line in ledger.lines(self.cloud) if line["id"] not in before]
            kinds = {(line["kind"], line["outcome"]) for line in new}
            expected = {
                ("capacity", "changed"),
                ("gate", "abandon"),
                ("gate", "continue"),
                ("launch", "cancelled"),
                ("launch", "successful"),
                ("drain", "drained"),
                ("terminate", "successful"),
            }
            # The sick one ends too, so an end alone does not say that the other has: its cause tells of the change.
            return new if expected <= kinds and changes(new) == {(1, 2), (2, 1)} else None

        new = until("all of it is in the ledger", told)
        (abandoned,) = [line for line in new if line["outcome"] == "abandon"]
        self.assertIn("its user data failed at line 12", abandoned["reason"])
        (failed,) = [line for line in new if line["outcome"] == "cancelled"]
        self.assertEqual((failed["failure"], failed["LaunchFailures"]), ("abandoned", 1.0))
        self.assertEqual(failed["instance"], abandoned["instance"])
        for line in new:
            self.assertEqual((line["v"], line["environment"], line["group"]), (1, "scalable-ec2-us-west-2-dev", GROUP))

        # The line's own metric makes the alarm go off, and the rule tells the topic.
        def heard():
            return self.cloud.client("sqs").receive_message(QueueUrl=self.inbox).get("Messages")

        (message,) = until("somebody is told that launches fail", heard)
        self.assertIn("The alarm scalable-ec2-launch-failures-uswest2-dev", json.loads(message["Body"])["Message"])
        done = until("and the ledger", lambda: ledger.lines(self.cloud, kind="remediation", outcome="done"))
        self.assertIn(f"launch-failures: Notify {TOPIC}", [line["cause"]["rule"] for line in done])

        # The saved queries, as they stand in the account, over these lines.
        def ask(title):
            return ledger.ask(self.cloud, title)

        self.assertEqual(len(ledger.saved(self.cloud)), 8)
        why = [(it["cause.desiredBefore"], it["cause.desiredAfter"], it["cause.actor"]) for it in ask("why-capacity-changed")]
        self.assertIn((1, 2, "request"), why)
        self.assertEqual(len(why), len(set(it["id"] for it in ask("why-capacity-changed"))))
        seconds = [it["seconds"] for it in ask("slowest-launches")]
        self.assertTrue(seconds and seconds == sorted(seconds, reverse=True), seconds)
        failures = {(it["kind"], it["failure"]): it["failures"] for it in ask("failures-by-cause")}
        self.assertEqual(failures[("launch", "abandoned")], 1)
        (hour, *_) = ask("flapping")
        self.assertGreaterEqual(hour["changes"], 2)
        self.assertTrue({it["outcome"] for it in ask("drains")} >= {"drained"})
        self.assertIn(abandoned["instance"], {it.get("instance") for it in ask("what-happened")})

    def test_a_busy_group_grows_and_the_ledger_says_which_alarm_and_which_policy(self):
        before = {line["id"] for line in ledger.lines(self.cloud)}
        cpu(self.cloud, 95)
        self.in_service(2)

        def told():
            new = [line for line in ledger.lines(self.cloud) if line["id"] not in before]
            kinds = [line["kind"] for line in new]
            return new if {"alarm", "capacity", "gate", "launch"} <= set(kinds) else None

        new = until("all of it is in the ledger", told)
        (change,) = [line for line in new if line["kind"] == "capacity"]
        alarm, policy = "scalable-ec2-cpu-high-uswest2-dev", "scalable-ec2-scale-up-uswest2-dev"
        cause = {name: change["cause"].get(name) for name in ("actor", "alarm", "policy", "desiredBefore", "desiredAfter")}
        self.assertEqual(
            cause, {"actor": "alarm", "alarm": alarm, "policy": policy, "desiredBefore": 1, "desiredAfter": 2}
        )
        states_of = [line["outcome"] for line in new if line["kind"] == "alarm" and line["cause"]["alarm"] == alarm]
        self.assertEqual(states_of[:1], ["alarm"])
        why = ledger.ask(self.cloud, "why-capacity-changed")
        self.assertIn((alarm, policy), {(it.get("cause.alarm"), it.get("cause.policy")) for it in why})
        # With these the average is 50: neither busy nor idle.
        cpu(self.cloud, 5)
        until("the alarm is over", lambda: ledger.lines(self.cloud, kind="alarm", outcome="ok"))

    def test_what_no_event_told_of_is_filled_and_marked(self):
        rules = self.cloud.client("events")
        (rule,) = [it["Name"] for it in rules.list_rules()["Rules"] if "-Scaling-" in it["Name"]]
        rules.disable_rule(Name=rule)
        try:
            before = set(states(self.cloud))
            self.scale(2)
            self.in_service(2)
            (new,) = set(states(self.cloud)) - before
        finally:
            rules.enable_rule(Name=rule)
        self.assertFalse(ledger.lines(self.cloud, kind="launch", instance=new), "nobody told of it")
        schedule = json.loads((ROOT / "events" / "scaling-log" / "fill-gaps.json").read_text())
        self.assertEqual(self.cloud.invoke("scaling-log", schedule), {"Backfilled": {}}, "it may still be told of")
        schedule["detail"] = {"LateMinutes": 0}
        # The change of the capacity and the launch.
        self.assertEqual(self.cloud.invoke("scaling-log", schedule), {"Backfilled": {GROUP: 2}})
        (line,) = ledger.lines(self.cloud, kind="launch", instance=new)
        self.assertTrue(line["backfilled"])
        self.assertNotIn("_aws", line, "it is not counted")
        self.assertEqual(self.cloud.invoke("scaling-log", schedule), {"Backfilled": {}}, "once is enough")

    def test_a_message_that_makes_no_sense_is_put_away_with_its_reason(self):
        expected = ("no { JSON", "no JSON, and no lines of Auto Scaling")
        self.assertEqual(self.buried("ScalingEventQueue", "ScalingEventDeadLetters"), expected)

    def test_an_alarm_a_hundred_times_at_once_in_all_shapes_has_one_effect(self):
        cloudwatch = self.cloud.client("cloudwatch")
        cloudwatch.set_alarm_state(AlarmName=HEALTHY_LOW, StateValue="ALARM", StateReason="a test")
        alarm = cloudwatch.describe_alarms(AlarmNames=[HEALTHY_LOW])["MetricAlarms"][0]
        since = alarm["StateUpdatedTimestamp"].strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
        shapes = []
        for name in ("direct", "event-bridge", "topic"):
            text = (ROOT / "events" / "alarm" / f"{name}.json").read_text()
            shapes.append(json.loads(text.replace("2026-01-02T03:04:01.120+0000", since)))
        answers = []

        def invoke(shape):
            answers.append(self.cloud.invoke("alarm", shape))

        threads = [threading.Thread(target=invoke, args=(shapes[number % 3],)) for number in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 100)
        until("it is scaled", lambda: len(states(self.cloud)) == 2)

        def scaled():
            done = ledger.lines(self.cloud, kind="remediation", outcome="done")
            return [line for line in done if line["cause"]["rule"] == "healthy-low: ScaleBy 1"]

        (done,) = until("the ledger tells of it", scaled)
        calls = [it for it in self.cloud.calls() if it["operation"] == "SetDesiredCapacity" and it["app"] == "reconciler"]
        self.assertEqual(len(calls), 1)
        self.assertEqual((done["cause"]["desiredBefore"], done["cause"]["desiredAfter"]), (1, 2))

        def would():
            dry = ledger.lines(self.cloud, kind="remediation", outcome="dry-run")
            return [line["reason"] for line in dry if line["cause"]["rule"] == "healthy-low: ScaleTo 4"]

        (told,) = until("so is what the dry run would do", would)
        self.assertRegex(told, "^the desired capacity would be 4, and is [12]$")
        # Told once more, later: explained, and nothing is done.
        again = self.cloud.invoke("alarm", shapes[0])
        self.assertEqual([it["Outcome"] for it in again["Outcomes"]], ["skipped", "skipped"])
        self.assertIn("it acted on this state of the alarm", again["Outcomes"][0]["Reason"])
        self.assertIn("it was told as a dry run on this state of the alarm", again["Outcomes"][1]["Reason"])

        # It flaps: no more effects while the rule rests, and each time is explained.
        def rested():
            explained = ledger.lines(self.cloud, kind="remediation", outcome="skipped")
            return [line for line in explained if line["reason"].startswith("it rests for 600 s after it acted")]

        def dry_rested():
            explained = ledger.lines(self.cloud, kind="remediation", outcome="skipped")
            return [line for line in explained if "after it was told as a dry run" in line["reason"]]

        for times in (1, 2, 3):
            # The emulator's times of states are whole seconds, and one time is acted on once.
            changed = time.time()
            until("it is another second", lambda: int(time.time()) > changed)
            for state in ("OK", "ALARM"):
                cloudwatch.set_alarm_state(AlarmName=HEALTHY_LOW, StateValue=state, StateReason="it flaps")
            until(f"it is explained {times} times", lambda: len(rested()) == times)
        self.assertEqual((len(scaled()), len(would())), (1, 1))
        until("so is the dry run's rest", lambda: len(dry_rested()) == 3)
        self.in_service(2)
        cloudwatch.set_alarm_state(AlarmName=HEALTHY_LOW, StateValue="OK", StateReason="a test")

    def test_alarms_of_ones_own_act_by_the_function_itself_and_by_a_topic(self):
        cloudwatch, sns = self.cloud.client("cloudwatch"), self.cloud.client("sns")
        function = f"arn:aws:lambda:us-west-2:123456789012:function:{PROJECT}-alarm"
        topic = sns.create_topic(Name="alarms")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
        watch = {"Namespace": "Shop", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
        watch["ComparisonOperator"] = "GreaterThanThreshold"
        of_group = [{"Name": "AutoScalingGroupName", "Value": GROUP}]
        cloudwatch.put_metric_alarm(
            AlarmName="queue-is-long", AlarmDescription=MARK, MetricName="Waiting", AlarmActions=[function], **watch
        )
        cloudwatch.put_metric_alarm(
            AlarmName="pages-are-slow", Dimensions=of_group, MetricName="Slow", AlarmActions=[topic], **watch
        )
        cloudwatch.put_composite_alarm(
            AlarmName="shop-is-ill",
            AlarmDescription=MARK,
            AlarmRule="ALARM(queue-is-long) AND ALARM(pages-are-slow)",
            AlarmActions=[function],
        )
        names = ["queue-is-long", "pages-are-slow", "shop-is-ill"]
        try:
            # The third follows from them.
            for name in names[:2]:
                cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

            def told(kind):
                lines = [line for line in ledger.lines(self.cloud, kind=kind) if line["cause"]["alarm"] in names]
                return {line["cause"]["alarm"]: (line["outcome"], line["reason"]) for line in lines}

            until("all of it is in the ledger", lambda: len(told("remediation")) == len(told("alarm")) == 3)
            outcomes = {
                "queue-is-long": ("done", f"{TOPIC} is told"),
                "pages-are-slow": ("skipped", "no instance in service is unhealthy"),
                "shop-is-ill": ("dry-run", "the desired capacity would be 2, and is 1"),
            }
            self.assertEqual(told("remediation"), outcomes)
            self.assertEqual({outcome for outcome, _ in told("alarm").values()}, {"alarm"})
            self.assertIn("transitioned to ALARM", told("alarm")["shop-is-ill"][1])
        finally:
            # A composite goes before what it watches.
            for name in reversed(names):
                cloudwatch.delete_alarms(AlarmNames=[name])
            sns.delete_topic(TopicArn=topic)

    def test_every_sample_is_answered(self):
        for function in ("scaling-log", "alarm"):
            for sample in sorted((ROOT / "events" / function).glob("*.json")):
                with self.subTest(f"{function} {sample.stem}"):
                    self.assertIsNotNone(self.cloud.invoke(function, json.loads(sample.read_text())))

    def test_an_event_that_makes_no_sense_is_refused_with_what_would(self):
        with self.assertRaisesRegex(Failed, "neither alarmData"):
            self.cloud.invoke("alarm", {"hello": 1})


if __name__ == "__main__":
    unittest.main()
