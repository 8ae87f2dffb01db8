"""Blocks: entries of the audit trail sealed together, each block bound to the one before.

`hash = SHA-256(0x02 | no | at | first | size | root | prev | entries)`, numbers as 8 bytes, highest first, `entries`
the ids in ranges as text; `root` is that of the Merkle tree (RFC 6962) over `SHA-256(0x00 | body)` of each, in order;
`prev` is the hash of the block before, of the first one 32 zero bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server.core.moments import Moment
from server.sealing import merkle, ranges
from server.sealing.merkle import SIZE, Hash
from server.store import sql, writing
from server.store.models import AuditBlock

NOTHING: Final = bytes(SIZE)
"""What stands for the block before the first one."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `first` is the place in the trail (from 1) of its first entry, `high` the largest id sealed so far,
    `gaps` the ids below it that no block covers and that may still appear."""

    no: int
    at: Moment
    first: int
    size: int
    entries: str
    root: Hash
    prev: Hash
    hash: Hash
    high: int
    gaps: str

    @property
    def last(self) -> int:
        """The place of its last entry, which is how many entries the trail has up to here."""
        return self.first + self.size - 1


def hash_of(no: int, at: Moment, first: int, size: int, root: Hash, prev: Hash, entries: str) -> Hash:
    """The hash of a block."""
    head = struct.pack(">Qqqq", no, at, first, size)
    return hashlib.sha256(b"\x02" + head + root + prev + entries.encode("ascii")).digest()


_COLUMNS = '"no", "at", "first", "size", "entries", "root", "prev", "hash", "high", "gaps"'
_NEWEST = f'SELECT {_COLUMNS} FROM "audit_block" ORDER BY "no" DESC LIMIT 1'
_FROM = f'SELECT {_COLUMNS}, "leaves" FROM "audit_block" WHERE "no" >= ? ORDER BY "no" LIMIT ?'
_COVERING = f'SELECT {_COLUMNS} FROM "audit_block" WHERE "first" <= ? ORDER BY "first" DESC LIMIT 1'


def newest() -> Block | None:
    """The last block; None: nothing is sealed."""
    row = sql.run(_NEWEST).fetchone()
    return None if row is None else _block(row)


def covering(place: int) -> Block | None:
    """The block in which the entry at this place of the trail is; None: no block has it."""
    row = sql.run(_COVERING, place).fetchone()
    found = None if row is None else _block(row)
    return found if found is not None and found.first <= place <= found.last else None


def page(no: int, limit: int) -> Iterator[tuple[Block, bytes]]:
    """Blocks from number `no` on, each with its leaves, at most `limit`."""
    for row in sql.run(_FROM, no, limit).fetchall():
        yield _block(row), bytes(row[10])


def _block(row: Sequence[Any]) -> Block:
    no, at, first, size, entries, root, prev, hash_, high, gaps = row[:10]
    return Block(no, at, first, size, entries, bytes(root), bytes(prev), bytes(hash_), high, gaps)


def add(before: Block | None, ids: Sequence[int], leaves: Sequence[Hash], high: int, gaps: str, now: Moment) -> Block:
    """Write the block after `before` within the caller's transaction. Raises peewee.IntegrityError when another process
    has written that one."""
    no, first, prev = (1, 1, NOTHING) if before is None else (before.no + 1, before.last + 1, before.hash)
    root, entries = merkle.root(leaves), ranges.show(ranges.of(ids))
    block = Block(
        no=no,
        at=now,
        first=first,
        size=len(ids),
        entries=entries,
        root=root,
        prev=prev,
        hash=hash_of(no, now, first, len(ids), root, prev, entries),
        high=high,
        gaps=gaps,
    )
    row = {name: getattr(block, name) for name in Block.__slots__}
    writing.insert_many(AuditBlock, [{**row, "leaves": b"".join(leaves)}])
    return block
