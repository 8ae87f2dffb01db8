"""Entries of the audit trail as they stand in the store, by id, read in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from server.store import database, sql

Row: TypeAlias = tuple[int, int, str, str | None, int | None, bytes]
"""id, at, kind, by, issue, body"""

PAGE = 10_000
_PAGE = 'SELECT "id", "at", "kind", "by", "issue_id", {} FROM "audit_entry" WHERE "id" > ? ORDER BY "id" LIMIT ?'
_SQLITE = _PAGE.format('CAST("body" AS BLOB)')  # as it is stored: no text is made of it, to be made bytes again
_POSTGRESQL = _PAGE.format('"body"')


def page(after: int, limit: int) -> list[Row]:
    """Entries whose ids are larger, smallest first, at most `limit`."""
    if not database.current().is_postgresql:
        return list(sql.run(_SQLITE, after, limit).fetchall())
    rows = sql.run(_POSTGRESQL, after, limit).fetchall()
    return [(id_, at, kind, by, issue, body.encode()) for id_, at, kind, by, issue, body in rows]


class Rows:
    """Gives entries in the order of blocks, which is that of ids but for some that came late. `left` tells what no
    block asked for; `progress` is told the number of entries read."""

    def __init__(self, progress: Callable[[int], object] = lambda read: None) -> None:
        self._page: list[Row] = []
        self._at = 0  # in the page
        self._last = -(2**63)  # the largest id read: there is no entry with a negative one, unless it was inserted
        self._ended = False
        self._passed: dict[int, Row] = {}  # read, and not asked for yet
        self._read = 0
        self._progress = progress

    def take(self, ids: Sequence[int]) -> Sequence[Row | None]:
        """The entries of these ids, which grow; None for one that is not there."""
        if not self._passed:
            if self._at + len(ids) > len(self._page):
                self._more(len(ids))
            found = self._page[self._at : self._at + len(ids)]
            if [row[0] for row in found] == list(ids):
                self._at += len(ids)
                return found
        return [self._one(id_) for id_ in ids]

    def left(self) -> Iterator[Row]:
        """The entries that nobody asked for."""
        yield from (self._passed[id_] for id_ in sorted(self._passed))
        while self._at < len(self._page) or self._more(1):
            rest = self._page[self._at :]
            self._at = len(self._page)
            yield from rest

    def _one(self, id_: int) -> Row | None:
        while self._at < len(self._page) or (self._last < id_ and self._more(1)):
            row = self._page[self._at]
            if row[0] > id_:
                break
            self._at += 1
            self._passed[row[0]] = row
        return self._passed.pop(id_, None)

    def _more(self, wanted: int) -> bool:
        """Read on until that many are at hand; whether there is one at all."""
        self._page, self._at = self._page[self._at :], 0
        while len(self._page) < wanted and not self._ended:
            rows = page(self._last, PAGE)
            self._ended = len(rows) < PAGE
            if rows:
                self._last = rows[-1][0]
                self._page = self._page + rows if self._page else rows
                self._read += len(rows)
                self._progress(self._read)
        return bool(self._page)
