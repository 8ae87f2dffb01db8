"""A made-up issue played through a draft with the people of the live directory: what was done, and what lies ahead.

It is a drill that nobody keeps: nothing is stored, nobody is told, nobody's turn is taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from server.core import actions, forecast
from server.core.case import Case
from server.core.causes import Cause, causes
from server.core.moments import Moment, OutOfRange
from server.core.process import SYSTEM, Process
from server.core.scripts import BadScript, Doing, read_script
from server.core.simulate import play_in
from server.core.turn import Telling, Turn
from server.core.world import Asked
from server.drills.playing import DrillSimulation, Plan
from server.drills.reporting import messages
from server.forms import form_of
from server.settings import Settings
from server.store import database

MOST_AHEAD: Final = 2_000
"""Lines ahead that are looked at; a clock that recurs each minute is not followed any longer."""

MOST_EVENTS: Final = 200
"""Things that are done in one trial."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: an issue's facts as somebody filled them in, when and by whom it is received, and what happens to
    it then, each as a script has it, with `at` as an ISO time."""

    facts: Mapping[str, Any]
    received: Moment
    by: str | None = None
    events: Sequence[Mapping[str, Any]] = ()

    def script(self, process: Process) -> dict[str, Any]:
        """The trial as a script, in order of time."""
        made: dict[str, Any] = {"start": process.calendar.show(self.received), "issue": dict(self.facts)}
        if self.by:
            made["by"] = self.by
        ordered = in_order(self.events, process)
        if ordered:
            made["events"] = ordered
        return made


def in_order(events: Sequence[Mapping[str, Any]], process: Process) -> list[dict[str, Any]]:
    """Events of a script in order of time; at one moment as they are given."""

    def moment(event: Mapping[str, Any]) -> Moment:
        try:
            return process.calendar.parse(str(event.get("at")))
        except ValueError:
            return 0  # reading the script says so

    return [dict(one) for one in sorted(events, key=moment)]


@dataclass(frozen=True, slots=True)
class State:
    """How the issue stands from a moment on: stage, severity, team, owner, and the latest runs of its clocks as (name,
    number, state, due; due is None while it stands still)."""

    at: Moment
    stage: str
    severity: str | None
    team: str | None
    owner: str | None
    clocks: Sequence[tuple[str, int, str, Moment | None]]
    final: bool


@dataclass(slots=True)
class Played:
    """What was played from `start` on: the timeline's lines with moments (not printed), the states, in order of time,
    the messages as a drill's report has them; the case as it stands at the cursor, and whether what lies ahead was cut
    off. `causes`: why each line came. `running`: clocks that ran at the start already, as (name, run, due)."""

    process: Process
    start: Moment
    cursor: Moment
    case: Case
    lines: list[dict[str, Any]]
    states: list[State]
    messages: list[dict[str, Any]]
    causes: list[Cause | None]
    running: list[tuple[str, int, Moment]] = field(default_factory=list)
    possible: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    cut: bool = False


class CourseSimulation(DrillSimulation):
    """A drill that keeps how the issue stands at each moment, and the case as it is at the cursor."""

    def __init__(self, plan: Plan, cursor: Moment, settings: Settings) -> None:
        super().__init__(plan, settings, os.environ)
        self.start: Moment = 0
        self.cursor = cursor
        self.states: list[State] = []
        self.at_cursor: Case | None = None

    def pass_time(self, until: Moment) -> None:
        if self.at_cursor is None and until >= self.cursor:
            super().pass_time(self.cursor)
            self.at_cursor = next(iter(self.cases.values())).copy()
        super().pass_time(until)

    def note(self, case: Case, entries: Sequence[dict[str, Any]], tellings: Sequence[Telling]) -> None:
        super().note(case, entries, tellings)
        state = state_of(case, self.process, self.start)
        if self.states and self.states[-1].at == state.at:
            self.states[-1] = state
        else:
            self.states.append(state)

    def look_ahead(self) -> bool:
        """Lets time pass as far as `forecast` looks; gives whether it was cut off."""
        case = next(iter(self.cases.values()))
        end = max(case.moment, self.cursor) + forecast.AHEAD
        try:
            self._ahead(case, end)
            self._ahead(case, max(end, forecast.last_deadline(self.process, case)))
        except (BadScript, OutOfRange):
            return True
        return len(self.lines) >= MOST_AHEAD

    def _ahead(self, case: Case, end: Moment) -> None:
        while len(self.lines) < MOST_AHEAD:
            due = self._due.get(case.number)
            if due is None or due > end:
                return
            self.pass_time(due)


def state_of(case: Case, process: Process, start: Moment = 0) -> State:
    """How the case stands, from its last moment on, or from `start` if that is later."""
    runs = []
    for name in process.clocks:
        found = case.clocks.get(name)
        run = None if found is None else (found.open or found.last)
        if run is not None:
            runs.append((name, run.number, run.state, None if run.state == "paused" else run.due))
    severity = case.values.get("severity")
    return State(
        max(case.moment, start), case.stage, severity, case.team, case.owner, runs, process.is_final(case.stage)
    )


def play(plan: Plan, trial: Trial, cursor: Moment | None, settings: Settings) -> Played:
    """Plays the trial up to its last event, and on as if nobody did anything more. `cursor`: the moment whose
    possibilities are asked for; None: the last event's. Raises BadScript."""
    script = read_script(trial.script(plan.process), plan.process)
    at = max(script.start, script.until if cursor is None else cursor)
    simulation = CourseSimulation(plan, at, settings)
    with database.session():
        play_in(simulation, replace(script, until=max(script.until, at)))
        return played(simulation, script.start, script.events)


def played(
    simulation: CourseSimulation, start: Moment, events: Sequence[Doing], earlier: Iterable[Mapping[str, Any]] = ()
) -> Played:
    """A course that was played up to its cursor, and what lies ahead of it. `earlier`: lines before its start."""
    assert simulation.at_cursor is not None
    cut = simulation.look_ahead()
    process, case = simulation.process, simulation.at_cursor
    turn = Turn(process, case, Asked(simulation.world), case.moment)
    turn.at(simulation.cursor)
    by_hand = {(one.at, str(one.what)) for one in events if one.kind == "do" and one.by == SYSTEM}
    return Played(
        process=process,
        start=start,
        cursor=simulation.cursor,
        case=case,
        lines=simulation.lines,
        states=simulation.states,
        messages=messages(simulation),
        causes=causes(process, simulation.lines, earlier, by_hand),
        possible=_possible(turn),
        asked=[name for name, state in case.notices.items() if state.asked is not None],
        tasks=[name for name, state in case.notices.items() if state.tasks > 0],
        cut=cut,
    )


def _possible(turn: Turn) -> list[dict[str, Any]]:
    """What could be done then, by whomever, each with its form."""
    found = []
    for action in turn.process.actions.values():
        if actions.possible(turn, action, SYSTEM):
            form = form_of(turn.process, action, turn.case)
            if form is not None:
                found.append({"action": action.id, "title": action.title, "form": form})
    return found
