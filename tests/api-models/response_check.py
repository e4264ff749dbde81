"""Compares the response to a recorded request with the operation's output: what AWS would not send, the product must not rely on."""

import json
from xml.etree import ElementTree

import cbor2

import shapes
from models import Finding, Unreadable
from readers import UNREADABLE, CborReader, JsonReader, XmlReader
from request_reader import body_of, protocol_of

# The elements beside an operation's result in the XML protocols.
BESIDE = ("requestId", "RequestId", "ResponseMetadata")
# Constraints of requests, which AWS's responses need not keep.
OF_REQUESTS = {"length", "array-bounds", "pattern", "range", "deprecated"}


def check(model, operation, request, response):
    """The findings of a successful response. Errors are not compared: see ERRORS.md of aws-cloud."""
    name, body = model.output_name(operation), body_of(response)
    if response["status"] >= 300 or not name or body is None:
        return []
    protocol = protocol_of(model, request)
    try:
        reader, value = read(model, protocol, operation, name, body)
    except (ValueError, Unreadable, ElementTree.ParseError, cbor2.CBORError) as error:
        return [Finding("unreadable", "", repr(error)[:300])]
    if value is UNREADABLE:
        return reader.findings
    located = {f".{it}" for it, member in model.shapes[name]["members"].items() if "location" in member}
    found = [it for it in shapes.check(model, name, value) if it.rule not in OF_REQUESTS and it.path not in located]
    return reader.findings + found


def read(model, protocol, operation, name, body):
    """The reader with its findings, and the output."""
    match protocol:
        case "json":
            reader = JsonReader(model)
            return reader, reader.read({"shape": name}, json.loads(body or b"{}"), "")
        case "smithy-rpc-v2-cbor":
            reader = CborReader(model)
            return reader, reader.read({"shape": name}, cbor2.loads(body) if body else {}, "")
        case "rest-xml":
            return rest_xml(model, name, body)
    reader = XmlReader(model)
    root = ElementTree.fromstring(body)
    if wrapper := model.operations[operation]["output"].get("resultWrapper"):
        inside = [it for it in root if reader.tag(it) == wrapper]
        if not inside:
            raise Unreadable(f"{reader.tag(root)} has no {wrapper}")
        root = inside[0]
    return reader, reader.structure(model.shapes[name], root, "", BESIDE)


def rest_xml(model, name, body):
    reader, shape = XmlReader(model), model.shapes[name]
    payload = shape.get("payload")
    if payload and model.member_type(shape["members"][payload])["type"] != "structure":
        return reader, {payload: body}
    if not body:
        return reader, {}
    root = ElementTree.fromstring(body)
    if payload:
        inner = model.member_type(shape["members"][payload])
        return reader, {payload: reader.structure(inner, root, f".{payload}")}
    return reader, reader.structure(shape, root, "")
