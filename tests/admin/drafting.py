"""Drafts in tests of the panel: who writes and who approves them, and texts that differ a little."""

from __future__ import annotations

from server import drafts
from server.accounts import set_password
from server.resources import data_dir
from server.store.models import Draft
from tests.admin.visiting import PASSWORD, Panel, Visitor, now

CALENDAR = "cn-office"
OWNER, APPROVER, ANOTHER = "meng", "han", "tao"
"""meng owns processes, han and tao approve."""


def shipped(name: str, *pairs: tuple[str, str]) -> bytes:
    """The text of a shipped document with other words in it."""
    text = (data_dir("policies") / f"{name}.yaml").read_text("utf-8")
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text.encode()


def renamed(title: str = "办公历") -> bytes:
    """The calendar with another title."""
    text = shipped(CALENDAR).decode()
    line = next(line for line in text.splitlines() if line.startswith("title:"))
    return text.replace(line, f"title: {{zh: {title}, en: Office days}}").encode()


def person(panel: Panel, login: str, language: str = "en") -> Visitor:
    """Somebody of the directory, signed in."""
    set_password(login, PASSWORD, now())
    return panel.visitor(login, language)


def begun(data: bytes | None = None, name: str = CALENDAR, by: str = OWNER) -> Draft:
    """A draft that somebody has begun."""
    return drafts.begin(name, renamed() if data is None else data, drafts.caller(by), now(), "a better name")


def submitted(data: bytes | None = None, name: str = CALENDAR, by: str = OWNER) -> Draft:
    """One that waits for approval, every warning acknowledged."""
    draft = begun(data, name, by)
    places = [drafts.place(one) for one in drafts.check(draft, now())]
    return drafts.submit(draft.id, drafts.caller(by), now(), "a better name", places)


def approved(draft: Draft, by: str = APPROVER) -> Draft:
    """One that somebody approved."""
    return drafts.approve(draft.id, drafts.caller(by), draft.sha256, now())
