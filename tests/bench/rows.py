"""A row of target/reports/bench.json, and rows as a table."""


def row(name, value, unit, baseline=None, most=None):
    """A figure; with a baseline its ratio to it, and `most`, the highest ratio that is promised, where one is."""
    ratio = value / baseline if baseline else None
    promised = {} if most is None else {"most": most}
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio, **promised}


def table(rows):
    for it in rows:
        baseline = "" if it["baseline"] is None else f"{it['baseline']:>10.1f}  × {it['ratio']:.3f}"
        yield f"{it['name']:<88}{it['value']:>10.1f} {it['unit']:<6}{baseline}{promise(it)}"


def promise(it):
    if "most" not in it:
        return ""
    missed = ", MISSED" if it["ratio"] > it["most"] else ""
    return f"  (at most {it['most']:g}{missed})"
