"""Figures of a process over a period, and whether its targets are met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server import policies
from server.core.judging_targets import judge
from server.core.measures import Measure, Target, compile_measure, compile_target, scope_of
from server.core.moments import Moment
from server.core.periods import Period
from server.core.tallies import Tallies, window
from server.reports.reading import read
from server.store import database


def figures(process: str, period: Period, now: Moment, measures: Sequence[Any] | None = None) -> dict[str, Any]:
    """The figures of a process in force over a period, as plain data: `period`, `figures` in the order of `measures`
    (as written in a report; left out: all that its reports show, each once), `targets` with their outcomes, and how
    many issues were `unreadable`.

    Facts are those that issues have now; for conditions, now is the end of the period (or `now`, when that is
    earlier). Raises KeyError for a process that is not in force, ValueError for a measure that is none.
    """
    in_force = policies.in_force()
    compiled = in_force.processes[process].process
    scope = scope_of(compiled, in_force.calendars)
    wanted: list[Measure] = [
        compile_measure(measure, scope) for measure in (shown(compiled.raw) if measures is None else measures)
    ]
    targets: list[Target] = [
        compile_target(id_, target, scope, compiled.calendar)
        for id_, target in (compiled.raw.get("targets") or {}).items()
    ]
    tallies = Tallies([*wanted, *(target.measure for target in targets)], window(compiled, period))
    with database.session(), database.snapshot():
        unreadable = read(compiled, tallies, min(period.end, now))
    found = tallies.figures()
    return {
        "process": process,
        "sha256": compiled.sha256,
        "period": {
            "covers": period.covers,
            "first": period.first,
            "last": period.last,
            "start": period.start,
            "end": period.end,
        },
        "at": now,
        "figures": found[: len(wanted)],
        "targets": judge(targets, found[len(wanted) :]),
        "unreadable": unreadable,
    }


def shown(raw: Any) -> list[Any]:
    """Every measure that the reports of a process document show, each once."""
    found: list[Any] = []
    for report in (raw.get("reports") or {}).values():
        found += [measure for measure in report["show"] if measure not in found]
    return found
