"""Every relative link of the tracked Markdown files leads to a tracked file, and every anchor to a heading."""

import re
import subprocess
import unittest
from collections import Counter
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^( *)(```+|~~~+).*?^ *\2`*~*$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$", re.MULTILINE)
HTML_ANCHOR = re.compile(r"<a +(?:id|name)=\"([^\"]+)\"")
INLINE = re.compile(r"\]\(<?([^)>\s]+)>?(?: +\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]^]+\]: *<?(\S+?)>?(?: +\".*\")?$", re.MULTILINE)
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def without_fences(text):
    return FENCE.sub("", text)


def slug(heading):
    """The anchor that GitHub gives a heading: link targets and punctuation are removed, a space becomes a dash."""
    plain = re.sub(r"\]\([^)]*\)", "]", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def anchors(text):
    """The anchors of a page. A repeated heading has a number after its anchor."""
    text, seen, found = without_fences(text), Counter(), set(HTML_ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(text):
    """The targets of a page's links. Code is not a link, whatever it contains."""
    text = without_fences(text)
    return [*INLINE.findall(SPAN.sub("`", text)), *REFERENCE.findall(text)]


def resolve(folder, target):
    """The path from the root that a relative target names, without `.` and `..`; None if the target leaves the repository."""
    parts = []
    for part in (folder / target).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return "/".join(parts)


def broken(page, text, files, read):
    """The links of a page that lead nowhere, each with its reason. `files` are the paths of the repository, `read` returns a text."""
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
    for target in links(text):
        if EXTERNAL.match(target):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = resolve(PurePosixPath(page).parent, name) if name else page
        if path is None or (path not in files and path not in folders and path != ""):
            yield f"{page}: {target}: no such file"
        elif anchor and anchor not in anchors(text if path == page else read(path)):
            yield f"{page}: {target}: no such heading"


class Links(unittest.TestCase):
    def test_every_relative_link_and_anchor_resolves(self):
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        files = set(listed.splitlines())
        pages = sorted(file for file in files if file.endswith(".md") and (ROOT / file).exists())
        self.assertIn("README.md", pages)

        def read(file):
            return (ROOT / file).read_text()

        found = [line for page in pages for line in broken(page, read(page), files, read)]
        self.assertEqual(found, [], "\n" + "\n".join(found))


class Recordings(unittest.TestCase):
    # Names of tests are sentences; shorter code spans of the page are AWS's own words.
    NAME = re.compile(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`")
    TEST = re.compile(r"^ *(?:async )?fn ([a-z0-9_]+)\(", re.MULTILINE)

    def test_each_test_that_the_page_of_recordings_names_exists(self):
        listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        sources = [ROOT / file for file in listed.splitlines() if (ROOT / file).exists()]
        tests = {name for source in sources for name in self.TEST.findall(source.read_text())}
        named = set(self.NAME.findall((ROOT / "tests" / "RECORDINGS.md").read_text()))
        self.assertGreater(len(named), 50)
        self.assertEqual(named - tests, set())


class Parts(unittest.TestCase):
    FILES = {"x.md": "", "a.md": "# A `b` & [c](d)\n\n## Same\n\n## Same\n", "docs/b.md": "[up](../a.md#same-1)\n"}

    def broken(self, page, text):
        return list(broken(page, text, set(self.FILES), self.FILES.__getitem__))

    def test_a_link_to_a_file_a_folder_or_a_heading_resolves(self):
        text = "[f](a.md) [d](docs/) [h](a.md#a-b--c) [s](a.md#same) [t](#title) [w](https://a.b/c.md)\n\n# Title\n\n[r]: docs/b.md\n"
        self.assertEqual(self.broken("x.md", text), [])
        self.assertEqual(self.broken("docs/b.md", self.FILES["docs/b.md"]), [])

    def test_a_broken_link_is_reported_with_its_page(self):
        cases = {
            "[x](c.md)": "x.md: c.md: no such file",
            "[x](../a.md)": "x.md: ../a.md: no such file",
            "[x](a.md#same-2)": "x.md: a.md#same-2: no such heading",
            "[x](#nowhere)": "x.md: #nowhere: no such heading",
            "[x]: c.md": "x.md: c.md: no such file",
        }
        for text, expected in cases.items():
            with self.subTest(text):
                self.assertEqual(self.broken("x.md", text), [expected])

    def test_code_is_neither_a_link_nor_a_heading(self):
        text = "`[x](c.md)`\n\n```sh\n# comment\n[x](c.md)\n```\n"
        self.assertEqual(self.broken("x.md", text), [])
        self.assertEqual(anchors(text), set())


if __name__ == "__main__":
    unittest.main()
