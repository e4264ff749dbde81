"""Writes the pictures of the documents: the timelines of the committed ledgers, as Chromium shows them."""

import sys
from pathlib import Path

import browser
from browser import MARGINS, Browser, drawn
from ledgers import ALL

PICTURES = Path(__file__).resolve().parents[2] / "infra" / "pictures"
# The name of a picture → ledger, width, theme.
SHOWN = {
    "timeline": ("shop", 900, "light"),
    "timeline-fleet": ("fleet", 900, "light"),
}
MAX_BYTES = 150_000


def picture(chromium, ledger, width, theme):
    """The picture of a timeline, without the table, as PNG."""
    chromium.show(drawn(ALL[ledger](), "page", width, theme), width + MARGINS)
    return chromium.driver.find_element("css selector", ".timeline svg").screenshot_as_png


def main():
    if not (browser.CHROMIUM and browser.CHROMEDRIVER):
        sys.exit(browser.MISSING)
    PICTURES.mkdir(exist_ok=True)
    with Browser() as chromium:
        for name, shown in SHOWN.items():
            png = picture(chromium, *shown)
            if len(png) > MAX_BYTES:
                sys.exit(f"{name}.png has {len(png):,} bytes; a picture of a document has {MAX_BYTES:,} at most")
            (PICTURES / f"{name}.png").write_bytes(png)
            print(f"infra/pictures/{name}.png: {len(png):,} bytes")


if __name__ == "__main__":
    main()
