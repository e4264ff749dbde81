"""Writes the codes of shared/aws-cloud/ERRORS.md: every modelled error of every operation that the code calls.

    python error_codes.py

The classes are those of the Rust code: a test of aws-cloud and one of requests write them into the same table.
"""

import re

from code_operations import ROOT, in_code
from models import model

PAGE = ROOT / "shared" / "aws-cloud" / "ERRORS.md"
HEAD = "| service | code | status | class | operations |\n|---|---|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\|\n)*")
# The functions distinguish no classes of these errors.
UNCLASSIFIED = "not classified"
WITHOUT_CLASSES = {"elasticloadbalancing", "events", "sqs", "ssm"}
WITH_CLASS = {"ssm:GetParameter"}
# A code that the Rust tests have not classified yet.
NEW = "?"


def codes():
    """The operations by (service, code, status, whether its errors are classified)."""
    found = {}
    for name in sorted(in_code()):
        service, operation = name.split(":")
        known = model(service)
        for it in known.operations[operation].get("errors", []):
            for code in names(known, it["shape"]):
                key = (
                    service,
                    code,
                    status(known.shapes[it["shape"]]),
                    service not in WITHOUT_CLASSES or name in WITH_CLASS,
                )
                found.setdefault(key, []).append(operation)
    return found


def names(known, shape):
    """The code of an error on the wire: the shape's name in JSON, the code of the query protocol elsewhere. CloudWatch's CBOR sends both."""
    code = known.shapes[shape].get("error", {}).get("code", shape)
    match known.metadata["protocol"]:
        case "json":
            return [shape]
        case "smithy-rpc-v2-cbor":
            return list(dict.fromkeys([code, shape]))
    return [code]


def status(shape):
    """The HTTP status. The JSON services send 500 for a fault of the server, and 400 otherwise."""
    return shape.get("error", {}).get("httpStatusCode") or (500 if shape.get("fault") else 400)


def table(page):
    """The table with the present classes of the page, and `?` for new codes."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.search(page)[0].splitlines()[2:]]
    classes = {tuple(row[:3]): row[3] for row in rows if row[3] != UNCLASSIFIED}
    lines = []
    for (service, code, number, is_classified), operations in sorted(codes().items()):
        kept = classes.get((service, code, str(number)), NEW) if is_classified else UNCLASSIFIED
        lines.append(f"| {service} | {code} | {number} | {kept} | {', '.join(operations)} |\n")
    return HEAD + "".join(lines)


def updated(page):
    return TABLE.sub(lambda _: table(page), page, count=1)


def main():
    page = PAGE.read_text()
    if updated(page) != page:
        PAGE.write_text(updated(page))
        print("ERRORS.md is written; `cargo nextest run` writes the classes of new codes")


if __name__ == "__main__":
    main()
