"""The sweep: what is due happens, issue by issue, in the order in which it fell due (architecture, "How one issue
travels", 4). One row per issue carries the earliest moment of everything timed on it.

An issue that fails is set apart with its problem, shown, and holds up nothing else.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable
from typing import Final

from server import clock, delivery, drafts, leases, metrics, schedules
from server.clock_guard import ClockGuard, Reading
from server.core.advance import next_due
from server.core.moments import Moment
from server.crash_points import crash_point
from server.events import LIVE, Surroundings
from server.passing import Passing, wake_at
from server.recording import Overtaken, UnknownIssue, held, let_time_pass
from server.setting_apart import set_apart, take_up_again
from server.store import database, revisions, sql
from server.store.failures import Unavailable

__all__ = ["LEASE", "LIMIT", "Sweeper", "next_on_issues", "next_wake", "set_apart", "sweep", "take_up_again"]

log = logging.getLogger("duban.sweep")

LEASE: Final = "sweep"
LIMIT: Final = 200
TOGETHER: Final = 20
"""Issues that share a transaction on SQLite: others who want to write wait for no longer than these take."""

TOGETHER_ON_POSTGRESQL: Final = 50
"""The same where only those wait who want to write these very issues, and where each conversation costs a turn."""

_DUE = (
    'SELECT "wake_at", "id" FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL AND "wake_at" <= ? '
    'ORDER BY "wake_at", "id" LIMIT ?'
)
_NEXT = 'SELECT MIN("wake_at") FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL'


def sweep(now: Moment, limit: int = LIMIT, *, surroundings: Surroundings = LIVE) -> int:
    """Let time pass for the issues that are due at `now`, at most `limit` of them; give how many moved. In order of due
    moment, then of receipt, a few in each transaction; where one of them fails, each in a transaction of its own.
    Raises Unavailable."""
    began = time.monotonic()
    with database.session():
        due, horizon = _due(now, limit)
        moved = 0
        inside = bool(database.current().db.transaction_depth())
        while due:
            passed = [] if inside else _pass_together(due, horizon, now, surroundings)
            if not passed:
                passed = _pass_one_by_one(due, horizon, now, surroundings)
            moved += len(passed)
            for due_at in passed:
                metrics.observe(metrics.LATENESS, max(0, now - due_at) / 1000 + time.monotonic() - began)
    return moved


Due = list[tuple[Moment, int]]
"""Issues with the moment at which each is due, as a heap."""


def _pass_first(due: Due, horizon: Moment, pass_one: Callable[[int, Moment], Moment | None]) -> Moment:
    """Let time pass on the issue that is due first, up to where another one's turn comes; give when it was due."""
    due_at, issue = heapq.heappop(due)
    until = horizon
    if due:
        following, other = due[0]
        until = min(until, following if issue < other else following - 1)
    again_at = pass_one(issue, until)
    if again_at is not None and again_at <= horizon:
        heapq.heappush(due, (again_at, issue))
    return due_at


def _pass_together(due: Due, horizon: Moment, now: Moment, surroundings: Surroundings) -> list[Moment]:
    """Let time pass on the issues that are due first, in one transaction; give when each was due. Empty: one of them
    failed, and nothing has happened."""
    most = TOGETHER_ON_POSTGRESQL if database.current().is_postgresql else TOGETHER
    some = {issue for _, issue in heapq.nsmallest(most, due)}
    left = list(due)
    passed: list[Moment] = []
    try:
        with database.transaction(), revisions.still(revisions.ask()):
            passing = Passing(some, now, surroundings)
            while left and left[0][1] in some and len(passed) < most:
                passed.append(_pass_first(left, horizon, passing.let_pass))
            passing.write()
            crash_point("sweep.before_commit")
    except Exception:
        log.info("issues that fell due together pass one by one", exc_info=True)
        return []
    crash_point("sweep.after_commit")
    due[:] = left
    return passed


def _pass_one_by_one(due: Due, horizon: Moment, now: Moment, surroundings: Surroundings) -> list[Moment]:
    """As many as go together at most, each in a transaction of its own: what made them fail is then behind."""
    passed: list[Moment] = []
    while due and len(passed) < TOGETHER_ON_POSTGRESQL:
        passed.append(_pass_first(due, horizon, lambda issue, until: _pass(issue, until, now, surroundings)))
    return passed


def next_on_issues() -> Moment | None:
    """When something is due next on an issue; None: never."""
    found: Moment | None = sql.run(_NEXT).fetchone()[0]
    return found


def next_wake(now: Moment) -> Moment | None:
    """When something is due next for the sweeper, on an issue or by a schedule; a moment that is past means: now."""
    with database.session():
        found = [next_on_issues(), drafts.next_moment(), schedules.next_moment(schedules.PROMPT)]
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
            with database.transaction():
                wake_at(issue, found.seq, due)
            return due
        after = let_time_pass(found, until, now, surroundings)
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
        with database.session():
            drafts.activate_due(verdict.now)
        schedules.run(verdict.now, schedules.PROMPT)
        # A batch at a time, so that the lease is renewed and the clock read anew in between.
        sweep(verdict.now)
        return next_wake(verdict.now)

    def end(self) -> None:
        """Give the duty to another process at once."""
        self._duty.end()
