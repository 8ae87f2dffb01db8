"""What lies ahead: every clock, mark, notice and rung, if nobody acts and if everybody acts at the last moment."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from server.core import forecast
from server.core.process import Process
from server.core.simulate import ScriptWorld
from tests.core.spec.playing import loaded

START = 1_772_413_200_000  # 2026-03-02T09:00:00+08:00
HOUR = 3_600_000
POLICY: dict[str, Any] = {
    "clocks": {
        "reply": {"on": "received", "until": "accept", "within": {"A": "1h", "B": "4h"}, "warn": ["50%"]},
        "done": {"on": "received", "until": ["stage.solved"], "within": "2d"},
    },
    "ladders": {"up": {"on": "clock.reply.breached", "rungs": [{"to": "team:board", "via": "email"}]}},
    "actions": {"solve": {"form": {"text": "required", "count": "required"}}},
}


def process(**changes: Any) -> Process:
    return loaded({"policy": {**POLICY, **changes}}).processes["base"]


def future(of: Process, acting: bool, severity: str = "A", until: int | None = None) -> list[dict[str, Any]]:
    world = ScriptWorld({})
    made = forecast.always(of, severity)
    facts = {**forecast.complete(of, "S", START), "number": "N"}
    case, first = forecast.received(made, facts, START, world)
    return [*first, *forecast.ahead(made, case, until, world, acting)]


def short(lines: list[dict[str, Any]]) -> list[tuple[float, str, Any]]:
    wanted = ("action", "clock", "ladder", "via")
    return [
        ((line["at"] - START) / HOUR, line["kind"], next((line[key] for key in wanted if key in line), None))
        for line in lines
        if line["kind"] not in ("received", "clock_started")
    ]


def test_if_nobody_acts_every_deadline_is_missed_and_ladders_climb() -> None:
    assert short(future(process(), acting=False)) == [
        (0.5, "clock_warned", "reply"),
        (1, "clock_breached", "reply"),
        (1, "escalated", "up"),
        (1, "notified", "up"),
        (48, "clock_breached", "done"),
    ]


def test_if_everybody_acts_at_the_last_moment_every_deadline_is_met() -> None:
    assert short(future(process(), acting=True)) == [
        (0.5, "clock_warned", "reply"),
        (1, "action", "accept"),
        (1, "clock_met", "reply"),
        (48, "action", "solve"),
        (48, "clock_met", "done"),
    ]


def test_the_severity_is_the_one_that_is_asked_for() -> None:
    lines = future(process(), acting=True, severity="B")
    assert lines[0]["severity"] == "B"
    assert (4, "action", "accept") in short(lines)


def test_what_ends_a_clock_in_a_later_stage_is_reached_by_the_fewest_actions() -> None:
    clocks = {"done": {"on": "received", "until": "solve", "within": "1h"}}
    lines = short(future(process(clocks=clocks, ladders={}), acting=True))
    assert lines == [(1, "action", "accept"), (1, "action", "solve"), (1, "clock_met", "done")]


def test_a_recurring_clock_is_met_at_each_of_its_due_times_until_it_ends() -> None:
    clocks = {"progress": {"on": "received", "until": "close", "every": "1d", "met_by": "report"}}
    lines = short(future(process(clocks=clocks, ladders={}), acting=True, until=START + 72 * HOUR))
    assert [one for one in lines if one[1] != "action"] == [(24 * day, "clock_met", "progress") for day in (1, 2, 3)]


def test_a_clock_that_no_action_can_end_is_breached() -> None:
    clocks = {"reply": {"on": "received", "until": "classified.severity", "within": "1h"}}
    lines = short(future(process(clocks=clocks), acting=True))
    assert (1, "clock_breached", "reply") in lines
    assert not [one for one in lines if one[1] == "action"]


def test_it_looks_as_far_as_the_last_deadline_that_is_not_recurring() -> None:
    clocks = {"done": {"on": "received", "until": "solve", "within": "90d"}}
    assert short(future(process(clocks=clocks, ladders={}), acting=False)) == [(90 * 24, "clock_breached", "done")]


@pytest.mark.parametrize("acting", [True, False])
def test_what_goes_on_for_ever_comes_to_an_end(acting: bool) -> None:
    clocks = {"tick": {"on": "received", "until": "close", "every": "1s", "met_by": "report"}}
    lines = future(process(clocks=clocks, ladders={}), acting)
    assert forecast.MOST_LINES <= len(lines) <= forecast.MOST_LINES + 20
    assert all(one["at"] <= other["at"] for one, other in itertools.pairwise(lines))
