"""Deletes the resources of the smoke test in any state, and reports the resources that remain."""

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud import Failed

# CloudFormation accepts a delete during a create, and when no operation is in progress.
ATTEMPTS, DELETED = 4, "deleted"
IN_PROGRESS = ("ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS")


def clean_up(stacks, say):
    """Deletes each stack, and then the resources that the stack left behind. The failure of one stack blocks no other stack."""
    for stack in stacks:
        try:
            remove(stack, say)
        except (Failed, ClientError, BotoCoreError) as error:
            say(f"  {stack.name}: {error}")


def remove(stack, say):
    """Checks again after each attempt: an interrupted create may have completed at the same time as the delete, also between the
    check for the stack and the delete of its environment, which is rejected then."""
    for _ in range(ATTEMPTS):
        try:
            if delete_once(stack, say):
                return
        except Failed as failed:
            say(f"  {stack.name}: {failed}")


def delete_once(stack, say):
    """Deletes the stack, or the environment that it left behind; returns whether neither existed."""
    status = stack.status()
    if status in IN_PROGRESS:
        say(f"  waits until {stack.name} accepts a delete")
        status = stack.account.until(f"{stack.name} accepts a delete", lambda: final_status(stack))
    if status not in (None, DELETED):
        delete_stack(stack, say)
    elif exists(stack):
        delete_environment(stack, say)
    else:
        return True
    return False


def exists(stack):
    return stack.resources() or stack.is_recorded()


def final_status(stack):
    status = stack.status() or DELETED
    return status if status not in IN_PROGRESS else None


def delete_stack(stack, say):
    say(f"  deletes {stack.name}")
    if stack.delete() == "DELETE_FAILED":
        unlock(stack, say)
        say(f"  deletes {stack.name} again")
        stack.delete()


def delete_environment(stack, say):
    """Deletes an environment that its deleted stack left behind."""
    unlock(stack, say)
    say(f"  deletes {stack.names.environment}, which has no stack")
    stack.account.request(stack.delete_request())
    stack.account.until(f"{stack.names.environment} is deleted", lambda: not exists(stack))


def unlock(stack, say):
    """Unlocks the environment. A delete may have failed for a reason other than protection; the unlock may then be rejected."""
    try:
        account, request = stack.account, stack.request("unlock")
        say(f"  {account.request(request)['Text']}")
    except Failed as failed:
        say(f"  {failed}")


def left_behind(stacks):
    """The resources that still exist, and the commands that delete them."""
    left, commands = [], []
    for stack in stacks:
        status, resources = stack.status(), stack.resources()
        left += [f"{kind} {name} {identity}" for kind, name, identity in resources]
        left += [f"stack {stack.name} ({status}: {stack.reason()})"] if status else []
        commands += commands_for(stack, status) if status or resources else []
    return left, commands


def commands_for(stack, status="unknown"):
    """The commands that delete a stack with its environment, or an environment without a stack."""
    if not status:
        return [stack.account.command(stack.delete_request())]
    delete = f"aws cloudformation delete-stack --region {stack.account.region} --stack-name {stack.name}"
    return [stack.account.command(stack.request("unlock")), delete]
