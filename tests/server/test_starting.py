"""What a first start makes, and a demo: people who can sign in, and issues in every stage of every process."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from server import accounts, policies, settings
from server.core.moments import parse
from server.demo import Demo, load
from server.resources import data_dir
from server.settings import Settings
from server.starting import Started, prepare
from server.store import database, migrating, pool
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Message, Person, Role
from tests import beginnings

NOW = parse("2026-11-25T10:00:00+08:00")


@pytest.fixture
def environment(tmp_path: Path) -> Settings:
    found = settings.with_secrets(settings.read({"DUBAN_DATA": str(tmp_path / "data")}))
    settings.use(found)
    return found


def looking_into(found: Settings) -> Store:
    return database.open(found.database)


def signs_in(login: str, password: str, now: int = NOW) -> bool:
    return accounts.sign_in(login, password, "127.0.0.1", now) is not None


def test_a_first_start_makes_an_administrator_who_may_everything(environment: Settings) -> None:
    started = prepare(environment, NOW)
    assert started.login == "admin"
    assert started.password
    store = looking_into(environment)
    with store.session():
        assert signs_in("admin", started.password)
        token = accounts.issue_token("admin", accounts.PERMISSIONS, NOW)
        caller = accounts.caller_of_token(token, NOW)
        assert caller is not None
        assert caller.permissions == set(accounts.PERMISSIONS)
        assert len(policies.in_force().processes) == 7
    store.close()


def test_the_roles_that_policies_speak_of_can_be_given_at_once(environment: Settings) -> None:
    prepare(environment, NOW)
    store = looking_into(environment)
    with store.session():
        accounts.add_user("neu", NOW, roles=["agent", "policy_approver"])
        assert accounts.PERMISSIONS
        assert [person.login for person in Person.select().order_by(Person.login)] == ["admin", "neu"]
    store.close()


def test_a_second_start_changes_nothing(environment: Settings) -> None:
    prepare(environment, NOW)
    store = looking_into(environment)
    with store.session():
        before = AuditEntry.select().count()
    store.close()
    assert prepare(environment, NOW + 1000) == Started()
    store = looking_into(environment)
    with store.session():
        assert AuditEntry.select().count() == before
    store.close()


def test_a_first_start_waits_for_another_one_however_long_that_takes(
    environment: Settings, postgres_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_SETTINGS", "SET lock_timeout = 100")
    there = threading.Event()

    def another() -> None:
        with psycopg.connect(postgres_store.url) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (migrating._LOCK,))
            connection.execute(
                "INSERT INTO version (kind, name, number, sha256, data, origin, reason, created_at) "
                "VALUES ('calendar', 'cn-office', 1, '', '', 'shipped', '', 0)"
            )
            there.set()
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database"
            while not connection.execute(f"{waiting} WHERE datname = current_database())").fetchone():
                time.sleep(0.05)
            time.sleep(0.5)
            connection.rollback()

    thread = threading.Thread(target=another, daemon=True)
    thread.start()
    assert there.wait(20)
    assert prepare(replace(environment, database=postgres_store.url), NOW).password
    thread.join()


def test_a_role_that_was_changed_stays_as_it_is(environment: Settings) -> None:
    prepare(environment, NOW)
    store = looking_into(environment)
    with store.transaction():
        Role.delete().where(Role.name == "auditor").execute()
    store.close()
    prepare(environment, NOW + 1000)
    store = looking_into(environment)
    with store.session():
        assert not Role.select().where(Role.name == "auditor").exists()
    store.close()


def test_the_administrators_password_can_be_given(environment: Settings, tmp_path: Path) -> None:
    given = settings.read({"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_ADMIN_PASSWORD": "given by the owner"})
    assert prepare(given, NOW).password is None
    store = looking_into(environment)
    with store.session():
        assert signs_in("admin", "given by the owner")
    store.close()


def test_a_weak_password_is_refused_and_the_next_start_makes_up_for_it(environment: Settings, tmp_path: Path) -> None:
    weak = settings.read({"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_ADMIN_PASSWORD": "short"})
    with pytest.raises(accounts.Refused):
        prepare(weak, NOW)
    assert prepare(environment, NOW).password


# -- the demo ------------------------------------------------------------------------------------------------------


def all_stages() -> set[tuple[str, str]]:
    return {(name, stage) for name, pinned in policies.in_force().processes.items() for stage in pinned.process.stages}


def shipped_without_people(store: Store, now: int) -> None:
    def make() -> None:
        policies.load_shipped(now)
        with store.transaction():
            accounts.first_administrator(now, "an administrator")

    beginnings.begin(("first administrator", now), make)


_demos: dict[bool, Demo] = {}


@pytest.fixture
def demo(store: Store) -> Demo:
    """The demo in the store, with its passwords; played once for each database."""

    def make() -> None:
        shipped_without_people(store, NOW)
        loaded, _ = load(NOW)
        assert loaded is not None
        _demos[store.is_postgresql] = loaded

    beginnings.begin(("demo", NOW), make)
    return _demos[store.is_postgresql]


@pytest.mark.parametrize(
    "now",
    [
        "2026-11-25T10:00:00+08:00",  # a Wednesday
        "2026-11-28T23:30:00+08:00",  # Saturday night
        "2026-10-05T03:00:00+08:00",  # in the long holiday
        "2026-02-20T12:00:00+08:00",  # in the Spring Festival
        "2026-03-02T09:00:10+08:00",  # Monday, at opening
        "2028-02-29T17:59:00+08:00",  # a year whose holidays nobody has announced
    ],
)
def test_issues_are_in_every_stage_of_every_process_whenever_it_starts(sqlite_store: Store, now: str) -> None:
    moment = parse(now)
    shipped_without_people(sqlite_store, moment)
    demo, refused = load(moment)
    assert demo is not None
    assert not refused
    found = {(issue.process, issue.stage) for issue in Issue.select()}
    assert all_stages() - found == set()
    assert Issue.select().where(Issue.problem.is_null(False)).count() == 0
    assert Issue.select().where(Issue.received_at > moment).count() == 0
    assert Event.select().where((Event.at > moment) | (Event.recorded_at > moment)).count() == 0
    assert Issue.select().where(Issue.wake_at <= moment).count() == 0, "all time has passed"


def test_each_role_has_somebody_who_can_sign_in(demo: Demo) -> None:
    assert len({login.login for login in demo.logins}) == len(demo.logins)
    for login in demo.logins:
        assert signs_in(login.login, login.password)
    assert {role for login in demo.logins for role in login.roles} | {"administrator"} == {
        role.name for role in Role.select()
    }
    assert signs_in("admin", "an administrator"), "the administrator keeps his password"


def test_a_second_demo_adds_nothing(demo: Demo) -> None:
    before = (Issue.select().count(), AuditEntry.select().count(), Message.select().count())
    assert load(NOW + 86_400_000) == (None, False)
    assert (Issue.select().count(), AuditEntry.select().count(), Message.select().count()) == before


def test_its_messages_are_held_even_where_channels_are_set(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:9?from=a@example.com")
    shipped_without_people(store, NOW)
    load(NOW)
    states = {row.state for row in Message.select(Message.state).distinct()}
    assert Message.HELD in states
    assert Message.PENDING not in states
    assert Message.select().where(Message.channel == "email", Message.state == Message.HELD).exists()


def test_a_store_with_people_of_its_own_is_left_alone(store: Store) -> None:
    shipped_without_people(store, NOW)
    with store.transaction():
        accounts.add_user("neu", NOW, roles=[])
    assert load(NOW) == (None, True)
    assert Issue.select().count() == 0
    assert Person.select().count() == 2


def test_a_demo_that_fails_leaves_nothing_and_loses_no_password(
    environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_stories: object, _now: int) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("server.demo.play", fail)
    with pytest.raises(RuntimeError):
        prepare(environment, NOW, demo=True)
    monkeypatch.undo()
    started = prepare(environment, NOW, demo=True)
    assert started.password
    assert started.demo is not None


def test_its_timelines_say_who_did_what(demo: Demo) -> None:
    people = {person.login for person in Person.select()} | {"customer", "system"}
    done = [entry for event in Event.select() for entry in json.loads(event.entries) if entry["kind"] == "action"]
    assert {entry["by"] for entry in done} <= people
    assert len(done) > 150


def test_the_seeds_name_only_shipped_processes() -> None:
    text = (data_dir("seeds") / "issues.yaml").read_text(encoding="utf-8")
    named = {line.removeprefix("- process: ") for line in text.splitlines() if line.startswith("- process: ")}
    assert {f"{name}.yaml" for name in named} <= {path.name for path in data_dir("policies").iterdir()}
