"""Playing a script: time jumps from one due moment to the next, and nothing is stored or sent (contract, "A script",
"A timeline")."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from server.core import values
from server.core.advance import advance, next_due, step
from server.core.case import Case
from server.core.findings import Finding
from server.core.moments import Moment
from server.core.printing import printed
from server.core.process import Process
from server.core.scripts import BadScript, Doing, Path, Script
from server.core.turn import Telling, Turn
from server.core.world import Asked, Place

MOST_LINES = 200_000
"""A script that gives more lines is taken for a slip (a clock that recurs each second, played for a year)."""


class ScriptWorld:
    """The directory that a script is: its people are what it lists; numbers are SIM-1, SIM-2 …; nobody is chosen."""

    def __init__(self, processes: Mapping[str, Process], people: Mapping[str, Sequence[str]] | None = None) -> None:
        self._processes = processes
        self._people = people
        self._received: dict[str, list[Moment]] = {}
        self._issues = 0

    @property
    def binding(self) -> bool:
        return self._people is not None

    def counted(self) -> int:
        """Counts a further issue, numbered or not; gives which one it is."""
        self._issues += 1
        return self._issues

    def number(self, process: str, received: Moment) -> str:
        return f"SIM-{self._issues}"

    def fits(self, person: str, who: str, place: Place) -> bool:
        listed = (self._people or {}).get(person, ())
        return who in listed or (who == "team" and f"team:{place.team}" in listed)

    def persons(self, who: str, place: Place) -> list[str]:
        return [person for person in self._people or {} if self.fits(person, who, place)]

    def choose(self, team: str, how: str, place: Place) -> str | None:
        return None

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        key = json.dumps([process, watch, list(values)], ensure_ascii=False)
        received = self._received.setdefault(key, [])
        received.append(now)
        return sum(moment >= since for moment in received)

    def refuses(self, process: str, fields: Mapping[str, Any], now: Moment) -> bool:
        return process in self._processes and bool(values.new_issue(self._processes[process], fields, now)[1])


class Simulation:
    """The issues of one script, in order of receipt, and the lines so far."""

    def __init__(self, process: Process, world: ScriptWorld) -> None:
        self.process = process
        self.world = world
        self.cases: dict[str, Case] = {}
        self.lines: list[dict[str, Any]] = []
        self._due: dict[str, Moment | None] = {}

    def pass_time(self, until: Moment) -> None:
        """Lets time pass up to and including `until`, at one instant issue by issue in order of receipt."""
        while True:
            due = [(moment, number) for number, moment in self._due.items() if moment is not None and moment <= until]
            if not due:
                return
            number = min(due, key=lambda pair: pair[0])[1]
            case = self.cases[number]
            turn = Turn(self.process, case, Asked(self.world), case.moment)
            step(turn, until)
            self.note(case, turn.entries, turn.tellings)

    def receive(self, given: Mapping[str, Any], now: Moment, by: str | None, path: Path) -> None:
        """Records a further issue. Raises BadScript when it is refused."""
        given = dict(given)
        number = given.pop("number", None)
        count = self.world.counted()
        facts, problems = values.new_issue(self.process, given, now, extra=True)
        name = f"SIM-{count}" if number is None else str(number)
        if name in self.cases:
            problems.append(values.Problem("/number", "same-number", {"name": "number", "number": name}))
        if problems:
            raise BadScript(
                [Finding(problem.code, (*path, *_steps(problem.at)), problem.params) for problem in problems]
            )
        facts["number"] = name
        done = advance(self.process, None, {"kind": "received", "facts": facts, "by": by}, now, self.world)
        self.cases[done.case.number] = done.case
        self.note(done.case, done.entries, done.tellings)

    def do(self, doing: Doing) -> None:
        """Plays one event. Raises BadScript when it names an issue that there is not."""
        number = doing.number or next(iter(self.cases))
        case = self.cases.get(number)
        if case is None:
            params: dict[str, str | int] = {"number": number, "defined": ", ".join(self.cases)}
            raise BadScript([Finding("unknown-issue", (*doing.path, "issue"), params)])
        done = advance(self.process, case, event_of(doing), doing.at, self.world, copied=False)
        entries = list(done.entries)
        if done.refused is not None:
            refused = done.refused
            entries.append(
                {
                    "at": case.moment,
                    "number": number,
                    "kind": "refused",
                    "action": refused.action,
                    "by": refused.by,
                    "why": refused.why,
                }
            )
        self.note(done.case, entries, done.tellings)

    def note(self, case: Case, entries: Sequence[dict[str, Any]], tellings: Sequence[Telling]) -> None:
        """Keeps the lines of one event or of one due moment. `tellings`: what they would have told; here nobody is.
        Raises BadScript when there are too many lines."""
        self.lines.extend(entries)
        self._due[case.number] = next_due(self.process, case)
        if len(self.lines) > MOST_LINES:
            raise BadScript([Finding("too-many-lines", (), {"limit": MOST_LINES})])


Played = TypeVar("Played", bound=Simulation)


def play(script: Script, process: Process, processes: Mapping[str, Process]) -> Simulation:
    """Plays a script to its end; gives the simulation with its lines. Raises BadScript. `processes`: those that
    actions may open issues of."""
    return play_in(Simulation(process, ScriptWorld(processes, script.people)), script)


def play_in(simulation: Played, script: Script) -> Played:
    """Plays a script in a simulation that has just begun; gives it back. Raises BadScript."""
    simulation.receive(script.issue, script.start, script.by, ("issue",))
    for doing in script.events:
        if doing.at > script.until:
            break
        simulation.pass_time(doing.at - 1)
        if doing.kind == "receive":
            by = doing.by if doing.by is not None else script.by
            simulation.receive(doing.what, doing.at, by, (*doing.path, "receive"))
        else:
            simulation.do(doing)
    simulation.pass_time(script.until)
    return simulation


def timeline(simulation: Simulation) -> Iterator[dict[str, Any]]:
    """The lines as the contract prints them."""
    return (printed(line, simulation.process) for line in simulation.lines)


def event_of(doing: Doing) -> dict[str, Any]:
    """The event, as `advance` takes it, that a line of a script other than `receive` is."""
    if doing.kind == "do":
        return {"kind": "action", "action": doing.what, "by": doing.by, "with": doing.given}
    if doing.kind == "survey":
        return {"kind": "survey", "survey": doing.what, "with": doing.given}
    return {"kind": doing.kind, "notice": doing.what, "by": doing.by}


def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(part for part in pointer.split("/") if part)
