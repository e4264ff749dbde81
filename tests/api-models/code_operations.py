"""The operations that the product's code calls: those of the table of permissions, and those that the adapters name."""

import re
from pathlib import Path

from models import SERVICES, model

ROOT = Path(__file__).resolve().parents[2]
# The table, except what the instances' own boundary allows.
TABLE = "infra/permissions/src/table/[!b]*.rs"
SOURCES = ("shared/aws-cloud/src/**/*.rs", "shared/requests/src/**/*.rs", "functions/*/src/**/*.rs")
NAME = re.compile(r'"([a-z0-9]+):([A-Z][A-Za-z0-9]+)"')
CALL = re.compile(r'\bcall\(\s*"([a-z0-9]+):([A-Z][A-Za-z0-9]+)"')


def in_code():
    """Each operation as `service:Operation`, by the signing name of its service."""
    found = set()
    for pattern, names in ((TABLE, CALL), *((it, NAME) for it in SOURCES)):
        for path in ROOT.glob(pattern):
            if "tests" not in path.parts and path.stem != "tests":
                found |= set(names.findall(path.read_text().split("#[cfg(test)]")[0]))
    signed = {("monitoring" if service == "cloudwatch" else service, operation) for service, operation in found}
    return {
        f"{service}:{operation}"
        for service, operation in signed
        if service in SERVICES and operation in model(service).operations
    }
