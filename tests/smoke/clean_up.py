"""Removes what the smoke test made, whatever became of it, and tells what it could not remove."""

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud import Failed

# CloudFormation takes a delete while it creates, and while nothing goes on.
ATTEMPTS, GONE = 3, "gone"
BUSY = ("ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS")


def clean_up(stacks, say):
    """Deletes each stack, and then what it left; what goes wrong with one holds up no other."""
    for stack in stacks:
        try:
            remove(stack, say)
        except (Failed, ClientError, BotoCoreError) as error:
            say(f"  {stack.name}: {error}")


def remove(stack, say):
    """Looks again after each attempt: a create that was stopped may have come to its end beside the delete."""
    for _ in range(ATTEMPTS):
        status = stack.found()
        if status in BUSY:
            say(f"  waits until {stack.name} takes a delete")
            status = stack.account.until("it takes a delete", lambda: ended(stack))
        if status not in (None, GONE):
            delete_stack(stack, say)
        elif is_there(stack):
            delete_environment(stack, say)
        else:
            return


def is_there(stack):
    return stack.left() or stack.is_recorded()


def ended(stack):
    status = stack.found() or GONE
    return status if status not in BUSY else None


def delete_stack(stack, say):
    say(f"  deletes {stack.name}")
    if stack.delete() == "DELETE_FAILED":
        unlock(stack, say)
        say(f"  deletes {stack.name} again")
        stack.delete()


def delete_environment(stack, say):
    """Its stack is gone, and left it behind."""
    unlock(stack, say)
    say(f"  deletes {stack.names.environment}, which has no stack")
    stack.account.ask(stack.request_of_delete())
    stack.account.until("nothing is left of it", lambda: not is_there(stack))


def unlock(stack, say):
    """A delete may have failed for another reason than protection; then there may be nothing to unlock."""
    try:
        account, request = stack.account, stack.request("unlock")
        say(f"  {account.ask(request)['Text']}")
    except Failed as failed:
        say(f"  {failed}")


def left_behind(stacks):
    """What still exists, and the commands that remove it."""
    left, commands = [], []
    for stack in stacks:
        found, things = stack.found(), stack.left()
        left += [f"{kind} {name} {identity}" for kind, name, identity in things]
        left += [f"stack {stack.name} ({found}: {stack.reason()})"] if found else []
        commands += commands_for(stack, found) if found or things else []
    return left, commands


def commands_for(stack, found=True):
    """What removes a stack with its environment, or an environment without its stack."""
    if not found:
        return [stack.account.command(stack.request_of_delete())]
    delete = f"aws cloudformation delete-stack --region {stack.account.region} --stack-name {stack.name}"
    return [stack.account.command(stack.request("unlock")), delete]
