"""An event that has been judged is written, with everything that follows from it: its lines and the answers, the audit
entry, messages, links, survey links. What happens to several issues at the same time is written together, in as many
statements as for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from server import audit, messages, metrics, nudging, settings, subscriptions
from server.core.advance import Advance, Refused
from server.core.case import Case
from server.core.json_text import writer
from server.core.moments import Moment
from server.core.world import Directory
from server.directory import LiveDirectory
from server.numbering import live_directory
from server.policies import Pinned
from server.store import sql, writing
from server.store.models import Event, Issue, IssueLink
from server.subscriptions import Wanted


class AlreadyRecorded(Exception):
    """An event with this key was recorded before."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an event is judged in: the directory that is asked (None: the live one), and whether the messages that it
    causes are held until an administrator lets them go (demo data)."""

    directory: Directory | None = None
    hold_messages: bool = False


LIVE: Final = Surroundings()


class Recorded(NamedTuple):
    """An issue after an event. `event` is the event's row; None when it was refused, which changes nothing."""

    issue: int
    number: str
    seq: int
    case: Case
    pinned: Pinned
    entries: Sequence[Mapping[str, Any]] = ()
    refused: Refused | None = None
    event: int | None = None


class Held(NamedTuple):
    """An issue as it stands in the store."""

    id: int
    number: str
    seq: int
    case: Case
    pinned: Pinned
    closed_at: Moment | None


class Change(NamedTuple):
    """An event and what it does to an issue: `after` is the issue as it is then, its row being written; `stage` where
    it stood before (None: it is new). `note` is kept beside the event (what a delivery was); `depth`: how many
    issues were opened one in the other before."""

    after: Held
    stage: str | None
    event: Mapping[str, Any]
    done: Advance
    now: Moment
    recorded_at: Moment
    by: str | None
    key: str | None = None
    note: Mapping[str, Any] | None = None
    surroundings: Surroundings = LIVE
    depth: int = 0


Opening = Callable[[Change, Mapping[str, Any], str | None], None]
"""Starts the issue that a line `opened` of an event asks for, received by whoever did the action."""


def compact(value: Any) -> str:
    """JSON in the order of its keys: tables name facts in the order in which they looked. Raises ValueError."""
    return _COMPACT(value)


_COMPACT: Final = writer()


def columns(pinned: Pinned, done: Advance, closed_at: Moment | None) -> dict[str, Any]:
    """The case after an event, and the copies of it that lists and the sweep look at."""
    case = done.case
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
        "wake_at": done.due,
    }


# -- rows ----------------------------------------------------------------------------------------------------------


def write(changes: Sequence[Change], open_issue: Opening) -> list[int]:
    """Write the events with all that replay needs, their audit entries and what follows from them, within the caller's
    transaction; gives their rows' ids. Raises AlreadyRecorded."""
    for change in changes:
        _prepare(change)
    rows = [_row(change) for change in changes]
    ids = writing.insert_events(rows)
    audit.record_all(map(_entry, changes, rows))
    follow(changes, ids, open_issue)
    return ids


def write_first(changes: Sequence[Change], ids: Sequence[int]) -> None:
    """Write the first events of new issues, as rows with these ids, and their audit entries; nothing is asked."""
    rows = [{"id": id, **_row(change)} for change, id in zip(changes, ids, strict=True)]
    writing.insert_many(Event, rows)
    audit.record_all(map(_entry, changes, rows))


def follow(changes: Sequence[Change], ids: Sequence[int], open_issue: Opening) -> None:
    """Write what follows from events whose rows have these ids."""
    directory = live_directory()
    told: list[messages.Told] = []
    decided: list[tuple[str, str | None]] = []
    for change, id in zip(changes, ids, strict=True):
        _follow(change, open_issue, decided)
        if change.done.tellings:
            told.append((change.done.tellings, _occasion(change, id, directory)))
    messages.write_all(told)
    if active := subscriptions.active():
        deliveries = (_deliveries(active, change, id) for change, id in zip(changes, ids, strict=True))
        writing.insert_messages([row for rows in deliveries for row in rows])
    metrics.each_after_commit(metrics.DECISIONS, decided)
    nudging.after_commit()


def _deliveries(active: Sequence[Wanted], change: Change, event: int) -> Sequence[Mapping[str, Any]]:
    after, held = change.after, change.surroundings.hold_messages
    lines, stage, at = change.done.entries, change.stage, change.recorded_at
    return subscriptions.messages(active, after.pinned.process, after.id, event, after.seq, lines, stage, at, held)


def _prepare(change: Change) -> None:
    if change.key is not None and sql.run(_HAS_KEY, change.key).fetchone() is not None:
        raise AlreadyRecorded(change.key)
    if change.event["kind"] == "confirm" and change.done.refused is None:
        messages.confirm_one(change.after.id, change.event["notice"], change.by, change.recorded_at)


_HAS_KEY: Final = 'SELECT 1 FROM "event" WHERE "key" = ?'


def _row(change: Change) -> dict[str, Any]:
    after = change.after
    body: dict[str, Any] = {"event": change.event, "now": change.now, "answers": change.done.answers}
    if change.note:
        body["note"] = change.note
    return {
        "issue": after.id,
        "seq": after.seq,
        "key": change.key,
        "at": after.case.moment,
        "recorded_at": change.recorded_at,
        "kind": change.event["kind"],
        "by": change.by,
        "version": after.pinned.version,
        "body": compact(body),
        "entries": compact(change.done.entries),
    }


def _entry(change: Change, row: Mapping[str, Any]) -> audit.Entry:
    after, event, done = change.after, change.event, change.done
    private = private_names(after.pinned, event, done.answers)
    # Most lines hold nothing private: then none of the names, which JSON leaves as they are, is in their text.
    plain = ("pins",) if any(name in row["entries"] for name in private) else ("pins", "entries")
    return audit.Entry(
        f"issue.{event['kind']}",
        change.recorded_at,
        sealed(after.seq, after.pinned, after.number, event, done.entries, done.answers, change.now),
        change.by,
        after.id,
        private,
        new=after.seq == 1,
        plain=plain,
    )


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


def _follow(change: Change, open_issue: Opening, decided: list[tuple[str, str | None]]) -> None:
    """What the lines of an event ask for, besides messages; the severities in them are added to `decided`."""
    after, now = change.after, change.recorded_at
    actor: str | None = after.case.receiver
    for entry in change.done.entries:
        kind = entry["kind"]
        if kind == "action":
            actor = entry["by"]
            if entry["action"] == "link":
                _link(after.id, entry["with"], actor, now)
        elif kind == "opened":
            open_issue(change, entry, actor)
        elif kind == "received":
            decided.append((after.case.process, entry["severity"]))
        elif kind == "classified" and entry["name"] == "severity":
            decided.append((after.case.process, entry["to"]))


def _occasion(change: Change, event: int, directory: LiveDirectory) -> messages.Occasion:
    after = change.after
    return messages.Occasion(
        issue_id=after.id,
        event_id=event,
        seq=after.seq,
        process=after.pinned.process,
        case=after.case,
        channels=after.pinned.channels,
        entries=change.done.entries,
        directory=directory,
        now=change.recorded_at,
        settings=settings.current(),
        held=change.surroundings.hold_messages,
    )


def _link(issue: int, given: Mapping[str, Any], by: str | None, now: Moment) -> None:
    other = Issue.get_or_none(Issue.number == given["number"])
    if other is not None:
        linked(issue, other.id, str(given.get("as") or ""), by, now)


def linked(issue: int, other: int, relation: str, by: str | None, now: Moment) -> None:
    """Link two issues within the caller's transaction, unless they are linked so already."""
    IssueLink.insert(issue=issue, other=other, relation=relation, by=by, at=now).on_conflict_ignore().execute()
