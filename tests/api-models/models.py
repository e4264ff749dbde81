"""AWS's published API models, as botocore contains them."""

import functools
import re
from typing import NamedTuple

from botocore import loaders

# The signing name of each service that the functions call, and botocore's name of its model.
SERVICES = {
    "autoscaling": "autoscaling",
    "cloudformation": "cloudformation",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "elasticloadbalancing": "elbv2",
    "events": "events",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "s3": "s3",
    "servicequotas": "service-quotas",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
}


class Finding(NamedTuple):
    """A deviation of a call from the model or from the documentation: the rule, the place in the input or output, and the detail."""

    rule: str
    path: str
    detail: str


class Unreadable(Exception):
    """A request or response that is not of the service's protocol, or has no operation of the service."""


class Model:
    """The model of one service."""

    def __init__(self, service, document):
        self.service = service
        self.document = document
        self.metadata = document["metadata"]
        self.operations = document["operations"]
        self.shapes = document["shapes"]

    def input_name(self, operation):
        """The name of the input's shape; None if the operation has no input."""
        return self.operations[operation].get("input", {}).get("shape")

    def output_name(self, operation):
        return self.operations[operation].get("output", {}).get("shape")

    def member_type(self, member):
        """The shape of a member, an item, a key or a value."""
        return self.shapes[member["shape"]]

    def is_flat(self, member):
        """Whether a list or a map has no element of its own around its items."""
        return bool(member.get("flattened") or self.member_type(member).get("flattened"))


@functools.cache
def model(service):
    """The model of the service with this signing name."""
    return Model(service, loaders.create_loader().load_service_model(SERVICES[service], "service-2"))


def general(path):
    """The path without the numbers and keys of items, so that equal findings have equal paths."""
    return re.sub(r"\[[^\]]*\]", "[]", path)
