"""Announces the run, and asks for consent. Without the account's number nothing is created."""

import os

import prices
from account import NotStarted


def announce(account, stacks, instance_type):
    """The account, the deployment and the actions of the run."""
    yield f"The smoke test of Envkeeper, on {account.where}."
    yield f"   account    {account.number}, as {account.caller}"
    yield f"   region     {account.region}"
    built = ", ".join(sorted({it for function in account.functions for it in function.get("Architectures", [])}))
    yield f"   deployed   {len(account.functions)} functions {account.project}-… ({built}), from the export {account.token}:"
    yield f"              {', '.join(it['FunctionName'].removeprefix(account.project + '-') for it in account.functions)}"
    yield "The run creates three stacks with one environment each. The end of the run, also of a failed one, deletes them:"
    for stack, scenario in stacks.items():
        yield f"   {stack.name:<26} {stack.names.environment}: {scenario}"
    yield "Each environment has a VPC with public addresses and no NAT gateway."
    yield "At most two environments, and two instances, exist at once."
    yield f"The functions' log lines remain for their retention. The run takes {prices.MINUTES[0]} to {prices.MINUTES[1]} minutes;"
    yield "up to 15 of them are a wait for CloudTrail, when no billed resource exists any more."
    costs = prices.cost(instance_type)
    yield f"It costs about ${sum(costs.values()):.2f} ({prices.LIST}):"
    yield from (f"   ${dollars:.4f}  {item}" for item, dollars in costs.items())
    yield f"Resources that are left behind would cost ${prices.per_day(instance_type):.2f} a day; the end of the run lists them."


def reject_existing(stacks):
    """Rejects names that are in use: an environment of the same name may belong to another operator."""
    found = [f"the stack {it.name} ({status})" for it in stacks if (status := it.status())]
    found += [f"the environment {it.names.environment}" for it in stacks if it.is_recorded()]
    found += [f"{kind} {name}" for it in stacks for kind, name, _ in it.resources()]
    if found:
        raise NotStarted(f"These exist already: {', '.join(found)}. Choose another --suffix, or delete them.")


def ask(account):
    """Asks for the account's number, which is the only consent."""
    number, given = account.number, os.environ.get("SMOKE_YES")
    if given is None:
        try:
            given = input(f"Type the account's number ({number}) to continue: ")
        except (EOFError, KeyboardInterrupt):
            given = ""
    if given.strip() != number:
        raise NotStarted("That is not the account's number. Nothing was created.")
