"""`duban user` and `duban directory`: what they do, what they print and where, and their exit codes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from server import accounts, settings
from server.cli import main
from server.resources import data_dir
from server.store import database
from server.store.models import Person, Token

SEEDS = data_dir("seeds") / "directory.yaml"
GOOD = "correct horse battery"


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which no server was ever started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUBAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DUBAN_LANGUAGE", "en")
    monkeypatch.delenv("DUBAN_DATABASE", raising=False)
    return tmp_path / "data"


@pytest.fixture
def started(empty: Path, first_start: Callable[[], None]) -> Path:
    """The data folder after a first start."""
    first_start()
    return empty


@pytest.fixture
def inside(started: Path) -> Iterator[None]:
    """For looking into the store beside the commands."""
    store = database.open(str(started / "duban.sqlite"))
    yield
    store.close()


def duban(*arguments: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(main, arguments, input=given)


def caller(token: str, at: int | None = None) -> accounts.Caller | None:
    store = database.open(settings.read().database)
    try:
        return accounts.caller_of_token(token, now() if at is None else at)
    finally:
        store.close()


def signs_in(login: str, password: str) -> bool:
    store = database.open(settings.read().database)
    try:
        return accounts.sign_in(login, password, "", now()) is not None
    finally:
        store.close()


# -- people --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("started")
def test_somebody_who_was_added_can_sign_in_and_has_the_roles() -> None:
    done = duban("user", "add", "wang", "--role", "agent", "--role", "monitor", "--password-stdin", given=GOOD + "\n")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Added wang.\n")
    assert signs_in("wang", GOOD)
    lines = [json.loads(line) for line in duban("user", "list", "--json").stdout.splitlines()]
    assert lines[1] == {"login": "wang", "name": "wang", "roles": ["agent", "monitor"], "teams": [], "disabled": False}


@pytest.mark.usefixtures("started")
def test_somebody_without_a_password_is_told_of() -> None:
    done = duban("user", "add", "wang", "--role", "agent")
    assert done.exit_code == 0
    assert "duban user password wang --password-stdin" in done.stderr
    assert duban("user", "password", "wang", "--password-stdin", given=GOOD).exit_code == 0
    assert signs_in("wang", GOOD)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "wang", "--role", "nobody"), "nobody"),
        (("add", "wang", "--role", "agent", "--team", "nowhere"), "nowhere"),
        (("add", "admin", "--role", "agent"), "admin"),
        (("add", "no login", "--role", "agent"), "no login"),
        (("add", "wang"), "--role"),
        (("disable", "nobody"), "nobody"),
        (("disable", "admin"), "admin"),
        (("token", "admin", "--scope", "everything"), "everything"),
        (("token", "nobody", "--scope", "issue.read"), "nobody"),
        (("token", "admin"), "--scope"),
        (("token", "admin", "--scope", "issue.read", "--expires", "soon"), "soon"),
        (("token", "admin", "--scope", "issue.read", "--expires", "2020-01-01"), "2020-01-01"),
        (("token", "admin", "--scope", "issue.read", "--expires", "3wd"), "3wd"),
        (("password", "admin"), "--password-stdin"),
    ],
)
@pytest.mark.usefixtures("started")
def test_what_is_not_possible_ends_with_2_and_says_why(arguments: tuple[str, ...], said: str) -> None:
    done = duban("user", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("given", ["", "\n", "short\n", b"\xff\xfe\n"])
@pytest.mark.usefixtures("started")
def test_a_password_that_cannot_be_used_ends_with_2(given: str | bytes) -> None:
    done = duban("user", "add", "wang", "--role", "agent", "--password-stdin", given=given)
    assert done.exit_code == 2
    assert done.stderr
    assert len(duban("user", "list").stdout.splitlines()) == 1


@pytest.mark.usefixtures("started")
def test_the_token_is_printed_alone_and_works_within_its_scopes() -> None:
    done = duban("user", "token", "admin", "--scope", "issue.read", "--scope", "system")
    assert done.exit_code == 0
    assert done.stderr == ""
    (token,) = done.stdout.splitlines()
    found = caller(token)
    assert found is not None
    assert (found.login, found.permissions) == ("admin", {"issue.read", "system"})


@pytest.mark.parametrize(("expires", "days"), [("90d", 90), ("2w", 14), ("36h", 1.5)])
@pytest.mark.usefixtures("started")
def test_a_token_ends_after_its_time(expires: str, days: float) -> None:
    begun = now()
    token = duban("user", "token", "admin", "--scope", "issue.read", "--expires", expires).stdout.strip()
    end = round(days * 86_400_000)
    assert caller(token, begun + end - 1) is not None
    assert caller(token, now() + end) is None


@pytest.mark.usefixtures("inside")
def test_an_end_can_be_a_date_or_a_time() -> None:
    for text in ("2099-01-31", "2099-01-31T12:00:00", "2099-01-31T12:00:00+08:00"):
        assert duban("user", "token", "admin", "--scope", "issue.read", "--expires", text).exit_code == 0
    ends = [row.expires_at for row in Token.select().order_by(Token.id)]
    assert ends[2] == 4_073_515_200_000
    assert ends[1] - ends[0] == 43_200_000


@pytest.mark.usefixtures("started")
def test_a_new_password_ends_tokens_and_a_disabled_person_is_nobody() -> None:
    duban("user", "add", "wang", "--role", "agent", "--password-stdin", given=GOOD)
    token = duban("user", "token", "wang", "--scope", "issue.read").stdout.strip()
    assert duban("user", "password", "wang", "--password-stdin", given="another password").exit_code == 0
    assert caller(token) is None
    assert signs_in("wang", "another password")
    assert duban("user", "disable", "wang").exit_code == 0
    assert not signs_in("wang", "another password")
    assert "wang (disabled)" in duban("user", "list").stdout


@pytest.mark.usefixtures("started")
def test_people_are_listed_with_titles_in_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert duban("user", "list").stdout == "admin\tAdministrator\tAdministrator\t\n"
    monkeypatch.setenv("DUBAN_LANGUAGE", "zh")
    assert duban("user", "list").stdout == "admin\tAdministrator\t系统管理员\t\n"


# -- the directory -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("started")
def test_an_import_shows_its_changes_asks_and_does_them() -> None:
    done = duban("directory", "import", str(SEEDS), given="y\n")
    assert done.exit_code == 0, done.stderr
    assert "+ people li" in done.stdout.splitlines()
    assert "? [y/N]" in done.stderr
    assert "Imported" in done.stderr
    again = duban("directory", "import", str(SEEDS))
    assert (again.exit_code, again.stdout) == (0, "")
    assert "nothing changes" in again.stderr


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
@pytest.mark.usefixtures("inside")
def test_an_import_that_is_not_agreed_to_changes_nothing_and_ends_with_1(answer: str) -> None:
    done = duban("directory", "import", str(SEEDS), given=answer)
    assert done.exit_code == 1
    assert "Nothing was changed" in done.stderr
    assert Person.select().count() == 1


@pytest.mark.usefixtures("inside")
def test_an_import_with_an_error_changes_nothing_and_names_each_place(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("people:\n  - {login: a, name: A, supervisor: nobody}\n  - {login: b}\n", "utf-8")
    done = duban("directory", "import", str(file), "--yes")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert f"{file}:3:" in done.stderr
    assert Person.select().count() == 1


@pytest.mark.usefixtures("started")
def test_what_is_exported_can_be_imported_and_says_the_same(tmp_path: Path) -> None:
    duban("directory", "import", str(SEEDS), "--yes")
    file = tmp_path / "out.yaml"
    assert duban("directory", "export", str(file)).exit_code == 0
    assert duban("directory", "export", "-").stdout == file.read_text("utf-8")
    assert {person["login"] for person in yaml.safe_load(file.read_text("utf-8"))["people"]} == {
        person["login"] for person in yaml.safe_load(SEEDS.read_text("utf-8"))["people"]
    }
    assert "nothing changes" in duban("directory", "import", str(file), "--yes").stderr


@pytest.mark.usefixtures("started")
def test_files_that_cannot_be_read_or_written_end_with_2(tmp_path: Path) -> None:
    for arguments in (("import", str(tmp_path / "none.yaml")), ("export", str(tmp_path / "none" / "out.yaml"))):
        done = duban("directory", *arguments)
        assert done.exit_code == 2
        assert str(tmp_path / "none") in done.stderr


# -- without a store -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("user", "list"), ("directory", "export", "-")])
def test_before_a_first_start_they_end_with_2_and_leave_nothing_behind(empty: Path, arguments: tuple[str, ...]) -> None:
    done = duban(*arguments)
    assert done.exit_code == 2
    assert "duban serve" in done.stderr
    assert not empty.exists()


def test_a_database_that_cannot_be_reached_ends_with_2(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBAN_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    done = duban("user", "list")
    assert done.exit_code == 2
    assert "The database cannot be used" in done.stderr
    assert not empty.exists()


def test_a_variable_without_a_meaning_ends_with_2(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBAN_PROXY_HOPS", "many")
    done = duban("user", "list")
    assert done.exit_code == 2
    assert "DUBAN_PROXY_HOPS" in done.stderr
    assert not empty.exists()
