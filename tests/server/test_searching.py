"""What pages look for is found in indexes, however many issues and messages there are."""

from __future__ import annotations

from typing import Any

import pytest

from server import intake, issues
from server.core.moments import parse
from server.delivery import deciding
from server.delivery.deciding import Which
from server.store import sql
from server.store.database import Store
from server.store.models import Message

NOW = parse("2026-03-02T09:30:00+08:00")


def receive(subject: str) -> str:
    given = {"subject": subject, "channel": "phone", "customer": "甲", "summary": "不能下单"}
    return intake.receive("complaint-monitoring", given, NOW, by="bai").number


def test_a_text_is_found_in_short_and_in_long_subjects_of_any_language(open_for_business: Store) -> None:
    numbers = [receive("两次退款未到账"), receive("长" * 300 + "退款"), receive("Refund missing"), receive("其他")]

    def found(text: str, **more: Any) -> list[str]:
        return [one["number"] for one in issues.listed(issues.Filters(q=text, **more)).issues]

    assert found("退款") == [numbers[1], numbers[0]]
    assert found("退") == [numbers[1], numbers[0]]
    assert found("refund") == [numbers[2]]
    assert found(numbers[3]) == [numbers[3]]
    assert found("退款", final=True) == []


def test_messages_that_wait_are_not_looked_for_among_those_that_left(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, tuple[Any, ...]]] = []
    run = sql.run
    monkeypatch.setattr(
        deciding.sql, "run", lambda statement, *values: asked.append((statement, values)) or run(statement, *values)
    )
    for which in (Which((Message.PENDING,)), Which((Message.PENDING,), "sms"), Which(deciding.OPEN)):
        for before in (None, 7):
            deciding.ids(which, before, 51)
    monkeypatch.undo()
    for statement, values in asked:
        plan = " ".join(str(row) for row in run("EXPLAIN QUERY PLAN " + statement, *values).fetchall())
        assert "INDEX message_" in plan, (statement, plan)
