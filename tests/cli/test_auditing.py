"""`duban audit`: what it prints and where, its exit codes, and its progress."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import audit, settings
from server.cli import main
from server.sealing import Anchoring, Sealer, Signer
from server.sealing.checkpoints import read_key
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry
from tests.serving import DUBAN, environment

NOW = 1_772_413_200_000
SEED = b"s" * 32


@pytest.fixture
def known(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a store with a sealed trail and an anchor; gives the folder."""
    for name, value in env(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(settings, "_current", None)
    for minute in range(3):
        with database.transaction():
            for n in range(5):
                audit.record("test.noted", NOW, {"n": n})
        Sealer("test").work(NOW + minute * 60_000, Signer(SEED))
        Anchoring(settings.read()).work(NOW + minute * 60_000)
    return tmp_path


def env(folder: Path) -> dict[str, str]:
    return {
        "DUBAN_DATA": str(folder),
        "DUBAN_DATABASE": str(folder / "duban.sqlite"),
        "DUBAN_SIGNING_KEY": base64.b64encode(SEED).decode(),
        "DUBAN_ANCHORS": f"file://{folder}/anchor",
        "DUBAN_LANGUAGE": "en",
    }


def duban(*words: str) -> Result:
    return CliRunner().invoke(main, ["audit", *words])


def tamper(id_: int = 7) -> None:
    with database.transaction():
        AuditEntry.update(body=AuditEntry.body.concat(" ")).where(AuditEntry.id == id_).execute()


def test_a_sound_trail_ends_with_0(known: Path) -> None:
    found = duban("verify")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "15 entries in 3 blocks, checkpoints: 3 in the store, 3 outside" in found.stderr
    as_json = json.loads(duban("verify", "--json").stdout)
    assert (as_json["ok"], as_json["entries"], as_json["first"], as_json["findings"]) == (True, 15, None, [])
    assert as_json["checkpoints"] == {"store": 3, str(known / "anchor"): 3}


def test_a_tampered_one_ends_with_1_and_names_the_first_entry(known: Path) -> None:
    tamper(9)
    tamper(7)
    found = duban("verify")
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "entry 7 (id 7) was changed",
        "entry 9 (id 9) was changed",
    ]
    found = duban("verify", "--json")
    assert found.exit_code == 1
    as_json = json.loads(found.stdout)
    assert (as_json["ok"], as_json["first"]["place"], as_json["first"]["entry"]) == (False, 7, 7)
    assert as_json["findings"][0]["code"] == "entry-changed"


def test_a_further_anchor_shows_what_was_cut_off(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (known / "anchor").rename(known / "mine")
    with database.transaction():
        tables = (("audit_entry", "id", 10), ("audit_block", "no", 2), ("audit_checkpoint", "size", 10))
        for table, column, most in tables:
            database.current().db.execute_sql(f'DELETE FROM "{table}" WHERE "{column}" > {most}')
    found = duban("verify")
    assert found.exit_code == 0
    assert "is not there yet" in found.stderr
    assert "There are no checkpoints outside" in found.stderr
    found = duban("verify", "--anchor", str(known / "mine"))
    assert found.exit_code == 1
    assert found.stdout.startswith("cut off from entry 11 on")


def test_an_earlier_key_is_given(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    former = duban("key").stdout.strip()
    assert read_key(former) == Signer(SEED).verifier
    monkeypatch.setenv("DUBAN_SIGNING_KEY", base64.b64encode(b"n" * 32).decode())
    without = duban("verify")
    assert (without.exit_code, without.stdout) == (0, ""), "another key is no tampering"
    assert "store: 3 checkpoints of other keys were passed over; give their key with --key." in without.stderr
    as_json = json.loads(duban("verify", "--json").stdout)
    assert (as_json["foreign"]["store"], as_json["checkpoints"]["store"]) == (3, 0)
    assert "passed over" not in duban("verify", "--key", former).stderr


def test_what_cannot_be_used_ends_with_2(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert duban("verify", "--anchor", str(known / "nothing")).exit_code == 2
    assert duban("verify", "--key", "x").exit_code == 2
    monkeypatch.delenv("DUBAN_SIGNING_KEY")
    assert duban("key").exit_code == 2
    monkeypatch.setenv("DUBAN_DATABASE", str(known / "nothing.sqlite"))
    assert duban("verify").exit_code == 2


def test_progress_is_shown_on_a_terminal_and_none_when_piped(known: Path) -> None:
    command = [DUBAN, "audit", "verify"]
    piped = subprocess.run(command, env=environment(env(known)), capture_output=True, text=True, check=True)
    assert "entries read" not in piped.stderr
    screen, terminal = pty.openpty()
    try:
        subprocess.run(command, env=environment(env(known)), stdout=subprocess.PIPE, stderr=terminal, check=True)
        assert "15 entries read" in os.read(screen, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(screen)
