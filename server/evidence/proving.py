"""Proofs of inclusion: that an entry's text is in the trail which a signed checkpoint states, with a few hashes.

`entry → leaf → (path) → root → block → the blocks after it → checkpoint`. Whoever has the text, the proof and the
public key can follow it without the server (`follow`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.evidence.trail import described
from server.sealing import blocks, checkpoints, merkle, ranges
from server.sealing.blocks import Block
from server.sealing.checkpoints import Checkpoint, Verifier
from server.sealing.merkle import BadProof, Hash
from server.sealing.ranges import Ranges

__all__ = ["BadProof", "Proof", "follow", "place_of", "prove"]


@dataclass(frozen=True, slots=True)
class Proof:
    """Entry `id` is at this place of the trail: at `index` (from 0) of the first of `blocks`, by `path`; the last of
    `blocks` is the one that the checkpoint states."""

    id: int
    place: int
    index: int
    path: Sequence[Hash]
    blocks: Sequence[Block]
    checkpoint: Checkpoint

    def as_dict(self) -> dict[str, Any]:
        """The proof as JSON."""
        return {
            "entry": self.id,
            "place": self.place,
            "index": self.index,
            "path": [one.hex() for one in self.path],
            "blocks": [described(block) for block in self.blocks],
            "checkpoint": self.checkpoint.text,
        }


def place_of(id_: int) -> int | None:
    """At which place of the trail the entry with this id is; None: it is not sealed."""
    block = _first_reaching(id_)
    while block is not None:
        named = ranges.read_or_none(block.entries)
        if _within(id_, named):
            return block.first + _smaller(id_, named)
        # One that came late is in a later block, and in the gaps of those before it.
        following = next(blocks.page(block.no + 1, 1), None) if _within(id_, ranges.read_or_none(block.gaps)) else None
        block = None if following is None else following[0]
    return None


def place_by_id(id_: int) -> int:
    """Before which place an entry with this id would stand, by its id alone."""
    block = _first_reaching(id_)
    return 1 if block is None else block.first + _smaller(id_, ranges.read_or_none(block.entries))


def _first_reaching(id_: int) -> Block | None:
    """The first block after which `high` is not smaller: it grows from block to block."""
    last = blocks.newest()
    if last is None or id_ > last.high:
        return None
    no = 1 + bisect_left(range(1, last.no), id_, key=lambda no: next(blocks.page(no, 1))[0].high)
    return next(blocks.page(no, 1))[0]


def _within(id_: int, named: Ranges) -> bool:
    return any(first <= id_ <= last for first, last in named)


def _smaller(id_: int, named: Ranges) -> int:
    return sum(min(last, id_ - 1) - first + 1 for first, last in named if first < id_)


def prove(id_: int) -> Proof | None:
    """The proof that the entry with this id is in the trail; None: it is not sealed, or no checkpoint covers it yet.
    To be called within a snapshot or a session of the store."""
    place = place_of(id_)
    stated = [] if place is None else checkpoints.after(place - 1, 1)
    block = None if place is None else blocks.covering(place)
    if place is None or block is None or not stated:
        return None
    ((_, leaves),) = blocks.page(block.no, 1)
    hashes = [leaves[start : start + merkle.SIZE] for start in range(0, len(leaves), merkle.SIZE)]
    chain = [one for one, _ in blocks.page(block.no, stated[0].block - block.no + 1)]
    index = place - block.first
    return Proof(id_, place, index, merkle.path(hashes, index), chain, stated[0])


def follow(proof: Proof, text: bytes, keys: Sequence[Verifier]) -> None:
    """Follow a proof from the entry's text to the checkpoint. Raises BadProof, which says where it leads astray."""
    if not proof.blocks:
        raise BadProof("there is no block")
    first, last = proof.blocks[0], proof.blocks[-1]
    if not 0 <= proof.index < first.size or proof.place != first.first + proof.index:
        raise BadProof(f"place {proof.place} is not in block {first.no}")
    try:
        named = ranges.read(first.entries)
    except ValueError as error:
        raise BadProof(f"block {first.no} names no entries") from error
    if not _within(proof.id, named) or _smaller(proof.id, named) != proof.index:
        raise BadProof(f"entry {proof.id} is not at that place of block {first.no}")
    if merkle.root_from(merkle.leaf(text), proof.index, first.size, proof.path) != first.root:
        raise BadProof(f"the text is not what block {first.no} seals at place {proof.place}")
    prev = first.prev
    for block in proof.blocks:
        own = blocks.hash_of(block.no, block.at, block.first, block.size, block.root, block.prev, block.entries)
        if block.prev != prev or own != block.hash:
            raise BadProof(f"block {block.no} does not follow the one before")
        prev = block.hash
    if (last.hash, last.last) != (proof.checkpoint.hash, proof.checkpoint.size):
        raise BadProof("the checkpoint states another chain")
    if not checkpoints.signed_by(keys, proof.checkpoint):
        raise BadProof("the checkpoint is not signed by a known key")
