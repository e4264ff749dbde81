"""The extractors of each corpus, on short sources."""

import re
import sys
import tomllib
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from count import TERMS, Passage, Source, Term, Today, prose, read, sentences_of, string_errors  # noqa: E402

RUST = '''//! The module.

/// Reads `what`,
/// then [closes](crate::close).
#[must_use]
pub fn open<'a>(path: &'a str) -> Result<File, String> {
    let (url, quote) = ("https://host // no comment", '"'); // The end.
    let shape = "outcome";
    Err(format!("cannot read {path:?} \\
        at all: {0}", r#"a "raw" text here"#))
}

#[cfg(test)]
mod tests {
    // A test's comment.
    #[tokio::test(start_paused = true)]
    async fn reader_opens_a_file() {
        assert!(open("no such file anywhere").is_err());
    }
}
'''


def found(source: Source, corpus: str) -> list[tuple[str, int, str]]:
    passages = [passage for passage in source.passages if passage.corpus == corpus]
    return [(passage.part, passage.line, " ".join(prose(passage.raw).split())) for passage in passages]


class Prose(unittest.TestCase):
    def test_code_span_fence_link_target_and_address_are_removed(self):
        text = "Call `a` or ``b ` c``.\n```sh\nwhat\n```\nSee [the page](https://a.b/what) and <https://c.d>, [`x`][y]."
        self.assertEqual(re.findall(r"\w+", prose(text)), ["Call", "or", "See", "the", "page", "and"])
        self.assertEqual(prose(text).count("\n"), text.count("\n"))

    def test_sentences_keep_code_spans_and_end_at_headings(self):
        passage = Passage("comments", "product", "a.rs", 1, "Reads `a.b`. Fails\notherwise. \n\n# Errors\nA denial.")
        self.assertEqual(sentences_of(passage), ["Reads `a.b`.", "Fails otherwise.", "# Errors", "A denial."])


class Extractors(unittest.TestCase):
    def test_rust_comments_are_joined_and_split_into_product_and_tests(self):
        source = read("shared/kit/src/lib.rs", RUST)
        expected = [
            ("product", 1, "The module."),
            ("product", 3, "Reads ·, then [closes]·."),
            ("product", 7, "The end."),
            ("tests", 15, "A test's comment."),
        ]
        self.assertEqual(found(source, "comments"), expected)
        self.assertEqual(source.passages[1].item, "pub fn open<'a>(path: &'a str) -> Result<File, String> {")
        self.assertEqual({part for part, _, _ in found(read("tests/kit/src/lib.rs", RUST), "comments")}, {"tests"})

    def test_rust_texts_have_three_words_and_no_placeholders(self):
        expected = [
            ("product", 9, "cannot read · at all: ·"),
            ("product", 10, 'a "raw" text here'),
            ("tests", 18, "no such file anywhere"),
        ]
        texts = found(read("shared/kit/src/lib.rs", RUST), "texts")
        self.assertEqual([text for text in texts if "host" not in text[2]], expected)

    def test_rust_names_include_one_word_literals_and_exclude_test_names(self):
        source = read("shared/kit/src/lib.rs", RUST)
        names = {named.name for named in source.names}
        self.assertLessEqual({"open", "what", "outcome", "shape"}, names)
        self.assertNotIn("reader_opens_a_file", names)
        self.assertEqual(found(source, "test names"), [("rust", 17, "reader opens a file")])

    def test_string_errors_are_counted_per_crate_of_the_product(self):
        signature = tomllib.loads(TERMS.read_text())["string_errors"]["signature"]
        sources = [read("shared/kit/src/lib.rs", RUST), read("shared/kit/tests/a.rs", RUST), read("shared/b/src/a.rs", "")]
        self.assertEqual(string_errors(sources, signature), {"total": 1, "crates": {"shared/kit": 1}})

    def test_markdown_tables_have_no_rate_and_fences_no_prose(self):
        source = read("README.md", "# Title\nOne\nparagraph.\n- item\n\n| a | row |\n\n```\ncode_word\n```\n")
        expected = [(1, "# Title"), (2, "One paragraph."), (4, "- item"), (6, "| a | row |")]
        self.assertEqual(found(source, "documents"), [("guides", *passage) for passage in expected])
        self.assertEqual([passage.rated for passage in source.passages], [True, True, True, False])
        self.assertIn("code_word", {named.name for named in source.names})

    def test_yaml_descriptions_and_comments_are_texts(self):
        text = "# A comment.\nA:\n  AlarmDescription: >-\n    First\n    and last.\n  Name: a # Beside.\n"
        expected = [("yaml", 1, "A comment."), ("yaml", 3, "First and last."), ("yaml", 6, "Beside.")]
        self.assertEqual(found(read("infra/a.yaml", text), "texts"), expected)

    def test_python_comments_docstrings_texts_and_test_names(self):
        function = 'def test_a_reader():\n    name = "outcome"\n    fail(f"cannot read {name} at all")\n'
        source = read("tests/a.py", '"""Short."""\n\n# One\n# comment.\n' + function)
        expected = [("strings", 1, "Short."), ("strings", 7, "cannot read · at all"), ("comments", 3, "One comment.")]
        self.assertEqual(found(source, "python"), expected)
        self.assertEqual(found(source, "test names"), [("python", 5, "a reader")])
        self.assertIn("outcome", {named.name for named in source.names})


class Terms(unittest.TestCase):
    def test_identifiers_match_exactly_or_by_words(self):
        row = {"name": "a", "replacement": "b", "prose": [r"\bcome back\b"], "identifiers": ["=Turn", "come_back"]}
        term = Term(row)
        names = ["Turn", "turn", "ComeBack", "come_back_at", "become_back"]
        self.assertEqual([name for name in names if term.has_name(name)], ["Turn", "ComeBack", "come_back_at"])

    def test_a_phrase_continues_on_the_next_line(self):
        term = Term({"name": "a", "replacement": "b", "prose": [r"\bcome back\b"]})
        places = list(term.places([read("shared/a.rs", "// Messages come\n// back.\n")]))
        self.assertEqual(places, [("comments", "shared/a.rs", 1)])


class Successors(unittest.TestCase):
    def test_a_renamed_file_and_a_reworded_comment_are_found(self):
        old = read("shared/a/src/told.rs", "/// Tells nobody.\nfn open() {}\n")
        new = read("shared/a/src/summary.rs", "/// The summary.\nfn open() {}\n")
        today = Today([new], {old.file: new.file})
        self.assertEqual(today.sentence_of(old, old.passages[0], 0), "The summary.")
        self.assertEqual(Today([], {}).sentence_of(old, old.passages[0], 0), "removed")


if __name__ == "__main__":
    unittest.main()
