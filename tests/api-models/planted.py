"""Plants faults, one at a time, and compares each: a judge that accepts everything would see none."""

import base64
import copy

import comparison
import planted_protocols
import planted_rules
from models import Unreadable
from samples import VALID, exchange

ALL = [*planted_protocols.REQUESTS, *planted_protocols.RESPONSES, *planted_rules.RULES]


def run():
    """Each planted fault by its description, and whether its rule finds it. A fault in a request that is not valid without the fault
    counts as not seen."""
    return {f"{it.rule}: {it.operation}: {it.name}": it.rule in rules_found(it) for it in ALL}


def rules_found(it):
    value = copy.deepcopy(VALID.get(it.operation, {}))
    request = exchange(it.operation, value)
    if it.response:
        status, content_type, body = it.response
        recorded = {"status": status, "content_type": content_type}
        recorded |= {"body_base64": base64.b64encode(body).decode()} if isinstance(body, bytes) else {"body": body}
        return {found.rule for found in comparison.of_response(request, it.operation.split(":")[1], recorded)}
    if it.operation in VALID and comparison.of_request(request)[2]:
        return set()
    if it.of_input:
        it.of_input(value)
        request = exchange(it.operation, value)
    else:
        it.of_request(request)
    try:
        return {found.rule for found in comparison.of_request(request)[2]}
    except Unreadable:
        return {"unreadable"}
