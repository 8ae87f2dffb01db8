"""Fast inserts: SQL text made once per table and set of columns, run on Peewee's connection.

Building SQL is most of what `Model.create` costs (2 ms a row); intake and the sweep write through here. Values are
those of the model's fields; columns left out get the field's default.

Several rows are one statement on PostgreSQL, whose text does not depend on how many they are: each column travels as
one text, its values with a separator between them, which costs a tenth of as many parameters, and nothing to read. On
SQLite one statement after the other is faster than a long one, and Peewee is not asked for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import peewee

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
        inserted = {field.column_name: field for field in [*given, *(field for field, _ in constants)]}
        self.many = f"{into} SELECT {_read(inserted)} FROM {_records(inserted, param)}{tail}"

    def values(self, row: Mapping[str, Value]) -> tuple[Value, ...]:
        found = [row[name] for name in self.names]
        for place, convert in self.converts:
            found[place] = convert(found[place])
        return (*found, *self.constants)


_CASTS: Final = {
    "BIGAUTO": "{}::bigint",
    "BIGINT": "{}::bigint",
    "INT": "{}::int",
    "TEXT": "{}",
    "BOOL": "{}::bool",
    "BLOB": "decode({}, 'hex')",
    "DOUBLE": "{}::float8",
}

# Control characters that JSON has to write in another way, and that nearly no other text has.
_SEPARATOR: Final = "\x1f"
_NULL: Final = "\x1e"


def _read(fields: Mapping[str, Any]) -> str:
    """What PostgreSQL makes of the texts in the columns of `_records`."""
    return ", ".join(_CASTS[field.field_type].format(f'r."{name}"') for name, field in fields.items())


def _records(names: Iterable[str], param: str) -> str:
    """Rows of PostgreSQL, all their values texts, out of one text for each column (`_columns`)."""
    names = list(names)
    columns = ", ".join([f"string_to_array({param}, E'\\x1f', E'\\x1e')"] * len(names))
    return "unnest({}) AS r({})".format(columns, ", ".join(f'"{name}"' for name in names))


def _columns(rows: Sequence[Sequence[Value]]) -> list[str] | None:
    """A text for each column of two rows or more; None where a value has one of the separators in it."""
    found = []
    for values in zip(*rows, strict=True):
        texts = _texts(values)
        text = _SEPARATOR.join(texts)
        if text.count(_SEPARATOR) >= len(texts) or (_NULL in text and text.count(_NULL) != values.count(None)):
            return None
        found.append(text)
    return found


def _texts(values: tuple[Value, ...]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds == _TEXTS:
        return values
    return list(map(str, values)) if kinds == _NUMBERS else list(map(_text, values))


_TEXTS: Final = {str}
_NUMBERS: Final = {int}


def _text(value: Value) -> str:
    if value is None:
        return _NULL
    return value.hex() if isinstance(value, bytes | bytearray | memoryview) else str(value)


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
    values = list(map(statement.values, rows))
    if len(values) == 1:
        store.db.execute_sql(statement.sql, values[0])
    elif not store.is_postgresql:
        _one_after_the_other(statement.sql, values)
    elif (columns := _columns(values)) is not None:
        store.db.execute_sql(statement.many, columns)
    else:
        for one in values:
            store.db.execute_sql(statement.sql, one)


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
    columns = _columns(list(map(statement.values, rows)))
    if columns is None:
        return [insert_event(row) for row in rows]
    found = current().db.execute_sql(statement.many, columns).fetchall()
    ids = {(issue, seq): int(id) for id, issue, seq in found}
    return [ids[row["issue"], row["seq"]] for row in rows]


def insert_messages(rows: Sequence[Mapping[str, Value]]) -> None:
    """Insert messages that all have the same columns."""
    insert_many(Message, rows)


def insert_audit(row: Mapping[str, Value]) -> int:
    """Insert an entry of the audit trail; see server.audit, which writes them."""
    return insert(AuditEntry, row)


class Update(NamedTuple):
    """What becomes of an issue whose `seq` is still the one that was read; `row` carries the new one."""

    issue: int
    seq: int
    row: Mapping[str, Value]


class _Update:
    """The cached statements that change issues: `sql` one of them, `many` several at once."""

    __slots__ = ("converts", "sql", "many")

    def __init__(self, names: tuple[str, ...], param: str) -> None:
        fields = [Issue._meta.combined[name] for name in names]
        self.converts = [
            (name, field.db_value if isinstance(field, JsonField) else None)
            for name, field in zip(names, fields, strict=True)
        ]
        assignments = ", ".join(f'"{field.column_name}" = {param}' for field in fields)
        self.sql = f'UPDATE "issue" SET {assignments} WHERE "id" = {param} AND "seq" = {param}'
        changed = {field.column_name: field for field in fields}
        assignments = ", ".join(f'"{name}" = {_read({name: field})}' for name, field in changed.items())
        self.many = (
            f'UPDATE "issue" SET {assignments} FROM {_records([*changed, "issue_id", "former_seq"], param)} '
            'WHERE "issue"."id" = r."issue_id"::bigint AND "issue"."seq" = r."former_seq"::int'
        )

    def values(self, update: Update) -> tuple[Value, ...]:
        row = update.row
        found = [row[name] if convert is None else convert(row[name]) for name, convert in self.converts]
        return (*found, update.issue, update.seq)


@lru_cache(maxsize=128)
def _update(names: tuple[str, ...], param: str) -> _Update:
    return _Update(names, param)


def update_issues(updates: Sequence[Update]) -> bool:
    """Change several issues, all in the same columns, whose `seq` are still those that were read; False when somebody
    was faster with any of them: then the caller's transaction must not be committed."""
    if any(one.row.get("seq", one.seq) <= one.seq for one in updates):
        raise ValueError("an update of an issue needs a later seq")
    if not updates:
        return True
    store = current()
    statement = _update(tuple(updates[0].row), "%s" if store.is_postgresql else "?")
    values = list(map(statement.values, updates))
    if len(values) > 1 and not store.is_postgresql:
        return _one_after_the_other(statement.sql, values) == len(updates)
    if len(values) > 1 and (columns := _columns(values)) is not None:
        return bool(store.db.execute_sql(statement.many, columns).rowcount == len(updates))
    return all(store.db.execute_sql(statement.sql, one).rowcount == 1 for one in values)


def update_issue(issue_id: int, seq: int, row: Mapping[str, Value]) -> bool:
    """Change an issue if its `seq` is still the one that was read; False when somebody was faster."""
    return update_issues([Update(issue_id, seq, row)])
