"""Visiting the panel: clients that sign in, read pages and send forms as a browser would."""

from __future__ import annotations

import html
import re
import time
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from server import intake, settings
from server.api import hooks
from server.api.limits import Allowance, SharedAllowance
from server.wsgi import create_app

PASSWORD = "a long password"
COMPLAINTS = "complaint-monitoring"
RECORDED = {"customer": "华兴科技", "reference": "400-7781", "summary": "客户无法下单", "category": "product"}


def panel_app() -> Flask:
    """The application that a server serves, with fresh allowances. It is built once for each address."""
    known = settings.current()
    app = _built(known.url)
    app.config["DUBAN"], app.secret_key = known, known.secret
    app.extensions["duban.hooks"] = hooks.Limits()
    app.extensions["duban.tries"] = Allowance(60, 60)
    app.extensions["duban.tokens"] = SharedAllowance(known.token_rate)
    return app


@cache
def _built(url: str) -> Flask:
    assert settings.current().url == url
    return create_app(settings.current())


def now() -> int:
    """What time it is."""
    return time.time_ns() // 1_000_000


def receive(subject: str = "系统中断", by: str = "gong", at: int | None = None, **facts: Any) -> str:
    """A complaint, received by somebody; its number."""
    given = {"subject": subject, **RECORDED, **facts}
    return intake.receive(COMPLAINTS, given, now() if at is None else at, by=by).number


class Panel:
    """The application, and visitors to it."""

    def __init__(self, app: Flask, base_url: str = "http://127.0.0.1:8080") -> None:
        self.app = app
        self.base_url = base_url

    def visitor(self, login: str | None = None, language: str = "en") -> Visitor:
        """Somebody at the panel, signed in if a login is given."""
        visitor = Visitor(self, language)
        if login is not None:
            answer = visitor.sign_in(login)
            assert answer.status_code == 303, answer.text
        return visitor


class Visitor:
    """A browser."""

    def __init__(self, panel: Panel, language: str) -> None:
        self.client = panel.app.test_client()
        self.base_url = panel.base_url
        self.client.set_cookie("duban_language", language, domain=panel.base_url.split("//")[1].split(":")[0])

    def get(self, path: str, **options: Any) -> TestResponse:
        """A page."""
        return self.client.get(path, base_url=self.base_url, buffered=True, **options)

    def text(self, path: str) -> str:
        """What a page that is there says, as people read it."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return words(answer.text)

    def token(self, path: str = "/admin/sign-in/") -> str:
        """The token of the forms of a page, wherever it leads to."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path, follow_redirects=True).text)
        assert found is not None, path
        return found[1]

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, part: bool = False, **options: Any
    ) -> TestResponse:
        """A form, with the token that its page has. `part`: as a script asks for the part of a page that changes."""
        headers = {"Referer": f"{self.base_url}/admin/", **({"X-Duban-Part": "1"} if part else {})}
        sent = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(path, base_url=self.base_url, data=sent, headers=headers, buffered=True, **options)

    def sign_in(self, login: str, password: str = PASSWORD, **data: str) -> TestResponse:
        """Sign in."""
        return self.post("/admin/sign-in/", {"login": login, "password": password, **data})


def words(markup: str) -> str:
    """A page without its tags, spaces made one."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))
