"""Driving a real browser: Debian's Chromium, best without its windows (`chromium-headless-shell`: the same pages for a
third less processor time), or the one that DUBAN_TEST_CHROMIUM names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import skip_or_fail

CHROMIUM = (
    os.environ.get("DUBAN_TEST_CHROMIUM")
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
    or "/usr/bin/chromium"
)
# What a window of the whole browser prepares and no test looks at: each would start processes and load pages of the
# browser's own. The last list given counts, so those of Playwright's that matter here are said again.
UNUSED = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    "MultipleSpareRPHs",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PaintHolding",
    "PreconnectToSearch",
]
OPTIONS = [
    f"--disable-features={','.join(UNUSED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


PATIENCE = 90_000
"""Milliseconds: a machine that is busy with other tests answers late."""

expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; skips the test where there is none."""
    if not os.access(CHROMIUM, os.X_OK):
        skip_or_fail(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


def open_page(browser: Browser, address: str, *, width: int = 1280, language: str = "en", theme: str = "") -> Page:
    """A page of a new visitor; `page.complaints` collects what the console says against it."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    cookies = {"duban_language": language, "duban_theme": theme}
    context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items() if value])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    return page


def complaints_of(page: Page) -> list[str]:
    """What the browser has against the page from now on: errors of scripts, refused scripts and styles, failed loads.
    What is given up because the visitor goes on to another page is no failure."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: _note(found, request.url, request.failure or ""))
    return found


def _note(found: list[str], url: str, why: str) -> None:
    if why != "net::ERR_ABORTED":
        found.append(f"failed: {url}: {why}")


def sticks_out(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
