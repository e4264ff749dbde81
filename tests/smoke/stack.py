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
    """One stack, addressed by its name until it is created and by its id from then on, so that a deleted stack can be read."""

    def __init__(self, account, suffix):
        self.account, self.suffix, self.name, self.id = account, suffix, f"envkeeper-{suffix}", None
        self.names = Names(account.project, suffix, account.region, account.number)

    def cloudformation(self, operation, **parameters):
        return getattr(self.account.client("cloudformation"), operation)(**parameters)

    def create(self, template):
        """Creates the stack, waits for its final status, successful or not, and returns the status."""

        def create():
            body = json.dumps(template)
            self.id = self.cloudformation("create_stack", StackName=self.name, TemplateBody=body)["StackId"]

        return self.status_after(create)

    def update(self, template):
        return self.status_after(
            lambda: self.cloudformation("update_stack", StackName=self.id, TemplateBody=json.dumps(template))
        )

    def delete(self):
        self.status()
        return self.status_after(lambda: self.cloudformation("delete_stack", StackName=self.id))

    def status_after(self, action):
        """The final status after an action, not the status that an earlier action left."""
        before = self.last_event()
        action()

        def final_status():
            last = self.last_event()
            status = last.get("ResourceStatus", "_IN_PROGRESS")
            is_new = last.get("EventId") != before.get("EventId")
            return status if is_new and not status.endswith("_IN_PROGRESS") else None

        return self.account.until(f"the stack {self.name} has a final status", final_status, LONGEST)

    def last_event(self):
        return next((it for it in self.events() if it["ResourceType"] == STACK), {})

    def events(self):
        """All of CloudFormation's events of the stack, the latest first."""
        if not self.id:
            return []
        return self.account.every("cloudformation", "describe_stack_events", StackName=self.id)["StackEvents"]

    def environment_events(self, *statuses):
        """CloudFormation's events of the environment, the oldest first; only those with the given statuses, if there are any."""
        events = [it for it in reversed(self.events()) if it["LogicalResourceId"] == LOGICAL_ID]
        return [it for it in events if not statuses or it["ResourceStatus"] in statuses]

    def reason(self):
        """The reason of the environment's last failure, or of another resource's last failure."""
        failed = [it for it in self.events() if it["ResourceStatus"].endswith("_FAILED")]
        failed.sort(key=lambda it: it["LogicalResourceId"] != LOGICAL_ID)
        return next((it.get("ResourceStatusReason", "") for it in failed), "no event has a reason")

    def status(self):
        """The stack's status, or None if no stack has this name."""
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

    def resources(self):
        """The resources of the environment that exist: kind, name and id of each."""
        return self.account.resources_of(self.names)

    def is_recorded(self):
        """Whether a stack's resource owns the environment, even if none of its resources exists."""
        status = self.account.try_request(self.request("status"))
        return "Error" not in status and status["State"] != "deleted"

    def request(self, kind, **more):
        """An operator request about the environment."""
        return {"Request": kind, "Environment": self.names.environment, **more}

    def delete_request(self):
        """The operator's delete. It names the former owner of the environment, since the record may be lost."""
        return self.request("delete", **({"StackId": self.id, "LogicalResourceId": LOGICAL_ID} if self.id else {}))

    def ledger(self, **having):
        """The entries of the environment's ledger that have these values, each once, in the order of time."""
        group = self.names.log_groups()[0]
        events = self.account.every("logs", "filter_log_events", logGroupName=group)["events"]
        entries = [json.loads(it["message"]) for it in events]
        found = {it["id"]: it for it in entries if all(it.get(name) == value for name, value in having.items())}
        return sorted(found.values(), key=lambda it: it["time"])

    def require(self, status, expected):
        """Fails with the reason if the stack has another status than the expected one."""
        if status != expected:
            raise Failed(f"the stack {self.name} is {status}: {self.reason()}")
