"""What pages about trying a draft show: one with a failing example, and a back-test of it."""

from __future__ import annotations

from server import drafts
from server.backtesting import kept
from server.store.models import Backtest, Draft
from tests.admin.visiting import now

NAME = "request-response"
LOGIN = "admin"


def make_tried() -> None:
    """A draft that changes deadlines, so that an example of which fails, and its back-test."""
    text = bytes(drafts.in_force(NAME).data)
    changed = text.replace(b"within: {urgent: 10m,", b"within: {urgent: 5m,")
    assert changed != text
    draft = drafts.begin(NAME, changed, drafts.caller(LOGIN), now())
    kept.ask(NAME, changed, drafts.caller(LOGIN), now())
    kept.work(now)
    assert draft.id


def tried() -> int:
    """The number of that draft."""
    return int(Draft.select().where(Draft.name == NAME).order_by(Draft.id).get().id)


def tried_page(rest: str = "") -> str:
    """The address of a page about it."""
    return f"/admin/trying/{tried()}/{rest}"


def tried_result() -> str:
    """The address of its back-test."""
    return tried_page(f"backtests/{Backtest.get(Backtest.name == NAME).id}")
