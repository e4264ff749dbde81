"""The comparison of one recorded call with the models and the documentation."""

import response_check
import rules
import rules_data, rules_ec2, rules_messages  # noqa: E401, F401: they fill the table
import sentences
import shapes
from models import SERVICES, Finding, Unreadable, model
from request_reader import Request, read


def of_request(exchange):
    """The operation of a recorded request, its input, and the findings. Raises Unreadable."""
    if exchange["service"] not in SERVICES:
        raise Unreadable(f"no model is known for {exchange['service']}")
    known, request = model(exchange["service"]), Request(exchange)
    operation, value, found = read(known, request)
    if operation != exchange["operation"]:
        found.append(Finding("operation-name", "", f"the local cloud recorded {exchange['operation']}"))
    if value is not None:
        if name := known.input_name(operation):
            found += shapes.check(known, name, value)
        found += sentences.check(known, operation, value)
        found += rules.check(known, operation, value, request.region)
    return operation, value, found


def of_response(exchange, operation, response):
    """The findings in the response to a recorded request."""
    return response_check.check(model(exchange["service"]), operation, Request(exchange), response)
