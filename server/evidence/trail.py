"""The audit trail in its order, with its hashes: what is sealed by its place, then what waits for the next block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from server.core.moments import show
from server.sealing import blocks, merkle, ranges
from server.sealing.blocks import Block
from server.store import database, sql

_COLUMNS = """"audit_entry"."id", "audit_entry"."at", "kind", "by", "number", "body"
    FROM "audit_entry" LEFT JOIN "issue" ON "issue"."id" = "audit_entry"."issue_id" """
_THESE = f'SELECT {_COLUMNS} WHERE "audit_entry"."id" IN ({{}})'
_ABOVE = f'SELECT {_COLUMNS} WHERE "audit_entry"."id" > ? ORDER BY "audit_entry"."id" LIMIT ?'

_BLOCKS_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of the trail, the blocks that seal them, and the place after which the next page begins (None: this is
    the end of what is sealed)."""

    entries: Sequence[Mapping[str, Any]]
    blocks: Sequence[Mapping[str, Any]]
    next: int | None


def page(after: int, limit: int) -> Page:
    """The entries behind that place, at most `limit`."""
    with database.snapshot():
        found: list[tuple[int, int, Block, bytes]] = []
        named = []
        for block, leaves in _from(after + 1):
            start = max(after + 1 - block.first, 0)
            wanted = islice(ranges.ids(ranges.read(block.entries)), start, start + limit - len(found))
            named.append(described(block))
            for index, id_ in enumerate(wanted, start):
                leaf = leaves[index * merkle.SIZE : (index + 1) * merkle.SIZE]
                found.append((block.first + index, id_, block, leaf))
            if len(found) >= limit:
                break
        rows = _rows([id_ for _, id_, _, _ in found])
        entries = [_entry(place, id_, rows.get(id_), block.no, leaf) for place, id_, block, leaf in found]
        newest = blocks.newest()
        if newest is not None and found and found[-1][0] < newest.last:
            return Page(entries, named, found[-1][0])
        waiting = _waiting(0 if newest is None else newest.high, limit - len(entries))
        return Page([*entries, *waiting], named, None)


def described(block: Block) -> dict[str, Any]:
    """A block as JSON: all that its hash is made of."""
    return {
        "number": block.no,
        "at": block.at,
        "first": block.first,
        "size": block.size,
        "entries": block.entries,
        "root": block.root.hex(),
        "prev": block.prev.hex(),
        "hash": block.hash.hex(),
    }


def _from(place: int) -> Any:
    block = blocks.covering(place)
    while block is not None:
        last = None
        for last in blocks.page(block.no, _BLOCKS_AT_ONCE):
            yield last
        block = None if last is None else blocks.covering(last[0].last + 1)


def _rows(ids: Sequence[int]) -> dict[int, Sequence[Any]]:
    if not ids:
        return {}
    rows = sql.run(_THESE.format(", ".join("?" * len(ids))), *ids).fetchall()
    return {int(row[0]): row for row in rows}


def _waiting(high: int, limit: int) -> list[Mapping[str, Any]]:
    return [
        _entry(None, row[0], row, None, merkle.leaf(row[5].encode()))
        for row in sql.run(_ABOVE, high, max(limit, 0)).fetchall()
    ]


def _entry(place: int | None, id_: int, row: Sequence[Any] | None, block: int | None, leaf: bytes) -> dict[str, Any]:
    """One entry as JSON; `text` is what the hash is made of. Of one that is gone only its place and hash are left."""
    _, at, kind, by, number, text = row if row is not None else (id_, None, None, None, None, None)
    return {
        "place": place,
        "id": id_,
        "at": None if at is None else show(at),
        "kind": kind,
        "by": by,
        "issue": number,
        "text": text,
        "hash": leaf.hex(),
        "block": block,
    }
