"""The drafts that are under way, and what each of them asks of somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from server.accounts import Caller
from server.drafts.finding import returned_to
from server.drafts.keeping import OPEN
from server.drafts.rights import APPROVE as MAY_APPROVE
from server.drafts.standing import overtaken_among
from server.store.models import Approval, Draft, DraftAuthor

APPROVE: Final = "approve"
FINISH: Final = "finish"
MEND: Final = "mend"
REBASE: Final = "rebase"

_COLUMNS: Final = [column for name, column in Draft._meta.fields.items() if name != "data"]


@dataclass(frozen=True, slots=True)
class Open:
    """A draft that is not done with, without its text. `task`: what it asks of this person: approve, finish (he is
    writing it), mend (it was sent back to him, or did not take effect), rebase (he wrote it, and something else came
    into force meanwhile); empty: nothing."""

    row: Any
    task: str


def open_drafts(by: Caller) -> list[Open]:
    """Every draft that is under way, newest first, and the last one of each document if it came back to this person."""
    rows = list(Draft.select(*_COLUMNS).where(Draft.state.in_(OPEN)).order_by(Draft.id.desc()))
    mine = DraftAuthor.select(DraftAuthor.draft).where(DraftAuthor.login == by.login)
    written = {row.id for row in Draft.select(Draft.id).where(Draft.state.in_(OPEN), Draft.id.in_(mine))}
    given = {row.draft_id for row in Approval.select(Approval.draft).where(Approval.approver == by.login)}
    overtaken = overtaken_among(rows)
    found = [Open(row, _task(row, by, row.id in written, row.id in given, row.id in overtaken)) for row in rows]
    found += [Open(row, MEND) for row in returned_to(by.login)]
    return sorted(found, key=lambda one: -int(one.row.id))


def _task(row: Any, by: Caller, wrote: bool, agreed: bool, overtaken: bool) -> str:
    wrote = wrote or by.login in (row.created_by, row.submitted_by)
    if overtaken:
        return REBASE if wrote and row.based_on_id is not None else ""
    if row.state == Draft.DRAFT and wrote:
        return FINISH
    if row.state == Draft.SUBMITTED and by.may(MAY_APPROVE) and not wrote and not agreed:
        return APPROVE
    return ""
