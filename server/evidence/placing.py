"""Where entries are in the sealed trail: places, blocks and checkpoints, for many at once and with little read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from server.core.moments import Moment
from server.sealing import ranges
from server.store import database, sql

_NEWEST: Final = 'SELECT "no", "high" FROM "audit_block" ORDER BY "no" DESC LIMIT 1'
_HEAD: Final = 'SELECT "no", "at", "first", "entries", "high", "gaps" FROM "audit_block" WHERE "no" = ?'
_COVERING: Final = 'SELECT MIN("size") FROM "audit_checkpoint" WHERE "size" >= ?'


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry's place in the trail, its block with the moment of sealing, and how many entries the first checkpoint
    covers that covers it (None: none does yet)."""

    place: int
    block: int
    at: Moment
    checkpoint: int | None


def places(ids: Iterable[int]) -> dict[int, Sealed]:
    """Where these entries are, by id; those that no block seals are left out. Raises Unavailable."""
    with database.session():
        return {id_: found for finder in [_Finder()] for id_ in sorted(set(ids)) if (found := finder.find(id_))}


class _Finder:
    """Finds blocks by halving, and remembers what it has read: neighbours go the same way."""

    def __init__(self) -> None:
        row = sql.run(_NEWEST).fetchone()
        self._last, self._high = (0, 0) if row is None else (int(row[0]), int(row[1]))
        self._heads: dict[int, Any] = {}

    def find(self, id_: int) -> Sealed | None:
        if id_ > self._high:
            return None
        low, top = 1, self._last
        while low < top:
            middle = (low + top) // 2
            if self._head(middle)[4] >= id_:
                top = middle
            else:
                low = middle + 1
        # One that came late is in a later block, and in the gaps of those before it.
        while low <= self._last:
            no, at, first, entries, _, gaps = self._head(low)
            named = ranges.read_or_none(entries)
            if any(start <= id_ <= end for start, end in named):
                place = int(first) + sum(min(end, id_ - 1) - start + 1 for start, end in named if start < id_)
                return Sealed(place, int(no), int(at), self._checkpoint(place))
            if not any(start <= id_ <= end for start, end in ranges.read_or_none(gaps)):
                return None
            low += 1
        return None

    def _head(self, no: int) -> Any:
        if no not in self._heads:
            row = sql.run(_HEAD, no).fetchone()
            # A block that somebody removed hides what it sealed; `audit verify` names it.
            self._heads[no] = (no, 0, 0, "", 0, "") if row is None else row
        return self._heads[no]

    @staticmethod
    def _checkpoint(place: int) -> int | None:
        size = sql.run(_COVERING, place).fetchone()[0]
        return None if size is None else int(size)
