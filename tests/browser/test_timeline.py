"""The timeline in Chromium: the page, and the widget in a dashboard."""

import itertools
import re
import unittest
from collections import Counter

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import browser
import ledgers
from browser import MARGINS, Browser, drawn

WIDTHS = (400, 900, 1600)
THEMES = ("light", "dark")
FORMS = ("page", "part")

# The boxes of all texts in the picture, and of the picture.
BOXES = """
const box = it => { const r = it.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom, it.textContent]; };
return [[...document.querySelectorAll("svg text")].map(box), box(document.querySelector("svg"))];
"""
# The rows of the table, as they are shown: id, kind, sentence.
ROWS = """
return [...document.querySelectorAll(".timeline tbody tr")].map(row => {
    const [, kind, sentence] = row.cells;
    return [sentence.id, kind.innerText, sentence.innerText];
});
"""
# The elements of a timeline. CloudWatch removes `iframe` and `use` from widgets, and all scripts.
ELEMENTS = {
    "a", "circle", "defs", "div", "g", "path", "pattern", "rect", "style", "svg", "table", "tbody", "td", "text", "th", "thead",
    "title", "tr",
}
FOCUSED = "const it = document.activeElement; return it && it.getAttribute('href');"


LANES = {
    "alarm": "Alarms", "remediation": "Alarms", "interruption": "Interruptions", "rollout": "Rollouts", "refresh": "Rollouts",
    "request": "Requests", "capacity": "Capacity", "other": "Other",
}
FAILURES = {("launch", "failed"), ("launch", "cancelled"), ("gate", "abandon"), ("drain", "not-drained")}


def lane_of(entry):
    """The lane of an entry's mark; None if the bars or the sizes show the entry."""
    return "Failures" if (entry["kind"], entry["outcome"]) in FAILURES else LANES.get(entry["kind"])


def words(text):
    """The words of a text: in a document, white space of any length is one space."""
    return " ".join(text.split())


@unittest.skipUnless(browser.CHROMIUM and browser.CHROMEDRIVER, browser.MISSING)
class Timeline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())
        cls.ledgers = {name: ledger() for name, ledger in ledgers.ALL.items()}

    def show(self, name, form="page", width=900, theme="light"):
        self.browser.show(drawn(self.ledgers[name], form, width, theme), width + MARGINS)

    def cases(self, check, names=tuple(ledgers.ALL), widths=WIDTHS, themes=THEMES, forms=FORMS):
        """Opens each combination, and runs the check as a subtest."""
        for ledger, form, width, theme in itertools.product(names, forms, widths, themes):
            with self.subTest(ledger=ledger, form=form, width=width, theme=theme):
                self.show(ledger, form, width, theme)
                check()

    def rows(self):
        """The rows of the table: id → kind, sentence."""
        return {name: (kind, words(sentence)) for name, kind, sentence in self.browser.run(ROWS)}

    def links(self):
        """The links of the picture: the id of the row → the link."""
        links = self.browser.driver.find_elements(By.CSS_SELECTOR, ".timeline svg a")
        return {it.get_dom_attribute("href").removeprefix("#"): it for it in links}

    def test_no_text_overlaps_another_and_nothing_leaves_the_picture_or_the_window(self):
        def check():
            texts, picture = self.browser.run(BOXES)
            self.assertGreater(len(texts), 5)
            for left, top, right, bottom, text in texts:
                is_inside = left >= picture[0] and top >= picture[1] and right <= picture[2] and bottom <= picture[3]
                self.assertTrue(is_inside, f"{text!r} leaves the picture")
            for one, other in itertools.combinations(texts, 2):
                overlap = [min(one[it + 2], other[it + 2]) - max(one[it], other[it]) for it in (0, 1)]
                # Boxes of lines that touch share a fraction of a pixel.
                self.assertFalse(min(overlap) > 0.5, f"{one[4]!r} and {other[4]!r} overlap by {overlap}")
            wide, window = self.browser.run("return [document.documentElement.scrollWidth, window.innerWidth];")
            self.assertLessEqual(wide, window)

        self.cases(check)

    def test_tab_reaches_each_mark_and_its_name_is_its_sentence(self):
        def check():
            links, rows = self.links(), self.rows()
            named = {it: words(link.accessible_name) for it, link in links.items()}
            self.assertEqual(named, {it: rows[it][1] for it in links})
            # All rows but those of the hatched times are in the picture.
            self.assertEqual(set(named), {it for it, (kind, _) in rows.items() if kind != "Gap"})
            reached, focused = [], self.browser.driver.find_element(By.TAG_NAME, "body")
            for _ in links:
                focused.send_keys(Keys.TAB)
                focused = self.browser.driver.switch_to.active_element
                reached.append(self.browser.run(FOCUSED))
            self.assertEqual(reached, [f"#{it}" for it in links])
            outline = self.browser.run("return getComputedStyle(document.activeElement).outlineStyle;")
            self.assertEqual(outline, "solid")

        self.cases(check, names=("shop", "fleet", "hostile"), widths=(900,), themes=("light",))

    def test_without_titles_and_colours_the_document_says_the_same(self):
        def check():
            self.browser.run("for (const it of document.querySelectorAll('svg title')) it.remove();")
            links, rows = self.links(), self.rows()
            self.assertGreater(len(links), 5)
            self.assertEqual({it: words(link.accessible_name) for it, link in links.items()}, {it: rows[it][1] for it in links})

        self.cases(check, names=("shop", "fleet"), widths=(900,), themes=("monochrome",))

    def test_each_entry_of_the_ledger_is_counted_in_the_table(self):
        self.show("shop")
        counted = Counter()
        for kind, sentence in self.rows().values():
            # A mark of several entries has their number.
            many = re.match(r"(\d+) entries until", sentence)
            counted[kind] += int(many[1]) if many else 1
        entries = self.ledgers["shop"].entries
        expected = Counter(lane for lane in map(lane_of, entries) if lane)
        instances = {it["instance"] for it in entries if it["kind"] == "launch" and "instance" in it}
        self.assertEqual(counted, expected + Counter({"Instance": len(instances), "Sizes": 1, "Gap": 1}))

    def test_hostile_names_stay_text_and_no_script_runs(self):
        def check():
            script = "return new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.ran ?? null), 50)));"
            self.assertIsNone(self.browser.run(script), "a name was executed")
            elements = self.browser.run("return [...document.querySelectorAll('.timeline *')].map(it => it.localName);")
            self.assertLessEqual(set(elements), ELEMENTS)
            handlers = "return [...document.querySelectorAll('*')].flatMap(it => it.getAttributeNames()).filter(it => it.startsWith('on'));"
            self.assertEqual(self.browser.run(handlers), [])
            alarms = [sentence for kind, sentence in self.rows().values() if kind == "Alarms"]
            shown = [text.replace("\u202e", "\ufffd").replace("\u0007", "\ufffd") for text in ledgers.HOSTILE]
            self.assertEqual(len(alarms), len(shown))
            for text, sentence in zip(shown, alarms):
                self.assertTrue(sentence.startswith(words(f"{text} is ALARM")), sentence)
            self.assertEqual(self.browser.run("return performance.getEntriesByType('resource').map(it => it.name);"), [])
            self.assertEqual(self.browser.errors(), [])

        self.cases(check, names=("hostile",), widths=(900,), themes=("light",))


if __name__ == "__main__":
    unittest.main()
