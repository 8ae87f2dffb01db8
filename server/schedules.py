"""What comes round by a schedule and belongs to no issue: sources with `at` open an issue, samples one for each issue
drawn (policy language, section 4). Occurrences missed in a downtime happen once and say how many they stand for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from server import audit, intake, nudging, policies, sampling
from server.core.calendars import Calendar
from server.core.moments import Moment
from server.core.sources import Source
from server.policies import InForce
from server.recording import linked
from server.store import database
from server.store.failures import Unavailable
from server.store.fields import canonical
from server.store.models import Meta, Schedule

log = logging.getLogger("duban.schedules")

SOURCE: Final = "source"
SEEN: Final = "schedules"  # the revision of the policies that the rows were made from
SAMPLED: Final = "sampled"
MOST: Final = 10_000
"""Occurrences that are counted; a daily one reaches it in 27 years."""


def run(now: Moment) -> int:
    """Let everything happen whose time has come; give how much that was. What fails is set apart with its problem."""
    set_up(now)
    done = 0
    with database.session():
        for row in list(_due(now)):
            try:
                _run(row, now)
                done += 1
            except Unavailable:
                raise
            except Exception as error:
                log.exception("schedule %s is set apart", row.key)
                _set_apart(row, error, now)
    return done


def _due(now: Moment) -> Iterator[Any]:
    query = Schedule.select().where(Schedule.next_at <= now, Schedule.problem.is_null())
    return iter(query.order_by(Schedule.next_at, Schedule.id))


# -- rows ----------------------------------------------------------------------------------------------------------


def set_up(now: Moment) -> None:
    """Make the rows follow the sources in force: a new schedule counts from now, one that is as it was goes on."""
    found = policies.in_force()
    with database.session():
        seen = Meta.get_or_none(Meta.key == SEEN)
        if seen is not None and seen.value == found.revision:
            return
        with database.transaction():
            rows = {row.name: row for row in Schedule.select().where(Schedule.kind == SOURCE)}
            for source in found.sources.values():
                if source.at and (calendar := _calendar(found, source)) is not None:
                    _follow(rows.pop(source.name, None), source, calendar, now)
            for row in rows.values():
                Schedule.update(next_at=None, seq=row.seq + 1).where(Schedule.id == row.id).execute()
            Meta.insert(key=SEEN, value=found.revision).on_conflict(
                conflict_target=[Meta.key], preserve=[Meta.value]
            ).execute()
    nudging.after_commit()


def _calendar(found: InForce, source: Source) -> Calendar | None:
    pinned = found.processes.get(source.process)
    if pinned is None:
        log.error("source %s names a process that is not in force: %s", source.name, source.process)
        return None
    return pinned.process.calendar


def _follow(row: Any, source: Source, calendar: Calendar, now: Moment) -> None:
    state = {"at": [schedule.text for schedule in source.at], "calendar": calendar.name}
    if row is None:
        Schedule.create(
            kind=SOURCE,
            name=source.name,
            key=f"source:{source.name}",
            next_at=_next(source, calendar, now),
            state=state,
        )
    elif row.next_at is None or row.state != state or row.problem is not None:
        Schedule.update(next_at=_next(source, calendar, now), state=state, seq=row.seq + 1, problem=None).where(
            Schedule.id == row.id
        ).execute()


def _next(source: Source, calendar: Calendar, after: Moment) -> Moment:
    return min(calendar.next_occurrence(schedule, after) for schedule in source.at)


def _set_apart(row: Any, error: Exception, now: Moment) -> None:
    problem = {"at": now, "error": type(error).__name__, "detail": str(error)[:500]}
    with database.transaction():
        Schedule.update(problem=canonical(problem), seq=row.seq + 1).where(
            Schedule.id == row.id, Schedule.seq == row.seq
        ).execute()
        audit.record("schedule.set-apart", now, {"schedule": row.key, **problem})


# -- an occurrence -------------------------------------------------------------------------------------------------


def _run(row: Any, now: Moment) -> None:
    found = policies.in_force()
    source = found.sources[row.name]
    calendar = _calendar(found, source)
    assert calendar is not None
    at, stands_for, following = _occurrences(source, calendar, row.next_at, now)
    if source.sample is None:
        _open(source, calendar, at, stands_for, now)
    else:
        for drawn in sampling.drawn(source, source.sample, calendar, at):
            _open(source, calendar, at, stands_for, now, drawn)
    with database.transaction():
        moved = (
            Schedule.update(next_at=following, seq=row.seq + 1)
            .where(Schedule.id == row.id, Schedule.seq == row.seq)
            .execute()
        )
        if moved:
            body = {"schedule": row.key, "at": at, "stands_for": stands_for}
            audit.record("schedule.came-round", now, body)


def _occurrences(source: Source, calendar: Calendar, first: Moment, now: Moment) -> tuple[Moment, int, Moment]:
    """The last occurrence that has come, how many it stands for, and the next one."""
    at, count = first, 1
    following = _next(source, calendar, at)
    while following <= now and count < MOST:
        at, count = following, count + 1
        following = _next(source, calendar, at)
    return at, count, max(following, now + 1)


def _open(
    source: Source, calendar: Calendar, at: Moment, stands_for: int, now: Moment, drawn: sampling.Drawn | None = None
) -> None:
    """Opens the issue of an occurrence. Its external id makes it one, however often this is tried."""
    given: dict[str, Any] = {**source.issue, "received": calendar.show(at)}
    if stands_for > 1:
        given["extra"] = {"stands_for": stands_for}
    external_id = f"{source.name}/{calendar.show(at)}" + (f"/{drawn.number}" if drawn else "")
    with database.transaction():
        opened = intake.receive(source.process, given, now, source=source.name, external_id=external_id)
        if drawn is not None and opened.created:
            linked(opened.issue, drawn.issue, SAMPLED, None, now)
