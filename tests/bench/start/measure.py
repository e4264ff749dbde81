"""The time from the start of a process to its first response, and its peak memory: every function against a hello of the same
runtime, and against the same function in Python.

    python measure.py                                   # the release builds of `make package`
    python measure.py --folder target/debug --only alarm --rounds 3

A response includes a call to AWS over TLS, for which as many roots are parsed as on Lambda. Files are in the page cache: Lambda's
work before it starts a process is not included. One round fills the cache and is not counted; the others are interleaved, and
figures are medians. All figures include the time of the servers here, 1 to 2 ms.
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
from fixture import Fixture  # noqa: E402
from rows import row, table  # noqa: E402

ROUNDS = 20
PACKAGED = ROOT / "target" / "package" / {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
# The promised ratios to Python: the highest for the time, and the highest for the memory.
TIME, MEMORY = 1 / 50, 1 / 5


@dataclass(frozen=True)
class Figures:
    """Medians, and the minimum and the maximum of the times."""

    ms: float
    mib: float
    least: float
    most: float

    @staticmethod
    def of(runs):
        times, peaks = zip(*runs)
        return Figures(statistics.median(times), statistics.median(peaks), min(times), max(times))


def program(folder, name, into):
    """A function's program in this folder, extracted if the program is in a zip; None if there is no program."""
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


def contenders(folder, fixture, only=()):
    """The measured contenders, each with its program: Envkeeper's functions, then the same in Python."""
    functions = [it for it in (HELLO, *FUNCTIONS) if not only or it.name in only]
    programs = {it.name: program(folder, it.name, fixture.folder) for it in functions}
    missing = sorted(name for name, path in programs.items() if path is None)
    if missing:
        raise SystemExit(f"the builds of {', '.join(missing)} are missing: make package")
    functions = [replace(it, program=(programs[it.name],)) for it in functions]
    in_pythons = {it.name: in_python(it) for it in functions if it.name != HELLO.name}
    return [*functions, *in_pythons.values()]


def measured(fixture, all_contenders, rounds=ROUNDS):
    """The figures by label. Each round begins with another contender, so that none always follows the same one."""
    runs = {it.label: [] for it in all_contenders}
    gc.disable()
    for number in range(rounds + 1):
        first = number % len(all_contenders)
        for contender in all_contenders[first:] + all_contenders[:first]:
            once = fixture.once(contender)
            if number:
                runs[contender.label].append(once)
        gc.collect()
    gc.enable()
    return {label: Figures.of(pairs) for label, pairs in runs.items()}


def rows(figures):
    """Rows of bench.json."""
    found, floor = [], figures.get(HELLO.label)
    if floor:
        found.append(row(f"start, {HELLO.label}: the floor", floor.ms, "ms"))
        found.append(row(f"memory, {HELLO.label}: the floor", floor.mib, "MiB"))
    for it in FUNCTIONS:
        if it.label in figures:
            function, python = figures[it.label], figures[in_python(it).label]
            if floor:
                found.append(row(f"start, {it.label}, against the floor", function.ms, "ms", floor.ms, it.most))
            # The promise is for a start with one call; Python makes one call also where the function makes more.
            found.append(row(f"start, {it.label}, against Python", function.ms, "ms", python.ms, it.most and TIME))
            found.append(row(f"memory, {it.label}, against Python", function.mib, "MiB", python.mib, MEMORY))
    return found


def start_rows():
    """The rows, from the release builds of `make package`."""
    with Fixture() as fixture:
        return rows(measured(fixture, contenders(PACKAGED, fixture)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=PACKAGED, help="FOLDER/NAME, FOLDER/NAME/bootstrap or bootstrap.zip")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with Fixture() as fixture:
        all_contenders = contenders(options.folder.resolve(), fixture, options.only)
        figures = measured(fixture, all_contenders, options.rounds)
        print(f"{options.rounds} rounds, {fixture.trust.roots} roots; ms to the first response, peak in MiB")
    for it in all_contenders:
        found = figures[it.label]
        times = f"{found.ms:>9.1f} ({found.least:.1f} to {found.most:.1f})"
        print(f"{it.label:<80}{times:<28}{found.mib:>7.1f}   {', '.join(it.calls)}")
    print("\n".join(["", *table(rows(figures))]))


if __name__ == "__main__":
    main()
