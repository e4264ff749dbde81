"""Reads a recorded request back into its operation and input, by the protocol of its service."""

import base64
import functools
import hashlib
import json
import re
import zlib
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

import cbor2

from models import Finding, Unreadable
from readers import UNREADABLE, CborReader, FormReader, JsonReader, XmlReader

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
FORM = "application/x-www-form-urlencoded"
# Headers of S3 that belong to the transport and the signature, and are members of no operation.
TRANSPORT = re.compile(r"x-amz-(date|content-sha256|trailer|decoded-content-length|sdk-checksum-algorithm|checksum-.*)")


class Input(NamedTuple):
    """The operation of a request, its input, and the findings of the protocol. The input is None if the recorder left out the
    body."""

    operation: str
    value: dict | None
    findings: list


class Request:
    """A recorded request. Header names are in lower case."""

    def __init__(self, exchange):
        self.method = exchange["method"]
        self.headers = exchange["headers"]
        self.region = exchange["region"]
        parts = urlsplit(exchange["target"])
        self.path = parts.path
        self.query = parse_qsl(parts.query, keep_blank_values=True)
        self.body = body_of(exchange)

    def header(self, name):
        return self.headers.get(name, "")


def body_of(recorded):
    """The bytes of a recorded body; None if the recorder left it out."""
    if "body_base64" in recorded:
        return base64.b64decode(recorded["body_base64"])
    return recorded["body"].encode() if "body" in recorded else None


def protocol_of(model, request):
    """The protocol of a request. A service may have several: the header decides."""
    if "smithy-protocol" in request.headers:
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in request.headers:
        return "json"
    protocol = model.metadata["protocol"]
    return "query" if protocol == "smithy-rpc-v2-cbor" else protocol


def read(model, request):
    """The input of a request. Raises Unreadable if no operation can be read at all."""
    readers = {"query": form, "ec2": form, "json": json_body, "smithy-rpc-v2-cbor": cbor, "rest-xml": rest_xml}
    try:
        return readers[protocol_of(model, request)](model, request)
    except (ValueError, KeyError, ElementTree.ParseError, cbor2.CBORError) as error:
        raise Unreadable(f"{request.method} {request.path}: {error!r}") from error


def known(model, operation):
    if operation not in model.operations:
        raise Unreadable(f"{model.service} has no operation {operation}")
    return operation


def expect(findings, rule, path, found, expected):
    if found != expected:
        findings.append(Finding(rule, path, f"{found!r}, not {expected!r}"))


def whole(model, reader, operation, document):
    """The input that a whole document contains; the empty input if the operation has none."""
    name = model.input_name(operation)
    if not name:
        if document:
            reader.note("unknown-member", "", f"{operation} has no input")
        return {}
    value = reader.read({"shape": name}, document, "")
    return {} if value is UNREADABLE else value


# query and ec2


def form(model, request):
    reader = FormReader(model)
    expect(reader.findings, "content-type", "", request.header("content-type").split(";")[0], FORM)
    expect(reader.findings, "http", "", (request.method, request.path), ("POST", "/"))
    tree = {}
    for key, text in parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True):
        *parents, last = key.split(".")
        node = tree
        for part in parents:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise Unreadable(f"{key} is below a value")
        if last in node:
            reader.note("given-twice", key)
        node[last] = text
    operation = known(model, tree.pop("Action", None))
    expect(reader.findings, "version", "Version", tree.pop("Version", None), model.metadata["apiVersion"])
    return Input(operation, whole(model, reader, operation, tree), reader.findings)


# json


def json_body(model, request):
    reader = JsonReader(model)
    prefix, _, operation = request.header("x-amz-target").rpartition(".")
    expect(
        reader.findings,
        "content-type",
        "",
        request.header("content-type"),
        f"application/x-amz-json-{model.metadata['jsonVersion']}",
    )
    expect(reader.findings, "http", "", (request.method, request.path), ("POST", "/"))
    expect(reader.findings, "target", "X-Amz-Target", prefix, model.metadata["targetPrefix"])
    known(model, operation)
    if request.body is None:
        return Input(operation, None, reader.findings)

    def unique(pairs):
        for key in {key for key, _ in pairs if [it for it, _ in pairs].count(key) > 1}:
            reader.note("given-twice", key)
        return dict(pairs)

    document = json.loads(request.body or b"{}", object_pairs_hook=unique)
    return Input(operation, whole(model, reader, operation, document), reader.findings)


# smithy-rpc-v2-cbor


def cbor(model, request):
    reader = CborReader(model)
    found = re.fullmatch(r"/service/(\w+)/operation/(\w+)", request.path)
    if not found:
        raise Unreadable(f"the path is {request.path}")
    expect(reader.findings, "http", "", request.method, "POST")
    expect(reader.findings, "smithy-protocol", "", request.header("smithy-protocol"), "rpc-v2-cbor")
    expect(reader.findings, "accept", "", request.header("accept"), "application/cbor")
    expect(reader.findings, "target", "", found[1], model.metadata["targetPrefix"])
    operation = known(model, found[2])
    if model.input_name(operation):
        expect(reader.findings, "content-type", "", request.header("content-type"), "application/cbor")
    document = cbor2.loads(request.body) if request.body else {}
    return Input(operation, whole(model, reader, operation, document), reader.findings)


# rest-xml


def rest_xml(model, request):
    route = route_of(model, request)
    operation, reader = route.operation, XmlReader(model, S3_NAMESPACE)
    name = model.input_name(operation)
    shape = model.shapes[name] if name else {"members": {}}
    value = {name: unquote(text) for name, text in route.path.fullmatch(request.path).groupdict().items()}
    query = {key: text for key, text in request.query if key not in route.fixed}
    if len(request.query) > len(dict(request.query)):
        reader.note("given-twice", "query")
    if query.get("x-id") == operation:
        del query["x-id"]
    headers = {key: text for key, text in request.headers.items() if key.startswith("x-amz-")}
    for member_name, member in shape["members"].items():
        wire, kind = member.get("locationName", member_name), model.member_type(member)["type"]
        match member.get("location"):
            case "querystring" if wire in query:
                read = reader.from_text(kind, query.pop(wire), f".{member_name}")
            case "header" if wire.lower() in request.headers:
                headers.pop(wire.lower(), None)
                text = request.headers[wire.lower()]
                read = text if kind == "timestamp" else reader.from_text(kind, text, f".{member_name}")
            case _:
                continue
        if read is not UNREADABLE:
            value[member_name] = read
    for key, text in query.items():
        reader.note("unknown-member", f"?{key}", text)
    for key, text in headers.items():
        if not TRANSPORT.fullmatch(key):
            reader.note("unknown-member", f"header {key}", text)
    if request.body is None:
        return Input(operation, None, reader.findings)
    read_payload(model, reader, shape, request.body, value)
    check_sums(model, operation, request, reader)
    return Input(operation, value, reader.findings)


class Route(NamedTuple):
    """How rest-xml addresses an operation: the method, the form of the path, the fixed parts of the query, and the required
    parameters in the query and in the headers, in lower case."""

    operation: str
    method: str
    path: re.Pattern
    fixed: dict
    query: set
    headers: set
    is_deprecated: bool


@functools.cache
def routes(model):
    found = []
    for name, operation in model.operations.items():
        template, _, fixed = operation["http"]["requestUri"].partition("?")
        path = re.sub(
            r"\\\{(\w+)(\\\+)?\\\}", lambda it: f"(?P<{it[1]}>{'.+' if it[2] else '[^/]+'})", re.escape(template)
        )
        shape = model.shapes[model.input_name(name)] if model.input_name(name) else {}
        members = [shape["members"][it] for it in shape.get("required", [])]
        needed = {
            where: {it["locationName"].lower() for it in members if it.get("location") == where}
            for where in ("querystring", "header")
        }
        fixed = dict(parse_qsl(fixed, keep_blank_values=True))
        found.append(
            Route(
                name,
                operation["http"]["method"],
                re.compile(f"{path}/?"),
                fixed,
                *needed.values(),
                bool(operation.get("deprecated")),
            )
        )
    return found


def route_of(model, request):
    """The route of a request: of several the most specific one that is not deprecated."""
    given = dict(request.query)
    keys = {key.lower() for key in given}
    candidates = []
    for it in routes(model):
        if it.method != request.method or any(
            key not in given or text not in ("", given[key]) for key, text in it.fixed.items()
        ):
            continue
        if it.query <= keys and it.headers <= set(request.headers) and (found := it.path.fullmatch(request.path)):
            specific = len(it.fixed) + len(it.query) + len(it.headers)
            candidates.append(
                (
                    given.get("x-id") == it.operation,
                    specific,
                    len(found.groups()),
                    not it.is_deprecated,
                    it.operation,
                    it,
                )
            )
    if not candidates:
        raise Unreadable(f"{model.service} has no operation for {request.method} {request.path} {sorted(given)}")
    return max(candidates, key=lambda it: it[:-1])[-1]


def read_payload(model, reader, shape, body, value):
    """Reads the body into the member that is the payload."""
    payload = shape.get("payload")
    if not body:
        return
    if not payload:
        reader.note("unknown-member", "body", f"{len(body)} bytes that belong to no member")
        return
    member = shape["members"][payload]
    target = model.member_type(member)
    if target["type"] != "structure":
        value[payload] = body.decode() if target["type"] == "string" else body
        return
    root = ElementTree.fromstring(body)
    name = member.get("locationName", target.get("locationName", member["shape"]))
    expect(reader.findings, "xml-root", f".{payload}", root.tag, f"{{{S3_NAMESPACE}}}{name}")
    value[payload] = reader.structure(target, root, f".{payload}")


def check_sums(model, operation, request, reader):
    """The checksums by which S3 recognizes an incomplete body: present where the model requires one, and correct."""
    md5, sha256 = (request.header(it) for it in ("content-md5", "x-amz-content-sha256"))
    crc32 = request.header("x-amz-checksum-crc32")
    requires = model.operations[operation].get("httpChecksum", {}).get("requestChecksumRequired")
    if requires and not (md5 or any(it.startswith("x-amz-checksum-") for it in request.headers)):
        reader.note("checksum", "", "the operation requires one")
    correct = {
        "content-md5": (md5, base64.b64encode(hashlib.md5(request.body).digest()).decode()),
        "x-amz-checksum-crc32": (crc32, base64.b64encode(zlib.crc32(request.body).to_bytes(4)).decode()),
        "x-amz-content-sha256": (
            sha256 if re.fullmatch("[0-9a-f]{64}", sha256) else "",
            hashlib.sha256(request.body).hexdigest(),
        ),
    }
    for header, (found, expected) in correct.items():
        if found:
            expect(reader.findings, "checksum", header, found, expected)
