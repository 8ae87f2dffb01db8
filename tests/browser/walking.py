"""Walking through the panel as people do: what they click is found by what it is and what it is called in their
language, and each page that they come to is looked at."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.admin.visiting import PASSWORD
from tests.browser.looking import NOTE_VIOLATIONS, PICTURES, make_ready, need_axe, take_picture, wrong_with
from tests.browser.views import WIDTHS, View

expect.set_options(timeout=20_000)  # a machine may have much else to do
PICTURED = "DUBAN_TEST_VIEWS" in os.environ


class Visitor:
    """Somebody with a browser of his own. What is wrong with the pages that he sees fails the test at `look`."""

    def __init__(self, browser: Browser, address: str, view: View, **options: Any) -> None:
        need_axe()
        size = {"width": view.width, "height": WIDTHS[view.width]}
        self.context = browser.new_context(viewport=size, color_scheme=view.scheme, base_url=address, **options)
        self.context.add_cookies([{"name": "duban_language", "value": view.language, "url": address}])
        self.view = view
        self.address = address
        self.t = view.t
        self.wrong: list[str] = []
        self.expected: tuple[str, ...] = ()
        self.page = self.watch(self.context.new_page())

    def watch(self, page: Page) -> Page:
        """Hear what the browser has against a page."""
        page.set_default_timeout(15_000)
        page.add_init_script(NOTE_VIOLATIONS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(one in message.text for one in self.expected):
            self.wrong.append(f"console: {message.text}")

    def expect(self, *parts: str) -> None:
        """Complaints with one of these in it are expected from now on: a form that is refused is a failed load."""
        self.expected = parts

    # -- going about ------------------------------------------------------------------------------------------------

    def sign_in(self, login: str, password: str = PASSWORD) -> Visitor:
        """Come to the panel's front door and sign in."""
        if "/admin/sign-in/" not in self.page.url:
            self.page.goto("/admin/")
        self.field("Login").fill(login)
        self.field("Password").fill(password)
        self.button("Sign in").click()
        self.page.wait_for_url(re.compile(r"/admin/(?!sign-in)"))
        return self

    def menu(self, text: str) -> None:
        """Choose a page from the main menu."""
        if self.view.is_narrow:
            self.button("Menu").click()
        menu = self.page.get_by_role("navigation", name=self.t("Main menu"))
        chosen = menu.get_by_role("link", name=self.t(text), exact=True)
        where = f"{self.address}{chosen.get_attribute('href')}"
        chosen.click()
        self.page.wait_for_url(where)

    # -- what is on the page ----------------------------------------------------------------------------------------

    def link(self, text: str, **values: object) -> Locator:
        """The link that is called so."""
        return self.page.get_by_role("link", name=self.t(text, **values), exact=True)

    def button(self, text: str, **values: object) -> Locator:
        """The button that is called so."""
        name = f"＋ {self.t(text[2:], **values)}" if text.startswith("＋ ") else self.t(text, **values)
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, text: str, **values: object) -> Locator:
        """The field with this label; what is required says so in its label, too."""
        label = re.escape(self.t(text, **values))
        return self.page.get_by_label(re.compile(rf"^\s*{label}\s*({re.escape(self.t('required'))})?\s*$"))

    def region(self, text: str, **values: object) -> Locator:
        """The part of the page with this heading."""
        return self.page.get_by_role("region", name=self.t(text, **values), exact=True)

    def says(self, text: str, **values: object) -> None:
        """The page says this, now or in a moment."""
        expect(self.page.get_by_text(self.t(text, **values)).first).to_be_visible()

    def like(self, text: str) -> re.Pattern[str]:
        """The message, whatever stands in its places."""
        return re.compile(re.sub(r"%\\\(\w+\\\)s", ".+", re.escape(self.t(text))))

    def comes_to(self, text: str, **values: object) -> None:
        """The page that is called so is there, now or in a moment."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.t(text, **values))

    # -- looking ----------------------------------------------------------------------------------------------------

    def look(self, step: str) -> None:
        """Look at the page: axe finds nothing, nothing sticks out, nothing was refused or failed until now."""
        make_ready(self.page)
        if PICTURED:
            test = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split("[")[0].removeprefix("test_")
            take_picture(self.page, PICTURES / "walks" / test / f"{step}-{self.view}.png")
        wrong = self.wrong + wrong_with(self.page)
        wrong += [f"refused by the policy: {one}" for one in self.page.evaluate("window.__refused")]
        self.wrong.clear()
        if wrong:
            pytest.fail(f"{step}, {self.view}, {self.page.url}:\n" + "\n".join(wrong), pytrace=False)


class FormOf:
    """The form of the editor, as somebody sees it who has a draft open."""

    def __init__(self, me: Visitor) -> None:
        self.me = me
        me.says("Saved")
        self.parts = me.page.get_by_role("navigation", name=me.t("Parts of the document"))

    def part(self, key: str) -> None:
        """Open a part of the document, by its key in the schema of processes."""
        title = self.me.view.title(key)
        self.parts.get_by_role("button", name=re.compile(rf"^{re.escape(title)}")).click()
        expect(self.me.page.get_by_role("heading", level=2, name=title, exact=True)).to_be_visible()

    def add(self, key: str, name: str) -> None:
        """Add a member to a part, by its identifier."""
        label = f"{self.me.t('Identifier of the new one')}: {self.me.view.title(key)}"
        self.me.page.get_by_label(label).fill(name)
        self.me.page.get_by_label(label).press("Enter")

    def card(self, title: str) -> Locator:
        """The head of a card in the open part: it opens and closes."""
        return (
            self.me.page.get_by_role("listitem").get_by_role("button", name=re.compile(rf"^{re.escape(title)}")).first
        )
