"""A store that is older than what its anchors have seen is noticed, and its messages wait until somebody decides."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from jobs.worker import Delivering
from server import audit, backup, delivery
from server import settings as environment
from server.sealing import Anchoring, Sealer, Signer
from server.settings import Settings
from server.starting import prepare
from server.store import database
from server.store.database import Store
from server.store.failures import Unavailable
from server.store.models import AuditEntry, Meta
from tests.server.conftest import MONDAY

SEED = b"s" * 32
MINUTE = 60_000


@pytest.fixture
def anchored(tmp_path: Path) -> Settings:
    """Settings with a signing key and an anchor in a file."""
    return environment.read(
        {
            "DUBAN_DATA": str(tmp_path / "data"),
            "DUBAN_ANCHORS": f"file://{tmp_path / 'anchor'}",
            "DUBAN_SIGNING_KEY": base64.b64encode(SEED).decode(),
        }
    )


def live(settings: Settings, at: int) -> None:
    """Something happens, is sealed, and told to the anchors."""
    with database.transaction():
        audit.record("test.noted", at, {})
    Sealer("test").work(at, Signer(SEED))
    Anchoring(settings, "test").work(at)


def test_a_restored_old_backup_is_noticed_once(store: Store, anchored: Settings, tmp_path: Path) -> None:
    with store.session():
        live(anchored, MONDAY)
        backup.write(store, tmp_path / "old.zip", MONDAY)
        live(anchored, MONDAY + MINUTE)
        backup.write(store, tmp_path / "new.zip", MONDAY)
        assert backup.notice(anchored, MONDAY + MINUTE) is None, "a store that lives is not behind"
        assert not delivery.is_outgoing_held()
    old = database.open(str(tmp_path / "old.sqlite"))
    backup.restore(old, tmp_path / "old.zip", MONDAY + 2 * MINUTE)
    with old.session():
        found = backup.notice(anchored, MONDAY + 2 * MINUTE)
        assert found is not None
        assert found.size == 2
        assert backup.notice(anchored, MONDAY + 2 * MINUTE) is None, "said once"
    old.close()
    new = database.open(str(tmp_path / "new.sqlite"))
    backup.restore(new, tmp_path / "new.zip", MONDAY + 2 * MINUTE)
    with new.session():
        assert backup.notice(anchored, MONDAY + 2 * MINUTE) is None, "it has all that the anchor has seen"
        assert delivery.is_outgoing_held(), "each restore holds all the same"
    new.close()


def test_after_the_decision_it_is_not_held_again(store: Store, anchored: Settings, tmp_path: Path) -> None:
    with store.session():
        live(anchored, MONDAY)
        backup.write(store, tmp_path / "old.zip", MONDAY)
        live(anchored, MONDAY + MINUTE)
    old = database.open(str(tmp_path / "old.sqlite"))
    backup.restore(old, tmp_path / "old.zip", MONDAY + 2 * MINUTE)
    with old.session():
        assert backup.notice(anchored, MONDAY + 2 * MINUTE) is not None
        delivery.release_outgoing(MONDAY + 3 * MINUTE, "root", send=True)
        assert backup.notice(anchored, MONDAY + 4 * MINUTE) is None
        # The trail goes on from here, and passes by what was seen before.
        for minute in range(5, 9):
            live(anchored, MONDAY + minute * MINUTE)
            assert backup.notice(anchored, MONDAY + minute * MINUTE) is None
        assert not delivery.is_outgoing_held()
    old.close()


def test_a_file_that_was_put_back_by_hand_is_noticed_at_the_start(anchored: Settings, tmp_path: Path) -> None:
    environment.make_data_folder(anchored)
    assert not prepare(anchored, MONDAY).is_behind
    store = database.open(anchored.database)
    live(anchored, MONDAY)
    store.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(anchored.database, tmp_path / "copy")
    live(anchored, MONDAY + MINUTE)
    store.close()
    assert not prepare(anchored, MONDAY + 2 * MINUTE).is_behind
    for file in anchored.data.glob("duban.sqlite*"):
        file.unlink()
    shutil.copy(tmp_path / "copy", anchored.database)
    assert prepare(anchored, MONDAY + 3 * MINUTE).is_behind
    assert not prepare(anchored, MONDAY + 4 * MINUTE).is_behind, "said once"
    store = database.open(anchored.database)
    hold = delivery.outgoing_hold()
    assert hold is not None
    assert (hold.at, hold.reason) == (MONDAY + 3 * MINUTE, delivery.BEHIND)
    assert AuditEntry.select().where(AuditEntry.kind == "store.behind").count() == 1
    store.close()


def test_one_that_was_put_back_while_a_worker_waited_for_it_is_noticed_before_anything_is_sent(
    store: Store, anchored: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(anchored, MONDAY)
    backup.write(store, tmp_path / "old.zip", MONDAY)
    live(anchored, MONDAY + MINUTE)
    old = database.open(str(tmp_path / "old.sqlite"))
    backup.restore(old, tmp_path / "old.zip", MONDAY)
    delivery.release_outgoing(MONDAY, "root", send=True)
    held_while_sending = []

    def deliver(_now: int) -> None:
        held_while_sending.append(delivery.is_outgoing_held())
        if len(held_while_sending) == 2:
            raise Unavailable("away")

    monkeypatch.setattr(delivery, "deliver", deliver)
    worker = Delivering(anchored, alone=False)
    worker.work()
    with pytest.raises(Unavailable):
        worker.work()
    worker.work()
    assert held_while_sending == [False, False, True]
    old.close()


def test_a_store_of_another_key_or_without_anchors_is_left_alone(store: Store, anchored: Settings) -> None:
    live(anchored, MONDAY)
    (anchor,) = anchored.anchors
    other = environment.read({"DUBAN_ANCHORS": anchor.url, "DUBAN_SIGNING_KEY": base64.b64encode(b"x" * 32).decode()})
    with store.transaction():
        Meta.delete().execute()
    assert backup.notice(other, MONDAY) is None
    assert backup.notice(environment.read({}), MONDAY) is None


def test_an_anchor_that_cannot_be_read_keeps_nobody_from_starting(
    store: Store, anchored: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "anchor").mkdir()
    assert backup.notice(anchored, MONDAY) is None
    assert "anchor cannot be read" in caplog.text
