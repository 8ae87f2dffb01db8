"""Looking at one page after the other: what axe finds, what the browser complains of, what sticks out; a picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tests.browser.looking import NOTE_VIOLATIONS, PICTURES, make_ready, need_axe, take_picture, wrong_with

SIGN_IN: Final = "/admin/sign-in/"
HEIGHTS: Final = {1280: 900, 390: 844}
COMBINATIONS: Final = [(width, theme) for width in HEIGHTS for theme in ("light", "dark")]
OPEN_ALL: Final = "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"


@dataclass
class Sweep:
    """A visitor in one language, and what he found wrong with the pages so far."""

    page: Page
    address: str
    language: str
    problems: dict[str, list[str]] = field(default_factory=dict)  # each with the combinations that have it
    seen: int = 0
    _path: str = ""
    _how: str = ""

    def visit(self, path: str, name: str, combinations: list[tuple[int, str]]) -> None:
        """Open a page and look at it in these widths and appearances."""
        width, theme = combinations[0]
        self._path, self._how = path, self.language
        self._dress(width, theme)
        answer = self.page.goto(self.address + path, wait_until="load")
        if not self._is_a_page(answer, path):
            return
        make_ready(self.page)
        self.page.evaluate(OPEN_ALL)
        for width, theme in combinations:
            self._dress(width, theme)
            self._how = f"{self.language} {width} {theme}"
            self._look(name, width, theme)
        for refused in self.page.evaluate("window.__refused"):
            self.say(f"refused by the policy: {refused}")

    def _is_a_page(self, answer: Response | None, path: str) -> bool:
        expected = 404 if path.endswith("/nowhere") else 200
        if answer is None or answer.status != expected or "text/html" not in answer.headers.get("content-type", ""):
            self.say(f"answered with {answer and answer.status}")
            return False
        if "/admin/sign-in/" in self.page.url and path != SIGN_IN:
            self.say("leads to signing in")
            return False
        return True

    def _dress(self, width: int, theme: str) -> None:
        size = {"width": width, "height": HEIGHTS[width]}
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)
            # Charts follow the width in the next frame, before anybody sees it.
            self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.page.emulate_media(color_scheme=theme)

    def _look(self, name: str, width: int, theme: str) -> None:
        self.seen += 1
        for wrong in wrong_with(self.page):
            self.say(wrong)
        take_picture(self.page, PICTURES / f"{self.language}-{width}-{theme}" / f"{name}.png")

    def hear(self, message: ConsoleMessage) -> None:
        """Note what the console has against the page."""
        expected = "404" in message.text and "nowhere" in self._path
        if message.type in ("error", "warning") and not expected:
            self.say(f"console: {message.text[:300]}")

    def say(self, text: str) -> None:
        """Note something that is wrong with the page that is seen now."""
        self.problems.setdefault(f"{self._path} {text}", []).append(self._how)

    def report(self) -> str:
        """What is wrong, each once, with where it was seen."""
        return "\n".join(f"{what}  [{', '.join(dict.fromkeys(where))}]" for what, where in self.problems.items())


def sweep(browser: Browser, address: str, language: str) -> Sweep:
    """A visitor who sees the pages in a language, by the system's appearance."""
    need_axe()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "duban_language", "value": language, "url": address}])
    page = context.new_page()
    page.add_init_script(NOTE_VIOLATIONS)
    page.set_default_timeout(30_000)
    found = Sweep(page, address, language)
    page.on("console", found.hear)
    page.on("pageerror", lambda error: found.say(f"script: {error}"))
    return found


def picture_name(endpoint: str, number: int) -> str:
    """What the pictures of an address are called."""
    return re.sub(r"\W+", "-", endpoint.removeprefix("panel_")) + (f"-{number}" if number else "")
