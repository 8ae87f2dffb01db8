"""Looking for entries of the audit trail: by kind, person, issue, document and time, newest first, a page at a time.

Each search goes along an index, so that a page of millions costs no more than one of a hundred.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server.core.moments import Moment
from server.store import database, sql
from server.store.fields import canonical

ABOUT_DOCUMENTS: Final = ("policy.", "draft.", "migration.", "drill.", "export")
"""Beginnings of the kinds whose entries may be about a document."""

Place = tuple[Moment, int]
"""Where a page ends: the moment and the id of its last entry."""

_COLUMNS: Final = '"audit_entry"."id", "audit_entry"."at", "kind", "by", "issue_id", "body"'
_PAGE: Final = f'SELECT {_COLUMNS} FROM "audit_entry" WHERE {{where}} ORDER BY "at" DESC, "id" DESC LIMIT ?'
# In this order are the indexes by kind and by person, and not that by moments, along which others would be passed over.
_OF_SOME: Final = _PAGE.replace("DESC", "DESC NULLS LAST")
# The sum keeps the database from walking the whole trail by its moments: an issue has a few hundred entries at most.
_OF_ISSUE: Final = f'SELECT {_COLUMNS} FROM "audit_entry" WHERE {{where}} ORDER BY "at" + 0 DESC, "id" DESC LIMIT ?'
_ONE: Final = f'SELECT {_COLUMNS} FROM "audit_entry" WHERE "id" = ?'
_ABOUT: Final = """("body" LIKE ? ESCAPE '!' OR "body" LIKE ? ESCAPE '!')"""
_NUMBERS: Final = 'SELECT "id", "number" FROM "issue" WHERE "id" IN ({})'
# From one kind to the next by the index: there are some dozens, however long the trail is.
_KINDS: Final = """
    WITH RECURSIVE "found" ("kind") AS (
        SELECT MIN("kind") FROM "audit_entry"
        UNION ALL
        SELECT (SELECT MIN("kind") FROM "audit_entry" WHERE "kind" > "found"."kind") FROM "found"
        WHERE "found"."kind" IS NOT NULL
    ) SELECT "kind" FROM "found" WHERE "kind" IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; what is empty filters nothing. `kind` ends with a dot for all kinds that begin so; `until`
    is not included."""

    kind: str = ""
    by: str = ""
    issue: str = ""
    document: str = ""
    since: Moment | None = None
    until: Moment | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: `text` is what its hash is made of, `said` what it says (nothing if somebody made it unreadable)."""

    id: int
    at: Moment
    kind: str
    by: str | None
    issue_id: int | None
    number: str | None
    text: str
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where the page after this entry begins."""
        return (self.at, self.id)


def kinds() -> list[str]:
    """Every kind that there is an entry of, by name. Raises Unavailable."""
    with database.session():
        return [row[0] for row in sql.run(_KINDS).fetchall()]


def search(wanted: Filters, before: Place | None, limit: int) -> list[Entry]:
    """At most `limit` entries, newest first, that lie before that place. Raises Unavailable."""
    with database.session():
        where, values = [], []
        if wanted.issue:
            row = sql.run('SELECT "id" FROM "issue" WHERE "number" = ?', wanted.issue).fetchone()
            if row is None:
                return []
            where, values = ['"issue_id" = ?'], [row[0]]
        if wanted.by:
            where, values = [*where, '"by" = ?'], [*values, wanted.by]
        for condition, moment in (('"at" >= ?', wanted.since), ('"at" < ?', wanted.until)):
            if moment is not None:
                where, values = [*where, condition], [*values, moment]
        if wanted.document:
            where, values = [*where, _ABOUT], [*values, *_patterns(wanted.document)]
        if before is not None:
            where, values = [*where, '("at", "id") < (?, ?)'], [*values, *before]
        chosen = _chosen(wanted)
        statement = _OF_ISSUE if wanted.issue else _PAGE if chosen is None and not wanted.by else _OF_SOME
        rows = _merged(statement, where, values, chosen, limit)
        return _entries(rows)


def one(id_: int) -> Entry | None:
    """The entry of that id; None: there is none."""
    with database.session():
        rows = sql.run(_ONE, id_).fetchall()
        return next(iter(_entries(rows)), None)


def _chosen(wanted: Filters) -> list[str] | None:
    """The kinds that are looked for; None: all. Each has its own way along the index."""
    if wanted.kind and not wanted.kind.endswith("."):
        return [wanted.kind]
    if not wanted.kind and not wanted.document:
        return None
    found = [one for one in kinds() if one.startswith(wanted.kind)]
    return [one for one in found if not wanted.document or one.startswith(ABOUT_DOCUMENTS)]


def _merged(
    statement: str, where: Sequence[str], values: Sequence[Any], chosen: Sequence[str] | None, limit: int
) -> list[Sequence[Any]]:
    if chosen is None:
        return list(sql.run(statement.format(where=" AND ".join(where) or "1 = 1"), *values, limit).fetchall())
    text = statement.format(where=" AND ".join(['"kind" = ?', *where]))
    pages = [sql.run(text, kind, *values, limit).fetchall() for kind in chosen]
    return list(heapq.merge(*pages, key=lambda row: (-row[1], -row[0])))[:limit]


def _patterns(document: str) -> list[str]:
    name = canonical(document)
    for letter in "!%_":
        name = name.replace(letter, "!" + letter)
    return [f'%"{key}":{name}%' for key in ("name", "process")]


def _entries(rows: Sequence[Sequence[Any]]) -> list[Entry]:
    ids = sorted({row[4] for row in rows if row[4] is not None})
    numbers: dict[int, str] = {}
    if ids:
        numbers = dict(sql.run(_NUMBERS.format(", ".join("?" * len(ids))), *ids).fetchall())
    return [
        Entry(int(id_), int(at), kind, by, issue, numbers.get(issue), text, _said(text))
        for id_, at, kind, by, issue, text in rows
    ]


def _said(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)["body"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
