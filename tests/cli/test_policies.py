"""`duban policy`: documents proposed, approved and shown from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server import directory, settings
from server.cli import main
from server.resources import data_dir
from server.starting import prepare
from server.store import database
from tests.server.conftest import MONDAY

CALENDAR = data_dir("policies") / "cn-office.yaml"


@pytest.fixture(autouse=True)
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: bytes) -> Path:
    """A data folder after a first start, with the people of the seeds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUBAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DUBAN_LANGUAGE", "en")
    monkeypatch.delenv("DUBAN_DATABASE", raising=False)
    monkeypatch.setenv("DUBAN_ADMIN_PASSWORD", "correct horse battery")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "duban.sqlite").write_bytes(sqlite_template)
    found = settings.with_secrets(settings.read())
    settings.use(found)
    prepare(found, MONDAY)
    store = database.open(found.database)
    plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes())
    assert plan is not None, findings
    directory.carry_out(plan, MONDAY)
    store.close()
    return tmp_path


def policy(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["policy", *arguments])
    assert result.exit_code == code, result.output
    return result


def proposed(folder: Path, text: str | None = None) -> str:
    file = folder / "office.yaml"
    file.write_text(text or CALENDAR.read_text("utf-8").replace("title: {zh: ", "title: {zh: 新"), encoding="utf-8")
    return str(file)


def test_a_file_is_proposed_approved_by_another_and_shown(started: Path) -> None:
    file = proposed(started)
    told = policy("propose", file, "--as", "meng", "--reason", "a better name", "--json")
    (draft,) = json.loads(told.stdout)["drafts"]
    assert (draft["state"], draft["name"], draft["reason"]) == ("submitted", "cn-office", "a better name")
    again = policy("propose", file, "--as", "meng", "--reason", "a better name", "--json")
    assert [one["draft"] for one in json.loads(again.stdout)["drafts"]] == [draft["draft"]]
    assert "新" in policy("diff", "cn-office", "--draft", str(draft["draft"])).stdout
    done = policy("approve", str(draft["draft"]), "--as", "han", "--sha256", draft["sha256"], "--json")
    assert json.loads(done.stdout)["state"] == "active"
    assert policy("show", "cn-office").stdout == Path(file).read_text("utf-8")
    assert policy("show", "cn-office", "1").stdout == CALENDAR.read_text("utf-8")
    newest = json.loads(policy("history", "cn-office", "--json").stdout)["versions"][0]
    assert (newest["version"], newest["author"], newest["reviewer"]) == (2, "meng", "han")
    assert policy("propose", file, "--as", "meng").stdout == ""


def test_nobody_approves_his_own_draft_and_not_everybody_may(started: Path) -> None:
    policy("propose", proposed(started), "--as", "admin")
    told = policy("approve", "cn-office", "--as", "admin", code=1)
    assert "another person has to approve it" in told.stderr
    assert "policy.approve" in policy("approve", "cn-office", "--as", "meng", code=1).stderr
    assert "policy.propose" in policy("propose", proposed(started), "--as", "lu", code=1).stderr
    assert "nobody" in policy("approve", "cn-office", "--as", "nobody", code=2).stderr


def test_what_is_wrong_is_said_with_the_file_and_nothing_is_proposed(started: Path) -> None:
    file = proposed(started, CALENDAR.read_text("utf-8").replace("Asia/Shanghai", "Asia/Shanghigh"))
    told = policy("propose", file, "--as", "meng", code=1)
    assert f"{file}:" in told.stderr
    assert "bad-time-zone" in told.stderr
    assert json.loads(policy("list", "--json").stdout)["drafts"] == []


def test_a_draft_is_rejected_withdrawn_checked_and_listed(started: Path) -> None:
    policy("propose", proposed(started), "--as", "meng")
    assert "draft 1\tcn-office\tsubmitted\tmeng\tapproved 0/1" in policy("list").stdout
    assert policy("check", "1").stdout == ""
    assert "say why" in policy("reject", "1", "--as", "han", code=1).stderr
    assert "rejected" in policy("reject", "1", "--as", "han", "--reason", "no").stdout
    policy("propose", proposed(started), "--as", "meng")
    assert "withdrawn" in policy("withdraw", "2", "--as", "meng").stdout
    policy("withdraw", "99", "--as", "meng", code=2)
    policy("show", "nothing", code=2)


def test_what_is_in_force_is_exported_byte_for_byte_and_goes_back(started: Path) -> None:
    file = proposed(started)
    policy("propose", file, "--as", "meng", "--reason", "a better name")
    policy("approve", "cn-office", "--as", "han")
    policy("export", str(started / "out"))
    assert (started / "out" / "cn-office.yaml").read_bytes() == Path(file).read_bytes()
    shipped = {path.read_bytes() for path in data_dir("policies").glob("*.yaml")}
    exported = {path.read_bytes() for path in (started / "out").iterdir()}
    assert len(exported) == len(shipped)
    assert exported - shipped == {Path(file).read_bytes()}
    told = policy("rollback", "cn-office", "1", "--as", "meng", "--reason", "it was better", "--json")
    assert json.loads(told.stdout)["origin"] == "rollback"
    assert "system" in policy("emergency", "cn-office", "--as", "han", "--reason", "x", code=1).stderr
    assert "Version 1" in policy("emergency", "cn-office", "--as", "admin", "--reason", "it hurts").stderr
    assert policy("show", "cn-office").stdout == CALENDAR.read_text("utf-8")
