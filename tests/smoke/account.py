"""The account that the smoke test runs in: AWS, by the variables that AWS's tools use, or the project's local cloud."""

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
# The stack of the functions, as the documentation calls it.
STACK = "envkeeper"


class Refused(Exception):
    """The smoke test does not begin; why, for a person. Nothing was created."""


class Account:
    """What is asked of the account. Clients are made once; every list is read to its end."""

    pause = 5.0  # Seconds between two looks: the account's quotas are shared.
    sibling_seconds = 20  # By then a create has begun, and its instance is not yet in service.

    def __init__(self, client, stack=STACK):
        self.client = functools.cache(client)
        # The exports of the functions' stack begin with its name.
        self.token, self.alarm_function = f"{stack}-service-token", f"{stack}-alarm-function"
        sts = self.client("sts").meta
        # Whatever AWS_ENDPOINT_URL leads to is not AWS, and is not to be reported as such.
        self.region, self.where = sts.region_name, AWS if ".amazonaws.com" in sts.endpoint_url else sts.endpoint_url
        caller = self.client("sts").get_caller_identity()
        self.number, self.caller = caller["Account"], caller["Arn"]
        self.exports = {it["Name"]: it["Value"] for it in self.every("cloudformation", "list_exports")["Exports"]}
        missing = [name for name in (self.token, self.alarm_function) if name not in self.exports]
        if missing:
            lacks = f"There is no export {' and no '.join(missing)} in {self.region}"
            raise Refused(f"{lacks}: deploy the functions first (README, Deploy it), or name their stack (--stack).")
        door = self.exports[self.token].rsplit(":", 1)[1]
        self.project = door.removesuffix("-custom-resource")
        self.functions = [self.function(f"{self.project}-{name}") for name in FUNCTIONS]
        self.trail = CloudTrail(self)

    def every(self, service, operation, region=None, **asked):
        """An answer with all its pages."""
        client = self.client(service, region) if region else self.client(service)
        if client.can_paginate(operation):
            return client.get_paginator(operation).paginate(**asked).build_full_result()
        return getattr(client, operation)(**asked)

    def function(self, name):
        try:
            return self.client("lambda").get_function_configuration(FunctionName=name)
        except ClientError as error:
            raise Refused(f"The function {name} is not there: {error}") from error

    def told(self, request):
        """What the door tells a person: an answer, or what is wrong in `Error`."""
        name = f"{self.project}-custom-resource"
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(request))
        told = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise Failed(f"{name}: {told}")
        return told

    def ask(self, request):
        """The same, but for what is wrong."""
        told = self.told(request)
        if "Error" in told:
            raise Failed(f"{request['Request']}: {told['Error']}")
        return told

    def command(self, request):
        """The same as a command for bash or zsh, which both versions of the CLI take."""
        return (
            f"aws lambda invoke --region {self.region} --function-name {self.project}-custom-resource "
            f"--payload fileb:///dev/stdin /dev/stdout <<< '{json.dumps(request)}'"
        )

    def until(self, what, look, limit=900, pause=None):
        """Looks until there is something to see; Failed after so many seconds."""
        began = time.monotonic()
        while not (found := look()):
            if time.monotonic() - began > limit:
                raise Failed(f"{what}: not within {limit} s")
            time.sleep(pause or self.pause)
        return found

    def holds(self, names):
        """What carries the tag or one of the names of an environment: kind, name and id of each."""
        inventory.PREFIX = f"{self.project}-"
        found = inventory.inventory(lambda service: Paged(self, service))
        return [it for it in found if specific_part(names, it[0].replace("-", " "), it[1]) is not None]


class Paged:
    """A client of boto3 as `inventory` takes it, but for the whole of every list."""

    def __init__(self, account, service):
        self.account, self.service = account, service

    def __getattr__(self, operation):
        return functools.partial(self.account.every, self.service, operation)


class LocalAccount(Account):
    """The local cloud, so that the smoke test can be tried and is tested itself."""

    pause = 0.3
    sibling_seconds = 2

    def __init__(self, cloud):
        super().__init__(cloud.client)
        self.where = "the local cloud"
        self.trail = Recorder(cloud)


def of_aws(region, stack=STACK):
    """The account of AWS that the standard variables point at."""
    session = boto3.Session(region_name=region)
    if not session.region_name:
        raise Refused("No region is set: AWS_DEFAULT_REGION, or --region.")
    config = Config(retries={"mode": "standard", "max_attempts": 10})
    try:
        return Account(lambda service, region=None: session.client(service, region_name=region, config=config), stack)
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"The account does not answer: {error}") from error
