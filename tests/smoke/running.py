"""A running environment, by its ledger and by what can be read of it: checks 5, 7 and 8."""

from datetime import datetime

import ledger
import nine_checks
from report import NO, NOT_SEEN, YES, Verdict
from templates import alarm_name
from trail import now

LAUNCH = "EC2 Instance-launch Lifecycle Action"
OF_INSTANCES = ("capacity", "launch", "gate", "drain", "terminate")
LONGEST = 1_200  # Seconds: the launch gate's ten minutes, an instance's start, and some for the events.


def hooks(stack):
    """Hooks are answered in time: each launch is let into service, each end is drained, and the ledger tells it.

    How soon AWS tells of a hook, how long an instance boots and runs its user data, and when its agent is online: in the
    simulator these are settings. Two instances are launched, and one ends.
    """
    scale(stack, 2)
    gates = stack.account.until("two verdicts of the gate", lambda: enough(stack, 2, kind="gate"), LONGEST)
    if all(it["outcome"] == "continue" for it in gates):
        stack.account.until("two launches in the ledger", lambda: enough(stack, 2, kind="launch"), LONGEST)
    scale(stack, 1)
    drains = stack.account.until("a drain", lambda: enough(stack, 1, kind="drain"), LONGEST)
    stack.account.until("the end of the instance", lambda: enough(stack, 1, kind="terminate"), LONGEST)
    return judged_hooks(stack.ledger(), gates, drains)


def scale(stack, to):
    scaling = stack.account.client("autoscaling")
    scaling.set_desired_capacity(AutoScalingGroupName=stack.names.of("asg"), DesiredCapacity=to, HonorCooldown=False)


def enough(stack, count, **having):
    lines = stack.ledger(**having)
    return lines if len(lines) >= count else None


def judged_hooks(lines, gates, drains):
    """From the launch's event to the verdict, for each instance; and how long the drain took."""
    told = {it["instance"]: it["time"] for it in lines if it["kind"] == "lifecycle" and it.get("event") == LAUNCH}
    seconds = {it["instance"]: between(told[it["instance"]], it["time"]) for it in gates if it["instance"] in told}
    evidence = [f"{instance}: {it:.1f} s from its launch's event to the verdict" for instance, it in seconds.items()]
    evidence += [ledger.sentence(it) for it in lines if it["kind"] in OF_INSTANCES]
    measured = {"gate_seconds": seconds, "drain_seconds": {it["instance"]: it.get("seconds") for it in drains}}
    outcomes = {it["outcome"] for it in (*gates, *drains)}
    changes = {(it["cause"]["desiredBefore"], it["cause"]["desiredAfter"]) for it in lines if it["kind"] == "capacity"}
    if outcomes - {"continue", "drained"}:
        return Verdict(NO, evidence, measured)
    if len(seconds) < len(gates) or not {(1, 2), (2, 1)} <= changes:
        return Verdict(NOT_SEEN, [*evidence, "the ledger lacks the event of a launch, or a change of the capacity"], measured)
    return Verdict(YES, evidence, measured)


def between(earlier, later):
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def direct_alarm(stack):
    """A CloudWatch alarm that names the function `alarm` as its action is acted on.

    Neither emulator lets an alarm invoke a function; the local cloud plays that, permission unseen. The alarm's name is one
    that no rule of EventBridge matches, so what is heard came directly. Its rule is a dry run: nothing changes.
    """
    name, began = alarm_name(stack), now()
    cloudwatch = stack.account.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="the smoke test")

    def look():
        lines = stack.ledger(kind="remediation")
        return next((it for it in lines if it.get("cause", {}).get("alarm") == name), None)

    line = stack.account.until(f"the ledger tells of {name}", look, 300)
    seconds = (datetime.fromisoformat(line["time"]) - began).total_seconds()
    asked = {"AlarmName": name, "HistoryItemType": "Action"}
    history = stack.account.every("cloudwatch", "describe_alarm_history", **asked)["AlarmHistoryItems"]
    evidence = [ledger.sentence(line), f"{seconds:.1f} s after its state was set"]
    evidence += [f"CloudWatch: {it['HistorySummary']}" for it in history]
    return Verdict(YES if line["outcome"] == "dry-run" else NO, evidence, {"seconds": seconds})


def as_documented(stack):
    """The nine checks hold: user data, alarms, log groups, policies, protection, access logs, names.

    They read what AWS itself gives back, with defaults and orders of its own. Three of them have a part that shows only in
    what is done, which is for the other checks.
    """
    expected = nine_checks.Expected(retention=1, protected=True)
    verdicts = nine_checks.check(stack.account.client, stack.names, expected)
    wrong = [it for it in verdicts.values() if it["ok"] is False]
    return Verdict(NO if wrong else YES, nine_checks.table(verdicts))
