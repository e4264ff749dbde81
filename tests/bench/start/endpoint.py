"""AWS's services over TLS, as far as the functions call them for the events of `contenders.py`: fixed answers, counted.

Each has a port of its own, as each has a host of its own on AWS: a connection to one is none to another.
"""

import json
import re
from collections import Counter

from served import Served, response

# The services, and what the variable for their endpoint ends with (the SDKs' AWS_ENDPOINT_URL_<SERVICE>).
SERVICES = {"dynamodb": "DYNAMODB", "sqs": "SQS", "autoscaling": "AUTO_SCALING", "ec2": "EC2"}
TARGET = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)", re.IGNORECASE)
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
AUTO_SCALING = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


def of_json(answer):
    return response("200 OK", json.dumps(answer).encode(), "application/x-amz-json-1.0")


def of_auto_scaling(operation, result):
    text = f'<{operation}Response xmlns="{AUTO_SCALING}"><{operation}Result>{result}</{operation}Result></{operation}Response>'
    return response("200 OK", text.encode(), "text/xml")


NO_TAGS = '<DescribeTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><tagSet/></DescribeTagsResponse>'
ANSWERS = {
    "dynamodb:GetItem": of_json({}),
    "dynamodb:Query": of_json({"Count": 0, "ScannedCount": 0, "Items": []}),
    "sqs:ChangeMessageVisibility": of_json({}),
    "autoscaling:DescribeAutoScalingGroups": of_auto_scaling("DescribeAutoScalingGroups", "<AutoScalingGroups/>"),
    "autoscaling:DescribeTags": of_auto_scaling("DescribeTags", "<Tags/>"),
    "ec2:DescribeTags": response("200 OK", NO_TAGS.encode(), "text/xml"),
}
UNKNOWN = response("400 Bad Request", b'{"__type":"UnknownOperationException"}')


def answered(request_hash):
    """An owner's record that says that this request has its answer."""
    answer = {"request_hash": request_hash, "kind": "Create", "sent_ms": 0, "answered_ms": 1, "success": True, "reason": ""}
    return of_json({"Item": {"pk": {"S": "owner#"}, "answers": {"S": json.dumps([answer])}}})


class Endpoint:
    """The services. `request_hash` names the one request of which the owners' records know that it was answered."""

    def __init__(self, tls, request_hash):
        self.calls = []
        self.record = answered(request_hash)
        self.served = {name: Served(self.of(name), tls) for name in SERVICES}

    @property
    def variables(self):
        """How the SDKs find it; a service that is not here fails at DynamoDB's port, and is named in the counts."""
        urls = {name: f"https://localhost:{served.port}" for name, served in self.served.items()}
        own = {f"AWS_ENDPOINT_URL_{SERVICES[name]}": url for name, url in urls.items()}
        return {"AWS_ENDPOINT_URL": urls["dynamodb"], **own}

    def of(self, service):
        def answer(head, body):
            operation = TARGET.search(head) or ACTION.search(body)
            call = f"{service}:{operation[1].decode() if operation else head.split(b' ', 2)[1].decode()}"
            self.calls.append(call)
            if call == "dynamodb:GetItem" and b'"owner#' in body:
                return self.record
            return ANSWERS.get(call, UNKNOWN)

        return answer

    def counted(self):
        """What was called since it was asked last."""
        calls, self.calls = self.calls, []
        return Counter(calls)

    def close(self):
        for served in self.served.values():
            served.close()
