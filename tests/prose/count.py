"""`make prose`: rates of the private vocabulary, as a table and in target/reports/prose.json. The report never fails a check.

terms.toml holds every term and every pattern; README.md explains the rows. This folder is not counted: it quotes the terms.
"""

import argparse
import difflib
import io
import json
import random
import re
import subprocess
import sys
import tarfile
import tokenize
import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TERMS = Path(__file__).with_name("terms.toml")
OWN_FOLDER = "tests/prose/"
GUIDES = ("ARCHITECTURE.md", "README.md")
# Corpora and their parts, in the order of the table.
PARTS = {
    "comments": ("product", "tests"),
    "documents": ("guides", "others"),
    "texts": ("product", "tests", "yaml"),
    "test names": ("rust", "python"),
    "python": ("comments", "strings"),
}
# Files whose compound words (`HOOK_POLL_SECONDS`) count as names. Of their comments, YAML's alone are a corpus.
NAMED_FILES = re.compile(r"\.(ya?ml|toml|guard|snap|json|in)$|(^|/)(Makefile|run)$")
GAP = "·"  # in place of removed code, so that no phrase spans a gap
LEAST_WORDS = 3  # of a string literal that counts as a text
LEAST_WORDS_OF_A_SENTENCE = 5
LEAST_LIKENESS = 0.3  # of a file, a passage or a sentence that counts as the same one, between 0 and 1

WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
NAME = re.compile(r"[A-Za-z_]\w*")
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?]\*\*)|(?<=[.!?][)\"'’]))\s+(?=[A-Z`\[“\"])|\n(?=\s*(?:[-*]|\d+\.)\s)|\n\s*\n")
FENCE = r"^[ \t]*(?P<fence>```+|~~~+).*?(?:^[ \t]*(?P=fence)[^\n]*$|\Z)|<!--.*?-->"
# The order matters: a fence may hold code spans, and a code span may hold an address.
NOT_PROSE = re.compile(
    rf"(?ms){FENCE}|(?P<ticks>`+)(?:(?!\n[ \t]*\n).)+?(?P=ticks)"
    r"|(?<=\])\([^()\s]*(?:\s+\"[^\"]*\")?\)|(?<=\])\[[^\]\s]*\]|^[ \t]*\[[^\]]+\]:[ \t]+\S+|<?https?://[^\s>)]+>?"
)
CODE_SPAN = re.compile(r"(?s)```.*?```|`[^`]+`")
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
RUST = re.compile(
    r"""(?xs)
    (?P<comment> //[^\n]* | /\*(?:[^*]|\*(?!/))*\*/ )
    | (?P<string> \b[bc]?r(?P<hashes>\#*)".*?"(?P=hashes) | (?:\b[bc])?"(?:\\.|[^"\\])*" )
    | (?P<char> (?:\bb)?'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])' )
    | (?P<lifetime> '[A-Za-z_]\w* )
    | (?P<name> (?:r\#)?[A-Za-z_]\w* )
    | (?P<number> \d\w* )
    | (?P<sign> \S )
    """
)
TEST_ATTRIBUTE = re.compile(r"#\[(?:\w+::)*(?:test|proptest|property_test|quickcheck|rstest|test_case)\b")
TEST_PATH = re.compile(r"^tests/|/tests/|(^|/)tests\.rs$")
DESCRIPTION = re.compile(r"^(?P<indent>[ -]*)(?:Alarm)?Description:\s*(?P<value>.*)$")
ITEM = re.compile(r"\b(?:fn|struct|enum|union|trait|type|const|static|mod|def|class)\s+(\w+)|^(?:pub(?:\([^)]*\))?\s+)?(\w+)")


@dataclass(frozen=True)
class Passage:
    """A stretch of prose with its place, and the code line or the heading that it belongs to. A table's row has no rate."""

    corpus: str
    part: str
    file: str
    line: int
    raw: str
    item: str = ""
    rated: bool = True


@dataclass(frozen=True)
class Named:
    """An identifier and its place."""

    name: str
    file: str
    line: int


@dataclass
class Source:
    """The content of one file, by corpus; `code` is the text with blanked comments, `tests` the spans of its test modules."""

    file: str
    text: str
    passages: list[Passage] = field(default_factory=list)
    names: list[Named] = field(default_factory=list)
    code: str = ""
    tests: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self):
        self.starts = [0, *(found.end() for found in re.finditer("\n", self.text))]

    def line_at(self, offset: int) -> int:
        return bisect_right(self.starts, offset)

    def is_test(self, offset: int) -> bool:
        return bool(TEST_PATH.search(self.file)) or any(begin <= offset < end for begin, end in self.tests)

    def add(self, corpus: str, part: str, line: int, raw: str, item: str = "", rated: bool = True):
        self.passages.append(Passage(corpus, part, self.file, line, raw, item, rated))

    def add_names(self, text: str, line: int, compound_only: bool = False):
        for found in NAME.finditer(text):
            if not compound_only or len(parts_of(found[0])) > 1:
                self.names.append(Named(found[0], self.file, line + text.count("\n", 0, found.start())))


def parts_of(name: str) -> list[str]:
    """The lower-case words of an identifier in snake or camel case."""
    return [part for part in HUMP.sub("_", name).lower().split("_") if part]


def prose(raw: str) -> str:
    """The text without code, addresses and link targets. A dot marks each gap; line ends remain."""
    return NOT_PROSE.sub(lambda found: GAP + "\n" * found[0].count("\n"), raw)


def text_of(literal: str) -> str:
    """The text of a literal without escapes, placeholders and data in braces; empty for scripts and markup."""
    text = re.sub(r"\\\n\s*", "\n", literal).replace("\\n", " ").replace('\\"', '"').replace("\\t", " ")
    while (shorter := PLACEHOLDER.sub(GAP, text)) != text:
        text = shorter
    return "" if text.lstrip().startswith(("#!", "<", "[")) else text


def is_text(text: str) -> bool:
    return len(WORD.findall(prose(text))) >= LEAST_WORDS


def rust(source: Source):
    """Comments, texts, test names and identifiers of a Rust file."""
    tokens = list(RUST.finditer(source.text))
    comments, others = [[token for token in tokens if bool(token["comment"]) == is_comment] for is_comment in (True, False)]
    code = list(source.text)
    for comment in comments:
        code[comment.start() : comment.end()] = [char if char == "\n" else " " for char in comment[0]]
    source.code = "".join(code)
    source.tests = list(test_modules(source.code, others))
    rust_comments(source, comments)
    awaits_name, before = False, ""
    for token in others:
        line = source.line_at(token.start())
        if token["sign"] == "#" and TEST_ATTRIBUTE.match(source.code, token.start()):
            awaits_name = True
        elif token["name"] and awaits_name and before == "fn":
            source.add("test names", "rust", line, " ".join(parts_of(token[0])))
            awaits_name = False
        elif token["name"]:
            source.names.append(Named(token[0].removeprefix("r#"), source.file, line))
        elif token["string"]:
            literal = token[0][token[0].index('"') + 1 : token[0].rindex('"')]
            add_literal(source, line, literal, "texts", "tests" if source.is_test(token.start()) else "product")
        before = token[0]


def add_literal(source: Source, line: int, literal: str, corpus: str, part: str):
    """A text, or else the name that a literal without spaces holds."""
    text = text_of(literal)
    if is_text(text):
        source.add(corpus, part, line, text)
    elif re.fullmatch(r"[\w:.-]+", literal):
        source.add_names(literal, line)


def test_modules(code: str, tokens: list[re.Match]) -> Iterator[tuple[int, int]]:
    """The spans of items under `#[cfg(test)]`."""
    signs = [(token.start(), token["sign"]) for token in tokens if token["sign"]]
    for found in re.finditer(r"#\[cfg\(test\)\]", code):
        depth = 0
        for offset, sign in signs[bisect_right(signs, (found.end() - 1, "~")) :]:
            depth += (sign in "{([") - (sign in "})]")
            if depth == 0 and sign in ";}":
                yield found.start(), offset + 1
                break


def rust_comments(source: Source, comments: list[re.Match]):
    """Neighbouring line comments of one kind are one passage."""
    groups: list[list[re.Match]] = []
    for comment in comments:
        before = source.text[source.starts[source.line_at(comment.start()) - 1] : comment.start()]
        last = groups[-1][-1] if groups else None
        follows = last and not before.strip() and re.fullmatch(r"\n[ \t]*", source.text[last.end() : comment.start()])
        if follows and kind_of(last[0]) == kind_of(comment[0]) and not code_before(source, groups[-1][0]):
            groups[-1].append(comment)
        else:
            groups.append([comment])
    lines = source.text.split("\n")
    for group in groups:
        first, last = source.line_at(group[0].start()), source.line_at(group[-1].end() - 1)
        raw = "\n".join(comment_text(comment[0]) for comment in group)
        part = "tests" if source.is_test(group[0].start()) else "product"
        item = code_before(source, group[0]) or next_code(lines, last)
        source.add("comments", part, first, raw, "//!" if kind_of(group[0][0]) == "//!" else item)
        for span in CODE_SPAN.finditer(raw):
            source.add_names(span[0], first + raw.count("\n", 0, span.start()))


def kind_of(comment: str) -> str:
    return re.match(r"//[/!]?|/\*[*!]?", comment)[0]


def comment_text(comment: str) -> str:
    if comment.startswith("/*"):
        return "\n".join(line.strip().removeprefix("*").strip() for line in comment[2:-2].lstrip("*!").split("\n"))
    return re.sub(r"^//[/!]? ?", "", comment).rstrip()


def code_before(source: Source, comment: re.Match) -> str:
    return source.text[source.starts[source.line_at(comment.start()) - 1] : comment.start()].strip()


def next_code(lines: list[str], after: int) -> str:
    """The first line below that is code: blank lines, comments and attributes are skipped."""
    rest = (line.strip() for line in lines[after:])
    return next((line for line in rest if line and not line.startswith(("//", "#[", "#"))), "")


def markdown(source: Source):
    """A paragraph, a list item, a heading and a row of a table are a passage each; code gives names."""
    text = source.text
    for span in CODE_SPAN.finditer(text):
        source.add_names(span[0], source.line_at(span.start()))
    text = re.sub(rf"(?ms){FENCE}", lambda found: "\n" * found[0].count("\n"), text)
    part, heading, block, begin = "guides" if source.file in GUIDES else "others", "", [], 0

    def flush():
        if block:
            source.add("documents", part, begin, "\n".join(block), heading, not block[0].startswith("|"))
            block.clear()

    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        is_after_table = block and block[0].startswith("|")
        if not line or is_after_table or line.startswith(("|", "#")) or re.match(r"(?:[-*+]|\d+\.)\s", line):
            flush()
        if line.startswith("#"):
            heading = line.strip("# ")
        if line:
            begin = begin if block else number
            block.append(line)
        if line.startswith("#"):
            flush()
    flush()


def yaml(source: Source):
    """Descriptions with their continued lines, and comments."""
    lines = source.text.split("\n")
    for number, line in enumerate(lines, 1):
        if found := DESCRIPTION.match(line):
            more = []
            for below in lines[number:]:
                if below.strip() and len(below) - len(below.lstrip()) <= len(found["indent"]):
                    break
                more.append(below.strip())
            value = re.sub(r"^(!Sub\s*)?[>|]?[+-]?\s*", "", found["value"])
            source.add("texts", "yaml", number, PLACEHOLDER.sub(GAP, "\n".join([value, *more])))
        elif comment := re.match(r"\s*#(?!!)\s?(.*)|[^'\"#]*\s#\s(.*)", line):
            source.add("texts", "yaml", number, comment[1] or comment[2] or "")


def python(source: Source):
    """Comments, docstrings, texts, test names and identifiers of a Python file."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source.text).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        print(f"{source.file} is skipped: {error}", file=sys.stderr)
        return
    source.code = source.text
    starts = (None, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    last, last_text, comments = None, "", []
    for token in tokens:
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("#! ")
            if comments and comments[-1][0] + len(comments[-1][1]) == line and not token.line[: token.start[1]].strip():
                comments[-1][1].append(text)
            else:
                comments.append((line, [text]))
        elif token.type == tokenize.STRING:
            raw = re.fullmatch(r"(?s)\w*('''|\"\"\"|'|\")(.*)\1", token.string)[2]
            if last in starts:
                source.add("python", "strings", line, "\n".join(part.strip() for part in raw.split("\n")))
            else:
                add_literal(source, line, raw, "python", "strings")
        elif token.type == tokenize.NAME and last_text == "def" and token.string.startswith("test_"):
            source.add("test names", "python", line, " ".join(parts_of(token.string)[1:]))
        elif token.type == tokenize.NAME:
            source.names.append(Named(token.string, source.file, line))
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            last, last_text = token.type, token.string
    for line, texts in comments:
        source.add("python", "comments", line, "\n".join(texts))


READERS = {".rs": rust, ".md": markdown, ".py": python, ".yaml": yaml, ".yml": yaml}


def read(file: str, text: str) -> Source:
    source = Source(file, text)
    source.add_names(file, 1)
    if reader := READERS.get(Path(file).suffix):
        reader(source)
    if NAMED_FILES.search(file):
        source.code = text
        for number, line in enumerate(text.split("\n"), 1):
            source.add_names(line, number, compound_only=True)
    return source


def files(revision: str | None) -> Iterator[tuple[str, str]]:
    """Paths and texts of the tracked files, of the working tree or of a revision."""
    if revision is None:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
        contents = ((file, ROOT / file) for file in listed.stdout.split("\0") if file)
        found = ((file, path.read_bytes()) for file, path in contents if path.is_file())
    else:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
        bundle = tarfile.open(fileobj=io.BytesIO(archive))
        found = ((member.name, bundle.extractfile(member).read()) for member in bundle if member.isfile())
    for file, content in found:
        if not file.startswith(OWN_FOLDER) and (Path(file).suffix in READERS or NAMED_FILES.search(file)):
            yield file, content.decode(errors="replace")


def sources(revision: str | None) -> list[Source]:
    return [read(file, text) for file, text in sorted(files(revision))]


def pattern(terms: list[str]) -> re.Pattern | None:
    """A space of a term stands for any single white space, since a phrase may continue on the next line."""
    return re.compile("|".join(f"(?:{term})".replace(" ", r"\s") for term in terms), re.IGNORECASE) if terms else None


class Term:
    """A row of terms.toml. An identifier `=Turn` is exact; the others match whole words of identifiers in snake case."""

    def __init__(self, row: dict):
        self.name, self.replacement, self.row = row["name"], row["replacement"], row
        self.prose = pattern(row["prose"])
        identifiers = row.get("identifiers", [])
        self.exact = {name[1:] for name in identifiers if name.startswith("=")}
        words = "|".join(f"(?:{name})" for name in identifiers if not name.startswith("="))
        self.words = re.compile(f"(?<![a-z0-9])(?:{words})(?![a-z0-9])") if words else None
        self.code = re.compile("|".join(f"(?:{code})" for code in row.get("code", []))) if row.get("code") else None

    def has_name(self, name: str) -> bool:
        return name in self.exact or bool(self.words and self.words.search("_".join(parts_of(name))))

    def places(self, all_sources: list[Source]) -> Iterator[tuple[str, str, int]]:
        """Corpus, file and line of each occurrence."""
        known: dict[str, bool] = {}
        for source in all_sources:
            for passage in source.passages if self.prose else ():
                text = prose(passage.raw)
                for found in self.prose.finditer(text):
                    yield passage.corpus, passage.file, passage.line + text.count("\n", 0, found.start())
            for named in source.names:
                if named.name not in known:
                    known[named.name] = self.has_name(named.name)
                if known[named.name]:
                    yield "names", named.file, named.line
            for found in self.code.finditer(source.code) if self.code else ():
                yield "names", source.file, source.line_at(found.start())


def rates(passages: list[Passage], groups: list[Term]) -> dict:
    """Words, sentences, and each group's count and rate per 1,000 words. One test name is one sentence."""
    rated = [passage for passage in passages if passage.rated]
    texts = [prose(passage.raw) for passage in rated]
    words = sum(len(WORD.findall(text)) for text in texts)
    sentences = sum(1 if passage.corpus == "test names" else len(sentences_of(passage)) for passage in rated)
    counts = {group.name: sum(1 for text in texts for _ in group.prose.finditer(text)) for group in groups}
    per_thousand = {name: {"count": count, "rate": round(1000 * count / (words or 1), 2)} for name, count in counts.items()}
    return {"words": words, "sentences": sentences, **per_thousand}


def sentences_of(passage: Passage) -> list[str]:
    """Sentences with at least one word, code spans kept."""
    raw = re.sub(r"(?ms)^```.*?(?:^```|\Z)", "", passage.raw)
    raw = re.sub(r"(?m)^#+ .*$", r"\n\g<0>\n", raw)
    sentences = [" ".join(sentence.split()) for sentence in SENTENCE_END.split(raw)]
    return [sentence for sentence in sentences if WORD.search(prose(sentence))]


def corpora(all_sources: list[Source], groups: list[Term]) -> dict:
    """The rates of each corpus and of its parts."""
    passages = [passage for source in all_sources for passage in source.passages]
    report = {}
    for corpus, parts in PARTS.items():
        own = [passage for passage in passages if passage.corpus == corpus]
        by_part = {part: rates([passage for passage in own if passage.part == part], groups) for part in parts}
        report[corpus] = {**rates(own, groups), "parts": by_part}
    return report


def string_errors(all_sources: list[Source], signature: str) -> dict:
    """Signatures of the product whose error is a String, in total and per crate."""
    expression, crates = re.compile(signature), Counter()
    for source in all_sources:
        if source.file.endswith(".rs"):
            offsets = [found.start() for found in expression.finditer(source.code)]
            crates["/".join(source.file.split("/")[:2])] += sum(not source.is_test(offset) for offset in offsets)
    return {"total": crates.total(), "crates": {crate: count for crate, count in sorted(crates.items()) if count}}


def comment_words(all_sources: list[Source]) -> dict:
    """Words of the Rust comments, code spans included: a later run compares with them."""
    counts = Counter()
    for source in all_sources:
        for passage in source.passages:
            counts[passage.part] += len(WORD.findall(passage.raw)) if passage.corpus == "comments" else 0
    return {**{part: counts[part] for part in PARTS["comments"]}, "total": counts.total()}


def glossary(all_sources: list[Source], terms: list[Term]) -> list[dict]:
    rows = []
    for term in terms:
        counts = Counter(corpus for corpus, _, _ in term.places(all_sources))
        columns = {column: counts[column] for column in (*PARTS, "names")}
        rows.append({"name": term.name, "replacement": term.replacement, **columns, "total": counts.total()})
    return rows


def aligned(rows: list[list[str]]) -> Iterator[str]:
    """Lines with columns of one width each; all but the first column stand right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])


def rate_table(report: dict, groups: list[Term]) -> Iterator[str]:
    def line(title: str, row: dict) -> list[str]:
        return [title, f"{row['words']:,}", f"{row['sentences']:,}", *(f"{row[group.name]['rate']:.1f}" for group in groups)]

    def goals(title: str, key: str) -> list[str]:
        bounds = (group.row.get(key, group.row.get("goal")) for group in groups)
        return [title, "", "", *("" if bound is None else f"<= {bound:g}" for bound in bounds)]

    rows = [["per 1,000 words", "words", "sentences", *(group.name for group in groups)]]
    for corpus, row in report.items():
        rows += [line(corpus, row), *(line(f"  {part}", own) for part, own in row["parts"].items())]
    yield from aligned([*rows, goals("goal", "goal"), goals("goal of test names", "goal_of_test_names")])


def glossary_table(rows: list[dict]) -> Iterator[str]:
    columns = [*PARTS, "names", "total"]
    cells = [[row["name"], *(f"{row[column]:,}" for column in columns)] for row in rows]
    total = ["total", *(f"{sum(row[column] for row in rows):,}" for column in columns)]
    yield from aligned([["glossary, occurrences", *columns], *cells, total])


def listing(all_sources: list[Source], terms: list[Term], name: str) -> Iterator[str]:
    """Each place of a term, with its line."""
    chosen = [term for term in terms if name.lower() in (term.name.lower(), *re.split(r"[,;:·]\s*", term.name.lower()))]
    if not chosen:
        sys.exit(f"{name} is not a row. Rows: {'; '.join(term.name for term in terms)}")
    texts = {source.file: source.text.split("\n") for source in all_sources}
    for term in chosen:
        for file, line in sorted({(file, line) for _, file, line in term.places(all_sources)}):
            yield f"{file}:{line}: {texts[file][line - 1].strip()}"


def likeness(one: str, other: str) -> float:
    """The share of words that both texts have in the same order, between 0 and 1."""
    words = WORD.findall(one.lower()), WORD.findall(other.lower())
    return difflib.SequenceMatcher(None, *words, autojunk=False).ratio()


def renames(revision: str) -> dict[str, str]:
    """Today's path of each file that git recognizes as renamed since the revision."""
    command = ["git", "diff", "--find-renames=30%", "--diff-filter=R", "--name-status", "-z", "-l0", revision]
    fields = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return dict(zip(fields[1::3], fields[2::3]))


class Today:
    """The working tree, searched for the successors of old passages."""

    def __init__(self, all_sources: list[Source], renamed: dict[str, str]):
        self.sources, self.renamed = {source.file: source for source in all_sources}, renamed
        self.names = {source.file: {named.name for named in source.names} for source in all_sources}

    def file_of(self, old: Source) -> Source | None:
        """The same path, git's rename, or the file with the most similar path and identifiers."""
        for file in (old.file, self.renamed.get(old.file)):
            if file in self.sources:
                return self.sources[file]
        names, suffix = {named.name for named in old.names}, Path(old.file).suffix
        scored = [
            (likeness(old.file, file) / 2 + len(names & own) / len(names | own) / 2, file)
            for file, own in self.names.items()
            if file.endswith(suffix)
        ]
        score, file = max(scored, default=(0, ""))
        return self.sources[file] if score >= LEAST_LIKENESS else None

    def passage_of(self, old: Passage, source: Source | None) -> Passage | None:
        """In the same file, the comment of the same code line or item, else the most similar passage; else one of another file
        at the same code line."""
        own = [passage for passage in source.passages if passage.corpus == old.corpus] if source else []
        if old.corpus == "comments":
            same = [passage for passage in own if passage.item == old.item]
            same = same or [passage for passage in own if item_name(passage.item) == item_name(old.item)]
            if same:
                return max(same, key=lambda passage: likeness(passage.raw, old.raw))
        elsewhere = [passage for other in self.sources.values() for passage in other.passages if passage.item == old.item]
        for candidates in (own, [passage for passage in elsewhere if passage.corpus == old.corpus]):
            best = max(candidates, key=lambda passage: likeness(passage.raw, old.raw), default=None)
            if best and likeness(best.raw, old.raw) >= LEAST_LIKENESS:
                return best
        return None

    def sentence_of(self, old: Source, passage: Passage, at: int) -> str:
        """The most similar sentence of the passage's successor, else the one at the same position."""
        found = self.passage_of(passage, self.file_of(old))
        today = sentences_of(found) if found else []
        if not today:
            return "removed"
        score, best = max((likeness(sentences_of(passage)[at], sentence), sentence) for sentence in today)
        return best if score >= LEAST_LIKENESS else today[min(at, len(today) - 1)]


def item_name(code: str) -> str:
    found = ITEM.search(code)
    return (found[1] or found[2]) if found else code


def sample(revision: str, count: int, seed: int) -> Iterator[str]:
    """Sentences of product comments and documents at a revision, beside today's, as a Markdown table."""
    old = sources(revision)
    drawn = [
        (source, passage, at)
        for source in old
        for passage in source.passages
        if passage.corpus == "documents" and passage.rated or (passage.corpus, passage.part) == ("comments", "product")
        for at, sentence in enumerate(sentences_of(passage))
        if len(WORD.findall(prose(sentence))) >= LEAST_WORDS_OF_A_SENTENCE
    ]
    today = Today(sources(None), renames(revision))
    yield "| old | new |"
    yield "|---|---|"
    for source, passage, at in random.Random(seed).sample(drawn, min(count, len(drawn))):
        cells = sentences_of(passage)[at], today.sentence_of(source, passage, at)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main():
    parser = argparse.ArgumentParser(description="Rates of the private vocabulary. The report never fails a check.")
    parser.add_argument("--revision", help="a revision of git; the default is the working tree")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as JSON as well")
    parser.add_argument("--list", metavar="ROW", help="print each place of a row of the glossary, or of a group")
    parser.add_argument("--sentences", type=int, metavar="N", help="draw N sentences at --revision, beside today's")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the seed of --sentences; the default is 1")
    options = parser.parse_args()
    if options.sentences:
        print("\n".join(sample(options.revision or "HEAD", options.sentences, options.seed)))
        return
    terms = tomllib.loads(TERMS.read_text())
    groups, rows = [Term(row) for row in terms["group"]], [Term(row) for row in terms["glossary"]]
    found = sources(options.revision)
    if options.list:
        print("\n".join(listing(found, [*groups, *rows], options.list)))
        return
    report = {
        "revision": options.revision or "working tree",
        "goals": {group.name: {key: value for key, value in group.row.items() if key.startswith("goal")} for group in groups},
        "rates": corpora(found, groups),
        "glossary": glossary(found, rows),
        "string_errors": string_errors(found, terms["string_errors"]["signature"]),
        "comment_words": comment_words(found),
    }
    print("\n".join([*rate_table(report["rates"], groups), "", *glossary_table(report["glossary"]), ""]))
    errors, words = report["string_errors"], report["comment_words"]
    crates = "; ".join(f"{crate} {count}" for crate, count in errors["crates"].items())
    print(f"signatures of the product with a String as error: {errors['total']} ({crates})")
    print("words of comments, code spans included: " + ", ".join(f"{part} {count:,}" for part, count in words.items()))
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
