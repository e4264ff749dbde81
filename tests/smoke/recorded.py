"""Checks 3, 4 and 6: verdicts on the recorded calls of the reconciler."""

import json
from collections import Counter

from report import NO, NOT_OBSERVED, YES, Verdict

MARK = "envkeeper:owner"
# Calls that create a resource, with names that do not begin with Create.
CREATE_CALLS = ("AllocateAddress", "PutMetricAlarm", "PutDashboard", "PutQueryDefinition")
# Calls that create a field of a marked parent, or whose subject is tags.
PARTS = ("CreateRoute", "CreateTags", "CreateOrUpdateTags", "CreateLaunchTemplateVersion")
# The services whose requests have their tags in CloudTrail, as far as known.
WITH_TAGS = ("autoscaling", "ec2", "iam")
UNKNOWN_PROFILE = "Invalid IAM Instance Profile"


def not_arrived(missing):
    return [f"the last calls to {', '.join(missing)} never arrived in CloudTrail"] if missing else []


def marks(calls, missing):
    """Every resource carries its mark from its creating call on.

    Otherwise a crash after a create would leave a resource that appears foreign. No emulator knows the tags that AWS accepts in
    each creating call, and therefore records: emulators read most parameters leniently, and record none.
    """
    creates = [it for it in calls if it.operation.startswith("Create") or it.operation in CREATE_CALLS]
    creates = [it for it in creates if not it.error and it.operation not in PARTS]
    marked = [it for it in creates if it.request and MARK in it.request]
    bare = [it for it in creates if it not in marked and it.request and it.service in WITH_TAGS]
    without_tags = [it for it in creates if it not in marked and it not in bare]
    groups = (("with the mark", marked), ("WITHOUT the mark", bare), ("whose record has no tags", without_tags))
    evidence = [f"{title}: {counted(group)}" for title, group in groups if group]
    measured = {"marked": len(marked), "bare": len(bare), "without_tags": len(without_tags)}
    if bare:
        return Verdict(NO, evidence, measured)
    if missing or not marked:
        return Verdict(NOT_OBSERVED, [*evidence, *not_arrived(missing)], measured)
    return Verdict(YES, evidence, measured)


def counted(calls):
    counts = Counter(it.operation for it in calls)
    return ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(counts.items()))


def profile_lag(calls, missing, group, lines):
    """The reconciler waits for the instance profile while Auto Scaling does not know it.

    IAM is eventually consistent, and no emulator is: the number of rejected calls that create the group, and the length of the
    wait, differ from day to day. `calls` are those of one create; `lines` are the reconciler's log lines about the wait.
    """
    creates = [it for it in calls if it.operation == "CreateAutoScalingGroup" and (it.request is None or group in it.request)]
    created = next((it for it in creates if not it.error), None)
    rejected = [it for it in creates if it.error and (created is None or it.at <= created.at)]
    ready = [it for it in calls if it.operation == "AddRoleToInstanceProfile" and created and it.at <= created.at]
    evidence = [f"{it.at:%H:%M:%S} rejected: {it.error}" for it in rejected]
    evidence += [f"in the reconciler's log: {it}" for it in lines]
    if created is None or not ready:
        evidence += ["no recorded call created the group", *not_arrived(missing)]
        return Verdict(NO if rejected else NOT_OBSERVED, evidence)
    lag = (created.at - ready[-1].at).total_seconds()
    measured = {"seconds": lag, "rejected": len(rejected)}
    evidence += [f"the group was created {lag:.0f} s after the role was added to its profile"]
    if any(UNKNOWN_PROFILE in it.error for it in rejected):
        return Verdict(YES, evidence, measured)
    return Verdict(NOT_OBSERVED, [*evidence, "no earlier call was rejected"], measured)


def silent(calls, missing, window):
    """An update that changes no desired resource makes no write call.

    The values that AWS returns differ from the values that were sent in ways that emulators do not have (defaults, order, case):
    each difference would cause a change in every update. The update sets a property that has no effect after the create.
    """
    began, ended = window
    writes = [it for it in calls if began <= it.at <= ended]
    if writes:
        return Verdict(NO, [f"{it.at:%H:%M:%S} {it.service}:{it.operation} {it.error}".rstrip() for it in writes])
    duration = f"the update took {(ended - began).total_seconds():.0f} s"
    if missing:
        return Verdict(NOT_OBSERVED, [duration, *not_arrived(missing)])
    return Verdict(YES, [f"{duration}; none of the {len(calls)} write calls of the whole test is in it"], {"writes": 0})


def waits_in_log(stack, since):
    """The reconciler's log lines about its wait for a profile, if the wait was longer than a pass."""
    group = f"/aws/lambda/{stack.account.project}-reconciler"
    parameters = {"filterPattern": f'"{UNKNOWN_PROFILE}"', "startTime": int(since.timestamp() * 1_000)}
    events = stack.account.every("logs", "filter_log_events", logGroupName=group, **parameters)["events"]
    lines = [json.loads(it["message"]) for it in events if it["message"].startswith("{")]
    return [f"{it.get('timestamp', '')} {it.get('waiting_for', '')}" for it in lines]
