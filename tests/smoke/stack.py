"""A stack of the smoke test, and the environment in it."""

import json

from botocore.exceptions import ClientError

from local_cloud import Failed
from nine_checks import Names

LOGICAL_ID = "Web"
STACK = "AWS::CloudFormation::Stack"
# Seconds. A create waits for an instance, a delete for its drain and for its network interfaces.
LONGEST = 1_800


class Stack:
    """One stack, by its name until it is created and by its id from then on, so that it can be asked when it is gone."""

    def __init__(self, account, suffix):
        self.account, self.suffix, self.name, self.id = account, suffix, f"envkeeper-{suffix}", None
        self.names = Names(account.project, suffix, account.region, account.number)

    def cloudformation(self, operation, **asked):
        return getattr(self.account.client("cloudformation"), operation)(**asked)

    def create(self, template):
        """Creates it, waits until that has ended, whichever way, and tells its status."""

        def act():
            body = json.dumps(template)
            self.id = self.cloudformation("create_stack", StackName=self.name, TemplateBody=body)["StackId"]

        return self.ends(act)

    def update(self, template):
        return self.ends(
            lambda: self.cloudformation("update_stack", StackName=self.id, TemplateBody=json.dumps(template))
        )

    def delete(self):
        self.found()
        return self.ends(lambda: self.cloudformation("delete_stack", StackName=self.id))

    def ends(self, act):
        """The status that follows from what is done now, not from what was done before."""
        before = self.newest()
        act()

        def look():
            newest = self.newest()
            status = newest.get("ResourceStatus", "_IN_PROGRESS")
            is_new = newest.get("EventId") != before.get("EventId")
            return status if is_new and not status.endswith("_IN_PROGRESS") else None

        return self.account.until(f"the stack {self.name} comes to an end", look, LONGEST)

    def newest(self):
        return next((it for it in self.events() if it["ResourceType"] == STACK), {})

    def events(self):
        """All that CloudFormation told of it, the newest first."""
        if not self.id:
            return []
        return self.account.every("cloudformation", "describe_stack_events", StackName=self.id)["StackEvents"]

    def of_environment(self, *statuses):
        """What it told of the environment, the oldest first; only of some statuses, if any are named."""
        events = [it for it in reversed(self.events()) if it["LogicalResourceId"] == LOGICAL_ID]
        return [it for it in events if not statuses or it["ResourceStatus"] in statuses]

    def reason(self):
        """Why the environment failed last, or else whatever else did."""
        failed = [it for it in self.events() if it["ResourceStatus"].endswith("_FAILED")]
        failed.sort(key=lambda it: it["LogicalResourceId"] != LOGICAL_ID)
        return next((it.get("ResourceStatusReason", "") for it in failed), "no reason is told")

    def found(self):
        """Its status, or nothing if there is no stack of this name."""
        try:
            stack = self.cloudformation("describe_stacks", StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        self.id = stack["StackId"]
        return stack["StackStatus"]

    def left(self):
        """What exists of the environment: kind, name and id of each."""
        return self.account.holds(self.names)

    def is_recorded(self):
        """Whether some stack's resource has the environment, even if nothing of it is there."""
        return "Error" not in self.account.told(self.request("status"))

    def request(self, what, **more):
        """A request of a person about the environment."""
        return {"Request": what, "Environment": self.names.environment, **more}

    def request_of_delete(self):
        """Where its record may be lost, a delete says whose the environment was."""
        return self.request("delete", **({"StackId": self.id, "LogicalResourceId": LOGICAL_ID} if self.id else {}))

    def ledger(self, **having):
        """The lines of its ledger that have these values, each once, in the order of time."""
        group = self.names.log_groups()[0]
        events = self.account.every("logs", "filter_log_events", logGroupName=group)["events"]
        lines = [json.loads(it["message"]) for it in events]
        found = {it["id"]: it for it in lines if all(it.get(name) == value for name, value in having.items())}
        return sorted(found.values(), key=lambda it: it["time"])

    def must(self, status, wanted):
        """Fails with the reason if it came to another end."""
        if status != wanted:
            raise Failed(f"the stack {self.name} is {status}: {self.reason()}")
