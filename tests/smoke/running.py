"""Checks 5, 7 and 8: a running environment, from its ledger and its readable state."""

from datetime import datetime

import ledger
import nine_checks
from report import NO, NOT_OBSERVED, YES, Verdict
from templates import alarm_name
from trail import now

LAUNCH = "EC2 Instance-launch Lifecycle Action"
INSTANCE_KINDS = ("capacity", "launch", "gate", "drain", "terminate")
LONGEST = 1_200  # Seconds: the launch gate's ten minutes, the start of an instance, and a margin for the events.


def hooks(stack):
    """Hooks complete in time: each launch is released into service, each terminating instance is drained, and the ledger has both.

    The delay of AWS's hook events, the time of boot and user data, and the time until the agent is online are settings in the
    simulator. Two instances are launched, and one terminates.
    """
    scale(stack, 2)
    gates = stack.account.until("two verdicts of the gate", lambda: enough(stack, 2, kind="gate"), LONGEST)
    if all(it["outcome"] == "continue" for it in gates):
        stack.account.until("two launches in the ledger", lambda: enough(stack, 2, kind="launch"), LONGEST)
    scale(stack, 1)
    drains = stack.account.until("a drain", lambda: enough(stack, 1, kind="drain"), LONGEST)
    stack.account.until("the termination of the instance", lambda: enough(stack, 1, kind="terminate"), LONGEST)
    return judged_hooks(stack.ledger(), gates, drains)


def scale(stack, to):
    scaling = stack.account.client("autoscaling")
    scaling.set_desired_capacity(AutoScalingGroupName=stack.names.of("asg"), DesiredCapacity=to, HonorCooldown=False)


def enough(stack, count, **having):
    entries = stack.ledger(**having)
    return entries if len(entries) >= count else None


def judged_hooks(entries, gates, drains):
    """The verdict: for each instance the time from the launch's event to the gate's verdict, and the duration of the drain."""
    launches = {it["instance"]: it["time"] for it in entries if it["kind"] == "lifecycle" and it.get("event") == LAUNCH}
    seconds = {it["instance"]: between(launches[it["instance"]], it["time"]) for it in gates if it["instance"] in launches}
    evidence = [f"{instance}: {it:.1f} s from its launch's event to the verdict" for instance, it in seconds.items()]
    evidence += [ledger.line(it) for it in entries if it["kind"] in INSTANCE_KINDS]
    measured = {"gate_seconds": seconds, "drain_seconds": {it["instance"]: it.get("seconds") for it in drains}}
    outcomes = {it["outcome"] for it in (*gates, *drains)}
    changes = {(it["cause"]["desiredBefore"], it["cause"]["desiredAfter"]) for it in entries if it["kind"] == "capacity"}
    if outcomes - {"continue", "drained"}:
        return Verdict(NO, evidence, measured)
    if len(seconds) < len(gates) or not {(1, 2), (2, 1)} <= changes:
        reason = "the ledger lacks the event of a launch, or a change of the capacity"
        return Verdict(NOT_OBSERVED, [*evidence, reason], measured)
    return Verdict(YES, evidence, measured)


def between(earlier, later):
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def direct_alarm(stack):
    """A CloudWatch alarm that names the function `alarm` as its action invokes the function.

    Neither emulator lets an alarm invoke a function; the local cloud imitates that without checking the permission. No rule of
    EventBridge matches the alarm's name, so an invocation is a direct one. The alarm's rule is a dry run: nothing changes.
    """
    name, began = alarm_name(stack), now()
    cloudwatch = stack.account.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="the smoke test")

    def remediation():
        entries = stack.ledger(kind="remediation")
        return next((it for it in entries if it.get("cause", {}).get("alarm") == name), None)

    entry = stack.account.until(f"the ledger has a remediation for {name}", remediation, 300)
    seconds = (datetime.fromisoformat(entry["time"]) - began).total_seconds()
    parameters = {"AlarmName": name, "HistoryItemType": "Action"}
    history = stack.account.every("cloudwatch", "describe_alarm_history", **parameters)["AlarmHistoryItems"]
    evidence = [ledger.line(entry), f"{seconds:.1f} s after its state was set"]
    evidence += [f"CloudWatch: {it['HistorySummary']}" for it in history]
    return Verdict(YES if entry["outcome"] == "dry-run" else NO, evidence, {"seconds": seconds})


def as_documented(stack):
    """The nine checks hold: user data, alarms, log groups, policies, protection, access logs, names.

    They read the values that AWS itself returns, with AWS's defaults and orders. Three of them have a part that only a trial of
    a behaviour shows; the other checks of this test are those trials.
    """
    expected = nine_checks.Expected(retention=1, protected=True)
    verdicts = nine_checks.check(stack.account.client, stack.names, expected)
    wrong = [it for it in verdicts.values() if it["ok"] is False]
    return Verdict(NO if wrong else YES, nine_checks.table(verdicts))
