"""What the record of the reconciler's calls shows: checks 3, 4 and 6."""

import json
from collections import Counter

from report import NO, NOT_SEEN, YES, Verdict

MARK = "envkeeper:owner"
# Calls that make something under another name than Create….
MAKES = ("AllocateAddress", "PutMetricAlarm", "PutDashboard", "PutQueryDefinition")
# They make a field of a parent that is marked, or are about tags themselves.
PARTS = ("CreateRoute", "CreateTags", "CreateOrUpdateTags", "CreateLaunchTemplateVersion")
# The services of which CloudTrail is known to record the tags in a request.
WITH_TAGS = ("autoscaling", "ec2", "iam")
UNKNOWN_PROFILE = "Invalid IAM Instance Profile"


def not_there_yet(missing):
    return [f"the last calls to {', '.join(missing)} never arrived in CloudTrail"] if missing else []


def marks(calls, missing):
    """Every resource carries its mark from its creating call on.

    A crash after a create would otherwise leave something that looks foreign. What AWS takes as tags in each creating
    call, and so records of it, no emulator knows: they read most parameters leniently, and record none.
    """
    makes = [it for it in calls if it.operation.startswith("Create") or it.operation in MAKES]
    makes = [it for it in makes if not it.error and it.operation not in PARTS]
    shown = [it for it in makes if it.request and MARK in it.request]
    bare = [it for it in makes if it not in shown and it.request and it.service in WITH_TAGS]
    untold = [it for it in makes if it not in shown and it not in bare]
    evidence = [f"{how}: {counted(which)}" for how, which in (
        ("with the mark", shown), ("WITHOUT the mark", bare), ("of which the record shows no tags", untold)
    ) if which]
    measured = {"marked": len(shown), "bare": len(bare), "untold": len(untold)}
    if bare:
        return Verdict(NO, evidence, measured)
    if missing or not shown:
        return Verdict(NOT_SEEN, [*evidence, *not_there_yet(missing)], measured)
    return Verdict(YES, evidence, measured)


def counted(calls):
    counts = Counter(it.operation for it in calls)
    return ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(counts.items()))


def profile_lag(calls, missing, group, lines):
    """The instance profile is waited for while Auto Scaling does not know it.

    IAM is eventually consistent, and only AWS is: how often the creating call of the group is refused, and for how long, is
    up to the day. `calls` are those of one create; `lines` what the reconciler's log says of the wait.
    """
    steps = [it for it in calls if it.operation == "CreateAutoScalingGroup" and (it.request is None or group in it.request)]
    made = next((it for it in steps if not it.error), None)
    refused = [it for it in steps if it.error and (made is None or it.at <= made.at)]
    ready = [it for it in calls if it.operation == "AddRoleToInstanceProfile" and made and it.at <= made.at]
    evidence = [f"{it.at:%H:%M:%S} refused: {it.error}" for it in refused]
    evidence += [f"in the reconciler's log: {it}" for it in lines]
    if made is None or not ready:
        return Verdict(NO if refused else NOT_SEEN, [*evidence, "no call is recorded that made the group", *not_there_yet(missing)])
    lag = (made.at - ready[-1].at).total_seconds()
    measured = {"seconds": lag, "refused": len(refused)}
    evidence += [f"the group was made {lag:.0f} s after the role was in its profile"]
    if any(UNKNOWN_PROFILE in it.error for it in refused):
        return Verdict(YES, evidence, measured)
    return Verdict(NOT_SEEN, [*evidence, "and no call was refused before"], measured)


def silent(calls, missing, window):
    """An update that changes nothing that is wanted makes no writing call.

    What AWS reads back differs from what was sent in ways that emulators do not have (defaults, order, case): each would
    be a change for ever. The update gives a property that has no effect after the create.
    """
    began, ended = window
    made = [it for it in calls if began <= it.at <= ended]
    if made:
        return Verdict(NO, [f"{it.at:%H:%M:%S} {it.service}:{it.operation} {it.error}".rstrip() for it in made])
    took = f"the update took {(ended - began).total_seconds():.0f} s"
    if missing:
        return Verdict(NOT_SEEN, [took, *not_there_yet(missing)])
    return Verdict(YES, [f"{took}; of {len(calls)} writing calls in the whole test none was in it"], {"writes": 0})


def waits_in_log(stack, since):
    """What the reconciler wrote of its wait for a profile, where the wait was longer than a turn."""
    group = f"/aws/lambda/{stack.account.project}-reconciler"
    asked = {"filterPattern": f'"{UNKNOWN_PROFILE}"', "startTime": int(since.timestamp() * 1_000)}
    events = stack.account.every("logs", "filter_log_events", logGroupName=group, **asked)["events"]
    lines = [json.loads(it["message"]) for it in events if it["message"].startswith("{")]
    return [f"{it.get('timestamp', '')} {it.get('waiting_for', '')}" for it in lines]
