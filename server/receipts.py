"""New issues: each is judged by the interpreter and written in one transaction, with its event, messages and audit
entry (architecture, "How one issue travels"). Those that are received at the same time share the transaction, and the
statements: what all need is read once, their numbers are taken together, their rows written together, in the order in
which they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import peewee

from server import audit, events, metrics, numbering, policies
from server.core import values
from server.core.advance import Advance, advance
from server.core.moments import Moment
from server.core.process import Process
from server.core.values import Problem
from server.crash_points import crash_point
from server.events import LIVE, Change, Held, Recorded, Surroundings, linked
from server.policies import Pinned
from server.shared_directory import SharedDirectory
from server.store import counters, database, revisions, sql, writing
from server.store.models import Event, Issue, Watcher

ATTEMPTS: Final = 12
DEEPEST: Final = 10
"""Issues that open one another, one in the other, before the next one is not opened: processes may go in a circle."""

GROWN: Final = 500
"""Issues from which on PostgreSQL may keep the plan that it makes for them: for fewer it would read all of them, and
go on so when there are many."""

OPENED: Final = "opened"
"""How an issue that an action opened is linked to the one that it was done on."""


class OutOfDate(Exception):
    """Other documents are in force than those that the caller went by."""


class OpenedRefused(Exception):
    """The process of a linked issue refuses it after all: it came into force between the question and the answer."""

    def __init__(self, process: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{process} refuses the issue: {problems}")


class _Seen:
    """What this process has seen of the store."""

    issues = 0  # how many it has written


class Receipt(NamedTuple):
    """An issue that is to be received. `revision`: that of the documents in force that the caller went by; None:
    whatever is in force meanwhile, this version judges it."""

    pinned: Pinned
    event: Mapping[str, Any]
    now: Moment
    source: str
    external_id: str | None
    note: Mapping[str, Any] | None
    surroundings: Surroundings
    depth: int
    revision: str | None

    @property
    def received(self) -> Moment:
        """When it was received, as it says."""
        return int(self.event["facts"]["received"])

    @property
    def wants_number(self) -> bool:
        """Whether the live server gives its number."""
        return self.surroundings.directory is None and not self.event["facts"].get("number")


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
    revision: str | None = None,
) -> Recorded | None:
    """Judge and store a new issue whose facts are as `values.new_issue` gives them; None, and nothing stored, when
    this source has sent `external_id` before. `note` is kept beside the event (what a delivery was); `revision` is
    that of the documents in force that the caller went by. Raises OutOfDate when others are in force by now."""
    event = {"kind": "received", "facts": dict(facts), "by": by, "watchers": list(watchers)}
    receipt = Receipt(pinned, event, now, source, external_id, note, surroundings, depth, revision)
    # Receipts that take their number from the same row wait for one another there: they may as well share a commit.
    row = pinned.process.name, numbering.counted(pinned.process, receipt.received)[1]
    for attempt in range(ATTEMPTS):
        try:
            return database.together(_write, receipt, row, partial(counters.hold_serials, *row))
        except peewee.IntegrityError:
            # On PostgreSQL two processes may write the same external id, or choose the same number, at the same time:
            # the later one finds the issue, or takes the next number.
            inside = bool(database.current().db.transaction_depth())
            if attempt + 1 == ATTEMPTS or surroundings.directory is not None or (inside and external_id is None):
                raise
    raise AssertionError("not reached")


def _write(receipts: Sequence[Receipt]) -> list[Recorded | None]:
    """Judge and write new issues within a transaction, in their order; None for one whose source has sent it before.
    Raises whatever goes wrong with any of them."""
    directory = SharedDirectory()
    # All questions at once, as if every receipt were a new one, which most are: while others wait for what is held
    # here, each answer that is waited for costs them.
    with database.pipeline():
        asked = revisions.ask()
        sent = list(_ask_for_sent(receipts))
        directory.reserve(_numbered(receipts))
        taken = writing.take_ids(len(receipts), Issue, Event)
    with revisions.still(asked):
        if any(one.revision not in (None, policies.revision()) for one in receipts):
            raise OutOfDate
        new = _new_ones(receipts, {(source, row[0]) for source, cursor in sent for row in cursor.fetchall()})
        directory.read()
        if len(new) < len(receipts):
            directory.give_back()
            directory.reserve(_numbered(new))
            directory.read()
        recorded = dict(zip(map(id, new), _written(new, directory, taken.fetchall()[: len(new)]), strict=True))
        crash_point("intake.before_commit")
    return [recorded.get(id(one)) for one in receipts]


def _numbered(receipts: Sequence[Receipt]) -> Iterator[tuple[Process, Moment]]:
    return ((one.pinned.process, one.received) for one in receipts if one.wants_number)


def _ask_for_sent(receipts: Sequence[Receipt]) -> Iterator[tuple[str, Any]]:
    """For each source, the cursor whose rows hold those external ids of its receipts that it has sent before."""
    for source in {one.source for one in receipts if one.external_id is not None}:
        ids = [one.external_id for one in receipts if one.source == source and one.external_id is not None]
        if database.current().is_postgresql:
            yield source, (sql.run if _Seen.issues >= GROWN else sql.run_planned)(_SENT_EACH, ids, source)
        else:
            condition, given = sql.among(ids)
            yield source, sql.run(_SENT + condition, source, *given)


_SENT: Final = 'SELECT "external_id" FROM "issue" WHERE "source" = ? AND "external_id" '
# One look into the index for each: as long as the table was never analyzed, PostgreSQL believes that a source has a few
# issues only, and would go through all of them instead.
_SENT_EACH: Final = (
    'SELECT "sent"."external_id" FROM unnest(?::text[]) AS "asked" ("id") CROSS JOIN LATERAL '
    '(SELECT "external_id" FROM "issue" WHERE "source" = ? AND "external_id" = "asked"."id" LIMIT 1) AS "sent"'
)


def _new_ones(receipts: Sequence[Receipt], known: set[tuple[str, str]]) -> list[Receipt]:
    """Those that no source has sent before, not even a moment ago."""
    found = []
    for one in receipts:
        if one.external_id is not None:
            if (one.source, one.external_id) in known:
                continue
            known.add((one.source, one.external_id))
        found.append(one)
    return found


def _written(
    receipts: Sequence[Receipt], directory: SharedDirectory, taken: Sequence[tuple[int, int]]
) -> list[Recorded]:
    """Judge and write them, each as the issue and the event with the ids that were taken for it."""
    if not receipts:
        return []
    issues, ids = zip(*taken, strict=True)
    _Seen.issues += len(receipts)
    judged = [_judged(one, directory) for one in receipts]
    changes = list(map(_change, receipts, judged, issues))
    with database.pipeline():
        directory.write()
        writing.insert_many(Issue, list(map(_row, receipts, judged, issues)))
        crash_point("intake.issue_written")
        writing.insert_many(Watcher, [row for one in changes for row in _watchers(one)])
        events.write_first(changes, ids)
    events.follow(changes, ids, open_linked)
    created = ((one.source, one.pinned.process.name, "created") for one in receipts)
    metrics.each_after_commit(metrics.INTAKE, created)
    return [
        Recorded(one.after.id, one.after.number, 1, one.after.case, one.after.pinned, one.done.entries, None, number)
        for one, number in zip(changes, ids, strict=True)
    ]


def _judged(one: Receipt, directory: SharedDirectory) -> Advance:
    process = one.pinned.process
    done = advance(process, None, one.event, one.now, one.surroundings.directory or directory.for_new(process))
    directory.note(process, done.case)
    return done


def _watchers(change: Change) -> list[dict[str, Any]]:
    return [{"issue": change.after.id, "person": person, "at": change.now} for person in change.after.case.watchers]


def _row(one: Receipt, done: Advance, issue: int) -> dict[str, Any]:
    return {
        "id": issue,
        "process": one.pinned.process.name,
        "number": done.case.number,
        "version": one.pinned.version,
        "pins": one.pinned.pins,
        "source": one.source,
        "external_id": one.external_id,
        "received_at": done.case.facts["received"],
        "recorded_at": one.now,
        "seq": 1,
        **events.columns(one.pinned, done, _closed_at(one, done)),
    }


def _closed_at(one: Receipt, done: Advance) -> Moment | None:
    return one.now if one.pinned.process.is_final(done.case.stage) else None


def _change(one: Receipt, done: Advance, issue: int) -> Change:
    after = Held(issue, done.case.number, 1, done.case, one.pinned, _closed_at(one, done))
    by = done.case.receiver or (f"source:{one.source}" if one.source else None)
    return Change(after, None, one.event, done, one.now, one.now, by, None, one.note, one.surroundings, one.depth)


# -- issues that others open ---------------------------------------------------------------------------------------


def open_linked(change: Change, entry: Mapping[str, Any], by: str | None) -> None:
    """Start the linked issue that an action on another one opens, received by whoever did the action, within the
    caller's transaction."""
    after, now = change.after, change.recorded_at
    found = policies.in_force().processes.get(entry["process"])
    if found is None or change.depth >= DEEPEST:
        why = "unknown-process" if found is None else "opened-too-deep"
        body = {"number": after.number, "process": entry["process"], "why": why}
        audit.record("issue.not-opened", now, body, issue=after.id)
        return
    facts, problems = values.new_issue(found.process, entry["fields"], entry["at"])
    if problems:
        raise OpenedRefused(entry["process"], problems)
    opened = record_new(found, facts, entry["at"], by=by, surroundings=change.surroundings, depth=change.depth + 1)
    assert opened is not None
    linked(after.id, opened.issue, OPENED, by, now)
