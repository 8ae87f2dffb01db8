"""A verification is asked for on a page and done by a worker, one at a time; what it found is kept and audited."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from server import settings
from server.core.moments import DAY
from server.evidence import standing
from server.evidence.telling import told_finding
from server.sealing.anchors import append
from server.settings import Anchor, Settings
from server.store import sql
from server.store.database import Store
from server.store.models import AuditEntry, Verification
from tests.evidence.conftest import Trail


@pytest.fixture
def known() -> Settings:
    """Settings with the key that signs in these tests."""
    key = base64.b64encode(b"s" * 32).decode()
    return settings.read({"DUBAN_SIGNING_KEY": key, "DUBAN_DATA": "/nonexistent"})


def work(trail: Trail, known: Settings) -> bool:
    return standing.work(known, lambda: trail.now)


def test_what_was_asked_for_is_done_once_and_is_in_the_trail(trail: Trail, known: Settings) -> None:
    trail.happens()
    trail.seal()
    number = standing.ask("ida", trail.now)
    assert standing.ask("ada", trail.now) == number, "one at a time"
    assert standing.under_way().asked_by == "ida"
    assert work(trail, known)
    found = standing.latest()
    assert (found.id, found.state, found.result["ok"], found.result["entries"]) == (number, "sound", True, 24)
    assert standing.under_way() is None
    assert AuditEntry.get(AuditEntry.kind == "audit.verified").by == "ida"
    assert not work(trail, known), "nothing is asked for"


def test_it_is_done_by_itself_once_a_day_where_there_is_a_trail(trail: Trail, known: Settings) -> None:
    assert work(trail, known)
    trail.now += DAY - 1
    assert not work(trail, known)
    trail.now += 1
    assert work(trail, known)
    assert [row.asked_by for row in Verification.select()] == [None, None]


def test_a_store_without_a_trail_has_nothing_to_verify(store: Store, known: Settings) -> None:
    assert not work(Trail(store), known)


def test_the_first_bad_entry_is_kept_with_its_sentence(trail: Trail, known: Settings) -> None:
    trail.happens()
    trail.seal()
    sql.run("""UPDATE "audit_entry" SET "body" = REPLACE("body", '"seq":2', '"seq":3') WHERE "id" = 4""")
    standing.ask("ida", trail.now)
    assert work(trail, known)
    found = standing.latest()
    assert found.state == Verification.TAMPERED
    first = found.result["findings"][0]
    assert (first["code"], first["place"], first["entry"]) == ("entry-changed", 4, 4)
    assert "4" in told_finding(first, "en")
    assert told_finding(first, "zh") != told_finding(first, "en")


def test_a_worker_that_died_is_made_good_by_another(trail: Trail, known: Settings) -> None:
    trail.happens()
    trail.seal()
    standing.ask("ida", trail.now)
    Verification.update(state=Verification.RUNNING, holder="gone/1", seen_at=trail.now).execute()
    assert not work(trail, known), "its worker may be alive"
    trail.now += standing.SILENT + 1
    assert work(trail, known)
    assert standing.latest().asked_by == "ida"


def test_a_process_that_ends_leaves_it_to_the_next(trail: Trail, known: Settings) -> None:
    trail.happens()
    trail.seal()
    standing.ask("ida", trail.now)
    assert not standing.work(known, lambda: trail.now, lambda: True)
    assert standing.under_way().state == Verification.WAITING
    assert work(trail, known)


def test_an_anchor_that_is_not_there_is_named_and_one_that_is_is_compared(
    trail: Trail, known: Settings, tmp_path: Path
) -> None:
    trail.happens()
    trail.seal()
    there, away = tmp_path / "log", tmp_path / "away"
    append(there, trail.outside)
    anchors = tuple(Anchor(f"file://{path}", "file", str(path)) for path in (there, away))
    standing.ask(None, trail.now)
    assert work(trail, replace(known, anchors=anchors))
    result = standing.latest().result
    assert result["anchors_missing"] == [str(away)]
    assert result["checkpoints"][str(there)] == len(trail.outside) > 0
