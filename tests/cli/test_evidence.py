"""`duban audit export` and `verify-bundle`: files, exit codes, who may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from peewee import fn

from server import settings
from server.cli import main
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Event
from tests.cli.test_auditing import env
from tests.evidence.cared import SIGNER, flow_in_force, lived
from tests.server.conftest import open_for_business

__all__ = ["open_for_business"]

KEY = SIGNER.verifier.show()


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    return sqlite_store


@pytest.fixture
def number(open_for_business: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An issue with a history, in the store that the environment names."""
    for name, value in env(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(settings, "_current", None)
    flow_in_force()
    return lived()


def duban(*words: str) -> Result:
    return CliRunner().invoke(main, ["audit", *words])


def test_a_file_of_evidence_is_written_and_sound(number: str, tmp_path: Path) -> None:
    file = str(tmp_path / "e.zip")
    done = duban("export", "--issue", number, "-o", file, "--as", "admin")
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert f"The evidence about {number} is in {file}" in done.stderr
    done = duban("verify-bundle", file, "--key", KEY)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith(f"Sound: issue {number}, 5 events")
    as_json = json.loads(duban("verify-bundle", file, "--json").stdout)
    assert (as_json["ok"], as_json["issue"], as_json["events"], as_json["first"]) == (True, number, 5, None)
    assert [note["code"] for note in as_json["notes"]] == ["own-key"]
    assert duban("verify", "--json").exit_code == 0
    last = AuditEntry.select().where(AuditEntry.kind == "evidence.exported").get()
    assert last.by == "admin"


def test_a_tampered_one_ends_with_1_and_names_it(number: str, tmp_path: Path) -> None:
    assert duban("export", "--issue", number, "-o", str(tmp_path / "before.zip")).exit_code == 0
    with database.transaction():
        changed = AuditEntry.body.concat(" ")
        AuditEntry.update(body=changed).where(AuditEntry.kind == "issue.received").execute()
    file = str(tmp_path / "e.zip")
    assert duban("export", "--issue", number, "-o", file).exit_code == 0
    done = duban("verify-bundle", file)
    assert done.exit_code == 1
    assert "was changed, or its proof is another's" in done.stdout
    assert duban("verify-bundle", str(tmp_path / "before.zip")).exit_code == 0
    other = "duban/0000000000000000+" + KEY.split("+", 1)[1]
    assert duban("verify-bundle", file, "--key", other).exit_code == 2


def test_what_cannot_be_used_ends_with_2(number: str, tmp_path: Path) -> None:
    file = str(tmp_path / "e.zip")
    assert duban("export", "--issue", "nothing", "-o", file).exit_code == 2
    assert duban("export", "--issue", number, "-o", file, "--private").exit_code == 2
    assert duban("export", "--issue", number, "-o", file, "--as", "nobody").exit_code == 2
    assert duban("export", "--issue", number, "-o", file, "--as", "li").exit_code == 2, "without audit.read"
    assert not Path(file).exists()
    assert duban("export", "--issue", number, "-o", str(tmp_path / "not" / "there.zip")).exit_code == 2
    assert duban("verify-bundle", file).exit_code == 2
    Path(file).write_bytes(b"no zip")
    assert duban("verify-bundle", file).exit_code == 2


def test_recompute_says_that_all_is_the_same_or_what_differs(number: str) -> None:
    done = duban("recompute", "--all")
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert "The same: 1 issues, 5 events" in done.stderr
    as_json = json.loads(duban("recompute", "--issue", number, "--json").stdout)
    assert (as_json["ok"], as_json["events"], as_json["differences"]) == (True, 5, [])
    with database.transaction():
        changed = fn.REPLACE(Event.entries, '"severity":"A"', '"severity":"B"')
        Event.update(entries=changed).where(Event.seq == 1).execute()
    done = duban("recompute", "--issue", number)
    assert done.exit_code == 1
    assert f'{number}: event 1, line 1 differs (severity): recorded {{"severity": "B"}}' in done.stdout
    as_json = json.loads(duban("recompute", "--all", "--json").stdout)
    assert [one["code"] for one in as_json["differences"]] == ["entry-differs", "line-differs"]
    for words in ((), ("--issue", number, "--all"), ("--issue", "nothing")):
        assert duban("recompute", *words).exit_code == 2


def test_at_says_in_words_and_as_json_what_was_so(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = duban("at", number, "2026-03-02T09:20")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{number} at 2026-03-02T09:20:00+08:00: process flow, stage waiting, severity A, team")
    assert "severity = A (2026-03-02T09:00:00+08:00): rule 1, facts text=urgent" in lines
    assert "clock reply, run 1: paused, due -" in lines
    assert "  stands still: in the stage waiting since 2026-03-02T09:15:00+08:00 (wait, li)" in lines
    assert [line for line in lines if "notice.told to lead" in line]
    as_json = json.loads(duban("at", number, "2026-03-02T09:20", "--json").stdout)
    assert (as_json["stage"], as_json["event"]) == ("waiting", 2)
    monkeypatch.setenv("DUBAN_LANGUAGE", "zh")
    assert "停住：自 2026-03-02T09:15:00+08:00 起在阶段 waiting" in duban("at", number, "2026-03-02T09:20").stdout
    for words in (("nothing", "2026-03-02"), (number, "x"), (number, "2026-03-02T08:59"), (number, "9998-01-01")):
        assert duban("at", *words).exit_code == 2, words
