"""The sweep: what is due happens, issue by issue, in the order in which it fell due (architecture, "How one issue
travels", 4). One row per issue carries the earliest moment of everything timed on it.

An issue that fails is set apart with its problem, shown, and holds up nothing else.
"""

from __future__ import annotations

import heapq
import logging
import time
from typing import Final

from server import clock, delivery, leases, metrics, schedules
from server.clock_guard import ClockGuard, Reading
from server.core.advance import next_due
from server.core.moments import Moment
from server.crash_points import crash_point
from server.recording import LIVE, Overtaken, Surroundings, UnknownIssue, held, let_time_pass
from server.setting_apart import set_apart, take_up_again
from server.store import database, sql
from server.store.failures import Unavailable

__all__ = ["LEASE", "LIMIT", "Sweeper", "next_wake", "set_apart", "sweep", "take_up_again"]

log = logging.getLogger("duban.sweep")

LEASE: Final = "sweep"
LIMIT: Final = 200

_DUE = (
    'SELECT "wake_at", "id" FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL AND "wake_at" <= ? '
    'ORDER BY "wake_at", "id" LIMIT ?'
)
_NEXT = 'SELECT MIN("wake_at") FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL'


def sweep(now: Moment, limit: int = LIMIT, *, surroundings: Surroundings = LIVE) -> int:
    """Let time pass for the issues that are due at `now`, at most `limit` of them; give how many moved. Each in a
    transaction of its own, in order of due moment, then of receipt. Raises Unavailable."""
    began = time.monotonic()
    with database.session():
        due, horizon = _due(now, limit)
        moved = 0
        while due:
            due_at, issue = heapq.heappop(due)
            metrics.observe(metrics.LATENESS, max(0, now - due_at) / 1000 + time.monotonic() - began)
            until = horizon
            if due:
                following, other = due[0]
                until = min(until, following if issue < other else following - 1)
            wake_at = _pass(issue, until, now, surroundings)
            moved += 1
            if wake_at is not None and wake_at <= horizon:
                heapq.heappush(due, (wake_at, issue))
    return moved


def next_wake(now: Moment) -> Moment | None:
    """When something is due next for the sweeper, on an issue or by a schedule; a moment that is past means: now."""
    with database.session():
        on_issues = sql.run(_NEXT).fetchone()[0]
        found = [on_issues, schedules.next_moment(schedules.PROMPT)]
    due = [int(moment) for moment in found if moment is not None]
    return max(min(due), now) if due else None


def _due(now: Moment, limit: int) -> tuple[list[tuple[Moment, int]], Moment]:
    """The issues that are due, first one first, and up to when these are all of them."""
    due = [(int(wake_at), int(issue)) for wake_at, issue in sql.run(_DUE, now, limit).fetchall()]
    if len(due) < limit:
        return due, now
    # Beyond a full page there may be others, whose turn comes before later moments of these.
    last = due[-1][0]
    if due[0][0] == last:
        return due, last
    return [pair for pair in due if pair[0] < last], last - 1


def _pass(issue: int, until: Moment, now: Moment, surroundings: Surroundings) -> Moment | None:
    """Let time pass on one issue; gives when it is due next. Somebody who acts on it meanwhile lets time pass, too."""
    try:
        found = held(issue)
        due = next_due(found.pinned.process, found.case)
        if due is None or due > until:
            _wake_at(issue, found.seq, due)
            return due
        after = let_time_pass(found, until, now, surroundings)
        crash_point("sweep.after_commit")
        return next_due(after.pinned.process, after.case)
    except (Overtaken, UnknownIssue):
        return None
    except Unavailable:
        raise
    except Exception as error:
        if database.current().db.transaction_depth():
            raise
        log.exception("issue %s is set apart", issue)
        set_apart(issue, error, now)
        return None


def _wake_at(issue: int, seq: int, due: Moment | None) -> None:
    with database.transaction():
        sql.run('UPDATE "issue" SET "wake_at" = ? WHERE "id" = ? AND "seq" = ?', due, issue, seq)


class Sweeper:
    """The sweeper of a process: it works while it holds the lease, and stands by otherwise."""

    def __init__(self, holder: str | None = None, guard: ClockGuard | None = None) -> None:
        """`guard`: the one that this process's other threads go by, too."""
        self._duty = leases.Duty(LEASE, holder, on_taken=lambda: crash_point("sweep.lease_taken"))
        self._guard = guard or ClockGuard()

    @property
    def holder(self) -> str:
        """This process's name in the store."""
        return self._duty.holder

    def work(self, wall: Moment, steady: int) -> Moment | None:
        """Do everything that is due. `steady` are milliseconds of a clock that nobody sets. Gives the moment of the
        next due thing (None: nothing is timed, or another process sweeps, or the clock is not believed)."""
        verdict = clock.look(self._guard, wall, steady)
        news = clock.note(self._guard, Reading(wall, steady), self.holder)
        if verdict.now is None or not self._duty.holds(verdict.now):
            return None
        for one in news:
            if one.event == "back":
                delivery.set_back(one.by, verdict.now)
        schedules.run(verdict.now, schedules.PROMPT)
        # A batch at a time, so that the lease is renewed and the clock read anew in between.
        sweep(verdict.now)
        return next_wake(verdict.now)

    def end(self) -> None:
        """Give the duty to another process at once."""
        self._duty.end()
