"""Playing a drill: the script's issues and times, the live directory's people, and messages that go nowhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from server import messages, policies
from server.core.case import Case
from server.core.channels import Channels
from server.core.findings import Finding
from server.core.library import Library
from server.core.process import Process
from server.core.scripts import BadScript, Script
from server.core.simulate import ScriptWorld, Simulation, play_in
from server.core.turn import Telling
from server.core.world import Place
from server.directory import LiveDirectory
from server.settings import Settings
from server.store import counters

MOST_MESSAGES: Final = 2_000
"""Messages of one drill: they are kept with it, and somebody is to read them."""

# Links of surveys in a drill are signed with this instead of the server's own secret: they open nothing, even when a
# script gives its issue the number of a real one.
_NO_SECRET: Final = "a drill"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill tries: a process, its channels, the processes that its actions may open issues of; `pins` when they
    are the versions in force."""

    process: Process
    channels: Channels
    processes: Mapping[str, Process]
    pins: policies.Pins | None = None


def in_force(name: str) -> Plan | None:
    """The process in force of that name; None: there is none."""
    found = policies.in_force().processes
    if name not in found:
        return None
    processes = {one: pinned.process for one, pinned in found.items()}
    return Plan(found[name].process, found[name].channels, processes, found[name].pins)


def of_library(library: Library, process: Process) -> Plan:
    """A process among documents that are in no store."""
    channels = library.channels[str(process.raw.get("channels") or "default")]
    return Plan(process, channels, library.processes)


class DrillDirectory(LiveDirectory):
    """The live directory, in which a drill takes nobody's turn."""

    def __init__(self) -> None:
        super().__init__()
        self._turns: dict[tuple[str, str], str] = {}

    def take_turn(self, process: str, team: str, present: Sequence[str]) -> str | None:
        if not present:
            return None
        key = (process, team)
        last = self._turns[key] if key in self._turns else counters.last_turn(process, team)
        self._turns[key] = counters.after(last, present)
        return self._turns[key]


class DrillWorld(ScriptWorld):
    """A script's world whose people are those of the live directory, at the script's own times: duty, absence and
    deputies are as they will be then, as far as the directory knows today. Watches count the script's issues only."""

    def __init__(self, processes: Mapping[str, Process], directory: DrillDirectory) -> None:
        super().__init__(processes)
        self.directory = directory

    @property
    def binding(self) -> bool:
        return True

    def fits(self, person: str, who: str, place: Place) -> bool:
        return self.directory.fits(person, who, place)

    def persons(self, who: str, place: Place) -> list[str]:
        return self.directory.persons(who, place)

    def choose(self, team: str, how: str, place: Place) -> str | None:
        return self.directory.choose(team, how, place)


@dataclass(slots=True)
class Told:
    """What one event would have sent: rows as of table Message. `wanted`: the channels that its steps name."""

    entries: Sequence[Mapping[str, Any]]
    wanted: frozenset[str]
    rows: list[dict[str, Any]] = field(default_factory=list)


class DrillSimulation(Simulation):
    """A simulation that words what it would have told."""

    def __init__(self, plan: Plan, settings: Settings, environ: Mapping[str, str]) -> None:
        self.directory = DrillDirectory()
        super().__init__(plan.process, DrillWorld(plan.processes, self.directory))
        self.plan = plan
        self.told: list[Told] = []
        self._settings = replace(settings, secret=_NO_SECRET)
        self._environ = environ
        self._before: dict[str, list[Mapping[str, Any]]] = {}
        self._count = 0

    def note(self, case: Case, entries: Sequence[dict[str, Any]], tellings: Sequence[Telling]) -> None:
        """Keeps the lines and the messages of one event. Raises BadScript when there are too many of either."""
        super().note(case, entries, tellings)
        before = self._before.setdefault(case.number, [])
        told = Told(entries, frozenset(telling.via for telling in tellings))
        if tellings:
            told.rows = messages.plan(tellings, self._occasion(case, entries, tuple(before)))
            self._count += len(told.rows)
        if self._count > MOST_MESSAGES:
            raise BadScript([Finding("too-many-messages", (), {"limit": MOST_MESSAGES})])
        self.told.append(told)
        before.extend(entries)

    def _occasion(
        self, case: Case, entries: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
    ) -> messages.Occasion:
        return messages.Occasion(
            issue_id=None,
            event_id=None,
            seq=len(self.told) + 1,
            process=self.process,
            case=case,
            channels=self.plan.channels,
            entries=entries,
            directory=self.directory,
            now=case.moment,
            settings=self._settings,
            environ=self._environ,
            earlier=before,
        )


def play(plan: Plan, script: Script, settings: Settings, environ: Mapping[str, str] = os.environ) -> DrillSimulation:
    """Plays a script to its end within the caller's session; nothing is written. `environ` says which channels are
    set. Raises BadScript."""
    return play_in(DrillSimulation(plan, settings, environ), script)
