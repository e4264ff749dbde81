"""AWS's services over TLS, as far as the functions call them for the events of `contenders.py`: fixed responses, counted.

Each service has a port of its own, since each has a host of its own on AWS: a connection serves one service only.
"""

import json
import re
from collections import Counter

from served import Served, response

# The services, and the endings of the variables for their endpoints (the SDKs' AWS_ENDPOINT_URL_<SERVICE>).
SERVICES = {"dynamodb": "DYNAMODB", "sqs": "SQS", "autoscaling": "AUTO_SCALING", "ec2": "EC2"}
TARGET = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)", re.IGNORECASE)
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
AUTO_SCALING = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


def json_response(result):
    return response("200 OK", json.dumps(result).encode(), "application/x-amz-json-1.0")


def auto_scaling_response(operation, result):
    text = f'<{operation}Response xmlns="{AUTO_SCALING}"><{operation}Result>{result}</{operation}Result></{operation}Response>'
    return response("200 OK", text.encode(), "text/xml")


NO_TAGS = '<DescribeTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><tagSet/></DescribeTagsResponse>'
RESPONSES = {
    "dynamodb:GetItem": json_response({}),
    "dynamodb:Query": json_response({"Count": 0, "ScannedCount": 0, "Items": []}),
    "sqs:ChangeMessageVisibility": json_response({}),
    "autoscaling:DescribeAutoScalingGroups": auto_scaling_response("DescribeAutoScalingGroups", "<AutoScalingGroups/>"),
    "autoscaling:DescribeTags": auto_scaling_response("DescribeTags", "<Tags/>"),
    "ec2:DescribeTags": response("200 OK", NO_TAGS.encode(), "text/xml"),
}
UNKNOWN = response("400 Bad Request", b'{"__type":"UnknownOperationException"}')


def completed_record(request_hash):
    """An owner's record in which this request has a response."""
    entry = {"request_hash": request_hash, "kind": "Create", "sent_ms": 0, "responded_ms": 1, "success": True, "reason": ""}
    return json_response({"Item": {"pk": {"S": "owner#"}, "history": {"S": json.dumps([entry])}}})


class Endpoint:
    """The services. `request_hash` is the one request with a response in the owners' records."""

    def __init__(self, tls, request_hash):
        self.calls = []
        self.record = completed_record(request_hash)
        self.served = {name: Served(self.of(name), tls) for name in SERVICES}

    @property
    def variables(self):
        """The variables from which the SDKs get the endpoints. A service that is missing here fails at DynamoDB's port, and the
        counts name it."""
        urls = {name: f"https://localhost:{served.port}" for name, served in self.served.items()}
        own = {f"AWS_ENDPOINT_URL_{SERVICES[name]}": url for name, url in urls.items()}
        return {"AWS_ENDPOINT_URL": urls["dynamodb"], **own}

    def of(self, service):
        def respond(head, body):
            operation = TARGET.search(head) or ACTION.search(body)
            call = f"{service}:{operation[1].decode() if operation else head.split(b' ', 2)[1].decode()}"
            self.calls.append(call)
            if call == "dynamodb:GetItem" and b'"owner#' in body:
                return self.record
            return RESPONSES.get(call, UNKNOWN)

        return respond

    def counted(self):
        """The calls since the previous count."""
        calls, self.calls = self.calls, []
        return Counter(calls)

    def close(self):
        for served in self.served.values():
            served.close()
