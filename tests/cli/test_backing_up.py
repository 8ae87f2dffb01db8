"""`duban backup`, `restore` and `outgoing`: what they do, what they say, and their exit codes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import settings
from server.cli import main
from server.store import database
from server.store.migrating import migrate
from server.store.models import Person

PLACES = ("DUBAN_DATABASE", "DUBAN_QUEUE")


def run(*words: str) -> Result:
    settings._current = None
    result = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose data folder holds a small store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUBAN_LANGUAGE", "en")
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    settle(monkeypatch, tmp_path / "data")
    store = database.open(str(tmp_path / "data" / "duban.sqlite"))
    migrate(store)
    with store.transaction():
        Person.create(login="li", name="Li")
    store.close()
    return tmp_path


def settle(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("DUBAN_DATA", str(folder))


def test_there_and_back_into_another_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("backup", "a.zip", "--json")
    assert (done.exit_code, done.stderr) == (0, "Backed up to a.zip: 0 issues, 0 events, 1 rows in all.\n")
    assert json.loads(done.stdout)["format"] == 1
    settle(monkeypatch, here / "other")
    done = run("restore", "a.zip")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "Messages are held back" in done.stderr
    database.open(str(here / "other" / "duban.sqlite"))
    assert Person.get().name == "Li"
    database.current().close()


def test_what_is_held_is_shown_and_let_go_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("outgoing", "release", "--send").exit_code == 2
    assert run("outgoing", "status").exit_code == 0
    assert run("outgoing", "hold", "--reason", "a drill").exit_code == 0
    held = run("outgoing", "status", "--json")
    assert held.exit_code == 1
    said = json.loads(held.stdout)
    assert (said["held"], said["reason"], said["waiting"]) == (True, "a drill", 0)
    assert run("outgoing", "release").exit_code == 2, "one of the two must be said"
    assert run("outgoing", "release", "--skip").exit_code == 0
    assert json.loads(run("outgoing", "status", "--json").stdout)["held"] is False


def test_a_file_is_never_written_over(here: Path) -> None:
    (here / "a.zip").write_text("mine")
    done = run("backup", "a.zip")
    assert (done.exit_code, done.stderr) == (2, "a.zip exists; nothing is written over.\n")
    assert (here / "a.zip").read_text() == "mine"
    assert run("backup", "no-folder/a.zip").exit_code == 2


def test_without_a_store_there_is_nothing_to_back_up(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, here / "other")
    assert run("backup", "a.zip").exit_code == 2
    assert not (here / "a.zip").exists()


def test_what_cannot_be_restored_is_said_and_changes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("backup", "a.zip")
    done = run("restore", "a.zip")
    assert (done.exit_code, "is not empty" in done.stderr) == (2, True)
    settle(monkeypatch, here / "other")
    data = bytearray((here / "a.zip").read_bytes())
    data[len(data) // 2] ^= 4
    (here / "bad.zip").write_bytes(data)
    for file, said in (("bad.zip", "no whole backup"), ("none.zip", "Cannot read none.zip")):
        done = run("restore", file)
        assert done.exit_code == 2
        assert said in done.stderr
    assert run("restore", "a.zip").exit_code == 0


def test_an_older_releases_store_can_be_backed_up(here: Path) -> None:
    store = database.open(str(here / "data" / "duban.sqlite"))
    with store.transaction():
        store.db.execute_sql("DELETE FROM schema_migration WHERE name > '0001_begin'")
    store.close()
    assert run("backup", "a.zip", "--json").exit_code == 0
    assert run("outgoing", "status").exit_code == 2


def test_the_password_of_the_database_is_not_shown() -> None:
    from server.cli.backing_up import _place

    assert _place("postgresql://duban:s3cret@db:5432/duban") == "postgresql://duban@db:5432/duban"
    assert _place("postgresql://duban@db/duban") == "postgresql://duban@db/duban"
    assert _place("/var/lib/duban/duban.sqlite") == "/var/lib/duban/duban.sqlite"


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from server.cli import progress

    def tell() -> str:
        with progress.progress(lambda what, done, total: f"{what} {done}/{total}") as told:
            told("event", 3, 7)
            told("event", 4, 7)
            time.sleep(progress.EVERY)
            told("event", 5, 7)
        return capsys.readouterr().err

    assert tell() == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    shown = tell()
    assert "event 3/7" in shown
    assert "4/7" not in shown
    assert "5/7" in shown
