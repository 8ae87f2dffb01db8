"""Where an independent reading of the language page and this interpreter once differed: the page's reading stands."""

from __future__ import annotations

from typing import Any

from tests.core.spec.playing import lines_of, short


def _played(case: dict[str, Any]) -> list[str]:
    """The timeline in short, without the line of the first issue's receipt."""
    return [short(line) for line in lines_of(case)[1:]]


def test_a_field_that_an_action_leaves_as_it_was_is_no_reason_to_judge_anew() -> None:
    # The form fills `flag`, `set` empties it again: nothing recorded has changed, so the table is not asked, although
    # it would now say otherwise (classify: "after every event that changed a recorded field").
    table = [{"is": "A", "when": {"field": "stage", "is": "doing"}}, {"is": "C"}]
    go = {"from": "new", "to": "doing", "by": "anyone", "form": {"flag": "optional"}, "set": {"flag": None}}
    policy = {"classify": {"severity": table}, "actions": {"go": go}}
    events = [
        {"at": "+1m", "do": "go", "with": {"flag": False}},
        {"at": "+2m", "do": "edit", "with": {"flag": True}},
    ]
    assert _played({"policy": policy, "script": {"events": events}}) == [
        '09:01 action go - {"flag":false} doing',
        '09:02 action edit - {"flag":true} doing',
        "09:02 classified severity C A rules",
    ]


def test_a_clock_that_applies_by_the_event_that_leaves_its_pause_starts_running() -> None:
    # Rule 5 is step 3, but the issue stands in its new stage since step 1: "a run that starts in such a stage starts
    # paused", and this one does not. The pause before it still moves the due time (10:30, an hour later).
    go = {"from": "new", "to": "doing", "by": "anyone", "form": {"grade": "required"}}
    policy = {
        "actions": {"go": go},
        "clocks": {"c": {"on": "received", "within": {"A": "90m"}, "pause": "new"}},
    }
    events = [{"at": "+1h", "do": "go", "with": {"grade": "a"}}]
    assert _played({"policy": policy, "script": {"events": events}}) == [
        '10:00 action go - {"grade":"a"} doing',
        "10:00 classified severity B A rules",
        "10:00 clock_started c 1 11:30",
    ]


def test_a_clock_that_applies_by_the_event_that_enters_its_pause_starts_paused() -> None:
    go = {"from": "new", "to": "waiting", "by": "anyone", "form": {"grade": "required"}}
    policy = {
        "actions": {"go": go},
        "clocks": {"c": {"on": "received", "within": {"A": "90m"}, "pause": "waiting"}},
    }
    events = [{"at": "+1h", "do": "go", "with": {"grade": "a"}}, {"at": "+2h", "do": "resume"}]
    assert _played({"policy": policy, "script": {"events": events}}) == [
        '10:00 action go - {"grade":"a"} waiting',
        "10:00 classified severity B A rules",
        "10:00 clock_started c 1 -",
        "11:00 action resume - {} doing",
        "11:00 clock_resumed c 1 11:30",
    ]


def test_a_recurring_clock_breached_by_the_change_that_enters_its_pause_goes_on_paused() -> None:
    go = {"from": "new", "to": "waiting", "by": "anyone", "form": {"grade": "required"}}
    policy = {
        "actions": {"go": go},
        "clocks": {"c": {"on": "received", "every": {"A": "30m", "B": "8h"}, "pause": "waiting"}},
    }
    events = [{"at": "+1h", "do": "go", "with": {"grade": "a"}}]
    assert _played({"policy": policy, "script": {"events": events}}) == [
        "09:00 clock_started c 1 17:00",
        '10:00 action go - {"grade":"a"} waiting',
        "10:00 classified severity B A rules",
        "10:00 clock_moved c 1 09:30",
        "10:00 clock_breached c 1 09:30",
        "10:00 clock_started c 2 -",
    ]


def test_marks_that_are_past_when_an_issue_is_recorded_late_are_given_in_listed_order() -> None:
    policy = {"clocks": {"c": {"on": "received", "within": "2h", "warn": ["50%", "10%", "30m"]}}}
    script = {"issue": {"received": "2026-03-02T08:00:00+08:00"}, "until": "+40m"}
    assert _played({"policy": policy, "script": script}) == [
        "09:00 clock_started c 1 10:00",
        "09:00 clock_warned c 1 50%",
        "09:00 clock_warned c 1 10%",
        "09:30 clock_warned c 1 30m",
    ]


def test_marks_before_the_event_are_passed_over_when_a_field_says_from_when_it_counts() -> None:
    # Also when the field happens to say just the time of receipt.
    eight = "2026-03-02T08:00:00+08:00"
    policy = {"clocks": {"c": {"on": "received", "within": "2h", "warn": ["10%", "75%"], "from": "field:moment"}}}
    script = {"issue": {"received": eight, "moment": eight}, "until": "+40m"}
    assert _played({"policy": policy, "script": script}) == [
        "09:00 clock_started c 1 10:00",
        "09:30 clock_warned c 1 75%",
    ]
