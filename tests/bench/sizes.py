"""Sizes of the deployed zips, as `make package` reported them, against their promised limits."""

import json

# MB (a million bytes), for every architecture.
AT_MOST = {"scaling-log": 4, "alarm": 4, "watchdog": 4, "lifecycle-hook": 4, "reconciler": 8}


def size_rows(row, report):
    """The rows of bench.json."""
    for it in json.loads(report.read_text())["functions"]:
        limit = AT_MOST.get(it["name"])
        yield row(f"zip, {it['name']}, {it['architecture']}", it["zip_bytes"] / 1e6, "MB", limit, limit and 1)
