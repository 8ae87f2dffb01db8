"""What comes round by a schedule and belongs to no issue: sources with `at` open an issue, samples one for each issue
drawn (policy language, section 4); reports are made; what is kept long enough is erased; owners are reminded
of reviews. Occurrences missed in a downtime happen once and say how many they stand for.

What is done at once (PROMPT) is the sweeper's; what may take seconds (LONG) has a duty of its own, so that no due
moment waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from peewee import fn

from server import audit, erasing, intake, leases, nudging, policies, reports, reviewing, sampling
from server.core.calendars import Calendar
from server.core.moments import Moment
from server.core.schedules import Schedule as Times
from server.core.sources import Source
from server.crash_points import crash_point
from server.events import linked
from server.policies import InForce
from server.store import database, sql
from server.store.failures import Unavailable
from server.store.fields import canonical
from server.store.models import Meta, Schedule

log = logging.getLogger("duban.schedules")

SOURCE: Final = "source"
SAMPLE: Final = "sample"
REPORT: Final = reports.REPORT
KEEP: Final = "keep"
REVIEW: Final = "review"
PROMPT: Final = (SOURCE, REVIEW)
LONG: Final = (SAMPLE, REPORT, KEEP)
LEASE: Final = "schedules"
LEASE_LENGTH: Final = 60_000
"""Milliseconds: one report may take longer than the sweeper's lease. Making it a second time would change nothing."""

AGAIN: Final = 250
"""Milliseconds after which what has to wait for the sweep is tried again."""
SEEN: Final = "schedules"  # the revision of the policies that the rows were made from
SAMPLED: Final = "sampled"
MOST: Final = 10_000
"""Occurrences that are counted; a daily one reaches it in 27 years."""

Recurring = tuple[str, Sequence[Times], Calendar]
"""What comes round: its name, when, and in which calendar."""


class Kind(NamedTuple):
    """A kind of rows: all that comes round by the policies in force, and what is done when the one of a name does, as
    `came_round(name, at, stands_for, now)`, which may be tried again for the same `at`."""

    recurring: Callable[[InForce], Iterator[Recurring]]
    came_round: Callable[[str, Moment, int, Moment], None]


def run(now: Moment, kinds: Collection[str] = (*PROMPT, *LONG)) -> int:
    """Let everything of these kinds happen whose time has come; give how much that was. What fails is set apart with
    its problem."""
    if SOURCE in kinds:
        set_up(now)
    done = 0
    with database.session():
        for row in list(_due(now, kinds)):
            try:
                done += _run(row, now)
            except Unavailable:
                raise
            except Exception as error:
                log.exception("schedule %s is set apart", row.key)
                _set_apart(row, error, now)
    return done


def _due(now: Moment, kinds: Collection[str]) -> Iterator[Any]:
    query = Schedule.select().where(Schedule.next_at <= now, Schedule.problem.is_null(), Schedule.kind.in_(kinds))
    return iter(query.order_by(Schedule.next_at, Schedule.id))


def next_moment(kinds: Collection[str]) -> Moment | None:
    """When something of these kinds comes round next; None: nothing does."""
    query = Schedule.select(fn.MIN(Schedule.next_at)).where(Schedule.problem.is_null(), Schedule.kind.in_(kinds))
    with database.session():
        moment = query.scalar()
    return None if moment is None else int(moment)


class Scheduler:
    """Does what comes round and takes long, in one process at a time, beside the sweep."""

    def __init__(self, holder: str | None = None) -> None:
        self._duty = leases.Duty(LEASE, holder, LEASE_LENGTH)

    def work(self, now: Moment) -> Moment | None:
        """Do what is due, a bounded piece of each. Gives the moment to look again (None: there is none, or another
        process has the duty)."""
        if not self._duty.holds(now):
            return None
        done = run(now, LONG)
        following = next_moment(LONG)
        if following is None:
            return None
        return max(following, now if done else now + AGAIN)

    def end(self) -> None:
        """Give the duty to another process at once."""
        self._duty.end()


def _is_behind(moment: Moment) -> bool:
    """Whether something that fell due on an issue before that moment has still to happen."""
    waits = 'SELECT 1 FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL AND "wake_at" < ? LIMIT 1'
    return sql.run(waits, moment).fetchone() is not None


# -- rows ----------------------------------------------------------------------------------------------------------


def set_up(now: Moment) -> None:
    """Make the rows follow the policies in force: a new schedule counts from now, one that is as it was goes on."""
    found = policies.in_force()
    seen_now = f"{found.revision} {' '.join(KINDS)}"
    with database.session():
        seen = Meta.get_or_none(Meta.key == SEEN)
        if seen is not None and seen.value == seen_now:
            return
        with database.transaction():
            for kind, what in KINDS.items():
                rows = {row.name: row for row in Schedule.select().where(Schedule.kind == kind)}
                for one in what.recurring(found):
                    _follow(rows.pop(one[0], None), kind, one, now)
                for row in rows.values():
                    Schedule.update(next_at=None, seq=row.seq + 1).where(Schedule.id == row.id).execute()
            Meta.insert(key=SEEN, value=seen_now).on_conflict(
                conflict_target=[Meta.key], preserve=[Meta.value]
            ).execute()
    nudging.after_commit()


def _sources(found: InForce, sampled: bool = False) -> Iterator[Recurring]:
    for source in found.sources.values():
        if source.at and (source.sample is not None) == sampled and (calendar := _calendar(found, source)) is not None:
            yield source.name, source.at, calendar


def _calendar(found: InForce, source: Source) -> Calendar | None:
    pinned = found.processes.get(source.process)
    if pinned is None:
        log.error("source %s names a process that is not in force: %s", source.name, source.process)
        return None
    return pinned.process.calendar


def _follow(row: Any, kind: str, one: Recurring, now: Moment) -> None:
    name, times, calendar = one
    state = {"at": [schedule.text for schedule in times], "calendar": calendar.name}
    if row is None:
        Schedule.create(kind=kind, name=name, key=f"{kind}:{name}", next_at=_next(times, calendar, now), state=state)
    elif row.next_at is None or row.state != state or row.problem is not None:
        Schedule.update(next_at=_next(times, calendar, now), state=state, seq=row.seq + 1, problem=None).where(
            Schedule.id == row.id
        ).execute()


def _next(times: Sequence[Times], calendar: Calendar, after: Moment) -> Moment:
    return min(calendar.next_occurrence(schedule, after) for schedule in times)


def _set_apart(row: Any, error: Exception, now: Moment) -> None:
    problem = {"at": now, "error": type(error).__name__, "detail": str(error)[:500]}
    with database.transaction():
        Schedule.update(problem=canonical(problem), seq=row.seq + 1).where(
            Schedule.id == row.id, Schedule.seq == row.seq
        ).execute()
        audit.record("schedule.set-apart", now, {"schedule": row.key, **problem})


def take_up_again(schedule: int, now: Moment, by: str | None) -> bool:
    """Let a schedule that was set apart come round again: at once, if its time has come. False when it is not."""
    with database.transaction():
        row = Schedule.get_or_none(Schedule.id == schedule, Schedule.problem.is_null(False))
        if row is None:
            return False
        Schedule.update(problem=None, seq=row.seq + 1).where(Schedule.id == schedule).execute()
        audit.record("schedule.taken-up-again", now, {"schedule": row.key}, by=by)
    nudging.nudge()
    return True


# -- an occurrence -------------------------------------------------------------------------------------------------


def _run(row: Any, now: Moment) -> bool:
    """Lets one come round; False: it has to wait."""
    kind = KINDS[row.kind]
    found = next((one for one in kind.recurring(policies.in_force()) if one[0] == row.name), None)
    if found is None:
        return False  # its document was changed a moment ago; the row follows
    _, times, calendar = found
    at, stands_for, following = _occurrences(times, calendar, row.next_at, now)
    if row.kind == REPORT and _is_behind(at):
        return False  # after a downtime: what fell due in its period has not happened yet
    try:
        kind.came_round(row.name, at, stands_for, now)
    except erasing.Unfinished:
        return True  # the rest in the next turns, so that nothing else waits for it
    crash_point("schedules.came_round")
    with database.transaction():
        moved = (
            Schedule.update(next_at=following, seq=row.seq + 1)
            .where(Schedule.id == row.id, Schedule.seq == row.seq)
            .execute()
        )
        if moved:
            body = {"schedule": row.key, "at": at, "stands_for": stands_for}
            audit.record("schedule.came-round", now, body)
    crash_point("schedules.moved")
    return True


def _occurrences(times: Sequence[Times], calendar: Calendar, first: Moment, now: Moment) -> tuple[Moment, int, Moment]:
    """The last occurrence that has come, how many it stands for, and the next one."""
    at, count = first, 1
    following = _next(times, calendar, at)
    while following <= now and count < MOST:
        at, count = following, count + 1
        following = _next(times, calendar, at)
    return at, count, max(following, now + 1)


def _source_came_round(name: str, at: Moment, stands_for: int, now: Moment) -> None:
    source, calendar = _source(name)
    _open(source, calendar, at, stands_for, now)


def _sample_came_round(name: str, at: Moment, stands_for: int, now: Moment) -> None:
    source, calendar = _source(name)
    assert source.sample is not None
    for drawn in sampling.drawn(source, source.sample, calendar, at):
        _open(source, calendar, at, stands_for, now, drawn)


def _source(name: str) -> tuple[Source, Calendar]:
    found = policies.in_force()
    source = found.sources[name]
    calendar = _calendar(found, source)
    assert calendar is not None
    return source, calendar


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


KINDS: Final[Mapping[str, Kind]] = {
    SOURCE: Kind(_sources, _source_came_round),
    SAMPLE: Kind(lambda found: _sources(found, sampled=True), _sample_came_round),
    REPORT: Kind(reports.recurring, reports.came_round),
    KEEP: Kind(erasing.recurring, erasing.came_round),
    REVIEW: Kind(reviewing.recurring, reviewing.came_round),
}
