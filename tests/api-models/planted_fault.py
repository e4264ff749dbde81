"""A planted fault, and the changes that make one of a valid input or of a recorded request."""

import base64
import json
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import cbor2


class Planted(NamedTuple):
    """A deviation: the rule, the operation, its description, and one of: the change of the input, the change of the recorded request,
    or the response."""

    rule: str
    operation: str
    name: str
    of_input: object = None
    of_request: object = None
    response: tuple | None = None


# Changes of an input


def put(**members):
    return lambda value: value.update(members)


def put_at(path, item):
    """Sets a member below others; a number is the position in a list."""

    def change(value):
        *parents, last = path.split(".")
        for part in parents:
            value = value[int(part)] if part.isdigit() else value[part]
        value[int(last) if last.isdigit() else last] = item

    return change


def drop(name):
    return lambda value: value.pop(name)


def tags(count, prefix="k"):
    return [{"Key": f"{prefix}{at}", "Value": "v"} for at in range(count)]


# Changes of a recorded request


def form(**pairs):
    """Adds or replaces parameters of a form; `__` in a name is a dot."""

    def change(request):
        given = dict(parse_qsl(request["body"], keep_blank_values=True)) | {
            key.replace("__", "."): text for key, text in pairs.items()
        }
        request["body"] = urlencode(given)

    return change


def twice(name):
    def change(request):
        request["body"] += f"&{name}=x"

    return change


def header(name, text):
    return lambda request: request["headers"].update({name: text})


def no_header(name):
    return lambda request: request["headers"].pop(name)


def set_field(name, text):
    return lambda request: request.update({name: text})


def in_body(old, new):
    def change(request):
        assert old in request["body"], (old, request["body"])
        request["body"] = request["body"].replace(old, new, 1)
        request["headers"].pop("x-amz-checksum-crc32", None)
        request["headers"]["x-amz-checksum-sha256"] = "of the changed body"

    return change


def in_cbor(**members):
    def change(request):
        document = cbor2.loads(base64.b64decode(request["body_base64"])) | members
        request["body_base64"] = base64.b64encode(cbor2.dumps(document)).decode()

    return change


def in_json(**members):
    def change(request):
        request["body"] = json.dumps(json.loads(request["body"]) | members)

    return change


def response(body, status=200, content_type="text/xml"):
    return (status, content_type, body)
