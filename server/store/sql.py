"""Statements written out, where building the query would cost more than running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee
from peewee import SQL

from server.store.database import current


def among(values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """A condition that a column has one of these values, and what stands in it: `"id" ` + condition."""
    if current().is_postgresql:
        return "= ANY(?)", [list(values)]  # one text, however many they are
    return f"IN ({', '.join('?' * len(values))})", values


def expression(statement: str, values: Sequence[Any]) -> Any:
    """A statement whose values stand as `?`, in parentheses, to be built into a query."""
    return SQL(f"({statement.replace('?', '%s') if current().is_postgresql else statement})", values)


def run(statement: str, *values: Any) -> Any:
    """Run a statement whose values stand as `?`, on this thread's connection; gives the cursor."""
    store = current()
    return store.db.execute_sql(statement.replace("?", "%s") if store.is_postgresql else statement, values)


def run_planned(statement: str, *values: Any) -> Any:
    """`run` on PostgreSQL, planned for these values and this size of the table. It keeps the plan of a statement that
    is run often: one made while a table was nearly empty reads all of it, until the table is analyzed."""
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        return current().db.cursor().execute(statement.replace("?", "%s"), values, prepare=False)
