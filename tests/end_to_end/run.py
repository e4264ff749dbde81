"""Runs the end-to-end tests and the attacks: each class of tests in a process with its own local cloud, several processes at a
time.

    python run.py                        # all classes; `make test-stacks`
    python run.py attacks                # the attacks; `make test-attacks`
    python run.py test_hooks             # the classes of one module
    python run.py test_hooks.Hooks       # one class, or one of its tests, in this process
    python run.py test_texts.Texts+test_instances.Instances    # several of them in this process

Prints the output of a class when the class ends, and a table of durations at the end. A run of several classes writes the
durations to target/reports/test-stacks.json. The exit status is 0 if all tests passed.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from demo import interrupt
from local_cloud import built_packages

HERE = Path(__file__).resolve().parent
ATTACKS = HERE.parent / "attacks"
sys.path.append(str(ATTACKS))
REPORT = HERE.parents[1] / "target" / "reports" / "test-stacks.json"


def modules(folder):
    return sorted(path.stem for path in folder.glob("test_*.py"))


# The classes of attacks that share a process, and with it a local cloud: their fixture deploys once in a process.
SHARED = ("test_entrances.Entrances", "test_instances.Instances", "test_operators.Operators", "test_texts.Texts")

# A class mostly waits: for instances, for queues, and for processes that start. The longest waits for 400 s.
PROCESSES = 6
# The classes that take longest start first, so that none of them ends long after all others. A class that is missing here only
# makes the run longer: the table of a run shows the durations.
LONGEST = (
    "test_rollouts.Rollouts",
    "test_ownership.Ownership",
    "test_stacks.Networks",
    "test_stacks.Stacks",
    "test_rollouts.RolloutsOfOperators",
    "test_request_queue.QueueFailures",
    "test_changes.Changes",
    "test_request_queue.RequestQueue",
    "test_ledger.Ledger",
    "test_stacks.Demo",
    "test_hooks.Hooks",
    "test_rollouts.RolloutsOfStacks",
    "test_smoke.Smoke",
    "test_nine_checks.NineChecks",
)


@dataclass(frozen=True)
class Outcome:
    """A class that has run, with its duration in seconds and its output."""

    name: str
    passed: bool
    seconds: float
    output: str


class TimedResult(unittest.TextTestResult):
    """Prints the duration of each test in seconds."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        self.stream.writeln(f"    {time.monotonic() - self.began:.1f} s")


def tests(name):
    """All tests of a module, a class or a test, by its name."""
    suites = [unittest.defaultTestLoader.loadTestsFromName(name)]
    while suites:
        for it in suites.pop():
            if isinstance(it, unittest.TestSuite):
                suites.append(it)
            else:
                yield it


def units(name):
    """The classes with tests in a module, or in all modules of attacks; the name itself if it is that of a class or of a test."""
    if name == "attacks":
        return [unit for module in modules(ATTACKS) for unit in units(module)]
    if "." in name:
        return [name]
    return list(dict.fromkeys(f"{name}.{type(test).__qualname__}" for test in tests(name)))


def together(names):
    """The names, with the classes that share a process joined to one."""
    shared = [it for it in names if it in SHARED]
    return [it for it in names if it not in SHARED] + (["+".join(shared)] if shared else [])


def start_order(name):
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def run_here(name):
    """Runs a name in this process; returns whether all its tests passed."""
    runner = unittest.TextTestRunner(verbosity=2, resultclass=TimedResult)
    return runner.run(unittest.defaultTestLoader.loadTestsFromNames(name.split("+"))).wasSuccessful()


def run_apart(name, running):
    """Runs a name in a process of its own, which is in the set `running` meanwhile."""
    began = time.monotonic()
    command = [sys.executable, __file__, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        running.add(process)
        output, _ = process.communicate()
        running.remove(process)
    return Outcome(name, process.returncode == 0, time.monotonic() - began, output)


def run_all(names, processes):
    """Runs names in several processes, prints each output, and yields each outcome, both in the order of the ends. An interrupt
    ends the processes."""
    running = set()
    with ThreadPoolExecutor(processes) as pool:
        try:
            for ended in as_completed([pool.submit(run_apart, name, running) for name in sorted(names, key=start_order)]):
                outcome = ended.result()
                print(f"\n==== {outcome.name}\n{outcome.output}", flush=True)
                yield outcome
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(running):
                process.terminate()
            raise


def table(outcomes, seconds):
    yield f"{'class':<44}{'seconds':>8}"
    for it in sorted(outcomes, key=lambda it: -it.seconds):
        yield f"{it.name:<44}{it.seconds:>8.0f}{'' if it.passed else '  FAILED'}"
    yield f"{'all, side by side':<44}{seconds:>8.0f}"


def write_report(outcomes, seconds, processes):
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"name": it.name, "passed": it.passed, "seconds": round(it.seconds, 1)} for it in outcomes]
    report = {"seconds": round(seconds, 1), "processes": processes, "classes": listed}
    REPORT.write_text(json.dumps(report, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[*modules(HERE), "attacks"], help="modules, classes or tests")
    parser.add_argument("--processes", type=int, default=PROCESSES, help=f"at a time; the default is {PROCESSES}")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupt)
    names = together([it for name in given.names for it in units(name)])
    if len(names) == 1:
        return 0 if run_here(names[0]) else 1
    began = time.monotonic()
    built_packages()
    try:
        outcomes = list(run_all(names, given.processes))
    except KeyboardInterrupt:
        return 130
    seconds = time.monotonic() - began
    print("\n".join(table(outcomes, seconds)))
    write_report(outcomes, seconds, given.processes)
    return 0 if all(it.passed for it in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
