"""A headless Chromium, and timelines drawn for it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from ledgers import BEGIN, END, ms

ROOT = Path(__file__).resolve().parents[2]
DRAW = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "examples" / "draw"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
CHROMEDRIVER = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
MISSING = "Chromium or its WebDriver is missing. Debian: apt-get install chromium chromium-driver. Elsewhere: CHROMIUM and CHROMEDRIVER name the programs"
# The programs run as root in CI, and load nothing from a network.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
# The margins of a page, left and right together (ledger::timeline::page).
MARGINS = 32
# A dashboard as far as it matters for a widget: another document, with styles, ids and a policy of its own.
DASHBOARD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>a dashboard</title>
<style>body{{margin:16px;background:{background};font:14px sans-serif}} table{{width:auto}}</style></head>
<body><h1 id="e0">a dashboard</h1><div id="widget">{part}</div></body></html>
"""


def drawn(ledger, form, width, theme):
    """The document with the timeline of a ledger: a `page`, or a `part` in a dashboard."""
    command = [DRAW, form, ms(BEGIN), ms(END), width, theme]
    run = subprocess.run([str(it) for it in command], input=ledger.text(), capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {run.stderr}")
    if form == "page":
        return run.stdout
    return DASHBOARD.format(part=run.stdout, background="#16191f" if theme == "dark" else "#ffffff")


class Browser:
    """Chromium with an empty profile. It opens documents from a folder, which is removed at the end."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="envkeeper-browser-"))
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={self.folder / 'profile'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        try:
            self.driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    def show(self, document, width, height=900):
        """Opens a document in a window of this size, which may be narrower than a window of the desktop."""
        path = self.folder / "document.html"
        path.write_text(document)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(path.as_uri())

    def run(self, script, *arguments):
        """The result of a script of the test, which no policy of the document restricts."""
        return self.driver.execute_script(script, *arguments)

    def errors(self):
        """The messages of the console since the last call."""
        return [it["message"] for it in self.driver.get_log("browser")]
