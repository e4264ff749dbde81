"""What `make bench` promises."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bench  # noqa: E402
from burst import bodies, lines_of, streams_of  # noqa: E402
from rows import missed, row, table  # noqa: E402


class Promises(unittest.TestCase):
    def test_a_ratio_above_what_is_promised_is_missed(self):
        kept, broken, free = row("a", 11, "calls", 10, most=1.1), row("b", 12, "calls", 10, most=1.1), row("c", 9, "s", 1)
        self.assertEqual(missed([kept, broken, free, row("d", 1, "s")]), ["b: × 1.200, at most 1.1 is promised"])
        self.assertEqual(["MISSED" in line for line in table([kept, broken, free])], [False, True, False])

    def run_with(self, rows):
        """The exit of the bench over these rows, and its report."""
        with tempfile.TemporaryDirectory() as folder:
            names = ("engine_rows", "release_rows", "cloud_rows")
            made = dict(zip(names, (lambda: rows[:1], list, lambda: rows[1:])))
            with contextlib.ExitStack() as stack:
                for name, value in {**made, "REPORTS": Path(folder)}.items():
                    stack.enter_context(mock.patch.object(bench, name, value))
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
                try:
                    bench.main()
                    ended = 0
                except SystemExit as end:
                    ended = end.code
            return ended, json.loads((Path(folder) / "bench.json").read_text())

    def test_the_bench_fails_after_its_report_if_a_promise_is_broken(self):
        broken = [row("a", 12, "calls", 10, most=1.1), row("b", 1, "s")]
        ended, report = self.run_with(broken)
        self.assertEqual((ended, report), ("a: × 1.200, at most 1.1 is promised", broken))
        kept = [row("a", 11, "calls", 10, most=1.1), row("b", 1, "s")]
        self.assertEqual(self.run_with(kept), (0, kept))


class Burst(unittest.TestCase):
    def test_a_mixed_burst_is_of_three_environments_and_two_days_and_half_of_it_is_two_lines(self):
        mixed = [json.loads(body) for body in bodies(120, mixed=True)]
        self.assertEqual(len({it["detail"]["AutoScalingGroupName"] for it in mixed}), 3)
        self.assertEqual(len({it["detail"]["EndTime"][:10] for it in mixed}), 2)
        self.assertEqual(streams_of(120, mixed=True), 6)
        self.assertEqual(lines_of(120, mixed=True), 180)
        sentences = {it["detail"]["Cause"] for it in mixed if "changing the desired capacity" in it["detail"]["Cause"]}
        self.assertEqual(len(sentences), 60, "each tells of a change of its own")
        plain = [json.loads(body) for body in bodies(10)]
        self.assertEqual((lines_of(10), len({it["detail"]["AutoScalingGroupName"] for it in plain})), (10, 1))


if __name__ == "__main__":
    unittest.main()
