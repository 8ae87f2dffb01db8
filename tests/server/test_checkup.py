"""What documents count on that is not there: each lack is planted once, and named where the document needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from server import checkup, directory
from server.core.findings import Finding
from server.core.moments import DAY, parse
from server.store import database
from server.store.database import Store
from server.store.models import Message, Person, Rota
from tests.server.desk import CALENDAR, CHANNELS, ENVIRON, PEOPLE, PROCESS

NOW = parse("2026-03-02T09:00:00+08:00")

SOURCE = """\
kind: source
name: alerts
title: Alerts
process: care
verify: {scheme: bearer, secret: env:ALERTS_SECRET}
fields: {subject: title}
"""

LADDER = """\
ladders:
  up:
    title: {zh: 上报, en: Up}
    on: received
    rungs:
      - {to: supervisor, via: email, within: 1h}
      - {to: supervisor+1, via: email}
"""


@pytest.fixture(autouse=True)
def people(store: Store) -> None:
    with database.transaction():
        plan, findings = directory.plan(PEOPLE.encode(), "people.yaml")
        assert plan is not None, findings
        directory.carry_out(plan, NOW, "root")


def lacks(more: str = "", environ: Mapping[str, str] = ENVIRON, source: str = "") -> list[Finding]:
    """What is found on the care process with what a test adds to it, beside its channels and a source."""
    files = [("care.yaml", PROCESS + more), ("channels.yaml", CHANNELS), ("always.yaml", CALENDAR)]
    files += [("alerts.yaml", source)] if source else []
    return checkup.check([(name, text.encode()) for name, text in files], NOW, environ=environ)


def notice(to: str, via: str = "email") -> str:
    return f"notify:\n  first: {{title: First, on: received, steps: [{{via: {via}, to: {to}}}]}}\n"


def said(found: list[Finding]) -> list[tuple[str, str, Mapping[str, Any]]]:
    assert {one.level for one in found} <= {"warning"}
    return [(one.file, one.code, one.params) for one in found]


def shift(person: str, start: int, end: int) -> None:
    with database.transaction():
        Rota.create(team="support", person=person, from_at=start, to_at=end)
        directory.changed()


def disable(login: str) -> None:
    with database.transaction():
        Person.update(disabled_at=NOW).where(Person.login == login).execute()
        directory.changed()


def test_nothing_is_said_where_everything_is_there() -> None:
    assert lacks(notice("[team:support, role:monitor, lead, supervisor]")) == []


def test_a_route_to_a_team_whose_people_are_all_disabled_is_named_where_it_stands() -> None:
    disable("li")
    assert lacks() == []
    disable("wu")
    (found,) = lacks()
    assert (found.code, found.params, found.path) == ("team-without-people", {"team": "support"}, ("route", 0, "to"))
    text = (PROCESS).splitlines()[found.line - 1]
    assert text.startswith("route: [{to: team:support")
    assert str(found).startswith(f"care.yaml:{found.line}:")


def test_notices_to_an_empty_team_and_to_a_role_that_nobody_has_are_named_once_each() -> None:
    disable("mia")
    more = (
        "notify:\n"
        "  a: {title: A, on: received, steps: [{via: email, to: [team:empty, role:monitor]}]}\n"
        "  b: {title: B, on: accept, steps: [{via: email, to: [role:monitor]}]}\n"
    )
    assert said(lacks(more)) == [
        ("care.yaml", "team-without-people", {"team": "empty"}),
        ("care.yaml", "role-without-people", {"role": "monitor"}),
    ]


def test_a_duty_team_without_a_rota_is_named_and_a_gap_with_its_times() -> None:
    duty = notice("duty:support")
    assert said(lacks(duty)) == [("care.yaml", "duty-without-rota", {"team": "support", "days": 30})]
    shift("li", NOW - DAY, NOW + 10 * DAY)
    shift("wu", NOW + 10 * DAY, NOW + 40 * DAY)
    assert lacks(duty) == []
    disable("wu")
    (found,) = lacks(duty)
    assert (found.code, found.params) == (
        "rota-gap",
        {"team": "support", "start": "2026-03-12T09:00:00+08:00", "end": "2026-04-01T09:00:00+08:00", "more": ""},
    )
    shift("li", NOW + 11 * DAY, NOW + 31 * DAY)
    (found,) = lacks(duty)
    assert (found.params["end"], found.params["more"]) == ("2026-03-13T09:00:00+08:00", "")
    # A shift that lies inside a longer one ends nothing.
    shift("li", NOW + 1 * DAY, NOW + 30 * DAY)
    shift("li", NOW + 2 * DAY, NOW + 3 * DAY)
    assert lacks(duty) == []


def test_supervisors_that_end_before_a_rung_are_named_with_the_people_below() -> None:
    found = [one for one in lacks(LADDER) if one.code == "chain-ends"]
    assert [(one.path, one.params) for one in found] == [
        (("ladders", "up", "rungs", 1, "to"), {"who": "supervisor+1", "people": "li, wu"})
    ]
    disable("boss")
    found = [one for one in lacks(LADDER) if one.code == "chain-ends"]
    assert [one.params["who"] for one in found] == ["supervisor", "supervisor+1"]


def test_a_team_that_gets_issues_and_has_no_lead_is_named_where_the_lead_is_told() -> None:
    disable("li")
    assert [(one.code, one.params) for one in lacks(notice("lead"))] == [("team-without-lead", {"team": "support"})]


def test_a_channel_that_is_used_and_not_set_is_named_in_the_channels_document() -> None:
    (found,) = lacks(notice("team:support", "sms"), {"EMAIL_URL": "smtp://127.0.0.1:1"})
    assert (found.file, found.code, found.path) == ("channels.yaml", "channel-not-set", ("channels", "sms"))
    assert found.params == {"processes": "care", "variables": "SMS_URL", "otherwise": "email"}
    assert CHANNELS.splitlines()[found.line - 1].lstrip().startswith("sms:")
    (found,) = lacks(notice("team:support", "crm"), {"CRM_URL": "http://127.0.0.1:1"})
    assert found.params == {"processes": "care", "variables": "CRM_SECRET", "otherwise": ""}


def test_a_source_whose_secret_is_not_set_is_named() -> None:
    (found,) = lacks(source=SOURCE)
    assert (found.file, found.code, found.params) == (
        "alerts.yaml", "source-secret-not-set", {"variable": "ALERTS_SECRET"},
    )  # fmt: skip
    assert lacks(source=SOURCE, environ={**ENVIRON, "ALERTS_SECRET": "x" * 32}) == []


def message(key: str, state: str, **more: Any) -> None:
    values = {"at": NOW, "created_at": NOW - 1000, "channel": "sms", "destination": "default/sms", "attempts": 1}
    Message.create(key=key, state=state, **{**values, **more})


def test_a_channel_that_has_only_failed_for_a_day_is_named_until_one_message_leaves() -> None:
    message("old", "dead", created_at=NOW - 2 * DAY)
    message("never tried", "pending", attempts=0)
    message("other", "dead", channel="gone", destination="default/gone")
    message("subscription", "dead", channels="subscription", channel="s-1", destination="subscription/s-1")
    message("sent long ago", "sent", sent_at=NOW - 2 * DAY)
    assert lacks() == []
    message("dead", "dead", last_error="401 unauthorized")
    message("waiting", "pending")
    (found,) = lacks()
    assert (found.file, found.code, found.path) == ("channels.yaml", "channel-failing", ("channels", "sms"))
    assert found.params == {"count": 2, "error": "401 unauthorized"}
    message("sent", "sent", sent_at=NOW - DAY + 1000)
    assert lacks() == []


def test_documents_that_do_not_load_are_passed_over_and_the_context_is_not_checked_itself() -> None:
    broken = [("care.yaml", b"kind: process\nname: care\n")]
    assert checkup.check(broken, NOW, environ={}) == []
    own = [("care.yaml", (PROCESS + notice("team:empty")).encode())]
    context = [("channels.yaml", CHANNELS.encode()), ("always.yaml", CALENDAR.encode()), ("c.yaml", PROCESS.encode())]
    assert [one.code for one in checkup.check(own, NOW, context, environ={})] == ["team-without-people"]


@pytest.mark.usefixtures("open_for_business")
def test_the_seeds_have_everybody_whom_the_shipped_documents_name(store: Store) -> None:
    found = checkup.check(checkup.in_force(), parse("2026-11-28T12:00:00+08:00"), environ={})
    assert {one.code for one in found} <= {"channel-not-set", "source-secret-not-set", "chain-ends"}
    assert {one.params["variables"] for one in found if one.code == "channel-not-set"} >= {"EMAIL_URL", "SMS_URL"}
