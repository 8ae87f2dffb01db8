"""Which issues a version of a process judges: those that it judged at receipt, and those that were moved to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from server.store import database, sql
from server.store.models import Issue

PAGE: Final = 50

# Everything that a list shows; the case may be long.
_COLUMNS: Final = [Issue._meta.fields[name] for name in (
    "id", "number", "subject", "severity", "stage", "final", "overdue", "received_at", "closed_at", "pins", "process",
)]  # fmt: skip


def judged_by(version: int, before: int | None = None) -> tuple[list[Any], int | None]:
    """A page of the issues that the version judges, newest first, and the id to go on before; None: there are no
    more. `before`: those that are older than the issue of that id."""
    query = Issue.select(*_COLUMNS).where(Issue.version == version).limit(PAGE + 1)
    # An order of the version's index and of no other (server.store.listing).
    query = query.order_by(Issue.id.desc(nulls="LAST"))
    rows = list(query if before is None else query.where(Issue.id < before))
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def counts(versions: Sequence[int]) -> dict[int, int]:
    """How many issues each of these versions judges, by the version's id; of those that judge none there is nothing."""
    with database.session():
        condition, values = sql.among(versions)
        statement = f'SELECT "version_id", COUNT(*) FROM "issue" WHERE "version_id" {condition} GROUP BY "version_id"'
        return dict(sql.run(statement, *values).fetchall())


def count(version: int) -> int:
    """How many issues the version judges."""
    return int(Issue.select().where(Issue.version == version).count())
