"""The trail is searched by kind, person, issue, document and time, a page at a time; each entry has its place."""

from __future__ import annotations

import itertools

import pytest

from server import audit
from server.evidence import placing, proving, searching
from server.evidence.searching import Filters
from server.store import sql
from server.store.models import AuditEntry
from tests.evidence.conftest import MINUTE, Trail


@pytest.fixture
def told(trail: Trail) -> Trail:
    """Events of issues by two people, and steps of two documents."""
    trail.happens(4)
    with trail.store.transaction():
        for number, name in enumerate(("cn-office", "cn_office", "complaint")):
            body = {"name": name, "version": number + 1, "reason": "100%"}
            audit.record("policy.activated", trail.now + 1000 * number, body, by="zhao")
    trail.seal()
    return trail


def pages(wanted: Filters, size: int) -> list[int]:
    """The ids of all pages, in order."""
    found, before = [], None
    while page := searching.search(wanted, before, size):
        found += [one.id for one in page]
        before = page[-1].place
    return found


def test_every_entry_is_on_exactly_one_page_newest_first(told: Trail) -> None:
    every = [row.id for row in AuditEntry.select().order_by(AuditEntry.at.desc(), AuditEntry.id.desc())]
    for size in (1, 2, 5, 100):
        assert pages(Filters(), size) == every
    kinds = ("issue.", "policy.", "issue.received", "policy.activated")
    for kind, by in itertools.product(kinds, ("", "gong", "zhao")):
        expected = [id_ for id_ in every if _fits(id_, kind, by)]
        assert pages(Filters(kind=kind, by=by), 2) == expected, (kind, by)


def _fits(id_: int, kind: str, by: str) -> bool:
    row = AuditEntry.get_by_id(id_)
    return (row.kind.startswith(kind) if kind.endswith(".") else row.kind == kind) and by in ("", row.by)


def test_an_issue_a_document_and_a_period_narrow_it(told: Trail) -> None:
    assert {one.number for one in searching.search(Filters(issue="P2"), None, 50)} == {"P2"}
    assert len(pages(Filters(issue="P2"), 1)) == 2
    assert searching.search(Filters(issue="nowhere"), None, 50) == []
    # `_` stands for itself, and what is like a name is not it.
    found = searching.search(Filters(document="cn_office"), None, 50)
    assert [one.said["name"] for one in found] == ["cn_office"]
    assert searching.search(Filters(document="%"), None, 50) == []
    assert searching.search(Filters(document="cn-office", kind="issue."), None, 50) == []
    then = told.now - MINUTE  # sealing takes one
    since = Filters(since=then + 1000, until=then + 2000)
    assert [one.said["name"] for one in searching.search(since, None, 50)] == ["cn_office"]


def test_kinds_are_those_that_there_are(told: Trail) -> None:
    assert searching.kinds() == ["issue.action", "issue.received", "policy.activated"]


def test_an_entry_that_somebody_made_unreadable_is_shown_all_the_same(told: Trail) -> None:
    sql.run('UPDATE "audit_entry" SET "body" = ? WHERE "id" = 1', "{broken")
    one = searching.one(1)
    assert one is not None
    assert (one.said, one.text) == ({}, "{broken")
    assert searching.one(10_000) is None


def test_places_are_those_of_the_proofs(told: Trail) -> None:
    told.happens(2)
    told.seal()
    told.happens(1)
    ids = [row.id for row in AuditEntry.select().order_by(AuditEntry.id)]
    found = placing.places(ids)
    assert {id_: one.place for id_, one in found.items()} == {
        id_: place for id_ in ids if (place := proving.place_of(id_)) is not None
    }
    assert len(found) == len(ids) - 2
    for id_, one in found.items():
        proof = proving.prove(id_)
        assert (one.checkpoint is None) is (proof is None)
        if proof is not None:
            assert (one.block, one.checkpoint) == (proof.blocks[0].no, proof.checkpoint.size)


def test_pages_go_along_an_index_and_sort_nothing(told: Trail) -> None:
    explain, uses = (
        ("EXPLAIN ", "using audit_entry_")
        if told.store.is_postgresql
        else ("EXPLAIN QUERY PLAN ", "USING INDEX audit_entry_")
    )
    with told.store.transaction():
        if told.store.is_postgresql:
            # Its planner goes by the number of rows, which is small here: it shall say what could be done with many.
            told.store.db.execute_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for where in ('"kind" = ?', '"by" = ?', "? = ?"):
            page = searching._OF_SOME if '"' in where else searching._PAGE
            statement = page.format(where=where + ' AND ("at", "id") < (?, ?)')
            values = ["x" if '"' in where else 1] * where.count("?") + [10, 10, 50]
            plan = " ".join(str(row[-1]) for row in sql.run(explain + statement, *values).fetchall())
            assert uses in plan, plan
            assert "TEMP B-TREE" not in plan, plan
            assert "Sort" not in plan, plan
