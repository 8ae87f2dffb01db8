"""Fast inserts: SQL text made once per table and set of columns, run on Peewee's connection.

Building SQL is most of what `Model.create` costs (2 ms a row); intake and the sweep write through here. Values are
those of the model's fields; columns left out get the field's default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import peewee

from server.store.database import current
from server.store.fields import JsonField, Row
from server.store.models import AuditEntry, Event, Issue, Message

Value = Any
Convert = Callable[[Value], Value]


class _Insert:
    """One cached statement: its text, and how each of its values is found."""

    __slots__ = ("columns", "converts", "constants", "sql")

    def __init__(self, table: type[Row], names: tuple[str, ...], param: str, tail: str) -> None:
        fields = table._meta.combined
        given = [fields[name] for name in names]
        if len({field.name for field in given}) != len(names):
            raise ValueError(f"a column is named twice: {names}")
        constants = [
            (field, field.default)
            for field in table._meta.sorted_fields
            if field.default is not None and field.name not in {column.name for column in given}
        ]
        self.converts: list[tuple[str, Convert | None]] = [
            (name, field.db_value if isinstance(field, JsonField) else None)
            for name, field in zip(names, given, strict=True)
        ]
        self.constants = tuple(
            field.db_value(default() if callable(default) else default) for field, default in constants
        )
        self.columns = [field.column_name for field in given] + [field.column_name for field, _ in constants]
        quoted = ", ".join(f'"{column}"' for column in self.columns)
        places = ", ".join([param] * len(self.columns))
        self.sql = f'INSERT INTO "{table._meta.table_name}" ({quoted}) VALUES ({places}){tail}'

    def values(self, row: Mapping[str, Value]) -> tuple[Value, ...]:
        return (
            tuple(row[name] if convert is None else convert(row[name]) for name, convert in self.converts)
            + self.constants
        )


@lru_cache(maxsize=512)
def _statement(table: type[Row], names: tuple[str, ...], param: str, tail: str) -> _Insert:
    return _Insert(table, names, param, tail)


def insert(table: type[Row], row: Mapping[str, Value]) -> int:
    """Insert one row and give its id. Raises peewee.IntegrityError when a constraint forbids it."""
    store = current()
    if store.is_postgresql:
        statement = _statement(table, tuple(row), "%s", ' RETURNING "id"')
        return int(store.db.execute_sql(statement.sql, statement.values(row)).fetchone()[0])
    statement = _statement(table, tuple(row), "?", "")
    return int(store.db.execute_sql(statement.sql, statement.values(row)).lastrowid)


def insert_many(table: type[Row], rows: Sequence[Mapping[str, Value]]) -> None:
    """Insert rows that all have the same columns. Raises peewee.IntegrityError when a constraint forbids one."""
    if not rows:
        return
    store = current()
    statement = _statement(table, tuple(rows[0]), "%s" if store.is_postgresql else "?", "")
    if len(rows) == 1 or not store.is_postgresql:
        # On SQLite one statement after the other is faster than a long one.
        for row in rows:
            store.db.execute_sql(statement.sql, statement.values(row))
        return
    _execute_many(statement.sql, [statement.values(row) for row in rows])


def _execute_many(sql: str, values: Iterable[tuple[Value, ...]]) -> None:
    # psycopg sends them in one go; Peewee has no call for it, only the mapping of errors.
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        current().db.cursor().executemany(sql, values)


_NEW_SOURCE_ID = ' ON CONFLICT ("source", "external_id") WHERE "external_id" IS NOT NULL DO NOTHING RETURNING "id"'


def insert_issue(row: Mapping[str, Value]) -> int | None:
    """Insert an issue and give its id; None when its (source, external_id) has an issue already."""
    store = current()
    statement = _statement(Issue, tuple(row), "%s" if store.is_postgresql else "?", _NEW_SOURCE_ID)
    found = store.db.execute_sql(statement.sql, statement.values(row)).fetchone()
    return None if found is None else int(found[0])


def insert_event(row: Mapping[str, Value]) -> int:
    """Insert an event and give its id. A second one with the same key or (issue, seq): peewee.IntegrityError."""
    return insert(Event, row)


def insert_messages(rows: Sequence[Mapping[str, Value]]) -> None:
    """Insert messages that all have the same columns."""
    insert_many(Message, rows)


def insert_audit(row: Mapping[str, Value]) -> int:
    """Insert an entry of the audit trail; see server.audit, which writes them."""
    return insert(AuditEntry, row)


@lru_cache(maxsize=128)
def _update_issue(names: tuple[str, ...], param: str) -> tuple[str, tuple[tuple[str, Convert | None], ...]]:
    fields = [Issue._meta.combined[name] for name in names]
    assignments = ", ".join(f'"{field.column_name}" = {param}' for field in fields)
    sql = f'UPDATE "issue" SET {assignments} WHERE "id" = {param} AND "seq" = {param}'
    converts = tuple(
        (name, field.db_value if isinstance(field, JsonField) else None)
        for name, field in zip(names, fields, strict=True)
    )
    return sql, converts


def update_issue(issue_id: int, seq: int, row: Mapping[str, Value]) -> bool:
    """Change an issue if its `seq` is still the one that was read; False when somebody was faster.

    `row` carries the new `seq`.
    """
    if row.get("seq", seq) <= seq:
        raise ValueError("an update of an issue needs a later seq")
    store = current()
    sql, converts = _update_issue(tuple(row), "%s" if store.is_postgresql else "?")
    values = [row[name] if convert is None else convert(row[name]) for name, convert in converts]
    return bool(store.db.execute_sql(sql, (*values, issue_id, seq)).rowcount == 1)
