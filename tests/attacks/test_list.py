"""SECURITY.md lists the attacks: a row for each case, from the case's docstring."""

import unittest

from fixture import ROOT

SUBJECTS = {
    "test_ownership": "Ownership",
    "test_messages": "Messages",
    "test_entrances": "Entrances",
    "test_operators": "Functions of operators",
    "test_instances": "Instances",
    "test_authors": "Stack authors",
    "test_texts": "Texts and bounds",
}


def cases(module):
    """The attack and the outcome of each case of a module: the two parts of its docstring."""
    for suite in unittest.defaultTestLoader.loadTestsFromName(module):
        for case in suite:
            text = " ".join(getattr(case, case._testMethodName).__doc__.split())
            attack, outcome = text.rsplit(": ", 1)
            yield attack, outcome.rstrip(".")


def section():
    """The section of SECURITY.md."""
    for module, subject in SUBJECTS.items():
        yield f"\n| {subject} (`tests/attacks/{module}.py`) | outcome |\n|---|---|"
        for attack, outcome in cases(module):
            yield f"| {attack} | {outcome} |"


class List(unittest.TestCase):
    def test_security_lists_every_attack(self):
        """Paste the section that the failure prints."""
        expected = "\n".join(section())
        self.assertTrue(expected in (ROOT / "SECURITY.md").read_text(), f"SECURITY.md has another list than this:\n{expected}")

    def test_every_subject_is_listed(self):
        modules = {path.stem for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
        self.assertEqual(modules - {"test_list"}, set(SUBJECTS))


if __name__ == "__main__":
    unittest.main()
