"""Fast inserts: SQL text made once per table and set of columns, run on Peewee's connection.

Building SQL is most of what `Model.create` costs (2 ms a row); intake and the sweep write through here. Values are
those of the model's fields; columns left out get the field's default.

Several rows are one statement on PostgreSQL, whose text does not depend on how many they are: they travel as one JSON
text, which costs a tenth of as many parameters. On SQLite one statement after the other is faster than a long one, and
Peewee is not asked for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import peewee

from server.core.json_text import writer
from server.store.database import current
from server.store.fields import JsonField, Row
from server.store.models import AuditEntry, Event, Issue, Message

Value = Any
Convert = Callable[[Value], Value]


class _Insert:
    """One cached statement: its text, and how each of its values is found."""

    __slots__ = ("columns", "names", "converts", "constants", "sql", "many")

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
        self.names = names
        self.converts: list[tuple[int, Convert]] = [
            (place, field.db_value) for place, field in enumerate(given) if isinstance(field, JsonField)
        ]
        self.constants = tuple(
            field.db_value(default() if callable(default) else default) for field, default in constants
        )
        self.columns = [field.column_name for field in given] + [field.column_name for field, _ in constants]
        quoted = ", ".join(f'"{column}"' for column in self.columns)
        places = ", ".join([param] * len(self.columns))
        into = f'INSERT INTO "{table._meta.table_name}" ({quoted})'
        self.sql = f"{into} VALUES ({places}){tail}"
        types = {field.column_name: _type(field) for field in [*given, *(field for field, _ in constants)]}
        self.many = f"{into} SELECT {_read(types)} FROM {_records(types, param)}{tail}"

    def values(self, row: Mapping[str, Value]) -> tuple[Value, ...]:
        found = [row[name] for name in self.names]
        for place, convert in self.converts:
            found[place] = convert(found[place])
        return (*found, *self.constants)

    def as_json(self, rows: Iterable[Mapping[str, Value]]) -> str:
        return _as_json([dict(zip(self.columns, self.values(row), strict=True)) for row in rows])


_TYPES: Final = {
    "BIGAUTO": "BIGINT",
    "BIGINT": "BIGINT",
    "INT": "INT",
    "TEXT": "TEXT",
    "BOOL": "BOOL",
    "BLOB": "BLOB",
    "DOUBLE": "FLOAT8",
}


def _type(field: Any) -> str:
    return _TYPES[field.field_type]


def _records(types: Mapping[str, str], param: str) -> str:
    """Rows of PostgreSQL out of JSON; bytes stand in it as hexadecimal digits."""
    columns = ", ".join(f'"{name}" {"TEXT" if kind == "BLOB" else kind}' for name, kind in types.items())
    return f"json_to_recordset({param}::json) AS r({columns})"


def _read(types: Mapping[str, str]) -> str:
    return ", ".join(
        f"decode(r.\"{name}\", 'hex')" if kind == "BLOB" else f'r."{name}"' for name, kind in types.items()
    )


def _hexadecimal(value: bytes | bytearray | memoryview) -> str:
    return bytes(value).hex()


_as_json: Final = writer(default=_hexadecimal)


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
    if len(rows) == 1:
        store.db.execute_sql(statement.sql, statement.values(rows[0]))
    elif store.is_postgresql:
        store.db.execute_sql(statement.many, (statement.as_json(rows),))
    else:
        _one_after_the_other(statement.sql, map(statement.values, rows))


def _one_after_the_other(statement: str, values: Iterable[Sequence[Value]]) -> int:
    """Run a statement of SQLite for each of these; gives how many rows were written."""
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        return int(current().db.cursor().executemany(statement, values).rowcount)


def take_ids(count: int, *tables: type[Row]) -> Any:
    """Ids for so many new rows of each of these tables, within the caller's transaction, which must use them; gives the
    cursor whose rows hold one of each."""
    names = [table._meta.table_name for table in tables]
    if current().is_postgresql:
        taken = ", ".join(f"nextval('{name}_id_seq')" for name in names)
        return current().db.execute_sql(f"SELECT {taken} FROM generate_series(1, %s)", (count,))
    # As SQLite does it; nobody else writes meanwhile.
    last = ", ".join(f'(SELECT COALESCE(MAX("id"), 0) FROM "{name}") + "n"' for name in names)
    counted = 'WITH RECURSIVE "c" ("n") AS (SELECT 1 UNION ALL SELECT "n" + 1 FROM "c" WHERE "n" < ?)'
    return current().db.execute_sql(f'{counted} SELECT {last} FROM "c"', (count,))


def insert_event(row: Mapping[str, Value]) -> int:
    """Insert an event and give its id. A second one with the same key or (issue, seq): peewee.IntegrityError."""
    return insert(Event, row)


def insert_events(rows: Sequence[Mapping[str, Value]]) -> list[int]:
    """Insert events that all have the same columns and give their ids. Raises what `insert_event` raises."""
    if len(rows) < 2 or not current().is_postgresql:
        return [insert_event(row) for row in rows]
    # RETURNING promises no order.
    statement = _statement(Event, tuple(rows[0]), "%s", ' RETURNING "id", "issue_id", "seq"')
    found = current().db.execute_sql(statement.many, (statement.as_json(rows),)).fetchall()
    ids = {(issue, seq): int(id) for id, issue, seq in found}
    return [ids[row["issue"], row["seq"]] for row in rows]


def insert_messages(rows: Sequence[Mapping[str, Value]]) -> None:
    """Insert messages that all have the same columns."""
    insert_many(Message, rows)


def insert_audit(row: Mapping[str, Value]) -> int:
    """Insert an entry of the audit trail; see server.audit, which writes them."""
    return insert(AuditEntry, row)


class _Update:
    """The cached statements that change issues: `sql` one of them, `many` several at once, as JSON."""

    __slots__ = ("converts", "sql", "many")

    def __init__(self, names: tuple[str, ...], param: str) -> None:
        fields = [Issue._meta.combined[name] for name in names]
        self.converts = [
            (field.column_name, name, field.db_value if isinstance(field, JsonField) else None)
            for name, field in zip(names, fields, strict=True)
        ]
        columns = [field.column_name for field in fields]
        assignments = ", ".join(f'"{column}" = {param}' for column in columns)
        self.sql = f'UPDATE "issue" SET {assignments} WHERE "id" = {param} AND "seq" = {param}'
        types = {"issue_id": "BIGINT", "former_seq": "INT", **{field.column_name: _type(field) for field in fields}}
        assignments = ", ".join(f'"{column}" = r."{column}"' for column in columns)
        self.many = (
            f'UPDATE "issue" SET {assignments} FROM {_records(types, param)} '
            'WHERE "issue"."id" = r."issue_id" AND "issue"."seq" = r."former_seq"'
        )

    def row(self, row: Mapping[str, Value]) -> dict[str, Value]:
        return {column: row[name] if convert is None else convert(row[name]) for column, name, convert in self.converts}


@lru_cache(maxsize=128)
def _update(names: tuple[str, ...], param: str) -> _Update:
    return _Update(names, param)


class Update(NamedTuple):
    """What becomes of an issue whose `seq` is still the one that was read; `row` carries the new one."""

    issue: int
    seq: int
    row: Mapping[str, Value]


def update_issues(updates: Sequence[Update]) -> bool:
    """Change several issues, all in the same columns, whose `seq` are still those that were read; False when somebody
    was faster with any of them: then the caller's transaction must not be committed."""
    if any(one.row.get("seq", one.seq) <= one.seq for one in updates):
        raise ValueError("an update of an issue needs a later seq")
    if not updates:
        return True
    store = current()
    statement = _update(tuple(updates[0].row), "%s" if store.is_postgresql else "?")
    rows = [statement.row(one.row) for one in updates]
    if store.is_postgresql and len(updates) > 1:
        given = [{"issue_id": one.issue, "former_seq": one.seq, **row} for one, row in zip(updates, rows, strict=True)]
        return bool(store.db.execute_sql(statement.many, (_as_json(given),)).rowcount == len(updates))
    values = [(*row.values(), one.issue, one.seq) for one, row in zip(updates, rows, strict=True)]
    if len(values) == 1:
        return bool(store.db.execute_sql(statement.sql, values[0]).rowcount == 1)
    return _one_after_the_other(statement.sql, values) == len(updates)


def update_issue(issue_id: int, seq: int, row: Mapping[str, Value]) -> bool:
    """Change an issue if its `seq` is still the one that was read; False when somebody was faster."""
    return update_issues([Update(issue_id, seq, row)])
