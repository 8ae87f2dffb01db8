"""The policy desk: what is in force since when, what is being changed, what waits for whoever looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from admin import clock, languages
from admin.documents import kept
from admin.documents.shown import KINDS, Shown, kind_text, shown
from admin.drafting.page import TONES, state_text
from admin.languages import gettext
from server import policies, reviewing
from server.accounts import Caller
from server.core.moments import DAY, Moment
from server.directory import snapshot
from server.drafts import desk as waiting
from server.drafts.desk import Open
from server.drafts.past import in_force_now
from server.store.models import Draft

SOON = 30 * DAY


@dataclass(frozen=True, slots=True)
class DraftShown:
    """An open draft in words. `task`: what it asks of whoever looks; empty: nothing."""

    id: int
    name: str
    title: str
    state: str
    tone: str
    who: str
    since: str
    task: str


@dataclass(frozen=True, slots=True)
class Row:
    """A document on the desk. `review`: when it is to be reviewed, if that is soon or over."""

    version: Shown
    drafts: Sequence[DraftShown]
    scheduled: str
    review: str
    review_over: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The whole desk. `fresh`: drafts of documents of which nothing is in force."""

    kinds: Sequence[tuple[str, str, Sequence[Row]]]
    tasks: Sequence[DraftShown]
    fresh: Sequence[DraftShown]
    is_empty: bool = field(default=False)


def desk(caller: Caller, now: Moment) -> Desk:
    """The desk of somebody."""
    current = in_force_now()
    found = waiting.open_drafts(caller)
    titles = kept.titles(((one.id, one.name, one.sha256) for one in current), languages.language())
    drafts = [_draft(one, titles) for one in found]
    of_name: dict[str, list[DraftShown]] = {}
    for one in drafts:
        of_name.setdefault(one.name, []).append(one)
    scheduled = {one.row.name: one.row.effective_at for one in found if one.row.state == Draft.SCHEDULED}
    reviews = _reviews(now)
    rows = []
    for version, standing in zip(shown(current), current, strict=True):
        due = reviews.get(standing.name)
        rows.append(
            Row(
                version,
                [draft for draft in of_name.get(standing.name, ()) if draft.state],
                clock.shown(scheduled.get(standing.name)),
                clock.shown(due, "day"),
                due is not None and due <= now,
            )
        )
    kinds = [(kind, kind_text(kind), [row for row in rows if row.version.kind == kind]) for kind in KINDS]
    return Desk(
        kinds=[one for one in kinds if one[2]],
        tasks=[one for one in drafts if one.task],
        fresh=[one for one in drafts if one.name not in titles],
        is_empty=not rows,
    )


def _reviews(now: Moment) -> Mapping[str, Moment]:
    found = policies.in_force()
    since = {one.name: one.spans[-1].from_at for one in in_force_now() if one.spans}
    reviews = {}
    for name, pinned in found.processes.items():
        due = reviewing.due_at(pinned, since[name]) if name in since else None
        if due is not None and due <= now + SOON:
            reviews[name] = due
    return reviews


def _draft(one: Open, titles: Mapping[str, str]) -> DraftShown:
    row = one.row
    login = row.submitted_by or row.created_by
    people = snapshot().people
    return DraftShown(
        id=row.id,
        name=row.name,
        title=titles.get(row.name, row.name),
        state=state_text(row.state),
        tone=TONES.get(row.state, ""),
        who=gettext("the server") if login is None else people[login].name if login in people else login,
        since=clock.shown(row.submitted_at or row.created_at),
        task=_task(one),
    )


def _task(one: Open) -> str:
    words = {
        waiting.APPROVE: gettext("Approve it, or send it back"),
        waiting.MEND: gettext("Mend it and hand it in again"),
        waiting.REBASE: gettext("Put its changes onto what is in force now"),
        waiting.FINISH: gettext("Finish it and hand it in"),
    }
    return words.get(one.task, "")
