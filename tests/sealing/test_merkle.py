"""Merkle trees are those of RFC 6962; ranges of ids stand for exactly their ids."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sealing import merkle, ranges

LEAVES = st.lists(st.binary(max_size=20), max_size=70).map(lambda bodies: [merkle.leaf(body) for body in bodies])
IDS = st.lists(st.integers(1, 400), unique=True).map(sorted)


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@given(LEAVES)
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == by_definition(leaves)


def test_the_root_is_that_of_known_trees() -> None:
    """The trees that the implementations of Certificate Transparency are tried with."""
    bodies = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [merkle.leaf(bytes.fromhex(body)) for body in bodies]
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(LEAVES.filter(bool), st.data())
def test_every_leaf_is_shown_to_be_in_the_tree_and_nothing_else_is(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle.root(leaves), merkle.path(leaves, index)
    assert merkle.root_from(leaves[index], index, len(leaves), path) == root
    assert merkle.root_from(merkle.leaf(b"another"), index, len(leaves), path) != root
    for at in range(len(path)):
        wrong = [*path[:at], bytes(32), *path[at + 1 :]]
        assert merkle.root_from(leaves[index], index, len(leaves), wrong) != root


@given(LEAVES.filter(bool), st.data())
def test_a_path_of_a_wrong_length_or_place_proves_nothing(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle.root(leaves), merkle.path(leaves, index)
    for wrong in ([*path, bytes(32)], path[:-1] if path else [bytes(32)]):
        with pytest.raises(merkle.BadProof):
            merkle.root_from(leaves[index], index, len(leaves), wrong)
    other = data.draw(st.integers(-3, len(leaves) + 3))
    if other == index or (0 <= other < len(leaves) and leaves[other] == leaves[index]):
        return
    with contextlib.suppress(merkle.BadProof):
        assert merkle.root_from(leaves[index], other, len(leaves), path) != root


@given(IDS)
def test_ranges_stand_for_their_ids(ids: list[int]) -> None:
    found = ranges.of(ids)
    assert list(ranges.ids(found)) == ids
    assert ranges.count(found) == len(ids)
    assert ranges.read(ranges.show(found)) == found


@given(IDS, IDS, st.integers(0, 400))
def test_ranges_without_some_ids_are_the_rest(ids: list[int], taken: list[int], upto: int) -> None:
    left = ranges.without(ranges.of(ids), taken, upto)
    assert list(ranges.ids(left)) == [one for one in ids if one not in taken and one > upto]


@pytest.mark.parametrize("text", ["-2", "1,1", "2-1", "1-3,3", "1,2", "1-2,3", "01", "1 ", "1\n", "٣", "3,1", ","])
def test_a_text_that_is_none_of_ours_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match="ranges"):
        ranges.read(text)
