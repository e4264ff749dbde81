"""A row of target/reports/bench.json, and rows as a table."""


def row(name, value, unit, baseline=None, most=None):
    """A figure; with a baseline also the ratio to the baseline, and `most`, the highest promised ratio, if one is promised."""
    ratio = value / baseline if baseline else None
    promised = {} if most is None else {"most": most}
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio, **promised}


def table(rows):
    for it in rows:
        baseline = "" if it["baseline"] is None else f"{it['baseline']:>10.1f}  × {it['ratio']:.3f}"
        yield f"{it['name']:<106}{it['value']:>10.1f} {it['unit']:<6}{baseline}{promise(it)}"


def promise(it):
    if "most" not in it:
        return ""
    missed = ", MISSED" if is_missed(it) else ""
    return f"  (at most {it['most']:g}{missed})"


def is_missed(it):
    return "most" in it and it["ratio"] > it["most"]


def missed(rows):
    """The promises that the rows do not keep, a sentence each."""
    return [f"{it['name']}: × {it['ratio']:.3f}, at most {it['most']:g} is promised" for it in rows if is_missed(it)]
