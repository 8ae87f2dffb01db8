"""What lies ahead of an issue (`server.core.forecast`): of one that is made up, or of one in the store. Nothing is
written."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from server.core import forecast, values
from server.core.case import Case
from server.core.deciding import Refused
from server.core.moments import Moment
from server.core.printing import printed, without
from server.core.process import Process
from server.core.simulate import ScriptWorld
from server.core.world import Directory, Place
from server.numbering import BeforeLock
from server.recording import held
from server.store import database

NOBODY: Final = "nobody"
EVERYBODY: Final = "everybody"

Line = dict[str, Any]


class UnknownSeverity(ValueError):
    """The process has no such severity."""


class OtherProcess(ValueError):
    """The issue is one of another process."""


class _Looking(BeforeLock):
    """The live directory, of which nothing is asked that would count: whose turn it is stays open."""

    def choose(self, team: str, how: str, place: Place) -> str | None:
        return None if how == "round_robin" else super(BeforeLock, self).choose(team, how, place)

    def in_window(self, *_: Any) -> int:
        return 0


def of_severity(process: Process, severity: str, now: Moment, until: Moment | None = None) -> Iterator[Line]:
    """Both futures of a new issue of that severity whose record is complete (`forecast.complete`). Raises
    UnknownSeverity."""
    if severity not in process.severities:
        raise UnknownSeverity(severity)
    facts = {**forecast.complete(process, severity, now), "number": "WHAT-IF"}
    return _new(forecast.always(process, severity), facts, now, until, {process.name: process})


def of_facts(
    process: Process,
    given: Mapping[str, Any],
    now: Moment,
    until: Moment | None = None,
    processes: Mapping[str, Process] | None = None,
) -> Iterator[Line]:
    """Both futures of a new issue with these facts, as `decide` takes it. Raises Refused."""
    given = dict(given)
    number = given.pop("number", None)
    facts, problems = values.new_issue(process, given, now, extra=True)
    if problems:
        raise Refused(problems)
    facts["number"] = "WHAT-IF" if number is None else str(number)
    return _new(process, facts, now, until, processes or {process.name: process})


def of_issue(process: str, number: str, until: Moment | None = None, hidden: bool = True) -> Iterator[Line]:
    """Both futures of an issue of the store, by the version that judges it. `hidden`: without its private fields.
    Raises UnknownIssue, OtherProcess."""
    with database.session():
        found = held(number)
    if found.case.process != process:
        raise OtherProcess(found.case.process)

    def start() -> tuple[Case, Sequence[Line]]:
        return copy.deepcopy(found.case), ()

    lines = _both(found.pinned.process, start, until, _Looking)
    private = found.pinned.private if hidden else frozenset()

    def told() -> Iterator[Line]:
        with database.session():
            yield from (without(line, private) for line in lines)

    return told()


def _new(
    process: Process, facts: Mapping[str, Any], now: Moment, until: Moment | None, processes: Mapping[str, Process]
) -> Iterator[Line]:
    def start() -> tuple[Case, Sequence[Line]]:
        return forecast.received(process, facts, now, ScriptWorld(processes))

    return _both(process, start, until, lambda: ScriptWorld(processes))


def _both(
    process: Process,
    start: Callable[[], tuple[Case, Sequence[Line]]],
    until: Moment | None,
    world: Callable[[], Directory],
) -> Iterator[Line]:
    for name in (NOBODY, EVERYBODY):
        case, first = start()
        for line in (*first, *forecast.ahead(process, case, until, world(), name == EVERYBODY)):
            yield {"if": name, **printed(line, process)}
