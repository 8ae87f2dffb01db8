"""Reading issues: one as the contract gives it, a page of many, a timeline (contract, `GET /api/v1/issues…`).

Who may read issues at all is the caller's business. Private fields are shown to those who handle the issue, and to
whoever has the permission.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server import forms
from server.core import actions
from server.core.case import Case, Run
from server.core.moments import Moment
from server.core.moments import show as show_utc
from server.core.printing import facts_printed, printed, without
from server.core.process import Process
from server.core.turn import Turn
from server.core.world import Asked
from server.directory import Snapshot, snapshot
from server.events import Held
from server.numbering import live_directory
from server.policies import Unusable, process_for
from server.recording import UnknownIssue, held
from server.store import database, listing, sql
from server.store.listing import Filters
from server.store.models import Attachment, Event, Issue, IssueLink

__all__ = ["Filters", "Page", "UnknownIssue", "listed", "read", "sees_private", "timeline"]

READ_PRIVATE: Final = "private.read"
LARGEST_PAGE: Final = 200
NEWEST: Final = 2**63 - 1  # above every id


# -- one -----------------------------------------------------------------------------------------------------------


def read(number: str, login: str, now: Moment, permissions: Collection[str] | None = None) -> dict[str, Any]:
    """The issue as the contract gives it: its facts, clocks, what this person may do now, links. `permissions`: what a
    token leaves of the person's. Raises UnknownIssue."""
    with database.session():
        found = held(number)
        people = snapshot()
        case, process = found.case, found.pinned.process
        hidden = frozenset() if sees_private(login, case, people, permissions) else found.pinned.private
        show = process.calendar.show
        facts = {name: value for name, value in case.facts.items() if name not in hidden}
        return {
            "number": case.number,
            "process": case.process,
            "version": f"sha256:{process.sha256}",
            "stage": case.stage,
            "final": process.is_final(case.stage),
            "severity": case.values.get("severity"),
            "values": {name: value for name, value in case.values.items() if name != "severity"},
            "team": case.team,
            "owner": case.owner,
            "receiver": case.receiver,
            "received": show(case.facts["received"]),
            "recorded": show(case.recorded),
            "times_reopened": case.times_reopened,
            "set_aside": list(case.aside),
            "facts": facts_printed(facts, process),
            "clocks": list(_clocks(case, process)),
            "asked": [notice for notice, state in case.notices.items() if state.asked is not None],
            "tasks": {notice: state.tasks for notice, state in case.notices.items() if state.tasks},
            "actions": possible(found, login, now),
            "seq": found.seq,
            "links": _links(found.id),
            "attachments": attachments(found),
        }


def attachments(found: Held) -> list[dict[str, Any]]:
    """The files of an issue, in the order in which they were attached, without their bytes."""
    rows = Attachment.select().where(Attachment.issue == found.id).order_by(Attachment.id)
    show = found.pinned.process.calendar.show
    keys = ("id", "name", "media_type", "size", "sha256", "by")
    return [{**{key: getattr(row, key) for key in keys}, "at": show(row.at)} for row in rows]


def possible(found: Held, login: str, now: Moment) -> list[dict[str, Any]]:
    """The actions that the person may do on the issue now, each with its form."""
    process = found.pinned.process
    turn = Turn(process, found.case, Asked(live_directory()), found.case.moment)
    turn.at(now)
    may = [action for action in process.actions.values() if actions.possible(turn, action, login)]
    with_forms = [(action, forms.form_of(process, action, found.case)) for action in may]
    return [
        {"action": action.id, "title": action.title, "form": form} for action, form in with_forms if form is not None
    ]


def _clocks(case: Case, process: Process) -> Iterator[dict[str, Any]]:
    for clock in process.clocks.values():
        state = case.clocks.get(clock.id)
        if state is None:
            continue
        for run in (state.last, state.open):
            if run is not None:
                yield {"clock": clock.id, "run": run.number, "state": run.state, "due": _due(run, process)}


def _due(run: Run, process: Process) -> str | None:
    """When the run is due; while it stands still nobody knows."""
    return None if run.state == "paused" else process.calendar.show(run.due)


def _links(issue: int) -> list[dict[str, Any]]:
    rows = (
        IssueLink.select(IssueLink.issue, IssueLink.other, IssueLink.relation)
        .where((IssueLink.issue == issue) | (IssueLink.other == issue))
        .order_by(IssueLink.id)
    )
    links = [(row.other_id if row.issue_id == issue else row.issue_id, row.relation, row.issue_id) for row in rows]
    numbers = {
        row.id: row.number for row in Issue.select(Issue.id, Issue.number).where(Issue.id.in_([id for id, *_ in links]))
    }
    return [
        {"number": numbers[other], "as": relation, "from": numbers.get(start) if start == other else None}
        for other, relation, start in links
    ]


# -- private fields ------------------------------------------------------------------------------------------------


def sees_private(login: str, case: Case, people: Snapshot, permissions: Collection[str] | None = None) -> bool:
    """Whether the person sees private fields: the receiver, the owner, the team, their supervisors, and whoever has
    the permission (policy language, "Private fields"). `permissions`: what a token leaves of the person's."""
    if READ_PRIVATE in (people.permissions_of(login) if permissions is None else permissions):
        return True
    if people.active(login) is None:
        return False
    handling = {one for one in (case.receiver, case.owner) if one is not None}
    handling.update(people.members.get(case.team or "", ()))
    return login in handling or any(login in _above(one, people) for one in handling)


def _above(login: str, people: Snapshot) -> set[str]:
    found: set[str] = set()
    person = people.people.get(login)
    while person is not None and person.supervisor and person.supervisor not in found:
        found.add(person.supervisor)
        person = people.people.get(person.supervisor)
    return found


# -- timeline ------------------------------------------------------------------------------------------------------


def timeline(number: str, login: str | None = None, permissions: Collection[str] | None = None) -> list[dict[str, Any]]:
    """The issue's timeline, entries as a simulated one gives them. `login`: who reads it; None: the server itself.
    `permissions`: what a token leaves of the person's. Raises UnknownIssue."""
    with database.session():
        found = held(number)
        hidden: Collection[str] = ()
        if login is not None and not sees_private(login, found.case, snapshot(), permissions):
            hidden = found.pinned.private
        return [printed(without(entry, hidden), found.pinned.process) for entry in entries(found.id)]


def entries(issue: int) -> Iterator[dict[str, Any]]:
    """The stored lines of an issue, in order."""
    for row in Event.select(Event.entries).where(Event.issue == issue).order_by(Event.seq):
        yield from json.loads(row.entries)


# -- many ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """Some issues, newest first, and the cursor of the next page (None: these are the last)."""

    issues: Sequence[Mapping[str, Any]]
    next: str | None


class BadCursor(ValueError):
    """A cursor that no page gave."""


_COLUMNS: Final = (
    Issue.id,
    Issue.process,
    Issue.number,
    Issue.pins,
    Issue.severity,
    Issue.stage,
    Issue.team,
    Issue.owner,
    Issue.subject,
    Issue.received_at,
    Issue.recorded_at,
    Issue.final,
    Issue.seq,
    Issue.wake_at,
    Issue.problem,
)


def listed(filters: Filters, after: str | None = None, limit: int = 50) -> Page:
    """A page of issues, newest first; issues that arrive meanwhile do not move the next page. Raises BadCursor."""
    limit = max(1, min(limit, LARGEST_PAGE))
    if after is not None and not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise BadCursor(after)
    before = NEWEST if after is None else int(after)
    with database.session():
        found = Issue.id.in_(sql.expression(*listing.newest(filters, before, limit + 1)))
        rows = list(Issue.select(*_COLUMNS).where(found).order_by(Issue.id.desc()))
        shown = [_row(row) for row in rows[:limit]]
    return Page(shown, str(rows[limit - 1].id) if len(rows) > limit else None)


def _row(row: Any) -> dict[str, Any]:
    try:
        show = process_for(row.pins).process.calendar.show
    except Unusable:
        show = show_utc  # its policy does not compile any more; the list shows it all the same
    return {
        "number": row.number,
        "process": row.process,
        "severity": row.severity,
        "stage": row.stage,
        "team": row.team,
        "owner": row.owner,
        "subject": row.subject,
        "received": show(row.received_at),
        "recorded": show(row.recorded_at),
        "final": row.final,
        "seq": row.seq,
        "due": None if row.wake_at is None else show(row.wake_at),
        "problem": None if row.problem is None else json.loads(row.problem),
    }
