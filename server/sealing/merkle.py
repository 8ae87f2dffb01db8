"""Merkle trees as in RFC 6962, section 2.1: what was hashed into a tree can be shown with a few hashes beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

Hash = bytes
SIZE = 32


class BadProof(ValueError):
    """A path that does not belong to a tree of that size."""


def leaf(body: bytes) -> Hash:
    """The hash of one entry: never that of two nodes, whatever it contains."""
    return hashlib.sha256(b"\x00" + body).digest()


def node(left: Hash, right: Hash) -> Hash:
    """The hash of two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[Hash]) -> Hash:
    """The hash of the tree over these leaves; of none: that of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def path(leaves: Sequence[Hash], index: int) -> list[Hash]:
    """The hashes beside the way from the leaf at `index` (from 0) to the root, from below. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} of {len(leaves)}")
    level, found = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        level = _parents(level)
        index >>= 1
    return found


def root_from(leaf_hash: Hash, index: int, size: int, path: Sequence[Hash]) -> Hash:
    """The root that a leaf at `index` of `size` leaves has by its path. Raises BadProof when its length is wrong."""
    if not 0 <= index < size:
        raise BadProof(f"there is no leaf {index} of {size}")
    rest = list(path)
    found, last = leaf_hash, size - 1
    while last:
        if index & 1 or index < last:
            if not rest:
                raise BadProof("the path is too short")
            beside = rest.pop(0)
            found = node(beside, found) if index & 1 else node(found, beside)
        index >>= 1
        last >>= 1
    if rest:
        raise BadProof("the path is too long")
    return found


def _parents(level: list[Hash]) -> list[Hash]:
    sha256 = hashlib.sha256
    above = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
    if len(level) & 1:
        # A node without a neighbour goes up as it is: the same as splitting at the largest power of two.
        above.append(level[-1])
    return above
