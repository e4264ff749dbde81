"""The promises of `make bench`, and the page that `make figures` writes from the reports."""

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
import figures  # noqa: E402
from burst import bodies, lines_of, streams_of  # noqa: E402
from rows import missed, row, table  # noqa: E402


# A report of `make judge`.
JUDGED = {"calls": 27_000, "operations": 150, "violations": 0, "planted": 179, "planted_seen": 179}


class Promises(unittest.TestCase):
    def test_a_ratio_above_the_promised_one_is_missed(self):
        kept, broken, free = row("a", 11, "calls", 10, most=1.1), row("b", 12, "calls", 10, most=1.1), row("c", 9, "s", 1)
        self.assertEqual(missed([kept, broken, free, row("d", 1, "s")]), ["b: × 1.200, at most 1.1 is promised"])
        self.assertEqual(["MISSED" in line for line in table([kept, broken, free])], [False, True, False])

    def run_with(self, rows):
        """The exit status of the bench with these rows, and its report."""
        with tempfile.TemporaryDirectory() as folder:
            names = ("engine_rows", "release_rows", "cloud_rows")
            measured = dict(zip(names, (lambda: rows[:1], list, lambda: rows[1:])))
            with contextlib.ExitStack() as stack:
                for name, value in {**measured, "REPORTS": Path(folder)}.items():
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


class Figures(unittest.TestCase):
    def written_from(self, rows, campaign=None, judged=JUDGED):
        """The exit status of `make figures` with these reports, and the page that it writes."""
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            reports, page = Path(folder), Path(folder) / "FIGURES.md"
            (reports / "bench.json").write_text(json.dumps(rows))
            if judged is not None:
                (reports / "api-models.json").write_text(json.dumps(judged))
            if campaign is not None:
                (reports / "campaign.json").write_text(json.dumps(campaign))
            page.write_text("stale\n")
            for name, value in {"REPORTS": reports, "PAGE": page}.items():
                stack.enter_context(mock.patch.object(figures, name, value))
            try:
                figures.main()
                ended = 0
            except SystemExit as end:
                ended = end.code
            return ended, page.read_text()

    def test_a_row_and_a_campaign_that_are_not_in_the_reports_are_reported_as_missing(self):
        every = [row(name, 1, "s", 2 if baseline else None) for _, name, baseline in figures.FIGURES]
        a_row = {"runs": 1200, "converged": 1200, "leaked": 0, "duplicated": 0, "no_response": 0}
        ended, page = self.written_from(every, [a_row])
        self.assertEqual(ended, 0)
        self.assertTrue(page.startswith(f"{figures.INTRO}\n\n| | | against |\n"), page)
        self.assertIn("`make campaign`: 1,200 runs in 1 rows, 1,200 converged, 0 leaked", page)
        self.assertIn("`make judge`: 27,000 recorded calls of 150 operations against AWS's API models, 0 violations; 179 of 179", page)
        self.assertNotIn("not measured |", page)
        ended, page = self.written_from(every, [a_row], judged=None)
        self.assertEqual(ended, "not in the reports: make judge")
        self.assertTrue(page.endswith("\n\n`make judge`: not measured.\n"), page)
        for empty in (None, []):
            ended, page = self.written_from(every, empty)
            self.assertEqual(ended, "not in the reports: make campaign")
            self.assertIn("\n\n`make campaign`: not measured.\n", page)
        ended, page = self.written_from(every[1:], [a_row])
        self.assertEqual(ended, f"not in the reports: {every[0]['name']}")
        self.assertIn(f"| {figures.FIGURES[0][0]} | not measured | |", page)


class Burst(unittest.TestCase):
    def test_a_mixed_burst_has_three_environments_and_two_days_and_half_of_its_events_have_two_lines(self):
        mixed = [json.loads(body) for body in bodies(120, mixed=True)]
        self.assertEqual(len({it["detail"]["AutoScalingGroupName"] for it in mixed}), 3)
        self.assertEqual(len({it["detail"]["EndTime"][:10] for it in mixed}), 2)
        self.assertEqual(streams_of(120, mixed=True), 6)
        self.assertEqual(lines_of(120, mixed=True), 180)
        sentences = {it["detail"]["Cause"] for it in mixed if "changing the desired capacity" in it["detail"]["Cause"]}
        self.assertEqual(len(sentences), 60, "each cause has a change of its own")
        plain = [json.loads(body) for body in bodies(10)]
        self.assertEqual((lines_of(10), len({it["detail"]["AutoScalingGroupName"] for it in plain})), (10, 1))


if __name__ == "__main__":
    unittest.main()
