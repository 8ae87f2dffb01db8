"""Audit by sample: which closed issues are looked at again (policy language, section 4, `sample`).

They are drawn as those who are asked a survey are: nobody can choose, anybody can check.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from server import policies
from server.core import periods
from server.core.calendars import Calendar
from server.core.conditions import Condition, compile_condition
from server.core.kinds import Scope
from server.core.moments import Moment
from server.core.process import Process
from server.core.sources import Sample, Source
from server.core.surveys import is_drawn
from server.core.turn import Turn
from server.core.world import Asked
from server.numbering import live_directory
from server.recording import held
from server.store import database
from server.store.models import Issue


class Drawn(NamedTuple):
    """An issue that was drawn."""

    issue: int
    number: str


class BadSample(ValueError):
    """A sample whose condition does not compile for the process it looks at."""


def period(covers: str, at: Moment, calendar: Calendar) -> tuple[Moment, Moment]:
    """The last full day, week (from Monday) or month before that moment, [start, end)."""
    found = periods.last_full(covers, at, calendar)
    return found.start, found.end


def drawn(source: Source, sample: Sample, calendar: Calendar, at: Moment) -> Iterator[Drawn]:
    """The issues closed in the last full period that are drawn, in order of receipt."""
    start, end = period(sample.covers, at, calendar)
    share = float(sample.share.removesuffix("%"))
    found = policies.in_force().processes.get(sample.of)
    where = None if found is None or sample.where is None else _condition(sample, found.process)
    with database.session():
        closed = list(
            Issue.select(Issue.id, Issue.number)
            .where(Issue.process == sample.of, Issue.closed_at >= start, Issue.closed_at < end)
            .order_by(Issue.id)
        )
    for row in closed:
        if is_drawn(row.number, source.name, share) and (where is None or _holds(where, row.id, at)):
            yield Drawn(row.id, row.number)


def _condition(sample: Sample, process: Process) -> Condition:
    scope = Scope(process.kinds, process.calendar, process.events, dict(policies.in_force().calendars))
    condition = compile_condition(sample.where, scope)
    if condition.problems:
        raise BadSample(f"{sample.of}: {condition.problems}")
    return condition


def _holds(where: Condition, issue: int, at: Moment) -> bool:
    found = held(issue)
    turn = Turn(found.pinned.process, found.case, Asked(live_directory()), at)
    return where.holds(turn.view)
