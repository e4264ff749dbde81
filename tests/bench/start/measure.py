"""From the start of a process to its first answer, and its peak memory: every function beside a hello of the same runtime
and beside the same in Python.

    python measure.py                                   # the release builds of `make package`
    python measure.py --folder target/debug --only alarm --rounds 3

An answer includes a call of AWS over TLS, for which as many roots are parsed as on Lambda. Files are in the page cache: what
Lambda does before it starts a process is not in it. One round is for that and not counted; the others are interleaved, and
figures are medians. What the servers here take themselves, 1 to 2 ms, is in all of them.
"""

import argparse
import gc
import platform
import statistics
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contenders import FUNCTIONS, HELLO, ROOT, in_python  # noqa: E402
from rows import row, table  # noqa: E402
from stage import Stage  # noqa: E402

ROUNDS = 20
PACKAGED = ROOT / "target" / "package" / {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
# What is promised beside Python: at most so much of its time, and of its memory.
TIME, MEMORY = 1 / 50, 1 / 5


@dataclass(frozen=True)
class Figures:
    """Medians, and the least and the most of the times."""

    ms: float
    mib: float
    least: float
    most: float

    @staticmethod
    def of(seen):
        times, peaks = zip(*seen)
        return Figures(statistics.median(times), statistics.median(peaks), min(times), max(times))


def program(folder, name, into):
    """A function's program in this folder, taken out of its zip if it is in one; None if it is not there."""
    for path in (folder / name / "bootstrap", folder / name):
        if path.is_file():
            return str(path)
    zipped = folder / name / "bootstrap.zip"
    if not zipped.is_file():
        return None
    with zipfile.ZipFile(zipped) as archive:
        path = Path(archive.extract("bootstrap", into / name))
    path.chmod(0o755)
    return str(path)


def contenders(folder, stage, only=()):
    """Whoever is measured, each with its program: ours, then the same in Python."""
    ours = [it for it in (HELLO, *FUNCTIONS) if not only or it.name in only]
    programs = {it.name: program(folder, it.name, stage.folder) for it in ours}
    missing = sorted(name for name, path in programs.items() if path is None)
    if missing:
        raise SystemExit(f"the builds of {', '.join(missing)} are not there: make package")
    ours = [replace(it, program=(programs[it.name],)) for it in ours]
    in_pythons = {it.name: in_python(it) for it in ours if it.name != HELLO.name}
    return [*ours, *in_pythons.values()]


def measured(stage, everybody, rounds=ROUNDS):
    """Their figures. Each round begins with another of them, so that nobody always follows the same one."""
    seen = {it.told: [] for it in everybody}
    gc.disable()
    for number in range(rounds + 1):
        first = number % len(everybody)
        for contender in everybody[first:] + everybody[:first]:
            once = stage.once(contender)
            if number:
                seen[contender.told].append(once)
        gc.collect()
    gc.enable()
    return {told: Figures.of(pairs) for told, pairs in seen.items()}


def rows(figures):
    """Rows of bench.json."""
    made, floor = [], figures.get(HELLO.told)
    if floor:
        made.append(row(f"start, {HELLO.told}: the floor", floor.ms, "ms"))
        made.append(row(f"memory, {HELLO.told}: the floor", floor.mib, "MiB"))
    for it in FUNCTIONS:
        if it.told in figures:
            ours, python = figures[it.told], figures[in_python(it).told]
            if floor:
                made.append(row(f"start, {it.told}, against the floor", ours.ms, "ms", floor.ms, it.most))
            # The promise is of a start with one call; where more are made, Python still makes one.
            made.append(row(f"start, {it.told}, against Python", ours.ms, "ms", python.ms, it.most and TIME))
            made.append(row(f"memory, {it.told}, against Python", ours.mib, "MiB", python.mib, MEMORY))
    return made


def start_rows():
    """The rows, from the release builds of `make package`."""
    with Stage() as stage:
        return rows(measured(stage, contenders(PACKAGED, stage)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=PACKAGED, help="FOLDER/NAME, FOLDER/NAME/bootstrap or bootstrap.zip")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with Stage() as stage:
        everybody = contenders(options.folder.resolve(), stage, options.only)
        figures = measured(stage, everybody, options.rounds)
        print(f"{options.rounds} rounds, {stage.trust.roots} roots; ms to the first answer, MiB at most")
    for it in everybody:
        ours = figures[it.told]
        told = f"{ours.ms:>9.1f} ({ours.least:.1f} to {ours.most:.1f})"
        print(f"{it.told:<70}{told:<28}{ours.mib:>7.1f}   {', '.join(it.calls)}")
    print("\n".join(["", *table(rows(figures))]))


if __name__ == "__main__":
    main()
