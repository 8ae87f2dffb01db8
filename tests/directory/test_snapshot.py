"""The directory in memory is read once, and again when it is another one."""

from __future__ import annotations

from typing import Any

import pytest

from server.directory import changed, snapshot
from server.store.database import Store
from server.store.models import Person


def test_it_is_read_once_also_while_nobody_is_in_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert snapshot().people == {}
    said: list[str] = []
    real = store.db.execute_sql

    def heard(sql: str, *more: Any) -> Any:
        said.append(sql)
        return real(sql, *more)

    monkeypatch.setattr(store.db, "execute_sql", heard)
    assert snapshot().people == {}
    assert len(said) == 1, "its revision"
    with store.transaction():
        Person.create(login="li", name="Li")
        changed()
        assert set(snapshot().people) == {"li"}
    assert set(snapshot().people) == {"li"}


def test_what_was_taken_back_is_not_remembered(store: Store) -> None:
    with store.transaction(), store.db.atomic() as savepoint:
        Person.create(login="li", name="Li")
        changed()
        assert set(snapshot().people) == {"li"}
        savepoint.rollback()
    assert snapshot().people == {}
