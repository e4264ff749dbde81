"""Checks 1 and 2: CloudFormation's behaviour when a stack fails."""

import templates
from report import NO, NOT_OBSERVED, YES, Verdict


def summary(events):
    """CloudFormation's events about the environment, a line for each."""
    for it in events:
        reason = f": {it['ResourceStatusReason']}" if it.get("ResourceStatusReason") else ""
        yield f"{it['Timestamp']:%H:%M:%S} {it['ResourceStatus']} {it.get('PhysicalResourceId') or '-'}{reason}"


def listed(left):
    return ", ".join(f"{kind} {name}" for kind, name, _ in left)


def made_up_id(stack, instance_type):
    """A Delete with an id that CloudFormation made up leaves nothing.

    When a sibling fails, CloudFormation cancels a create that still runs and sends a Delete with an id of its own
    (cloudformation-coverage-roadmap #1814). The emulator waits for the create, and sends no such Delete.
    """
    status = stack.create(templates.cancelled(stack, instance_type))
    stack.require(status, "ROLLBACK_COMPLETE")
    return judged_delete(stack.environment_events(), stack.names.environment, stack.resources())


def judged_delete(events, environment, left):
    """The verdict on a Delete that followed a cancelled create."""
    ids = [it.get("PhysicalResourceId") for it in events if it["ResourceStatus"].startswith("DELETE_")]
    sent = next((it for it in ids if it), None)
    evidence = [*summary(events)]
    if left:
        return Verdict(NO, [*evidence, f"left behind: {listed(left)}"], {"id": sent})
    if sent is None:
        return Verdict(NOT_OBSERVED, [*evidence, "no Delete was sent"])
    if sent == environment:
        reason = "the Delete had the environment's own id: the create was complete"
        return Verdict(NOT_OBSERVED, [*evidence, reason], {"id": sent})
    return Verdict(YES, [*evidence, f"the made-up id is {sent}; no resource is left"], {"id": sent})


def protection(stack, protected, instance_type):
    """Deletion protection blocks no rollback, and blocks a plain delete until it is unlocked.

    The reconciler asks CloudFormation during a rollback whether the stack rolls back, and then lifts the group's own deletion
    protection. The emulators guess AWS's responses at these times, and their order.
    """
    rollback = rolls_back(stack, instance_type)
    blocked = is_blocked(protected)
    unlocked = is_deleted_when_unlocked(protected)
    results = [it.result for it in (rollback, blocked, unlocked)]
    result = next((it for it in (NO, NOT_OBSERVED) if it in results), YES)
    return Verdict(result, [*rollback.evidence, *blocked.evidence, *unlocked.evidence])


def rolls_back(stack, instance_type):
    status = stack.create(templates.rolled_back(stack, instance_type))
    if not stack.environment_events("CREATE_COMPLETE"):
        return Verdict(NOT_OBSERVED, [f"the environment for the rollback never settled: {stack.reason()}"])
    left = stack.resources()
    if status == "ROLLBACK_COMPLETE" and not left:
        return Verdict(YES, ["the stack's rollback deleted the protected environment; no resource is left"])
    return Verdict(NO, [f"the rollback ended with {status}: {stack.reason()}", f"left behind: {listed(left) or 'nothing'}"])


def is_blocked(stack):
    before = stack.resources()
    status = stack.delete()
    if status == "DELETE_FAILED" and stack.resources() == before and "DeletionProtection is true" in stack.reason():
        return Verdict(YES, [f"a plain delete was rejected, and all {len(before)} resources are unchanged"])
    return Verdict(NO, [f"a plain delete ended with {status}: {stack.reason()}"])


def is_deleted_when_unlocked(stack):
    stack.account.request(stack.request("unlock"))
    status, left = stack.delete(), stack.resources()
    if status == "DELETE_COMPLETE" and not left:
        return Verdict(YES, ["the unlocked environment was deleted; no resource is left"])
    reasons = [f"the delete of the unlocked environment ended with {status}: {stack.reason()}"]
    return Verdict(NO, [*reasons, f"left behind: {listed(left) or 'nothing'}"])
