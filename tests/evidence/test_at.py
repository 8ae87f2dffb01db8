"""What was so on an issue at a moment, from its recorded events alone."""

from __future__ import annotations

from typing import Any

import pytest

from server import audit, erasing, intake
from server.core.moments import MINUTE
from server.evidence.at import NotYet, UnknownIssue, at
from server.store import database
from server.store.database import Store
from server.store.models import Issue, Message
from server.sweep import sweep
from tests.evidence.cared import FLOW, HOUR, PHONE, flow_in_force, lived
from tests.server.conftest import MONDAY, open_for_business

__all__ = ["open_for_business"]


@pytest.fixture
def number(open_for_business: Store) -> str:
    flow_in_force()
    return lived()


def clock(found: dict[str, Any]) -> dict[str, Any]:
    (one,) = found["clocks"]
    return dict(one)


def test_at_each_moment_it_is_as_it_was_then(number: str) -> None:
    minutes = {m: at(number, MONDAY + m * MINUTE) for m in (0, 14, 15, 29, 30, 74, 75, 119, 120)}
    stages = {m: (found["event"], found["stage"], clock(found)["state"]) for m, found in minutes.items()}
    assert stages == {
        0: (1, "first", "running"),
        14: (1, "first", "running"),
        15: (2, "waiting", "paused"),
        29: (2, "waiting", "paused"),
        30: (3, "first", "running"),
        74: (3, "first", "running"),
        75: (3, "first", "breached"),
        119: (3, "first", "breached"),
        120: (5, "end", "finished_late"),
    }
    assert minutes[0]["severity"] == "A"
    assert clock(minutes[0])["due"] == "2026-03-02T10:00:00+08:00"
    assert clock(minutes[30])["due"] == "2026-03-02T10:15:00+08:00"
    assert minutes[0]["next"] == "2026-03-02T09:30:00+08:00", "half of the time is warned of"


def test_it_says_which_rule_judged_by_which_facts(number: str) -> None:
    (reason,) = [one for one in at(number, MONDAY)["because"] if one["table"] == "severity"]
    assert (reason["value"], reason["rule"], reason["facts"]) == ("A", 1, {"text": "urgent"})


def test_it_says_why_a_clock_stood_still(number: str) -> None:
    assert clock(at(number, MONDAY + 5 * MINUTE))["standing"] is None
    assert clock(at(number, MONDAY + 20 * MINUTE))["standing"] == {
        "why": "stage", "stage": "waiting", "since": "2026-03-02T09:15:00+08:00", "action": "wait", "by": "li",
    }  # fmt: skip


def test_it_says_that_the_office_was_closed(open_for_business: Store) -> None:
    flow_in_force(FLOW.replace("A: 1h", "A: 20wh"))
    number = intake.receive("flow", {"subject": "x", "text": "urgent"}, MONDAY, "gong").number
    sweep(MONDAY + 48 * HOUR)
    assert clock(at(number, MONDAY + HOUR))["standing"] is None
    night = clock(at(number, MONDAY + 14 * HOUR))["standing"]
    assert (night["why"], night["calendar"], night["until"]) == ("closed", "cn-office", "2026-03-03T09:00:00+08:00")


def test_it_says_which_version_judged_and_which_was_in_force(number: str) -> None:
    flow_in_force(FLOW.replace("A: 1h", "A: 30m"), MONDAY + HOUR)
    before, after = at(number, MONDAY + HOUR - 1), at(number, MONDAY + HOUR)
    judged = [(one["kind"], one["name"], one["version"]) for one in after["versions"]]
    assert judged == [("process", "flow", 1), ("calendar", "cn-office", 1), ("channels", "default", 1)]
    assert (before["in_force"]["version"], after["in_force"]["version"]) == (1, 2)
    assert before["in_force"]["until"] == after["in_force"]["from"] == "2026-03-02T10:00:00+08:00"


def test_it_says_who_had_been_told_by_then(number: str) -> None:
    message = Message.select().where(Message.notice == "notice.told").get()
    with database.transaction():
        Message.update(state="sent", sent_at=MONDAY + MINUTE).where(Message.id == message.id).execute()
    told = at(number, MONDAY + MINUTE - 1)["told"]
    assert [(one["notice"], one["to"], one["state"], one["sent"]) for one in told] == [
        ("notice.told", "lead", "waiting", None)
    ]
    told = at(number, MONDAY + MINUTE)["told"]
    assert [(one["state"], one["sent"]) for one in told] == [("sent", "2026-03-02T09:01:00+08:00")]
    with database.transaction():
        Message.update(state="dead", sent_at=None).where(Message.id == message.id).execute()
        audit.record("message.dead", MONDAY + 2 * MINUTE, {"message": message.key}, issue=message.issue_id)
    assert [one["state"] for one in at(number, MONDAY + 2 * MINUTE)["told"]] == ["dead"]
    assert [one["notice"] for one in at(number, MONDAY + 2 * HOUR)["told"]] == ["notice.told", "notice.late"]


def test_private_fields_are_shown_when_asked_for_alone(number: str) -> None:
    assert "phone" not in at(number, MONDAY)["facts"]
    assert PHONE not in str(at(number, MONDAY + 2 * HOUR))
    assert at(number, MONDAY, private=True)["facts"]["phone"] == PHONE
    assert at(number, MONDAY + 2 * HOUR, private=True)["facts"]["phone"] == "13987654321"


def test_of_an_erased_issue_it_says_so(number: str) -> None:
    erasing.erase(Issue.get(Issue.number == number).id, MONDAY + 3 * HOUR)
    found = at(number, MONDAY + 20 * MINUTE)
    assert (found["erased"], found["stage"]) == ("2026-03-02T12:00:00+08:00", "waiting")
    assert (clock(found)["state"], found["severity"], found["facts"]) == ("paused", "A", {})
    assert [one["rule"] for one in found["because"] if one["table"] == "severity"] == [1]
    found = at(number, MONDAY + 4 * HOUR)
    assert (found["stage"], clock(found)["state"]) == ("end", "finished_late")
    with pytest.raises(NotYet):
        at(number, MONDAY - 1)


def test_before_it_was_recorded_there_is_nothing_to_say(number: str) -> None:
    with pytest.raises(NotYet) as raised:
        at(number, MONDAY - 1)
    assert raised.value.recorded == "2026-03-02T09:00:00+08:00"
    with pytest.raises(UnknownIssue):
        at("nothing", MONDAY)
