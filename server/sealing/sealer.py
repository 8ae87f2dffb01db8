"""Sealing: entries of the audit trail that no block covers go into the next block, beside the writers and never in
their way.

Which entries those are is said by the last block alone: the ids above its `high`, and those in its `gaps`. On SQLite
ids are given in the order of commits, so there are no gaps. On PostgreSQL a transaction may take an id and commit after
larger ones were sealed, or never: its id is a gap until every transaction that may have taken it has ended. Those are
known by the lock that each of them holds on the table from before it takes an id until its end.

Who seals is agreed upon by a lease, for economy; that no entry is sealed twice rests on the number of the block, which
only one of two sealers can write.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from dataclasses import dataclass
from typing import Final

import peewee

from server import leases
from server.core.moments import Moment
from server.crash_points import crash_point
from server.sealing import blocks, checkpoints, ranges
from server.sealing.blocks import Block
from server.sealing.checkpoints import Signer
from server.sealing.merkle import leaf
from server.sealing.ranges import Ranges
from server.store import database, sql

log = logging.getLogger("duban.sealing")

LEASE: Final = "seal"
LIMIT: Final = 2000
"""Entries of one block: few enough that nobody waits for them to be written."""

_GAPS_AT_ONCE = 100
_EVERYTHING = 2**63 - 1
_ABOVE = 'SELECT "id", "body" FROM "audit_entry" WHERE "id" > ? ORDER BY "id" LIMIT ?'
_BETWEEN = 'SELECT "id", "body" FROM "audit_entry" WHERE {} ORDER BY "id" LIMIT ?'
# A transaction holds this lock from before its INSERT takes an id until it ends; it is listed here all that time.
_WRITERS = """
    SELECT "virtualtransaction" FROM "pg_locks"
    WHERE "locktype" = 'relation' AND "mode" = 'RowExclusiveLock'
      AND "database" = (SELECT "oid" FROM "pg_database" WHERE "datname" = current_database())
      AND "relation" = 'audit_entry'::regclass
"""


@dataclass(frozen=True, slots=True)
class _Barrier:
    """When none of `writers` is left, an id up to `upto` that cannot be seen will never be."""

    upto: int
    writers: frozenset[str]


class Sealer:
    """The sealer of a process: it seals while it holds the lease, and stands by otherwise."""

    def __init__(self, holder: str | None = None) -> None:
        self.holder = holder or f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._taken_at = -1
        self._barrier: _Barrier | None = None
        self._settled = 0  # every id up to here is sealed or will never appear

    def work(self, now: Moment, signer: Signer | None) -> bool:
        """Seal what there is, and sign a checkpoint when one is due; whether there is more at once. Costs a few reads
        when there is nothing new. Raises Unavailable."""
        with database.session():
            before = blocks.newest()
            found = self._unsealed(before)
            if not found:
                if signer is not None and checkpoints.is_due(before, now) and self._holds(now):
                    checkpoints.sign(before, signer, now)
                return False
            if not self._holds(now):
                return False
            block = self._seal(before, found, now)
            if block is not None and signer is not None and checkpoints.is_due(block, now):
                checkpoints.sign(block, signer, now)
        return block is None or len(found) >= LIMIT

    def end(self) -> None:
        """Give the duty to another process at once."""
        leases.give_back(LEASE, self.holder)

    def _holds(self, now: Moment) -> bool:
        if not self._taken_at <= now < self._taken_at + leases.LENGTH // 3:
            self._taken_at = now if leases.take(LEASE, self.holder, now) is not None else -1
        return self._taken_at >= 0

    def _unsealed(self, before: Block | None) -> list[tuple[int, bytes]]:
        """Entries that no block covers, by id: what can be seen of the gaps first, then what is new."""
        settled = self._settled_before_reading()
        high, gaps = (0, []) if before is None else (before.high, self._open(ranges.read(before.gaps)))
        rows: list[tuple[int, str]] = []
        for start in range(0, len(gaps), _GAPS_AT_ONCE):
            some = gaps[start : start + _GAPS_AT_ONCE]
            where = " OR ".join(['"id" BETWEEN ? AND ?'] * len(some))
            bounds = [bound for pair in some for bound in pair]
            rows += sql.run(_BETWEEN.format(where), *bounds, LIMIT - len(rows)).fetchall()
            if len(rows) >= LIMIT:
                break
        if len(rows) < LIMIT:
            rows += sql.run(_ABOVE, high, LIMIT - len(rows)).fetchall()
        # A full page says nothing about what lies behind it.
        self._settled = max(self._settled, min(settled, rows[-1][0]) if len(rows) >= LIMIT else settled)
        return [(int(id_), body.encode("utf-8")) for id_, body in rows]

    def _settled_before_reading(self) -> int:
        """Up to which id a reading that begins now sees all that there will ever be."""
        if not database.current().is_postgresql:
            return _EVERYTHING
        if self._barrier is None or self._barrier.writers & _writers():
            return self._settled
        upto, self._barrier = self._barrier.upto, None
        return upto

    def _open(self, gaps: Ranges) -> Ranges:
        return ranges.without(gaps, (), self._settled) if self._settled else gaps

    def _seal(self, before: Block | None, found: list[tuple[int, bytes]], now: Moment) -> Block | None:
        """The next block; None when another process was faster."""
        ids = [id_ for id_, _ in found]
        former = 0 if before is None else before.high
        high = max(former, ids[-1])
        gaps = [] if before is None else ranges.read(before.gaps)
        if high > former:
            gaps.append((former + 1, high))
        left = self._open(ranges.without(gaps, ids))
        leaves = [leaf(body) for _, body in found]
        try:
            with database.transaction():
                block = blocks.add(before, ids, leaves, high, ranges.show(_joined(left)), now)
                crash_point("sealing.before_commit")
            crash_point("sealing.after_commit")
        except peewee.IntegrityError:
            log.info("block %s was sealed by another process", 1 if before is None else before.no + 1)
            return None
        if left and self._barrier is None:
            self._barrier = _Barrier(high, _writers())
        return block


def _joined(gaps: Ranges) -> Ranges:
    """Ranges that touch, as one."""
    found: Ranges = []
    for first, last in gaps:
        if found and first == found[-1][1] + 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def _writers() -> frozenset[str]:
    return frozenset(row[0] for row in sql.run(_WRITERS).fetchall())
