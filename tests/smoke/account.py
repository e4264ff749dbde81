"""The account of the smoke test: AWS, selected by the variables that AWS's tools use, or the project's local cloud."""

import functools
import json
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import inventory
from local_cloud import FUNCTIONS, Failed
from nine_checks import specific_part
from trail import CloudTrail, Recorder

AWS = "AWS"
# The name of the functions' stack in the documentation.
STACK = "envkeeper"


class NotStarted(Exception):
    """The smoke test does not start, with the reason as a text for the operator. Nothing was created."""


class Account:
    """Calls to the account. Each client is created once; every list is read to its end."""

    pause = 5.0  # Seconds between two polls: the account's quotas are shared.
    sibling_seconds = 20  # After this time a create is in progress, and its instance is not yet in service.

    def __init__(self, client, stack=STACK):
        self.client = functools.cache(client)
        # The exports of the functions' stack begin with the stack's name.
        self.token, self.alarm_function = f"{stack}-service-token", f"{stack}-alarm-function"
        sts = self.client("sts").meta
        # An AWS_ENDPOINT_URL outside of AWS must not be reported as AWS.
        self.region, self.where = sts.region_name, AWS if ".amazonaws.com" in sts.endpoint_url else sts.endpoint_url
        caller = self.client("sts").get_caller_identity()
        self.number, self.caller = caller["Account"], caller["Arn"]
        self.exports = {it["Name"]: it["Value"] for it in self.every("cloudformation", "list_exports")["Exports"]}
        missing = [name for name in (self.token, self.alarm_function) if name not in self.exports]
        if missing:
            reason = f"{self.region} has no export {' and no '.join(missing)}"
            raise NotStarted(f"{reason}: deploy the functions first (README, Deploy it), or name their stack (--stack).")
        custom_resource = self.exports[self.token].rsplit(":", 1)[1]
        self.project = custom_resource.removesuffix("-custom-resource")
        self.functions = [self.function(f"{self.project}-{name}") for name in FUNCTIONS]
        self.trail = CloudTrail(self)

    def every(self, service, operation, region=None, **parameters):
        """The response of an operation, with all its pages."""
        client = self.client(service, region) if region else self.client(service)
        if client.can_paginate(operation):
            return client.get_paginator(operation).paginate(**parameters).build_full_result()
        return getattr(client, operation)(**parameters)

    def function(self, name):
        try:
            return self.client("lambda").get_function_configuration(FunctionName=name)
        except ClientError as error:
            raise NotStarted(f"The function {name} cannot be read: {error}") from error

    def try_request(self, request):
        """The result of an operator request. A rejected request has the reason in `Error`."""
        name = f"{self.project}-operator"
        response = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(request))
        result = json.load(response["Payload"])
        if "FunctionError" in response:
            raise Failed(f"{name}: {result}")
        return result

    def request(self, request):
        """The result of an operator request; Failed if the request is rejected."""
        result = self.try_request(request)
        if "Error" in result:
            raise Failed(f"{request['Request']}: {result['Error']}")
        return result

    def command(self, request):
        """The operator request as a command for bash or zsh, in a form that both versions of the CLI accept."""
        return (
            f"aws lambda invoke --region {self.region} --function-name {self.project}-operator "
            f"--payload fileb:///dev/stdin /dev/stdout <<< '{json.dumps(request)}'"
        )

    def until(self, condition, poll, limit=900, pause=None):
        """Polls until `poll` returns a true value, and returns that value. Fails after `limit` seconds with the name
        `condition`."""
        began = time.monotonic()
        while not (found := poll()):
            if time.monotonic() - began > limit:
                raise Failed(f"{condition}: not within {limit} s")
            time.sleep(pause or self.pause)
        return found

    def resources_of(self, names):
        """The resources that carry the tag or one of the names of an environment: kind, name and id of each."""
        inventory.PREFIX = f"{self.project}-"
        found = inventory.inventory(lambda service: Paged(self, service))
        return [it for it in found if specific_part(names, it[0].replace("-", " "), it[1]) is not None]


class Paged:
    """A client of boto3 for `inventory` that reads every list to its end."""

    def __init__(self, account, service):
        self.account, self.service = account, service

    def __getattr__(self, operation):
        return functools.partial(self.account.every, self.service, operation)


class LocalAccount(Account):
    """The local cloud: an operator can try the smoke test there, and a test runs the smoke test there."""

    pause = 0.3
    sibling_seconds = 2

    def __init__(self, cloud):
        super().__init__(cloud.client)
        self.where = "the local cloud"
        self.trail = Recorder(cloud)


def of_aws(region, stack=STACK):
    """The account of AWS that the standard variables select."""
    session = boto3.Session(region_name=region)
    if not session.region_name:
        raise NotStarted("No region is set: AWS_DEFAULT_REGION, or --region.")
    config = Config(retries={"mode": "standard", "max_attempts": 10})
    try:
        return Account(lambda service, region=None: session.client(service, region_name=region, config=config), stack)
    except (BotoCoreError, ClientError) as error:
        raise NotStarted(f"The account cannot be read: {error}") from error
