"""Verifying the audit trail: every entry against its leaf, every block against its root and the block before, the whole
against signed checkpoints, and the events of issues against the entries that tell of them.

What is not as it was sealed is named by its place in the trail and its id. The first finding is the first by place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from server.evidence.events import Events
from server.evidence.findings import Finding
from server.evidence.proving import place_by_id
from server.evidence.rows import Row, Rows
from server.sealing import blocks, checkpoints, merkle, ranges
from server.sealing.blocks import NOTHING, Block
from server.sealing.checkpoints import Checkpoint, Verifier
from server.store import database
from server.store.fields import canonical

BLOCKS_AT_ONCE: Final = 100
MOST: Final = 1000
"""Findings that are kept; further ones are counted."""


@dataclass(slots=True)
class Verified:
    """What was found. `entries` are sealed, `unsealed` wait for the next block; `checkpoints` of each place were
    compared; `foreign` of its checkpoints are of other keys."""

    entries: int = 0
    blocks: int = 0
    unsealed: int = 0
    events: int = 0
    hash: bytes = NOTHING
    checkpoints: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def find(self, finding: Finding) -> None:
        """Note a finding."""
        if len(self.findings) < MOST:
            self.findings.append(finding)
        else:
            self.more += 1


@dataclass(frozen=True, slots=True)
class Outside:
    """Checkpoints that are kept outside: where, and which."""

    place: str
    checkpoints: Sequence[Checkpoint]


def verify(
    keys: Sequence[Verifier], outside: Iterable[Outside] = (), progress: Callable[[int], object] = lambda read: None
) -> Verified:
    """Verify the whole trail as one state of the store shows it. Raises Unavailable."""
    with database.snapshot():
        return _Verification(keys, progress).run(outside)


class _Verification:
    def __init__(self, keys: Sequence[Verifier], progress: Callable[[int], object]) -> None:
        self.found = Verified()
        self._keys = keys
        self._rows = Rows(progress)
        self._events = Events()
        self._before: Block | None = None
        self._high = 0
        self._odd: list[tuple[int, int]] = []  # index and id of entries whose columns are not those of their text
        self._stated: list[tuple[int, str, Checkpoint]] = []  # by size, what is not compared yet; smallest last
        self._agreed = 0  # up to which place a checkpoint agrees
        self._rewritten = False

    def run(self, outside: Iterable[Outside]) -> Verified:
        for place in (Outside("store", checkpoints.after(0, 2**62)), *outside):
            self._take_down(place)
        self._stated.sort(key=lambda stated: -stated[0])
        number = 1
        while page := list(blocks.page(number, BLOCKS_AT_ONCE)):
            for block, leaves in page:
                self._chain(block, number)
                self._block(block, leaves)
                self._compare(block)
                self._before, number = block, block.no + 1
        self._end()
        self.found.events = self._events.compare(self.found.find)
        self.found.findings.sort(key=Finding.order)
        return self.found

    # -- the chain ---------------------------------------------------------------------------------------------------

    def _chain(self, block: Block, number: int) -> None:
        """The block follows the one before."""
        before = self._before
        first, prev = (1, NOTHING) if before is None else (before.last + 1, before.hash)
        if block.no != number:
            to = block.first - 1 if block.first > first else None
            self.found.find(Finding("block-missing", first, to=to, params={"block": number}))
        elif block.first != first or block.prev != prev:
            self.found.find(Finding("block-changed", first, to=block.last, params={"block": block.no}))

    def _block(self, block: Block, leaves: bytes) -> None:
        """The block is as it was written, and its entries are as they were sealed."""
        named = ranges.read_or_none(block.entries)
        ids = list(ranges.ids(named)) if ranges.count(named) == block.size <= len(leaves) // merkle.SIZE else []
        hash_ = blocks.hash_of(block.no, block.at, block.first, block.size, block.root, block.prev, block.entries)
        if hash_ != block.hash or len(ids) != block.size or len(leaves) != merkle.SIZE * len(ids):
            self._block_changed(block)
        if ids:
            self._high = max(self._high, ids[-1])
        rows = self._rows.take(ids)
        actual = self._leaves(rows)
        self._columns(block.first, actual, leaves)
        if b"".join(actual) != leaves:
            self._compare_leaves(block, ids, rows, actual, leaves)
        elif merkle.root(actual) != block.root:
            self._block_changed(block)
        self.found.entries += block.size
        self.found.blocks += 1
        self.found.hash = block.hash

    def _block_changed(self, block: Block) -> None:
        self.found.find(Finding("block-changed", block.first, to=block.last, params={"block": block.no}))

    def _leaves(self, rows: Sequence[Row | None]) -> list[bytes]:
        """The leaves of entries (nothing for one that is missing), whose columns are compared with their text. Most of
        the time of verifying is spent here."""
        sha256, tell, found = hashlib.sha256, self._events.tell, []
        for row in rows:
            if row is None:
                found.append(b"")
                continue
            id_, at, kind, by, issue, body = row
            found.append(sha256(b"\x00" + body).digest())
            before, after = _around(by, kind)
            tail = b"%s%d%s" % (before, issue, after) if issue is not None else before + b"null" + after
            if not (body.endswith(tail) and body.startswith(b'{"at":%d,"body":' % at)):
                self._odd.append((len(found) - 1, id_))
            elif issue is not None:
                tell(issue, kind, body, len(body) - len(tail))
        return found

    def _columns(self, first: int, actual: Sequence[bytes], leaves: bytes) -> None:
        """Name the entries whose columns alone were changed; of those whose text was, that is said."""
        for index, id_ in self._odd:
            if actual[index] == leaves[index * merkle.SIZE : (index + 1) * merkle.SIZE]:
                self.found.find(Finding("columns-changed", first + index, id_))
        self._odd.clear()

    def _compare_leaves(
        self, block: Block, ids: Sequence[int], rows: Sequence[Row | None], actual: Sequence[bytes], leaves: bytes
    ) -> None:
        """Name each entry that is not as it was sealed."""
        sealed = [leaves[start : start + merkle.SIZE] for start in range(0, len(leaves), merkle.SIZE)]
        others = frozenset(sealed)
        for index, (id_, row) in enumerate(zip(ids, rows, strict=True)):
            then = sealed[index] if index < len(sealed) else b""
            if row is None:
                code = "entry-missing"
            elif actual[index] == then:
                continue
            else:
                code = "entry-moved" if actual[index] in others else "entry-changed"
            self.found.find(Finding(code, block.first + index, id_))
        if merkle.root(sealed) != block.root:
            self._block_changed(block)

    def _end(self) -> None:
        """What lies behind the last block, or is between its entries and in none."""
        before = self._before
        gaps = [] if before is None else ranges.read_or_none(before.gaps)
        if before is not None and before.high != self._high:
            self._block_changed(before)
        unsealed = []
        for row in self._rows.left():
            if row[0] > self._high or any(first <= row[0] <= last for first, last in gaps):
                unsealed.append(row)
            else:
                self.found.find(Finding("entry-inserted", place_by_id(row[0]), row[0]))
        actual = self._leaves(unsealed)
        self._columns(self.found.entries + 1, actual, b"".join(actual))
        self.found.unsealed = len(unsealed)
        self._truncated()

    # -- checkpoints -------------------------------------------------------------------------------------------------

    def _take_down(self, outside: Outside) -> None:
        """Note what checkpoints state, when they are signed by a known key. One of another key proves nothing, in the
        store neither: a restored store goes on under another key, and whoever can forge one there can take all away."""
        known = {key.name for key in self._keys}
        good = 0
        for checkpoint in outside.checkpoints:
            if checkpoint.origin not in known:
                self.found.foreign[outside.place] = self.found.foreign.get(outside.place, 0) + 1
            elif checkpoints.signed_by(self._keys, checkpoint):
                self._stated.append((checkpoint.size, outside.place, checkpoint))
                good += 1
            else:
                params = {"anchor": outside.place, "size": checkpoint.size}
                self.found.find(Finding("checkpoint-forged", checkpoint.size, params=params))
        self.found.checkpoints[outside.place] = good

    def _compare(self, block: Block) -> None:
        """The chain ends here as the checkpoints say that it did."""
        while self._stated and self._stated[-1][0] <= block.last:
            size, place, checkpoint = self._stated.pop()
            if (size, checkpoint.hash, checkpoint.block) == (block.last, block.hash, block.no):
                self._agreed = size
            elif not self._rewritten:
                self._rewritten = True
                self.found.find(Finding("rewritten", self._agreed + 1, to=size, params={"anchor": place}))

    def _truncated(self) -> None:
        """Checkpoints state that there were more entries."""
        if self._stated:
            size, place, _ = self._stated[0]
            self.found.find(Finding("truncated", self.found.entries + 1, to=size, params={"anchor": place}))


@lru_cache(maxsize=4096)
def _around(by: str | None, kind: str) -> tuple[bytes, bytes]:
    """What stands in an entry's text between its body and its issue, and after that."""
    return f',"by":{canonical(by)},"issue":'.encode(), f',"kind":{canonical(kind)}}}'.encode()
