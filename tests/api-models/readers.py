"""Strict readers: each turns a document of one protocol into the value of a shape, and notes every deviation from the shape.

A value consists of dicts, lists, texts, numbers, booleans and bytes. A member that cannot be read is left out after its finding.
"""

import base64
import binascii
import datetime
import re

from models import Finding

NUMBERS = {"integer", "long", "float", "double"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
UNREADABLE = object()


class Reader:
    """What all protocols have in common: the findings, and the conversion of texts."""

    def __init__(self, model):
        self.model = model
        self.findings = []

    def note(self, rule, path, detail=""):
        self.findings.append(Finding(rule, path, str(detail)[:300]))
        return UNREADABLE

    def read(self, member, node, path):
        """The value of a member, an item or a whole document with the shape `member["shape"]`."""
        shape = self.model.member_type(member)
        match shape["type"]:
            case "structure":
                return self.structure(shape, node, path)
            case "list":
                return self.list(shape, member, node, path)
            case "map":
                return self.map(shape, member, node, path)
            case kind:
                return self.scalar(kind, node, path)

    def items(self, member, nodes, path):
        values = [self.read(member, node, f"{path}[{at}]") for at, node in enumerate(nodes)]
        return [it for it in values if it is not UNREADABLE]

    def from_text(self, kind, text, path):
        """The value of a scalar that the protocol writes as text."""
        try:
            match kind:
                case "integer" | "long":
                    return int(text) if re.fullmatch(r"[+-]?\d+", text) else self.wrong_type(kind, text, path)
                case "float" | "double":
                    return float(text)
                case "boolean":
                    return {"true": True, "false": False}[text]
                case "blob":
                    return base64.b64decode(text, validate=True)
                case "timestamp":
                    return text if TIME.fullmatch(text) else self.wrong_type(kind, text, path)
        except (ValueError, KeyError, binascii.Error):
            return self.wrong_type(kind, text, path)
        return text

    def wrong_type(self, kind, node, path):
        return self.note("type", path, f"{node!r} is not a {kind}")


class JsonReader(Reader):
    """JSON 1.0 and 1.1."""

    TYPES = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "long": (int,),
        "float": (int, float),
        "double": (int, float),
    }

    def read(self, member, node, path):
        return self.note("null", path) if node is None else super().read(member, node, path)

    def structure(self, shape, node, path):
        if shape.get("document"):
            return node
        if not isinstance(node, dict):
            return self.wrong_type("structure", node, path)
        value = {}
        for name, inner in node.items():
            if name not in shape["members"]:
                self.note("unknown-member", f"{path}.{name}", inner)
                continue
            read = self.read(shape["members"][name], inner, f"{path}.{name}")
            if read is not UNREADABLE:
                value[name] = read
        return value

    def list(self, shape, _member, node, path):
        if not isinstance(node, list):
            return self.wrong_type("list", node, path)
        return self.items(shape["member"], node, path)

    def map(self, shape, _member, node, path):
        if not isinstance(node, dict):
            return self.wrong_type("map", node, path)
        values = {key: self.read(shape["value"], inner, f"{path}[{key}]") for key, inner in node.items()}
        return {key: value for key, value in values.items() if value is not UNREADABLE}

    def scalar(self, kind, node, path):
        if kind == "blob":
            return self.from_text(kind, node, path) if isinstance(node, str) else self.wrong_type(kind, node, path)
        if kind == "timestamp":
            is_time = isinstance(node, (int, float)) and not isinstance(node, bool)
            return node if is_time else self.wrong_type(kind, node, path)
        is_valid = isinstance(node, self.TYPES[kind]) and isinstance(node, bool) == (kind == "boolean")
        return node if is_valid else self.wrong_type(kind, node, path)


class CborReader(JsonReader):
    """smithy-rpc-v2-cbor: JSON's types, and byte strings and times of their own."""

    def scalar(self, kind, node, path):
        if kind == "blob":
            return node if isinstance(node, bytes) else self.wrong_type(kind, node, path)
        if kind == "timestamp":
            return node if isinstance(node, datetime.datetime) else self.wrong_type(kind, node, path)
        return super().scalar(kind, node, path)


class FormReader(Reader):
    """The query and ec2 protocols: a tree of the parts of the parameters' names."""

    def __init__(self, model):
        super().__init__(model)
        self.is_ec2 = model.metadata["protocol"] == "ec2"

    def name(self, name, member):
        """The member's name in a form."""
        if self.is_ec2:
            located = member.get("locationName", name)
            return member.get("queryName", located[0].upper() + located[1:])
        shape = self.model.member_type(member)
        if shape["type"] == "list" and self.model.is_flat(member):
            return shape["member"].get("locationName", member.get("locationName", name))
        return member.get("locationName", name)

    def structure(self, shape, node, path):
        if not isinstance(node, dict):
            return self.wrong_type("structure", node, path)
        names = {self.name(name, member): (name, member) for name, member in shape["members"].items()}
        value = {}
        for key, inner in node.items():
            if key not in names:
                self.note("unknown-member", f"{path}.{key}", inner)
                continue
            name, member = names[key]
            read = self.read(member, inner, f"{path}.{name}")
            if read is not UNREADABLE:
                value[name] = read
        return value

    def list(self, shape, member, node, path):
        if node == "":
            return []
        if not self.is_ec2 and not self.model.is_flat(member):
            item = shape["member"].get("locationName", "member")
            if not isinstance(node, dict) or list(node) != [item]:
                return self.note("list-name", path, f"the items of {sorted(node)} are not below {item}")
            node = node[item]
        if not isinstance(node, dict) or sorted(node) != sorted(str(at) for at in range(1, len(node) + 1)):
            return self.note("list-numbers", path, f"the items are not numbered from 1: {sorted(node)}")
        return self.items(shape["member"], [node[str(at)] for at in range(1, len(node) + 1)], path)

    def map(self, shape, member, node, path):
        entries = node if self.model.is_flat(member) else node.get("entry", {})
        key, value = shape["key"].get("locationName", "key"), shape["value"].get("locationName", "value")
        read = {it[key]: self.read(shape["value"], it.get(value, ""), f"{path}[{it[key]}]") for it in entries.values()}
        return {key: value for key, value in read.items() if value is not UNREADABLE}

    def scalar(self, kind, node, path):
        return self.from_text(kind, node, path) if isinstance(node, str) else self.wrong_type(kind, node, path)


class XmlReader(Reader):
    """XML: the bodies of rest-xml, and the responses of query and ec2. With a namespace, every element must be in it."""

    def __init__(self, model, namespace=None):
        super().__init__(model)
        self.namespace = namespace

    def tag(self, element):
        """The name of an element, with its namespace if that is another one than the reader's."""
        space, _, name = element.tag.rpartition("}")
        return name if self.namespace in (None, space.lstrip("{")) else element.tag

    def structure(self, shape, node, path, ignored=()):
        names = {}
        for name, member in shape["members"].items():
            if member.get("xmlAttribute"):
                names[f"@{member.get('locationName', name).split(':')[-1]}"] = (name, member)
            elif "location" not in member:
                names[self.name(name, member)] = (name, member)
        value = {}
        for key, text in node.attrib.items():
            if found := names.get(f"@{key.rpartition('}')[2]}"):
                value[found[0]] = text
        groups = {}
        for element in node:
            groups.setdefault(self.tag(element), []).append(element)
        for tag, elements in groups.items():
            if tag not in names:
                if tag not in ignored:
                    self.note("unknown-member", f"{path}.{tag}", elements[0].text)
                continue
            name, member = names[tag]
            read = self.member(member, elements, f"{path}.{name}")
            if read is not UNREADABLE:
                value[name] = read
        return value

    def name(self, name, member):
        shape = self.model.member_type(member)
        if shape["type"] == "list" and self.model.is_flat(member):
            return shape["member"].get("locationName", member.get("locationName", name))
        return member.get("locationName", name)

    def member(self, member, elements, path):
        """The value of a member: all its elements if it is a flat list, otherwise its only one."""
        shape = self.model.member_type(member)
        if shape["type"] in ("list", "map") and self.model.is_flat(member):
            return (
                self.items(shape["member"], elements, path)
                if shape["type"] == "list"
                else self.entries(shape, elements, path)
            )
        if len(elements) > 1:
            return self.note("given-twice", path)
        return self.read(member, elements[0], path)

    def list(self, shape, _member, node, path):
        item = shape["member"].get("locationName", "member")
        wrong = [self.tag(it) for it in node if self.tag(it) != item]
        if wrong:
            return self.note("list-name", path, f"an item is {wrong[0]}, not {item}")
        return self.items(shape["member"], node, path)

    def map(self, shape, _member, node, path):
        return self.entries(shape, list(node), path)

    def entries(self, shape, elements, path):
        key, value = shape["key"].get("locationName", "key"), shape["value"].get("locationName", "value")
        read = {}
        for entry in elements:
            parts = {self.tag(it): it for it in entry}
            if key not in parts or value not in parts:
                return self.note("type", path, f"an entry has {sorted(parts)}, not {key} and {value}")
            read[parts[key].text] = self.read(shape["value"], parts[value], f"{path}[{parts[key].text}]")
        return {key: value for key, value in read.items() if value is not UNREADABLE}

    def scalar(self, kind, node, path):
        return (
            self.wrong_type(kind, [self.tag(it) for it in node], path)
            if len(node)
            else self.from_text(kind, node.text or "", path)
        )
