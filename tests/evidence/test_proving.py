"""A proof shows that an entry is in the trail which a signed checkpoint states, to somebody who has only the key."""

from __future__ import annotations

from dataclasses import fields, replace

import psycopg
import pytest

from server.evidence import trail as reading
from server.evidence.proving import BadProof, Proof, follow, place_of, prove
from server.sealing import Sealer, Signer, blocks, checkpoints, merkle, ranges
from server.store.database import Store
from server.store.models import AuditEntry
from tests.evidence.conftest import Trail


def text(id_: int) -> bytes:
    return str(AuditEntry.get_by_id(id_).body).encode()


def test_every_sealed_entry_can_be_proved(trail: Trail) -> None:
    keys = (trail.signer.verifier,)
    ids = [row.id for row in AuditEntry.select().order_by(AuditEntry.id)]
    for place, id_ in enumerate(ids, 1):
        found = prove(id_)
        assert found is not None
        assert (found.place, found.id) == (place, id_)
        follow(found, text(id_), keys)
        with pytest.raises(BadProof, match="the text"):
            follow(found, text(id_) + b" ", keys)


def test_what_is_not_sealed_or_not_signed_yet_cannot_be_proved(trail: Trail) -> None:
    trail.happens(1)
    last = AuditEntry.select().order_by(AuditEntry.id.desc()).get().id
    assert prove(last) is None
    Sealer("test").work(trail.now + 1000, None)
    assert place_of(last) == 20
    assert prove(last) is None
    assert prove(last + 1) is None
    assert prove(0) is None


def test_a_proof_reaches_over_the_blocks_up_to_the_next_checkpoint(trail: Trail) -> None:
    sealer = Sealer("test")
    for _ in range(4):
        trail.happens(1)
        trail.now += 10_000
        sealer.work(trail.now, trail.signer)
    trail.happens(1)
    trail.now += 50_000
    sealer.work(trail.now, trail.signer)
    id_ = list(AuditEntry.select().order_by(AuditEntry.id))[19].id
    found = prove(id_)
    assert found is not None
    assert [block.no for block in found.blocks] == [4, 5, 6, 7, 8]
    follow(found, text(id_), (trail.signer.verifier,))


def test_a_proof_with_anything_changed_proves_nothing(sqlite_trail: Trail) -> None:
    sealer = Sealer("test")
    for seconds in (10, 20, 60):
        sqlite_trail.happens(2)
        sealer.work(sqlite_trail.now + seconds * 1000, sqlite_trail.signer)
    keys = (sqlite_trail.signer.verifier,)
    id_ = list(AuditEntry.select().order_by(AuditEntry.id))[19].id
    good = prove(id_)
    assert good is not None
    assert len(good.blocks) == 3
    follow(good, text(id_), keys)
    stranger = checkpoints.make(good.blocks[-1], Signer(b"x" * 32), sqlite_trail.now)
    wrong: list[Proof] = [
        replace(good, id=id_ + 1),
        replace(good, place=good.place + 1),
        replace(good, index=good.index + 1),
        replace(good, index=good.index + 1, place=good.place + 1, id=id_ + 1),
        replace(good, index=-1, place=good.place - good.index - 1),
        replace(good, path=good.path[:-1]),
        replace(good, path=[*good.path, bytes(32)]),
        replace(good, path=[bytes(32), *good.path[1:]]),
        replace(good, blocks=()),
        replace(good, blocks=good.blocks[:-1]),
        replace(good, blocks=(good.blocks[0], good.blocks[2])),
        replace(good, checkpoint=stranger),
        replace(good, checkpoint=replace(good.checkpoint, size=good.checkpoint.size + 1)),
    ]
    for at, block in enumerate(good.blocks):
        for field in fields(block):
            if field.name in ("high", "gaps"):
                continue  # what the sealer goes by, no evidence
            value = getattr(block, field.name)
            other = value + 1 if isinstance(value, int) else bytes(32) if isinstance(value, bytes) else "1-2"
            changed = replace(block, **{field.name: other})
            wrong.append(replace(good, blocks=(*good.blocks[:at], changed, *good.blocks[at + 1 :])))
    for proof in wrong:
        with pytest.raises(BadProof):
            follow(proof, text(id_), keys)
    with pytest.raises(BadProof):
        follow(good, text(id_), ())


def test_an_entry_that_came_late_is_found_in_its_later_block(postgres_store: Store) -> None:
    trail = Trail(postgres_store)
    sealer = Sealer("test")
    with psycopg.connect(postgres_store.url) as slow:
        row = slow.execute(
            """INSERT INTO audit_entry ("at", "kind", "body") VALUES (1, 'x', '{"at":1,"body":{},"by":null,"""
            """"issue":null,"kind":"x"}') RETURNING id"""
        ).fetchone()
        assert row is not None
        for _ in range(3):
            trail.happens(1)
            trail.now += 60_000
            sealer.work(trail.now, trail.signer)
        slow.commit()
    trail.happens(1)
    trail.now += 60_000
    sealer.work(trail.now, trail.signer)
    found = prove(row[0])
    assert found is not None
    assert (found.place, found.blocks[0].no) == (7, 4)
    follow(found, text(row[0]), (trail.signer.verifier,))
    assert trail.verify(anchored=False).is_sound


def test_pages_of_the_trail_are_in_order_and_miss_nothing(trail: Trail) -> None:
    trail.happens(1)
    for limit in (1, 4, 6, 7, 1000):
        entries, after = [], 0
        while True:
            page = reading.page(after, limit)
            entries += page.entries
            assert len(page.entries) <= limit
            if page.next is None:
                break
            after = page.next
        if limit >= 2:
            # The last page of one entry has no room for what is not sealed yet.
            assert [entry["place"] for entry in entries][:18] == list(range(1, 19))
        assert all(entry["hash"] == merkle.leaf(entry["text"].encode()).hex() for entry in entries)
    waiting = [entry for entry in reading.page(0, 1000).entries if entry["block"] is None]
    assert [(entry["place"], entry["kind"]) for entry in waiting] == [
        (None, "issue.received"),
        (None, "issue.action"),
    ]
    assert reading.page(18, 10).entries == waiting


def test_a_page_gives_all_that_the_hashes_are_made_of(trail: Trail) -> None:
    page = reading.page(4, 4)
    assert [(entry["place"], entry["block"], entry["issue"]) for entry in page.entries] == [
        (5, 1, "P3"),
        (6, 1, "P3"),
        (7, 2, "P4"),
        (8, 2, "P4"),
    ]
    assert page.next == 8
    for block in page.blocks:
        assert block["hash"] == blocks.hash_of(
            block["number"], block["at"], block["first"], block["size"],
            bytes.fromhex(block["root"]), bytes.fromhex(block["prev"]), block["entries"],
        ).hex()  # fmt: skip
    assert [len(list(ranges.ids(ranges.read(block["entries"])))) for block in page.blocks] == [6, 6]


def test_an_entry_that_was_removed_leaves_its_place_and_hash(trail: Trail) -> None:
    before = reading.page(1, 1).entries[0]
    trail.sql(f"DELETE FROM audit_entry WHERE id = {before['id']}")
    assert reading.page(1, 1).entries == [{**before, "at": None, "kind": None, "by": None, "issue": None, "text": None}]
