"""Says what will happen, and asks. Without the account's number nothing is created."""

import os

import prices
from account import Refused


def announce(account, stacks, instance_type):
    """Where it would run, on what, and what it would do."""
    yield f"The smoke test of Envkeeper, on {account.where}."
    yield f"   account    {account.number}, as {account.caller}"
    yield f"   region     {account.region}"
    built = ", ".join(sorted({it for function in account.functions for it in function.get("Architectures", [])}))
    yield f"   deployed   {len(account.functions)} functions {account.project}-… ({built}), by the export {account.token}:"
    yield f"              {', '.join(it['FunctionName'].removeprefix(account.project + '-') for it in account.functions)}"
    yield "It creates three stacks with an environment each, and deletes them again, whatever happens:"
    for stack, what in stacks.items():
        yield f"   {stack.name:<26} {stack.names.environment}: {what}"
    yield "Each has a VPC with public addresses and no NAT gateway; at most two of them, and two instances, are there at once."
    yield f"Log lines of the functions stay for their retention. It takes {prices.MINUTES[0]} to {prices.MINUTES[1]} minutes;"
    yield "up to 15 of them wait for CloudTrail, with nothing left that is paid for."
    costs = prices.cost(instance_type)
    yield f"It costs about ${sum(costs.values()):.2f} ({prices.LIST}):"
    yield from (f"   ${dollars:.4f}  {what}" for what, dollars in costs.items())
    yield f"Were it left behind, a day would cost ${prices.per_day(instance_type):.2f}; the end of the run says what is left."


def refuse_what_exists(stacks):
    """An environment of the same name may be somebody's."""
    found = [f"the stack {it.name} ({status})" for it in stacks if (status := it.found())]
    found += [f"the environment {it.names.environment}" for it in stacks if it.is_recorded()]
    found += [f"{kind} {name}" for it in stacks for kind, name, _ in it.left()]
    if found:
        raise Refused(f"There already is: {', '.join(found)}. Choose another --suffix, or remove it.")


def ask(account):
    """The account's number is the only yes."""
    wanted, given = account.number, os.environ.get("SMOKE_YES")
    if given is None:
        try:
            given = input(f"Type the account's number ({wanted}) to go on: ")
        except (EOFError, KeyboardInterrupt):
            given = ""
    if given.strip() != wanted:
        raise Refused("That is not the account's number. Nothing was created.")
