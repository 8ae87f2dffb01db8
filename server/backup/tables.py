"""The tables of a store as the database itself knows them, so that a copy can be of any release's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final

from server.store.database import Store

STEPS: Final = "schema_migration"

LEFT_OUT: Final = frozenset({STEPS, "session", "reset_link", "lease", "worker"})
"""What a copy has not: the steps taken (the manifest names the last), browsers' sign-ins, links for new passwords,
duties of processes and which workers are seen. A sign-in that was ended since must not come to life again, nor a link
that was used."""

KINDS: Final[Mapping[str, str]] = {
    "INTEGER": "integer",
    "BIGINT": "integer",
    "BOOLEAN": "integer",
    "REAL": "real",
    "DOUBLE PRECISION": "real",
    "TEXT": "text",
    "CHARACTER VARYING": "text",
    "BLOB": "bytes",
    "BYTEA": "bytes",
}
"""The kinds of values that both databases have, by the words of either."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns with their kinds, in order, those of its key, and those that are true or false (on
    PostgreSQL, where that is not a number)."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    flags: frozenset[str] = frozenset()


def all_names(store: Store) -> list[str]:
    """Every table, whoever made it."""
    return [str(name) for name in store.db.get_tables()]


def tables(store: Store) -> list[Table]:
    """The tables that a copy has, each after those that it refers to."""
    names = sorted(set(all_names(store)) - LEFT_OUT)
    refers = {name: {key.dest_table for key in store.db.get_foreign_keys(name)} - {name} for name in names}
    return [_table(store, name) for name in TopologicalSorter(refers).static_order()]


def _table(store: Store, name: str) -> Table:
    found: list[Any] = store.db.get_columns(name)
    types = {column.name: str(column.data_type).upper() for column in found}
    return Table(
        name,
        {column: KINDS[type_] for column, type_ in types.items()},
        tuple(store.db.get_primary_keys(name)),
        frozenset(column for column, type_ in types.items() if type_ == "BOOLEAN"),
    )
