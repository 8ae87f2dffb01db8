"""What happens to a real issue if nobody does anything, or if somebody does what is chosen: played from how it stands
now, under the version that judges it or another one. Nothing is stored, nobody is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server import issues, policies
from server.core.advance import advance, next_due
from server.core.case import Case
from server.core.migration import plan as migration_plan
from server.core.moments import Moment
from server.core.scripts import read_script
from server.drills.playing import Plan
from server.events import Held
from server.migration.looking import passed
from server.settings import Settings
from server.store import database
from server.trying.playing import CourseSimulation, Played, in_order, played, state_of

Entries = Sequence[Mapping[str, Any]]


def plan_of(found: Held) -> Plan:
    """The version that judges the issue; issues that its actions open are of the versions in force."""
    processes = {name: pinned.process for name, pinned in policies.in_force().processes.items()}
    return Plan(found.pinned.process, found.pinned.channels, processes)


def begins(found: Held, since: Moment | None, now: Moment) -> Moment:
    """The whole second from which the issue's future is looked at: `since`, if that is not over for it already."""
    at = now if since is None else min(since, now)
    return -(-max(at, found.case.moment) // 1000) * 1000


def play_on(
    found: Held, other: Plan | None, events: Entries, start: Moment, cursor: Moment | None, settings: Settings
) -> Played:
    """The issue from `start` on. `other`: another version of its process, to which it is taken over then; None: the one
    that judges it. `events`: what is done, as a script has it. Raises BadScript, OutOfRange, and NotPossible when it
    cannot be taken over."""
    target = plan_of(found) if other is None else other
    process = target.process
    doings = read_script(
        {"start": process.calendar.show(start), "issue": {}, "events": in_order(events, process)}, process
    ).events
    last = doings[-1].at if doings else start
    simulation = _Ahead(target, max(start, last if cursor is None else cursor), settings)
    with database.session():
        earlier = simulation.begin(found, other is not None, start)
        running = _running(simulation.case)
        for doing in doings:
            simulation.pass_time(doing.at - 1)
            simulation.do(doing)
        simulation.pass_time(max(last, simulation.cursor))
        course = played(simulation, start, doings, earlier)
    course.running = running
    return course


class _Ahead(CourseSimulation):
    """A simulation that begins with an issue as it stands."""

    @property
    def case(self) -> Case:
        """The issue."""
        return next(iter(self.cases.values()))

    def begin(self, found: Held, moves: bool, start: Moment) -> Entries:
        """Takes the issue up, moved to the simulation's version if it `moves`; gives the lines before that."""
        if moves:
            case, earlier = passed(found, start)
            event = migration_plan(found.pinned.process, self.process, case, earlier, start)
            done = advance(self.process, case, event, start, self.world)
            self._take(done.case, earlier, start)
            self.note(done.case, done.entries, done.tellings)
            return earlier
        earlier = list(issues.entries(found.id))
        self._take(found.case.copy(), earlier, start)
        return earlier

    def _take(self, case: Case, earlier: Entries, start: Moment) -> None:
        self.cases[case.number] = case
        self._before[case.number] = list(earlier)
        self._due[case.number] = next_due(self.process, case)
        self.start = start
        self.states.append(state_of(case, self.process, start))


def _running(case: Case) -> list[tuple[str, int, Moment]]:
    return [
        (name, state.open.number, state.open.due)
        for name, state in case.clocks.items()
        if state.open is not None and state.open.state == "running"
    ]
