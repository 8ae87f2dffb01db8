"""Whoever may write to the database changes the trail; verifying finds it and names the first entry concerned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from server.evidence import verifying
from server.sealing import Signer, blocks, checkpoints, merkle, ranges
from server.sealing.blocks import NOTHING
from server.store import sql
from server.store.models import AuditBlock, AuditCheckpoint, AuditEntry, Event
from tests.evidence.conftest import Trail


@dataclass
class Laid:
    """The trail as it was laid: the ids of its entries by place, and its blocks."""

    ids: list[int]
    blocks: list[blocks.Block]

    @property
    def middle(self) -> blocks.Block:
        return self.blocks[1]


def laid() -> Laid:
    found = [block for block, _ in blocks.page(1, 1000)]
    return Laid([id_ for block in found for id_ in ranges.ids(ranges.read(block.entries))], found)


def rechain(trail: Trail) -> None:
    """Compute every leaf, root and hash anew, as somebody who knows the program would."""
    prev, first = NOTHING, 1
    for number, (block, _) in enumerate(list(blocks.page(1, 1000)), 1):
        ids = [id_ for id_ in ranges.ids(ranges.read(block.entries)) if AuditEntry.get_or_none(id=id_) is not None]
        leaves = [merkle.leaf(AuditEntry.get_by_id(id_).body.encode()) for id_ in ids]
        root, entries = merkle.root(leaves), ranges.show(ranges.of(ids))
        hash_ = blocks.hash_of(number, block.at, first, len(ids), root, prev, entries)
        AuditBlock.update(
            no=number, first=first, size=len(ids), entries=entries, leaves=b"".join(leaves), root=root, prev=prev,
            hash=hash_,
        ).where(AuditBlock.no == block.no).execute()  # fmt: skip
        prev, first = hash_, first + len(ids)


def forge(trail: Trail, signer: Signer | None = None) -> None:
    """Put checkpoints into the store that fit the chain as it is now."""
    AuditCheckpoint.delete().execute()
    newest = blocks.newest()
    assert newest is not None
    made = checkpoints.make(newest, signer or Signer(b"f" * 32), trail.now)
    AuditCheckpoint.create(size=made.size, block=made.block, at=trail.now, text=made.text)


def change(trail: Trail, was: Laid) -> None:
    other = """REPLACE(body, '"subject":"1"', '"subject":"7"')"""
    trail.sql(f"UPDATE audit_entry SET body = {other} WHERE id = {was.ids[was.middle.first + 1]}")


def change_a_column(trail: Trail, was: Laid) -> None:
    trail.sql(f"""UPDATE audit_entry SET "by" = 'mo' WHERE id = {was.ids[was.middle.first + 1]}""")


def hide_from_its_issue(trail: Trail, was: Laid) -> None:
    trail.sql(f"UPDATE audit_entry SET issue_id = NULL WHERE id = {was.ids[was.middle.first + 1]}")


def remove(trail: Trail, was: Laid) -> None:
    trail.sql(f"DELETE FROM audit_entry WHERE id = {was.ids[was.middle.first + 1]}")


def insert(trail: Trail, was: Laid) -> None:
    # There is no free id between two entries: what follows moves up, and the last one has no block.
    rows = list(
        AuditEntry.select().where(AuditEntry.id >= was.ids[was.middle.first + 1]).order_by(AuditEntry.id.desc())
    )
    for row in rows:
        trail.sql(f"UPDATE audit_entry SET id = {row.id + 1} WHERE id = {row.id}")
    AuditEntry.create(id=rows[-1].id, at=1, kind="x", body='{"at":1,"body":{},"by":null,"issue":null,"kind":"x"}')


def insert_before_everything(trail: Trail, was: Laid) -> None:
    AuditEntry.create(id=0, at=1, kind="x", body='{"at":1,"body":{},"by":null,"issue":null,"kind":"x"}')


def swap(trail: Trail, was: Laid) -> None:
    one, two = was.ids[was.middle.first + 1], was.ids[was.middle.first + 2]
    for old, new in ((one, -1), (two, one), (-1, two)):
        trail.sql(f"UPDATE audit_entry SET id = {new} WHERE id = {old}")


def truncate(trail: Trail, was: Laid) -> None:
    trail.sql(f"DELETE FROM audit_entry WHERE id >= {was.ids[was.blocks[2].first - 1]}")


def truncate_with_the_chain(trail: Trail, was: Laid) -> None:
    truncate(trail, was)
    trail.sql("DELETE FROM event WHERE seq > 0 AND issue_id IN (SELECT MAX(issue_id) FROM event)")
    trail.sql("DELETE FROM audit_block WHERE no >= 3")
    trail.sql(f"DELETE FROM audit_checkpoint WHERE size > {was.middle.last}")


def remove_a_block(trail: Trail, was: Laid) -> None:
    trail.sql("DELETE FROM audit_block WHERE no = 2")


def remove_a_block_with_its_entries(trail: Trail, was: Laid) -> None:
    ids = was.ids[was.middle.first - 1 : was.middle.last]
    trail.sql(f"DELETE FROM audit_entry WHERE id BETWEEN {ids[0]} AND {ids[-1]}")
    trail.sql("DELETE FROM audit_block WHERE no = 2")


def change_with_its_leaf(trail: Trail, was: Laid) -> None:
    change(trail, was)
    _leaves_anew(was.middle.no)


def _leaves_anew(no: int) -> None:
    block = AuditBlock.get_by_id(no)
    found = [merkle.leaf(AuditEntry.get_by_id(id_).body.encode()) for id_ in ranges.ids(ranges.read(block.entries))]
    AuditBlock.update(leaves=b"".join(found)).where(AuditBlock.no == no).execute()


def change_with_its_root(trail: Trail, was: Laid) -> None:
    change_with_its_leaf(trail, was)
    leaves = bytes(AuditBlock.get_by_id(was.middle.no).leaves)
    root = merkle.root([leaves[start : start + 32] for start in range(0, len(leaves), 32)])
    AuditBlock.update(root=root).where(AuditBlock.no == was.middle.no).execute()


def change_with_its_block(trail: Trail, was: Laid) -> None:
    change_with_its_root(trail, was)
    block = next(blocks.page(was.middle.no, 1))[0]
    hash_ = blocks.hash_of(block.no, block.at, block.first, block.size, block.root, block.prev, block.entries)
    AuditBlock.update(hash=hash_).where(AuditBlock.no == block.no).execute()


def backdate_a_block(trail: Trail, was: Laid) -> None:
    trail.sql("UPDATE audit_block SET at = at - 1000 WHERE no = 2")


def stop_sealing_what_is_new(trail: Trail, was: Laid) -> None:
    trail.sql("UPDATE audit_block SET high = high + 1000 WHERE no = 3")


def rewrite(trail: Trail, was: Laid) -> None:
    change(trail, was)
    rechain(trail)


def rewrite_and_forge(trail: Trail, was: Laid) -> None:
    rewrite(trail, was)
    forge(trail)


def rewrite_and_drop_checkpoints(trail: Trail, was: Laid) -> None:
    rewrite(trail, was)
    AuditCheckpoint.delete().execute()


def remove_and_rewrite(trail: Trail, was: Laid) -> None:
    remove(trail, was)
    rechain(trail)
    AuditCheckpoint.delete().execute()


def take_away_everything(trail: Trail, was: Laid) -> None:
    for table in ("audit_entry", "audit_block", "audit_checkpoint", "audit_anchor"):
        trail.sql(f"DELETE FROM {table}")


Tamper = Callable[[Trail, Laid], None]
# What is done; the first finding and its place: the third entry of the second block (M), the block's first (B), the
# third block's first (T).
MATRIX: Sequence[tuple[Tamper, str, str]] = (
    (change, "entry-changed", "M"),
    (change_a_column, "columns-changed", "M"),
    (hide_from_its_issue, "columns-changed", "M"),
    (remove, "entry-missing", "M"),
    (insert, "entry-changed", "M"),
    (insert_before_everything, "entry-inserted", "1"),
    (swap, "entry-moved", "M"),
    (truncate, "entry-missing", "T"),
    (truncate_with_the_chain, "truncated", "T"),
    (remove_a_block, "block-missing", "B"),
    (remove_a_block_with_its_entries, "block-missing", "B"),
    (change_with_its_leaf, "block-changed", "B"),
    (change_with_its_root, "block-changed", "B"),
    (change_with_its_block, "rewritten", "B"),
    (backdate_a_block, "block-changed", "B"),
    (stop_sealing_what_is_new, "block-changed", "T"),
    (rewrite, "rewritten", "B"),
    (rewrite_and_forge, "rewritten", "B"),
    (rewrite_and_drop_checkpoints, "rewritten", "B"),
    (remove_and_rewrite, "rewritten", "B"),
    (take_away_everything, "truncated", "1"),
)
NEEDS_ANCHOR = (truncate_with_the_chain, rewrite_and_forge, rewrite_and_drop_checkpoints, take_away_everything)


def place(mark: str, was: Laid) -> int:
    return {"M": was.middle.first + 2, "B": was.middle.first, "T": was.blocks[2].first, "1": 1}[mark]


@contextmanager
def undone(trail: Trail) -> Iterator[None]:
    """What is done in the block is gone after it."""
    with trail.store.session(), trail.store.db.atomic() as everything:
        yield
        everything.rollback()


def test_tampering_is_found_and_named(trail: Trail) -> None:
    assert trail.verify().is_sound
    was, wrong = laid(), {}
    assert [block.size for block in was.blocks] == [6, 6, 6]
    for tamper, code, mark in MATRIX:
        with undone(trail):
            tamper(trail, was)
            first = trail.verify().findings[:1]
        named = [(one.code, one.place) for one in first]
        if named != [(code, place(mark, was))] or (mark == "M" and first[0].entry != was.ids[was.middle.first + 1]):
            wrong[tamper.__name__] = first
    assert not wrong
    assert trail.verify().is_sound


def test_what_only_an_anchor_can_show_is_not_found_without_one(trail: Trail) -> None:
    for tamper in NEEDS_ANCHOR:
        with undone(trail):
            tamper(trail, laid())
            assert not {"rewritten", "truncated"} & {code for code, _, _ in trail.codes(anchored=False)}
            assert {"rewritten", "truncated"} & {code for code, _, _ in trail.codes()}


def test_a_trail_that_nobody_touched_is_sound(trail: Trail) -> None:
    trail.happens(1)
    found = trail.verify()
    assert found.is_sound
    was = laid()
    assert (found.entries, found.blocks, found.unsealed) == (len(was.ids), 3, 2)
    assert found.checkpoints == {"store": 3, "witness": 3}
    assert found.events == Event.select().count() == 20


NEEDED = {
    "_block": {change, remove, swap, change_with_its_leaf, change_with_its_root, backdate_a_block},
    "_chain": {remove_a_block, remove_a_block_with_its_entries},
    "_compare": {rewrite, rewrite_and_forge, change_with_its_block},
    "_truncated": {truncate_with_the_chain, take_away_everything},
}


@pytest.mark.parametrize("part", NEEDED)
def test_each_part_of_verifying_is_needed(sqlite_trail: Trail, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a part switched off, the matrix is not met any more."""
    monkeypatch.setattr(verifying._Verification, part, lambda *_: None)
    was = laid()
    for tamper, code, mark in MATRIX:
        if tamper in NEEDED[part]:
            with undone(sqlite_trail):
                tamper(sqlite_trail, was)
                found = [(finding.code, finding.place) for finding in sqlite_trail.verify().findings]
            assert (code, place(mark, was)) not in found, f"{tamper.__name__} is found without {part}"


# -- before it is sealed --------------------------------------------------------------------------------------------


def test_an_entry_removed_before_it_was_sealed_is_missed_by_its_event(trail: Trail) -> None:
    (number,) = trail.happens(1)
    trail.sql("DELETE FROM audit_entry WHERE id = (SELECT MAX(id) FROM audit_entry)")
    trail.seal()
    (finding,) = trail.verify().findings
    assert finding.code == "event-without-entry"
    assert finding.params == {"issue": number, "seq": 2, "event": "action"}


def test_an_event_removed_is_missed_by_its_entry(trail: Trail) -> None:
    (number,) = trail.happens(1)
    trail.seal()
    last = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    trail.sql("DELETE FROM event WHERE id = (SELECT MAX(id) FROM event)")
    (finding,) = trail.verify().findings
    assert (finding.code, finding.entry) == ("entry-without-event", last.id)
    assert finding.params == {"issue": number, "seq": 2}


def test_an_issue_whose_entries_and_events_do_not_fit_is_named_for_each(trail: Trail) -> None:
    numbers = trail.happens(3)
    trail.sql(
        "DELETE FROM event WHERE seq = 2 AND issue_id IN "
        f"(SELECT id FROM issue WHERE number IN ('{numbers[0]}', '{numbers[2]}'))"
    )
    assert [one.params["issue"] for one in trail.verify().findings] == [numbers[0], numbers[2]]


# -- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_checkpoint_of_another_key_proves_nothing(trail: Trail) -> None:
    stranger = Signer(b"x" * 32)
    newest = blocks.newest()
    assert newest is not None
    trail.outside.append(checkpoints.make(newest, stranger, trail.now))
    found = trail.verify()
    assert found.is_sound
    assert (found.checkpoints["witness"], found.foreign["witness"]) == (3, 1)
    assert verifying.verify((trail.signer.verifier, stranger.verifier), [verifying.Outside("w", trail.outside)])


def test_a_checkpoint_whose_text_was_changed_is_a_finding(trail: Trail) -> None:
    text = trail.outside[1].text
    for wrong in (text.replace("block 2", "block 3"), text.replace(f"\n{trail.outside[1].size}\n", "\n5\n")):
        (found,) = checkpoints.read(wrong)
        codes = {finding.code for finding in verifying.verify((trail.signer.verifier,), [_witness(found)]).findings}
        assert "checkpoint-forged" in codes


def test_a_checkpoint_of_another_key_in_the_store_is_no_finding(trail: Trail) -> None:
    found = verifying.verify((), ())
    assert (found.is_sound, found.foreign["store"], found.checkpoints["store"]) == (True, 3, 0)
    forge(trail, Signer(b"x" * 32))
    found = trail.verify()
    assert (found.is_sound, found.foreign["store"]) == (True, 1)


def test_a_checkpoint_in_the_store_that_only_names_the_key_is_forged(trail: Trail) -> None:
    with trail.store.transaction():
        newest = AuditCheckpoint.select().order_by(AuditCheckpoint.size.desc()).get()
        text = newest.text.replace("\nblock ", "\nblock 1", 1)
        AuditCheckpoint.update(text=text).where(AuditCheckpoint.size == newest.size).execute()
    assert "checkpoint-forged" in {code for code, _, _ in trail.codes()}


def _witness(*found: checkpoints.Checkpoint) -> verifying.Outside:
    return verifying.Outside("witness", found)


def test_a_text_of_ranges_that_stands_for_too_many_ids_is_no_bomb(trail: Trail) -> None:
    with trail.store.transaction():
        sql.run('UPDATE "audit_block" SET "entries" = ?, "size" = ? WHERE "no" = 2', "1-99999999999999", 99999999999999)
        sql.run('UPDATE "audit_block" SET "gaps" = ? WHERE "no" = 3', "1-99999999999999")
    assert trail.codes()[0][0] == "block-changed"
