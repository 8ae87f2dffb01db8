"""What pages look for is found in indexes, however many issues and messages there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from server import intake, issues, judged_by
from server.core.moments import parse
from server.delivery import deciding
from server.delivery.deciding import Which
from server.evidence import searching
from server.store import sql
from server.store.database import Store
from server.store.models import AuditEntry, Issue, Message, Version

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


MANY = 4_000


@pytest.fixture
def clumped(postgres_store: Store) -> int:
    """Half of everything is of one kind, and older than the other half; gives the older version."""
    base = {"kind": "process", "number": 1, "sha256": "0" * 64, "data": b"", "created_at": 0}
    older, newer = (Version.create(name=name, **base) for name in ("p", "q"))
    half = [(id, id <= MANY // 2) for id in range(1, MANY + 1)]
    rows: dict[Any, list[dict[str, Any]]] = {
        Issue: [
            {"id": id, "number": f"P{id}", "process": "p", "version": older if old else newer, "stage": "s", **AT}
            for id, old in half
        ],
        AuditEntry: [
            {"at": id, "kind": "issue.action" if old else "issue.time", "by": "li" if old else "wang", "body": LONG}
            for id, old in half
        ],
        Message: [
            {**MESSAGE, "key": f"m{id}", "process": "p" if old else "q", "state": "manual" if old else "dead"}
            for id, old in half
        ],
    }
    for table, some in rows.items():
        for start in range(0, MANY, 500):
            table.insert_many(some[start : start + 500]).execute()
    with psycopg.connect(postgres_store.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return int(older.id)


LONG = "x" * 1000
AT = {"received_at": 0, "recorded_at": 0, "case": LONG}
MESSAGE = {"channel": "sms", "at": 0, "created_at": 0, "body": LONG}


def test_on_postgresql_no_page_reads_what_it_does_not_show(
    postgres_store: Store, clumped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []
    run = postgres_store.db.execute_sql
    monkeypatch.setattr(
        postgres_store.db, "execute_sql", lambda text, values=None: asked.append((text, values)) or run(text, values)
    )
    assert len(judged_by.judged_by(clumped)[0]) == judged_by.PAGE
    for filters in (searching.Filters(kind="issue.action"), searching.Filters(by="li")):
        assert len(searching.search(filters, None, 50)) == 50
    assert len(deciding.ids(Which(("manual",)), None, 51)) == 51
    # What no index is in the order of is looked at in the index, too, without what it leads to.
    assert searching.search(searching.Filters(kind="issue.time", by="li"), None, 50) == []
    assert deciding.ids(Which(("manual",), "email"), None, 51) == []
    monkeypatch.undo()
    selects = [(text, values) for text, values in asked if text.startswith("SELECT")]
    assert len(selects) >= 6
    for text, values in selects:
        found = run(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", values).fetchone()[0]
        plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
        assert sum(map(_looked_at, _nodes(plan))) <= 51, (text, plan)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", []):
        yield from _nodes(one)


def _looked_at(node: dict[str, Any]) -> int:
    """The rows that this step of a plan read."""
    return int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) if "Relation Name" in node else 0
