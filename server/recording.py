"""What an event does to an issue, judged by the interpreter and written in one transaction: the issue with its case,
the event with its lines and answers, messages, linked issues, survey links, the audit entry (architecture, "How one
issue travels").

Events of one issue are strictly one after the other: its `seq` is compared and set, and whoever was slower starts over
with the fresh case.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import peewee

from server import events, policies
from server.core import case as cases
from server.core.advance import Advance, Refused, advance, next_due
from server.core.case import Case
from server.core.moments import Moment, OutOfRange, show
from server.core.world import Directory
from server.crash_points import crash_point
from server.events import LIVE, Change, Recorded, Surroundings
from server.events import Held as Held
from server.numbering import BeforeLock, NeedsLock, live_directory
from server.policies import Pinned
from server.receipts import open_linked
from server.setting_apart import CannotGoOn, NeverSettles, set_apart
from server.store import database, sql, writing
from server.store.failures import Unavailable
from server.store.models import Issue

log = logging.getLogger("duban.recording")

ATTEMPTS: Final = 12

TIME: Final[Mapping[str, Any]] = {"kind": "time"}


class UnknownIssue(LookupError):
    """There is no issue of that number."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class Overtaken(Exception):
    """Somebody else's event on the issue came first, again and again."""


class PreconditionFailed(Exception):
    """The issue is not as the caller last saw it: its `seq` is another."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the issue's seq is {seq}")
        self.seq = seq


# -- an event on an issue ------------------------------------------------------------------------------------------


def held(issue: int | str) -> Held:
    """The issue of this id or number as it stands. Raises UnknownIssue, and CannotGoOn when its case cannot be read or
    its policy does not compile."""
    rows = _rows('"id"' if isinstance(issue, int) else '"number"', issue)
    if not rows:
        raise UnknownIssue(str(issue))
    try:
        return _held(rows[0])
    except Exception as error:
        if _is_the_stores(error):
            raise
        raise CannotGoOn(str(rows[0][1])) from error


def _is_inside_a_transaction() -> bool:
    return bool(database.current().db.transaction_depth())


def _is_the_stores(error: Exception) -> bool:
    """Whether this is trouble of the store, and not of one issue."""
    return isinstance(error, Unavailable | peewee.PeeweeException)


_HELD: Final = 'SELECT "id", "number", "seq", "case", "pins", "closed_at" FROM "issue" WHERE {column} = ?'


def _rows(column: str, value: int | str) -> Sequence[Sequence[Any]]:
    # Written out, because building the query costs more than running it.
    with database.session():
        found: Sequence[Sequence[Any]] = sql.run(_HELD.format(column=column), value).fetchall()
    return found


def _held(row: Sequence[Any]) -> Held:
    """The issue of such a row. Raises whatever a case that cannot be read, or a policy that does not compile, does."""
    id, number, seq, text, pins, closed_at = row
    return Held(id, number, seq, cases.load(text), policies.process_for(json.loads(pins)), closed_at)


def record_event(
    issue: int | str,
    event: Mapping[str, Any],
    now: Moment,
    *,
    by: str | None = None,
    key: str | None = None,
    if_seq: int | None = None,
    surroundings: Surroundings = LIVE,
    also: Callable[[int], None] | None = None,
) -> Recorded:
    """Let an event happen on an issue. Time passes first, up to but not including `now` (for `time`, `now` included).

    Refused events leave the issue as it is and are in the answer's `refused`, except those of `again`, which stand on
    the timeline. `also` is called with the issue's id in the transaction that writes it.

    Raises UnknownIssue, PreconditionFailed (`if_seq` is not the issue's), AlreadyRecorded (`key`),
    Overtaken, CannotGoOn (the issue is then set apart), and Unavailable.
    """
    try:
        return _recorded(issue, event, now, by, key, if_seq, surroundings, also)
    except CannotGoOn as failed:
        if not _is_inside_a_transaction():
            keep_apart(failed, now)
        raise


def keep_apart(failed: CannotGoOn, now: Moment) -> None:
    """Set an issue apart that somebody has met who could not go on with it; once. Raises Unavailable."""
    with database.session():
        row = Issue.get_or_none(Issue.number == failed.number)
        if row is not None and set_apart(row.id, failed, now):
            log.error("issue %s is set apart", failed.number, exc_info=failed)


def _recorded(
    issue: int | str,
    event: Mapping[str, Any],
    now: Moment,
    by: str | None,
    key: str | None,
    if_seq: int | None,
    surroundings: Surroundings,
    also: Callable[[int], None] | None,
) -> Recorded:
    for attempt in range(ATTEMPTS):
        with database.session():
            found = held(issue)
            if if_seq is not None and found.seq != if_seq:
                raise PreconditionFailed(found.seq)
            try:
                if event["kind"] != "time":
                    found = _caught_up(found, now, surroundings)
                return _record(found, event, now, by, key, surroundings, also=also)
            except Overtaken:
                # The pause grows, and differs from issue to issue, so that two do not meet again.
                time.sleep(0.002 * attempt * (1 + found.id % 3))
            except _RefusedInside as refused:
                return Recorded(found.id, found.number, found.seq, found.case, found.pinned, (), refused.refused)
    raise Overtaken(str(issue))


def let_time_pass(found: Held, until: Moment, now: Moment, surroundings: Surroundings = LIVE) -> Recorded:
    """Let what is due on the issue by `until` happen; `now` is when that is recorded. Raises Overtaken."""
    return _record(found, TIME, until, None, None, surroundings, now)


def held_together(issues: Sequence[int]) -> dict[int, Held]:
    """Several issues as they stand, within the caller's transaction, until whose end nobody else changes them. Without
    those that somebody is changing now. Raises what `held` raises for any of them."""
    condition, values = sql.among(issues)
    if database.current().is_postgresql:
        # In one order for all, and before anything else is locked, so that nobody waits in a circle.
        condition += ' ORDER BY "id" FOR UPDATE SKIP LOCKED'
    rows = sql.run(_HELD.format(column='"id"').replace("= ?", condition), *values).fetchall()
    return {row[0]: _held(row) for row in rows}


def let_time_pass_within(found: Held, until: Moment, now: Moment) -> Held:
    """`let_time_pass` within the caller's transaction, which holds the issue; gives the issue after it."""
    change = changed(found, judged(found, TIME, until, live_directory()), TIME, until, now)
    write([change])
    return change.after


def migrate_within(
    found: Held, target: Pinned, event: Mapping[str, Any], now: Moment, by: str | None, key: str
) -> Held:
    """Let an issue, whose time has passed up to `now`, go on under another version within the caller's transaction;
    `event` is what `core.migration.plan` gave for it. Gives the issue after it. Raises Overtaken, CannotGoOn."""
    under = Held(found.id, found.number, found.seq, found.case, target, found.closed_at)
    change = changed(under, judged(under, event, now, live_directory()), event, now, now, by, key)
    write([change])
    return change.after


def _caught_up(found: Held, now: Moment, surroundings: Surroundings) -> Held:
    """After a long downtime more may be due than one call lets pass: then it is written piece by piece, first."""
    while (due := next_due(found.pinned.process, found.case)) is not None and due < now:
        passed = judged_before_lock(found, TIME, now - 1, surroundings)
        if passed is not None and (passed.due is None or passed.due >= now):
            break
        after = _record(found, TIME, now - 1, None, None, surroundings, now)
        found = Held(found.id, found.number, after.seq, after.case, found.pinned, _closed_at(found, after.case))
    return found


class _RefusedInside(Exception):
    """An event that was refused: leaves the transaction, so that nothing that was counted stays."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.why)
        self.refused = refused


def judged_before_lock(
    found: Held, event: Mapping[str, Any], now: Moment, surroundings: Surroundings
) -> Advance | None:
    """What the event does, judged while others may write; None when a question must be asked under the lock."""
    try:
        return judged(found, event, now, surroundings.directory or BeforeLock())
    except NeedsLock:
        return None


def judged(found: Held, event: Mapping[str, Any], now: Moment, directory: Directory) -> Advance:
    """What the event does. Raises CannotGoOn when the policy fails on it, or goes round and round."""
    process = found.pinned.process
    try:
        done = advance(process, found.case, event, now, directory)
        is_left = event["kind"] == "time" and done.due is not None and done.due <= now
        # Where so much is due that some of it is left, that is later than what was due in the first place.
        if is_left and done.due == (due := next_due(process, found.case)) is not None:
            raise NeverSettles(f"what is due at {show(due)} does not come to an end")
        return done
    except Exception as error:
        if isinstance(error, NeedsLock | OutOfRange) or _is_the_stores(error):
            raise
        raise CannotGoOn(found.number) from error


def _record(
    found: Held,
    event: Mapping[str, Any],
    now: Moment,
    by: str | None,
    key: str | None,
    surroundings: Surroundings,
    recorded_at: Moment | None = None,
    also: Callable[[int], None] | None = None,
) -> Recorded:
    recorded_at = now if recorded_at is None else recorded_at
    done = judged_before_lock(found, event, now, surroundings)
    if done is not None:
        _leave_if_refused(done, event)
    with database.transaction():
        if done is None:
            done = judged(found, event, now, live_directory())
            _leave_if_refused(done, event)
        change = changed(found, done, event, now, recorded_at, by, key, surroundings)
        (number,) = write([change])
        if also is not None:
            also(found.id)
        if event is not TIME:
            crash_point("acting.before_commit")
    return Recorded(
        found.id, found.number, change.after.seq, done.case, found.pinned, done.entries, done.refused, number
    )


def changed(
    found: Held,
    done: Advance,
    event: Mapping[str, Any],
    now: Moment,
    recorded_at: Moment,
    by: str | None = None,
    key: str | None = None,
    surroundings: Surroundings = LIVE,
) -> Change:
    """The change that an event, of which `judged` told what it does, makes to an issue."""
    after = Held(found.id, found.number, found.seq + 1, done.case, found.pinned, _closed_at(found, done.case))
    return Change(after, found.case.stage, event, done, now, recorded_at, by, key, surroundings=surroundings)


def write(changes: Sequence[Change]) -> list[int]:
    """Write what events of one kind did to issues, to each of them one, within the caller's transaction, which any
    exception must undo; gives the events' rows. Raises Overtaken."""
    rows = [writing.Update(one.after.id, one.after.seq - 1, _columns(one)) for one in changes]
    if not writing.update_issues(rows):
        raise Overtaken(", ".join(one.after.number for one in changes))
    crash_point("sweep.issue_written" if changes[0].event is TIME else "acting.issue_written")
    return events.write(changes, open_linked)


def _columns(change: Change) -> dict[str, Any]:
    after = change.after
    row = {"seq": after.seq, "problem": None, **events.columns(after.pinned, change.done, after.closed_at)}
    if change.event["kind"] == "migrated":
        row |= {"version": after.pinned.version, "pins": after.pinned.pins}
    return row


def _leave_if_refused(done: Advance, event: Mapping[str, Any]) -> None:
    if done.refused is not None and event["kind"] != "again":
        raise _RefusedInside(done.refused)


def _closed_at(before: Held, case: Case) -> Moment | None:
    if not before.pinned.process.is_final(case.stage):
        return None
    return case.moment if before.closed_at is None else before.closed_at
