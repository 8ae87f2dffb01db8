"""Signed checkpoints, and the places outside that keep them: each gets what it lacks, one that fails holds up none."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

from server import audit, sealing
from server.channels.outgoing import Outcome, Way
from server.sealing import Anchoring, Sealer, Signer, anchors, blocks, checkpoints
from server.sealing.checkpoints import BadKey, Checkpoint, Verifier, read_key
from server.settings import Anchor, BadSetting, Settings, read
from server.store import database
from server.store.database import Store
from server.store.models import AuditAnchor, AuditCheckpoint, AuditEntry, Lease
from tests.receivers import Reply, receiver

NOW = 1_772_413_200_000
SEED = b"s" * 32
MINUTE = 60_000
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sealed(now: int = NOW, signer: Signer | None = None) -> Checkpoint:
    """One entry more, sealed and signed; gives the newest checkpoint."""
    with database.transaction():
        audit.record("test.noted", now, {})
    Sealer("test").work(now, signer or Signer(SEED))
    found = sealing.newest()
    assert found is not None
    return found


def settings(folder: Path, anchors: str) -> Settings:
    environ = {"DUBAN_DATA": str(folder), "DUBAN_ANCHORS": anchors, "DUBAN_ANCHOR_SECRET": SECRET}
    key = base64.b64encode(SEED).decode()
    found = read({**environ, "DUBAN_SIGNING_KEY": key})
    return replace(found, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))


# -- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_a_signed_note(store: Store) -> None:
    found = sealed()
    block = blocks.newest()
    assert block is not None
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    signed, signature = found.text.split("\n\n")
    origin, size, hash_, number, time = signed.split("\n")
    assert (size, hash_) == ("1", base64.b64encode(block.hash).decode())
    assert (number, time) == ("block 1", "time 2026-03-02T01:00:00+00:00")
    dash, name, value = signature.rstrip("\n").split(" ")
    assert (dash, name) == ("—", origin)
    public.verify(base64.b64decode(value)[4:], f"{signed}\n".encode())
    assert (found.size, found.block, found.hash, found.at) == (1, 1, block.hash, NOW)


def test_a_key_says_itself_and_accepts_only_what_it_signed(store: Store) -> None:
    found, key = sealed(), Signer(SEED).verifier
    assert read_key(key.show()) == key
    assert key.accepts(found)
    assert not Signer(b"x" * 32).verifier.accepts(found)
    assert not Verifier("duban/other", key.public).accepts(found)
    for text in (found.text.replace("\n1\n", "\n2\n"), found.text.replace("block 1", "block 2")):
        (other,) = checkpoints.read(text)
        assert not key.accepts(other)
    for text in ("", "x", "a+b+c", key.show().replace("+", "-"), key.show()[:-4] + "AAA="):
        with pytest.raises(BadKey):
            read_key(text)


def test_checkpoints_are_found_among_anything_else(store: Store) -> None:
    one, two = sealed(), sealed(NOW + MINUTE)
    torn = two.text[: len(two.text) // 2]
    text = f"# kept by the auditor\n\n{one.text}\n{torn}\n{two.text}\n— nobody\n{torn}"
    assert list(checkpoints.read(text)) == [one, two]
    assert not list(checkpoints.read(torn))


def test_a_checkpoint_is_made_at_once_and_then_each_minute_while_there_is_something_new(store: Store) -> None:
    sizes = [sealed(NOW + seconds * 1000).size for seconds in (0, 1, 20, 49, 50, 51, 99, 100)]
    assert sizes == [1, 1, 1, 1, 5, 5, 5, 8]
    one = Sealer("test")
    assert not one.work(NOW + 10 * MINUTE, Signer(SEED))
    assert AuditCheckpoint.select().count() == 3, "nothing new, no checkpoint"


def test_what_was_sealed_last_is_signed_when_its_time_has_come(store: Store) -> None:
    sealed()
    assert sealed(NOW + 1000).size == 1
    Sealer("test").work(NOW + 50_000, Signer(SEED))
    found = sealing.newest()
    assert found is not None
    assert found.size == 2


def test_a_clock_that_was_wrong_stops_no_checkpoints(store: Store) -> None:
    sealed(NOW + 60 * MINUTE)
    assert sealed(NOW).size == 2


# -- anchors ---------------------------------------------------------------------------------------------------------


def test_a_file_gets_every_checkpoint_once_and_nothing_is_taken_from_it(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "anchor"
    file.parent.mkdir()
    file.write_text("kept before")
    known = settings(tmp_path, f"file://{file}")
    given = [sealed(NOW + n * MINUTE) for n in range(3)]
    one = Anchoring(known)
    assert one.work(NOW + 3 * MINUTE) == 1
    assert one.work(NOW + 4 * MINUTE) == 0
    given.append(sealed(NOW + 4 * MINUTE))
    assert Anchoring(known).work(NOW + 4 * MINUTE) == 1
    text = file.read_text()
    assert text.startswith("kept before\n")
    assert list(checkpoints.read(text)) == given
    assert sealing.newest_outside(known) == given[-1]


def test_a_webhook_gets_the_newest_as_a_signed_standard_webhook(store: Store, tmp_path: Path) -> None:
    with receiver() as there:
        known = settings(tmp_path, there.url)
        sealed()
        newest = sealed(NOW + MINUTE)
        now = database_now()
        assert Anchoring(known).work(now) == 1
        assert Anchoring(known).work(now) == 0
        (got,) = there.requests
    body = Webhook(SECRET).verify(got.body, dict(got.headers))
    assert body["type"] == "audit.checkpoint"
    assert body["data"]["note"] == newest.text
    assert body["data"]["size"] == 2
    assert got.headers["webhook-id"] == f"{newest.origin.replace('/', '-')}-2"


def database_now() -> int:
    """The library refuses webhooks that are older than five minutes."""
    import time

    return time.time_ns() // 1_000_000


def test_an_anchor_that_fails_is_tried_again_later_and_holds_up_no_other(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "anchor"
    newest = sealed()
    with receiver() as there:
        there.answers(Reply(500), Reply(500), Reply(204))
        one = Anchoring(settings(tmp_path, f"{there.url}, file://{file}"))
        assert one.work(NOW) == 1
        assert list(checkpoints.read(file.read_text())) == [newest]
        row = AuditAnchor.get(AuditAnchor.url == there.url)
        assert (row.size, row.failures, row.failed_at) == (0, 1, NOW)
        assert "500" in row.problem
        assert [one.work(NOW + seconds * 1000) for seconds in (9, 10, 29, 30)] == [0, 0, 0, 1]
        assert len(there.requests) == 3
        row = AuditAnchor.get(AuditAnchor.url == there.url)
        assert (row.size, row.failures, row.failed_at, row.problem) == (1, 0, None, None)
    assert not Lease.select().where(Lease.name == anchors.LEASE, Lease.until > NOW).exists()


def test_a_file_that_cannot_be_written_is_a_failure(store: Store, tmp_path: Path) -> None:
    sealed()
    Anchoring(settings(tmp_path, f"file://{tmp_path}/not/there")).work(NOW)
    assert "No such file" in AuditAnchor.get().problem


def test_a_mailbox_gets_the_newest_as_often_as_it_wants(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    def send(way: Way, message: Any, *_: Any) -> list[Outcome]:
        sent.append(message)
        return [Outcome("auditor", "delivered")]

    monkeypatch.setattr("server.channels.email.send", send)
    monkeypatch.setattr(anchors, "_mail_server", lambda: Way("email", "email", "smtp://127.0.0.1"))
    one = Anchoring(settings(tmp_path, "mailto:auditor@audit.example?every=1h"))
    for minute in (0, 1, 30, 59, 60, 61):
        sealed(NOW + minute * MINUTE)
        one.work(NOW + minute * MINUTE)
    assert [next(checkpoints.read(message.body)).size for message in sent] == [1, 5]
    assert sent[0].to[0].address == "auditor@audit.example"


def test_a_store_put_back_to_an_older_state_is_behind_and_goes_on(store: Store, tmp_path: Path) -> None:
    known = settings(tmp_path, f"file://{tmp_path}/anchor")
    older, newer = sealed(), sealed(NOW + MINUTE)
    Anchoring(known).work(NOW + MINUTE)
    assert sealing.newest_outside(known) == newer
    assert not sealing.is_behind(older)
    assert not sealing.is_behind(newer)
    with store.transaction():
        AuditEntry.delete().where(AuditEntry.id > 1).execute()
        store.db.execute_sql("DELETE FROM audit_block WHERE no > 1")
        store.db.execute_sql("DELETE FROM audit_checkpoint WHERE size > 1")
    assert sealing.is_behind(newer)
    assert not sealing.is_behind(older)
    assert sealing.newest() == older
    other = sealed(NOW + 2 * MINUTE)
    assert other.size == newer.size
    assert sealing.is_behind(newer), "it has gone another way"


def test_the_newest_outside_is_found_where_others_keep_theirs_too(store: Store, tmp_path: Path) -> None:
    file, known = tmp_path / "anchor", settings(tmp_path, f"file://{tmp_path}/anchor")
    assert sealing.newest_outside(known) is None
    mine = sealed()
    anchors.append(file, [mine])
    block = blocks.newest()
    assert block is not None
    stranger = checkpoints.make(replace(block, size=99), Signer(b"x" * 32), NOW)
    anchors.append(file, [stranger] * 2000)
    assert sealing.newest_outside(known) == mine


def test_without_anchors_nothing_is_done(store: Store, tmp_path: Path) -> None:
    sealed()
    assert Anchoring(settings(tmp_path, "")).work(NOW) == 0
    assert not AuditAnchor.select().exists()


# -- DUBAN_ANCHORS ---------------------------------------------------------------------------------------------------


def test_anchors_are_read_from_the_environment() -> None:
    found = read({"DUBAN_ANCHORS": "file:///var/a%20b, https://witness.example/x?y=1 mailto:a@b.example?every=12h"})
    assert found.anchors == (
        Anchor("file:///var/a%20b", "file", "/var/a b"),
        Anchor("https://witness.example/x?y=1", "webhook", "https://witness.example/x?y=1"),
        Anchor("mailto:a@b.example?every=12h", "mail", "a@b.example", 12 * 3600),
    )
    assert read({}).anchors == ()


@pytest.mark.parametrize(
    "text",
    ["x", "file://", "file:///", "file://host/x", "relative/file", "ftp://x", "https://", "https://u:p@x", "mailto:",
     "mailto:x", "mailto:a@b?every=0h", "mailto:a@b?each=1h", "mailto:a@b?every=1h&cc=x@y", "file:///x?y"],
)  # fmt: skip
def test_an_anchor_that_has_no_meaning_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match="DUBAN_ANCHORS"):
        read({"DUBAN_ANCHORS": text})
