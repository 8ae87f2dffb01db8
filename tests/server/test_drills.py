"""Drills: the script's times, the live directory's people, and nobody is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import directory, drills, policies, settings
from server.core import documents
from server.core.moments import parse
from server.core.scripts import BadScript, read_script
from server.directory import snapshot
from server.drills.playing import DrillDirectory
from server.resources import data_dir
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Customer, Drill, Event, Issue, Message, Person, Rota, Turn
from tests.server.desk import SETTINGS

NOW = parse("2026-11-28T12:00:00+08:00")
SET = {"EMAIL_URL": "smtp://127.0.0.1:1", "SMS_URL": "http://127.0.0.1:1/sms", "WECOM_URL": "http://127.0.0.1:1/wecom"}

AT_NIGHT = """
process: contingency
start: 2026-12-05T23:50:00+08:00
by: gong
issue: {subject: 核心系统宕机, class: technical, matter: security}
people: {gong: [receiver, role:monitor, role:agent], li: [owner, team:handling_group], ghost: owner}
events:
  - {at: +10m, do: accept, by: li, with: {checked: true}}
  - {at: +20m, do: solve, by: an, with: {solution: 重启}}
until: +3h
"""


@pytest.fixture(scope="module")
def opened_bytes(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> bytes:
    """The bytes of a store with documents and people, made once: loading takes seconds."""
    path = tmp_path_factory.mktemp("opened") / "opened.sqlite"
    path.write_bytes(sqlite_template)
    made = database.open(str(path))
    policies.load_shipped(NOW)
    plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes())
    assert plan is not None, findings
    directory.carry_out(plan, NOW)
    made.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    return path.read_bytes()


@pytest.fixture
def opened(tmp_path: Path, opened_bytes: bytes) -> Iterator[Store]:
    """A store with documents and people."""
    path = tmp_path / "opened.sqlite"
    path.write_bytes(opened_bytes)
    store = database.open(str(path))
    yield store
    store.close()


@pytest.fixture(autouse=True)
def these_settings() -> Any:
    before = settings._current
    settings.use(SETTINGS)
    yield
    settings._current = before


def played(text: str = AT_NIGHT, environ: Any = None, **options: Any) -> dict[str, Any]:
    """The report of a drill through the process in force."""
    document, _ = documents.read(text.encode(), "script.yaml")
    assert document is not None
    raw = document.value
    plan = drills.in_force(raw["process"])
    assert plan is not None
    script = read_script(raw, plan.process)
    return drills.run(plan, script, text, NOW, environ=SET if environ is None else environ, **options)


def told(report: dict[str, Any], notice: str, channel: str) -> list[str]:
    """Who would get this notice by this channel."""
    rows = (one for one in report["messages"] if one["notice"] == notice and one["channel"] == channel)
    return [one["id"] for row in rows if row["outcome"] == "told" for one in row["recipients"]]


def change(login: str, **values: Any) -> None:
    with database.transaction():
        Person.update(**values).where(Person.login == login).execute()
        directory.changed()


def test_the_alarm_reaches_those_who_are_in_the_directory_in_their_own_words(opened: Store) -> None:
    report = played()
    group = list(snapshot().members["leading_group"]) + list(snapshot().members["handling_group"])
    assert told(report, "notice.alarm", "sms") == list(dict.fromkeys(group))
    first = next(one for one in report["messages"] if one["channel"] == "sms")
    assert first["recipients"] == [{"id": "lu", "name": "陆建国", "address": "13800000001"}]
    assert first["body"].startswith("SIM-1")
    assert "核心系统宕机" in first["body"]
    assert first["at"] == "2026-12-05T23:50:00+08:00"
    later = next(one for one in report["messages"] if one["channel"] == "email")
    assert later["at"] == "2026-12-05T23:55:00+08:00"


@pytest.mark.usefixtures("open_for_business")
def test_nothing_is_left_behind_but_the_drill_and_its_audit_entry(store: Store) -> None:
    report = played(by="meng", name="夜间")
    assert [Message.select().count(), Issue.select().count(), Event.select().count(), Turn.select().count()] == [0] * 4
    row = Drill.get()
    assert (row.id, row.name, row.process, row.by, row.script) == (
        report["drill"], "夜间", "contingency", "meng", AT_NIGHT,
    )  # fmt: skip
    assert drills.shown(drills.kept(row.id)) == report
    entry = AuditEntry.get(AuditEntry.kind == "drill.played")
    assert (entry.by, entry.issue_id) == ("meng", None)
    assert f'"drill":{row.id}' in entry.body


def test_missed_clocks_and_the_people_on_each_rung_are_named(opened: Store) -> None:
    report = played()
    assert [(one["clock"], one["at"]) for one in report["missed"]] == [
        ("progress", "2026-12-06T01:00:00+08:00"),
        ("contain", "2026-12-06T01:50:00+08:00"),
        ("progress", "2026-12-06T02:00:00+08:00"),
    ]
    lead = snapshot().leads["handling_group"]
    assert [(one["rung"], one["people"]) for one in report["escalations"]] == [
        (1, [lead]),
        (2, list(snapshot().members["leading_group"])),
    ]
    assert report["totals"]["missed"] == 3
    assert report["totals"]["escalations"] == 2


def test_the_one_on_duty_at_the_scripts_time_is_told_and_not_todays(opened: Store) -> None:
    with database.transaction():
        Rota.delete().execute()
        night, morning = parse("2026-12-05T20:00:00+08:00"), parse("2026-12-06T08:00:00+08:00")
        Rota.create(team="handling_group", person="li", from_at=NOW - 1000, to_at=night)
        Rota.create(team="handling_group", person="wu", from_at=night, to_at=morning)
        directory.changed()
    by_hand = played()["messages"][0]
    assert (by_hand["outcome"], [one["id"] for one in by_hand["recipients"]]) == ("by_hand", ["wu"])
    change("wu", absences=[{"from": night, "until": morning}], deputy="zhou")
    assert [one["id"] for one in played()["messages"][0]["recipients"]] == ["zhou"]
    change("wu", absences=[{"from": night, "until": night + 1}])
    assert [one["id"] for one in played()["messages"][0]["recipients"]] == ["wu"]


def test_missing_addresses_and_channels_that_are_not_set_are_gaps_even_where_another_takes_over(opened: Store) -> None:
    change("han", phone=None)
    report = played(environ={key: value for key, value in SET.items() if key != "WECOM_URL"})
    instead = [one for one in report["messages"] if one["instead_of"] == "sms"]
    assert {one["recipients"][0]["id"] for one in instead} == {"han"}
    assert {(one["channel"], one["outcome"]) for one in instead} == {("email", "told")}
    assert [(one["id"], one["channel"]) for one in report["gaps"]["addresses"]] == [("han", "sms")]
    assert [one["channel"] for one in report["gaps"]["channels"]] == ["wecom"]

    none = played(environ={})
    assert none["totals"]["told"] == 0
    assert none["totals"]["by_hand"] == 1  # what people tell one another needs no channel
    assert [one["channel"] for one in none["gaps"]["channels"]] == ["email", "sms", "wecom"]
    assert {one["reason"] for one in none["messages"] if one["outcome"] == "not_told"} == {"not_configured"}


def test_a_who_that_is_nobody_is_a_gap(opened: Store) -> None:
    with database.transaction():
        Rota.delete().execute()
        directory.changed()
    assert played()["gaps"]["nobody"] == [{"to": ["duty:handling_group"], "messages": 1}]


def test_the_directory_says_who_is_who_and_not_the_script(opened: Store) -> None:
    report = played()
    assert [(one["login"], one["name"], one["is_not"]) for one in report["people"]] == [
        ("gong", snapshot().people["gong"].name, ["role:monitor"]),
        ("li", "李明", []),
        ("ghost", None, []),
        ("an", snapshot().people["an"].name, []),
    ]  # fmt: skip
    assert [(one["action"], one["by"], one["why"]) for one in report["refused"]] == [("solve", "an", "by")]


def test_turns_are_looked_at_and_not_taken(opened: Store) -> None:
    world = DrillDirectory()
    with database.transaction():
        Turn.create(process="p", team="t", last="b", count=1)
    assert [world.take_turn("p", "t", ["a", "b", "c"]) for _ in range(4)] == ["c", "a", "b", "c"]
    assert world.take_turn("p", "t", []) is None
    assert Turn.get().last == "b"


def test_a_customers_own_record_is_used_and_his_address_is_not_kept(opened: Store) -> None:
    with database.transaction():
        Customer.create(id="k-1", names=["甲公司"], email="secret@customer.example", phone=None, preferred=None)
    script = """
process: contingency
start: 2026-12-07T09:00:00+08:00
issue: {subject: 咨询, class: service, customer: k-1}
events:
  - {at: +1h, do: accept, by: OWNER, with: {checked: true}}
  - {at: +2h, do: solve, by: OWNER, with: {solution: 已安排}}
"""
    first = played(script.replace("OWNER", "li"))
    owner = next(line["owner"] for line in first["timeline"] if line["kind"] == "received")
    report = played(script.replace("OWNER", owner))
    result = next(one for one in report["messages"] if one["notice"] == "notice.result")
    assert (result["channel"], result["outcome"]) == ("email", "told")
    assert result["recipients"] == [{"id": "customer", "name": "k-1", "address": None}]
    assert "secret@customer.example" not in str(Drill.select().order_by(Drill.id.desc()).get().report)


def test_the_link_of_a_survey_in_a_drill_opens_nothing(opened: Store) -> None:
    from server.messages import read_token

    script = """
process: contingency
start: 2026-12-07T09:00:00+08:00
issue: {subject: 咨询, class: service, email: a@customer.example, number: YJ20261128001}
events:
  - {at: +1h, do: accept, by: OWNER, with: {checked: true}}
  - {at: +2h, do: solve, by: OWNER, with: {solution: 已安排}}
  - {at: +3h, do: tell, by: OWNER, with: {effect: effective}}
"""
    owner = next(line["owner"] for line in played(script.replace("OWNER", "li"))["timeline"])
    report = played(script.replace("OWNER", owner))
    body = next(one["body"] for one in report["messages"] if one["notice"] == "survey.satisfaction")
    token = body.partition("https://duban.example/s/")[2].split()[0]
    assert token
    assert read_token(SETTINGS.secret or "", token) is None


def test_a_script_whose_issue_is_refused_keeps_nothing(opened: Store) -> None:
    with pytest.raises(BadScript):
        played(AT_NIGHT.replace("class: technical", "class: nonsense"))
    assert Drill.select().count() == 0


def test_a_drill_of_too_many_messages_is_refused(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.drills.playing.MOST_MESSAGES", 10)
    with pytest.raises(BadScript, match="more than 10 messages"):
        played()
    assert Drill.select().count() == 0


def test_the_newest_drill_is_listed_first(opened: Store) -> None:
    first, second = played(), played()
    assert [row.id for row in drills.newest(10)] == [second["drill"], first["drill"]]
    assert [row.id for row in drills.newest(10, second["drill"])] == [first["drill"]]
    assert [row.id for row in drills.newest(1)] == [second["drill"]]
    with pytest.raises(drills.UnknownDrill):
        drills.kept(second["drill"] + 1)


def test_an_example_is_played_by_people_of_the_directory_who_stand_as_its_own_do(opened: Store) -> None:
    there = snapshot()
    checked = 0
    for plan in policies.in_force().processes.values():
        for one in drills.examples(plan.process, "zh", there):
            people = documents.read(one.text.encode())[0].value.get("people") or {}
            assert len(people) == len(set(people))
            for login, standing in people.items():
                if login not in there.people:
                    assert "customer" in standing, (one.name, login)
                    continue
                checked += 1
    assert checked > 50
    complaint = drills.examples(policies.in_force().processes["complaint-monitoring"].process, "zh", there)
    script = documents.read(complaint[0].text.encode())[0].value
    (monitor,) = [login for login, standing in script["people"].items() if standing == ["role:monitor"]]
    assert monitor in there.holders["monitor"]
    assert monitor in {event.get("by") for event in script["events"]}
