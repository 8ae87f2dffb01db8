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
from dataclasses import dataclass
from typing import Any, Final

import peewee

from server import audit, messages, metrics, nudging, policies, settings, subscriptions
from server.core import case as cases
from server.core import values
from server.core.advance import Advance, Refused, advance, next_due
from server.core.case import Case
from server.core.moments import Moment, OutOfRange, show
from server.core.values import Problem
from server.core.world import Directory
from server.crash_points import crash_point
from server.numbering import BeforeLock, NeedsLock, live_directory
from server.policies import Pinned
from server.setting_apart import CannotGoOn, NeverSettles, set_apart
from server.store import database, sql, writing
from server.store.failures import Unavailable
from server.store.models import Event, Issue, IssueLink, Watcher

log = logging.getLogger("duban.recording")

ATTEMPTS: Final = 12
DEEPEST: Final = 10
"""Issues that open one another, one in the other, before the next one is not opened: processes may go in a circle."""

OPENED: Final = "opened"
"""How an issue that an action opened is linked to the one that it was done on."""

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


class OpenedRefused(Exception):
    """The process of a linked issue refuses it after all: it came into force between the question and the answer."""

    def __init__(self, process: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{process} refuses the issue: {problems}")


class AlreadyRecorded(Exception):
    """An event with this key was recorded before."""


class _Known(Exception):
    """The issue's (source, external_id) has an issue already."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an event is judged in: the directory that is asked (None: the live one), and whether the messages that it
    causes are held until an administrator lets them go (demo data)."""

    directory: Directory | None = None
    hold_messages: bool = False


LIVE: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An issue after an event. `event` is the event's row; None when it was refused, which changes nothing."""

    issue: int
    number: str
    seq: int
    case: Case
    pinned: Pinned
    entries: Sequence[Mapping[str, Any]] = ()
    refused: Refused | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An issue as it stands in the store."""

    id: int
    number: str
    seq: int
    case: Case
    pinned: Pinned
    closed_at: Moment | None


def compact(value: Any) -> str:
    """JSON in the order of its keys: tables name facts in the order in which they looked. Raises ValueError."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


# -- a new issue ---------------------------------------------------------------------------------------------------


def record_new(
    pinned: Pinned,
    facts: Mapping[str, Any],
    now: Moment,
    *,
    by: str | None = None,
    source: str = "",
    external_id: str | None = None,
    watchers: Sequence[str] = (),
    note: Mapping[str, Any] | None = None,
    surroundings: Surroundings = LIVE,
    depth: int = 0,
) -> Recorded | None:
    """Judge and store a new issue whose facts are as `values.new_issue` gives them; None, and nothing stored, when
    this source has sent `external_id` before. `note` is kept beside the event (what a delivery was)."""
    event = {"kind": "received", "facts": dict(facts), "by": by, "watchers": list(watchers)}

    def write() -> Recorded:
        recorded = _new(pinned, event, now, source, external_id, note, surroundings, depth)
        crash_point("intake.before_commit")
        return recorded

    # Receipts that take their number from the same row wait for one another there: they may as well share a commit.
    counted_by = (pinned.process.name, pinned.process.calendar.date(facts["received"]))
    for attempt in range(ATTEMPTS):
        try:
            return database.together(write, counted_by)
        except _Known:
            return None
        except peewee.IntegrityError:
            # On PostgreSQL two processes may choose the same number at the same time; the later one takes the next.
            if attempt + 1 == ATTEMPTS or surroundings.directory is not None or _is_inside_a_transaction():
                raise
    raise AssertionError("not reached")


def _is_inside_a_transaction() -> bool:
    return bool(database.current().db.transaction_depth())


def _new(
    pinned: Pinned,
    event: Mapping[str, Any],
    now: Moment,
    source: str,
    external_id: str | None,
    note: Mapping[str, Any] | None,
    surroundings: Surroundings,
    depth: int,
) -> Recorded:
    done = advance(pinned.process, None, event, now, surroundings.directory or live_directory(pinned.process))
    case = done.case
    closed_at = now if pinned.process.is_final(case.stage) else None
    row = {
        "process": pinned.process.name,
        "number": case.number,
        "version": pinned.version,
        "pins": pinned.pins,
        "source": source,
        "external_id": external_id,
        "received_at": case.facts["received"],
        "recorded_at": now,
        "seq": 1,
        **_columns(pinned, case, closed_at),
    }
    issue = writing.insert_issue(row)
    if issue is None:
        raise _Known
    crash_point("intake.issue_written")
    if case.watchers:
        Watcher.insert_many([{"issue": issue, "person": person, "at": now} for person in case.watchers]).execute()
    after = Held(issue, case.number, 1, case, pinned, closed_at)
    number = _write_event(
        after, event, done, now, now, case.receiver or (f"source:{source}" if source else None), None, note
    )
    _follow(after, None, done, number, now, surroundings, depth)
    metrics.after_commit(metrics.INTAKE, source, case.process, "created")
    return Recorded(issue, case.number, 1, case, pinned, done.entries, None, number)


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
    if database.current().is_postgresql:
        # In one order for all, and before anything else is locked, so that nobody waits in a circle.
        statement = _HELD.format(column='"id"').replace("= ?", '= ANY(?) ORDER BY "id" FOR UPDATE SKIP LOCKED')
        rows = sql.run(statement, list(issues)).fetchall()
    else:
        statement = _HELD.format(column='"id"').replace("= ?", f"IN ({', '.join('?' * len(issues))})")
        rows = sql.run(statement, *issues).fetchall()
    return {row[0]: _held(row) for row in rows}


def let_time_pass_within(found: Held, until: Moment, now: Moment, surroundings: Surroundings = LIVE) -> Held:
    """`let_time_pass` within the caller's transaction, which holds the issue; gives the issue after it."""
    done = _advance(found, TIME, until, surroundings.directory or live_directory())
    return _write(found, done, TIME, until, now, None, None, surroundings, None)[0]


def migrate_within(
    found: Held, target: Pinned, event: Mapping[str, Any], now: Moment, by: str | None, key: str
) -> Held:
    """Let an issue, whose time has passed up to `now`, go on under another version within the caller's transaction;
    `event` is what `core.migration.plan` gave for it. Gives the issue after it. Raises Overtaken, CannotGoOn."""
    under = Held(found.id, found.number, found.seq, found.case, target, found.closed_at)
    done = _advance(under, event, now, live_directory())
    return _write(under, done, event, now, now, by, key, LIVE, None)[0]


def _caught_up(found: Held, now: Moment, surroundings: Surroundings) -> Held:
    """After a long downtime more may be due than one call lets pass: then it is written piece by piece, first."""
    while (due := next_due(found.pinned.process, found.case)) is not None and due < now:
        passed = _judged_before_lock(found, TIME, now - 1, surroundings)
        if passed is not None and ((left := next_due(found.pinned.process, passed.case)) is None or left >= now):
            break
        after = _record(found, TIME, now - 1, None, None, surroundings, now)
        found = Held(found.id, found.number, after.seq, after.case, found.pinned, _closed_at(found, after.case))
    return found


class _RefusedInside(Exception):
    """An event that was refused: leaves the transaction, so that nothing that was counted stays."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.why)
        self.refused = refused


def _judged_before_lock(
    found: Held, event: Mapping[str, Any], now: Moment, surroundings: Surroundings
) -> Advance | None:
    """What the event does, judged while others may write; None when a question must be asked under the lock."""
    try:
        return _advance(found, event, now, surroundings.directory or BeforeLock())
    except NeedsLock:
        return None


def _advance(found: Held, event: Mapping[str, Any], now: Moment, directory: Directory) -> Advance:
    """What the event does. Raises CannotGoOn when the policy fails on it, or goes round and round."""
    process = found.pinned.process
    try:
        due = next_due(process, found.case) if event["kind"] == "time" else None
        done = advance(process, found.case, event, now, directory)
        if due is not None and due <= now and next_due(process, done.case) == due:
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
    done = _judged_before_lock(found, event, now, surroundings)
    if done is not None:
        _leave_if_refused(done, event)
    with database.transaction():
        if done is None:
            done = _advance(found, event, now, live_directory())
            _leave_if_refused(done, event)
        after, number = _write(found, done, event, now, recorded_at, by, key, surroundings, also)
        if event is not TIME:
            crash_point("acting.before_commit")
    return Recorded(found.id, found.number, after.seq, done.case, found.pinned, done.entries, done.refused, number)


def _write(
    found: Held,
    done: Advance,
    event: Mapping[str, Any],
    now: Moment,
    recorded_at: Moment,
    by: str | None,
    key: str | None,
    surroundings: Surroundings,
    also: Callable[[int], None] | None,
) -> tuple[Held, int]:
    """What an event did, within the caller's transaction: gives the issue after it, and the event's row."""
    closed_at = _closed_at(found, done.case)
    after = Held(found.id, found.number, found.seq + 1, done.case, found.pinned, closed_at)
    row = {"seq": after.seq, "problem": None, **_columns(found.pinned, done.case, closed_at)}
    if event["kind"] == "migrated":
        row |= {"version": found.pinned.version, "pins": found.pinned.pins}
    if not writing.update_issue(found.id, found.seq, row):
        raise Overtaken(found.number)
    crash_point("sweep.issue_written" if event is TIME else "acting.issue_written")
    number = _write_event(after, event, done, now, recorded_at, by, key, None)
    if also is not None:
        also(found.id)
    _follow(after, found.case.stage, done, number, recorded_at, surroundings, 0)
    return after, number


def _leave_if_refused(done: Advance, event: Mapping[str, Any]) -> None:
    if done.refused is not None and event["kind"] != "again":
        raise _RefusedInside(done.refused)


# -- rows ----------------------------------------------------------------------------------------------------------


def _columns(pinned: Pinned, case: Case, closed_at: Moment | None) -> dict[str, Any]:
    """The case, and the copies of it that lists and the sweep look at."""
    return {
        "case": case.dump(),
        "severity": case.values.get("severity"),
        "stage": case.stage,
        "team": case.team,
        "owner": case.owner,
        "subject": str(case.facts.get("subject") or ""),
        "final": pinned.process.is_final(case.stage),
        "overdue": any(state.open is not None and state.open.state == "breached" for state in case.clocks.values()),
        "closed_at": closed_at,
        "wake_at": next_due(pinned.process, case),
    }


def _closed_at(before: Held, case: Case) -> Moment | None:
    if not before.pinned.process.is_final(case.stage):
        return None
    return case.moment if before.closed_at is None else before.closed_at


def _write_event(
    after: Held,
    event: Mapping[str, Any],
    done: Advance,
    now: Moment,
    recorded_at: Moment,
    by: str | None,
    key: str | None,
    note: Mapping[str, Any] | None,
) -> int:
    """The event with all that replay needs, and its audit entry."""
    body: dict[str, Any] = {"event": event, "now": now, "answers": done.answers}
    if note:
        body["note"] = note
    if key is not None and Event.select(Event.id).where(Event.key == key).exists():
        raise AlreadyRecorded(key)
    if event["kind"] == "confirm" and done.refused is None:
        messages.confirm_one(after.id, event["notice"], by, recorded_at)
    number = writing.insert_event(
        {
            "issue": after.id,
            "seq": after.seq,
            "key": key,
            "at": after.case.moment,
            "recorded_at": recorded_at,
            "kind": event["kind"],
            "by": by,
            "version": after.pinned.version,
            "body": compact(body),
            "entries": compact(done.entries),
        }
    )
    private = private_names(after.pinned, event, done.answers)
    said = sealed(after.seq, after.pinned, after.number, event, done.entries, done.answers, now)
    kind, new = f"issue.{event['kind']}", after.seq == 1
    audit.record(kind, recorded_at, said, by=by, issue=after.id, private=private, new=new)
    return number


def sealed(
    seq: int,
    pinned: Pinned,
    number: str,
    event: Mapping[str, Any],
    entries: Sequence[Any],
    answers: Sequence[Any],
    now: Moment,
) -> dict[str, Any]:
    """What the audit trail says of an event: all that computing it anew needs, and what came of it; the versions
    that judge the issue from then on."""
    # `seq` comes last in its canonical form: verifying reads it there.
    said = {"number": number, "seq": seq, "event": event, "entries": entries, "now": now}
    if answers:
        said["asked"] = {"answers": answers}
    if event["kind"] in ("received", "migrated"):
        said["pins"] = pinned.hashes
    return said


def private_names(pinned: Pinned, event: Mapping[str, Any], answers: Sequence[Sequence[Any]]) -> frozenset[str]:
    """What of an event stands in the audit trail, which is never erased, as digests only."""
    private = pinned.private
    if event.get("action") == "attach":
        private |= {"file"}  # what a file is called may say who the customer is
    if pinned.private and any(_holds_private(question, pinned) for question, _ in answers):
        private |= {"answers"}
    return private


def _holds_private(question: Sequence[Any], pinned: Pinned) -> bool:
    """Whether a question to the directory may hold private values, without their names or under another process's."""
    if question[0] == "in_window":
        return not pinned.private.isdisjoint(pinned.process.watches[question[2]].same)
    return bool(question[0] == "refuses")


# -- what follows --------------------------------------------------------------------------------------------------


def _follow(
    after: Held, stage: str | None, done: Advance, event: int, now: Moment, surroundings: Surroundings, depth: int
) -> None:
    """Everything that the lines of an event ask for besides themselves. `stage` is where the issue stood before."""
    actor: str | None = after.case.receiver
    for entry in done.entries:
        kind = entry["kind"]
        if kind == "action":
            actor = entry["by"]
            if entry["action"] == "link":
                _link(after.id, entry["with"], actor, now)
        elif kind == "opened":
            _open(after, entry, actor, now, surroundings, depth)
        elif kind == "received":
            metrics.after_commit(metrics.DECISIONS, after.case.process, entry["severity"])
        elif kind == "classified" and entry["name"] == "severity":
            metrics.after_commit(metrics.DECISIONS, after.case.process, entry["to"])
    if done.tellings:
        messages.write(done.tellings, _occasion(after, done, event, now, surroundings))
    process, held_back = after.pinned.process, surroundings.hold_messages
    subscriptions.tell(process, after.id, event, after.seq, done.entries, stage, now, held_back)
    nudging.after_commit()


def _occasion(after: Held, done: Advance, event: int, now: Moment, surroundings: Surroundings) -> messages.Occasion:
    return messages.Occasion(
        issue_id=after.id,
        event_id=event,
        seq=after.seq,
        process=after.pinned.process,
        case=after.case,
        channels=after.pinned.channels,
        entries=done.entries,
        directory=live_directory(),
        now=now,
        settings=settings.current(),
        held=surroundings.hold_messages,
    )


def _link(issue: int, given: Mapping[str, Any], by: str | None, now: Moment) -> None:
    other = Issue.get_or_none(Issue.number == given["number"])
    if other is not None:
        linked(issue, other.id, str(given.get("as") or ""), by, now)


def linked(issue: int, other: int, relation: str, by: str | None, now: Moment) -> None:
    """Link two issues within the caller's transaction, unless they are linked so already."""
    IssueLink.insert(issue=issue, other=other, relation=relation, by=by, at=now).on_conflict_ignore().execute()


def _open(
    after: Held, entry: Mapping[str, Any], by: str | None, now: Moment, surroundings: Surroundings, depth: int
) -> None:
    """Starts the linked issue that an action opens, received by whoever did the action."""
    found = policies.in_force().processes.get(entry["process"])
    if found is None or depth >= DEEPEST:
        why = "unknown-process" if found is None else "opened-too-deep"
        body = {"number": after.number, "process": entry["process"], "why": why}
        audit.record("issue.not-opened", now, body, issue=after.id)
        return
    facts, problems = values.new_issue(found.process, entry["fields"], entry["at"])
    if problems:
        raise OpenedRefused(entry["process"], problems)
    opened = record_new(found, facts, entry["at"], by=by, surroundings=surroundings, depth=depth + 1)
    assert opened is not None
    linked(after.id, opened.issue, OPENED, by, now)
