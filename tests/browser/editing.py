"""Driving the editor: a draft opened in a browser by somebody who is signed in."""

from __future__ import annotations

import json
import time
from typing import Any

from playwright.sync_api import Browser, Page

from admin import bundles
from server import drafts
from server.core import documents
from tests.admin.visiting import PASSWORD, now
from tests.browser.driving import complaints_of, open_page
from tests.conftest import skip_or_fail

COMPLAINTS = "complaint-monitoring"


class Desk:
    """The editor's page as somebody has it before him."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints = complaints_of(page)

    def open(self, draft: int) -> Desk:
        """Open a draft, and wait until the editor is ready."""
        self.page.goto(f"{self.address}/admin/editor/{draft}/")
        self.until("document.documentElement.dataset.editor === 'ready'")
        return self

    def until(self, holds: str, seconds: float = 20) -> None:
        """Wait until an expression holds in the page, whose policy keeps Playwright's own waiting from evaluating."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(holds):
            assert time.monotonic() < end, holds
            self.page.wait_for_timeout(100)

    def part(self, key: str) -> None:
        """Open a part of the form."""
        self.page.locator(f"#part-{key}").click()

    def field(self, path: str, end: str = "") -> Any:
        """The input of a value, by its path with dots."""
        return self.page.locator(f'[id="f-{path}{end}"]')

    def fill(self, path: str, text: str) -> None:
        """Type into an input, and leave it."""
        self.field(path).fill(text)
        self.field(path).blur()

    def mode(self, mode: str) -> None:
        """Show the form, the YAML, or both."""
        self.page.locator(f"#mode-{mode}").click()

    def text(self) -> str:
        """The text as it is in the page."""
        return str(self.page.evaluate("duban.editor.yaml.text"))

    def value(self) -> Any:
        """What the form reads from it."""
        return json.loads(self.page.evaluate("JSON.stringify(duban.editor.form.source.value)"))

    def type_at(self, text: str, typed: str) -> None:
        """Put another text into the YAML, the cursor where `|` stands in it, and type."""
        place = text.index("|")
        self.page.evaluate(
            "([text, at]) => { const view = duban.editor.yaml.view; view.dispatch({changes: {from: 0,"
            " to: view.state.doc.length, insert: text}, selection: {anchor: at}}); view.focus(); }",
            [text.replace("|", "", 1), place],
        )
        self.page.keyboard.type(typed)

    def wait_saved(self) -> None:
        """Wait until the server has everything."""
        self.until(
            "duban.editor.store.saved === duban.editor.yaml.text && duban.editor.state.dataset.state === 'saved'"
        )


def desk(browser: Browser, address: str, login: str = "root", *, width: int = 1440, language: str = "en") -> Desk:
    """A browser in which somebody is signed in."""
    if "editor" not in bundles.entries():
        skip_or_fail("the bundle is not built: make bundle")
    page = open_page(browser, address, width=width, language=language)
    page.goto(f"{address}/admin/sign-in/")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.wait_for_url("**/admin/**")
    return Desk(page, address)


def draft_of(document: str, text: str | None = None, login: str = "root") -> int:
    """A new draft of what is in force, or of the text."""
    data = None if text is None else text.encode()
    return int(drafts.begin(document, data, drafts.caller(login), now()).id)


def stored(draft: int) -> str:
    """The text that the server has."""
    return bytes(drafts.one(draft).data).decode()


def read(text: str) -> Any:
    """What the server reads from a text; None when it reads nothing."""
    document, _ = documents.read(text.encode())
    return None if document is None else document.value
