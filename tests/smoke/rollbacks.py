"""What CloudFormation does when a stack fails: checks 1 and 2."""

import templates
from report import NO, NOT_SEEN, YES, Verdict


def told(events):
    """What CloudFormation said of the environment, a line for each event."""
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
    stack.must(status, "ROLLBACK_COMPLETE")
    return judged_delete(stack.of_environment(), stack.names.environment, stack.left())


def judged_delete(events, environment, left):
    """The verdict on a Delete that followed a cancelled create."""
    ids = [it.get("PhysicalResourceId") for it in events if it["ResourceStatus"].startswith("DELETE_")]
    sent = next((it for it in ids if it), None)
    evidence = [*told(events)]
    if left:
        return Verdict(NO, [*evidence, f"left behind: {listed(left)}"], {"id": sent})
    if sent is None:
        return Verdict(NOT_SEEN, [*evidence, "no Delete was sent"])
    if sent == environment:
        return Verdict(NOT_SEEN, [*evidence, "the Delete had the environment's own id: the create was over"], {"id": sent})
    return Verdict(YES, [*evidence, f"the made-up id is {sent}; nothing is left"], {"id": sent})


def protection(stack, protected, instance_type):
    """Deletion protection holds up no rollback, and holds a plain delete until it is unlocked.

    Whether a stack rolls back is asked of CloudFormation while it does so, and the group's own deletion protection is
    lifted then. What AWS answers at these moments, and in which order, is a guess of the emulators.
    """
    back = rolls_back(stack, instance_type)
    held = is_held(protected)
    unlocked = goes_when_unlocked(protected)
    answers = [it.answer for it in (back, held, unlocked)]
    answer = next((it for it in (NO, NOT_SEEN) if it in answers), YES)
    return Verdict(answer, [*back.evidence, *held.evidence, *unlocked.evidence])


def rolls_back(stack, instance_type):
    status = stack.create(templates.rolled_back(stack, instance_type))
    if not stack.of_environment("CREATE_COMPLETE"):
        return Verdict(NOT_SEEN, [f"the environment that was to roll back never settled: {stack.reason()}"])
    left = stack.left()
    if status == "ROLLBACK_COMPLETE" and not left:
        return Verdict(YES, ["a protected environment went with its stack's rollback; nothing is left"])
    return Verdict(NO, [f"the rollback ended {status}: {stack.reason()}", f"left behind: {listed(left) or 'nothing'}"])


def is_held(stack):
    before = stack.left()
    status = stack.delete()
    if status == "DELETE_FAILED" and stack.left() == before and "DeletionProtection is true" in stack.reason():
        return Verdict(YES, [f"a plain delete was refused, with all {len(before)} resources as they were"])
    return Verdict(NO, [f"a plain delete ended {status}: {stack.reason()}"])


def goes_when_unlocked(stack):
    stack.account.ask(stack.request("unlock"))
    status, left = stack.delete(), stack.left()
    if status == "DELETE_COMPLETE" and not left:
        return Verdict(YES, ["it went once it was unlocked; nothing is left"])
    return Verdict(NO, [f"unlocked, the delete ended {status}: {stack.reason()}", f"left behind: {listed(left) or 'nothing'}"])
