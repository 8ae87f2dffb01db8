"""Statements written out, where building the query would cost more than running it."""

from __future__ import annotations

from typing import Any

from server.store.database import current


def run(statement: str, *values: Any) -> Any:
    """Run a statement whose values stand as `?`, on this thread's connection; gives the cursor."""
    store = current()
    return store.db.execute_sql(statement.replace("?", "%s") if store.is_postgresql else statement, values)
