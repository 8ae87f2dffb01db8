"""Which steps somebody may take with a draft now. The steps themselves refuse whatever else is tried."""

from __future__ import annotations

from typing import Final

from server.accounts import Caller
from server.drafts.rights import APPROVE, authors, may_propose
from server.drafts.standing import base_of, in_force, is_overtaken
from server.store.models import Approval, Draft

WRITE: Final = "write"
SUBMIT: Final = "submit"
AGREE: Final = "approve"
REJECT: Final = "reject"
WITHDRAW: Final = "withdraw"
REBASE: Final = "rebase"
AGAIN: Final = "again"

_SETTLED = (Draft.REJECTED, Draft.WITHDRAWN, Draft.REFUSED)


def possible(draft: Draft, by: Caller) -> frozenset[str]:
    """The steps: write, submit, approve, reject, withdraw, rebase, again."""
    found: set[str] = set()
    overtaken, proposes, writers = is_overtaken(draft), may_propose(by, draft), authors(draft)
    if proposes and draft.state == Draft.DRAFT:
        found |= {WRITE} if overtaken else {WRITE, SUBMIT}
    rebasable = draft.state not in (Draft.ACTIVE, Draft.SUPERSEDED) and None not in (
        base_of(draft),
        in_force(draft.name),
    )
    if proposes and overtaken and rebasable:
        found.add(REBASE)
    if proposes and not overtaken and draft.state in _SETTLED:
        found.add(AGAIN)
    if by.may(APPROVE):
        if draft.state == Draft.SUBMITTED and not overtaken and by.login not in writers and not _given(draft, by):
            found.add(AGREE)
        if draft.state in (Draft.SUBMITTED, Draft.SCHEDULED):
            found.add(REJECT)
    if draft.state in (Draft.DRAFT, Draft.SUBMITTED, Draft.SCHEDULED) and (proposes or by.login in writers):
        found.add(WITHDRAW)
    return frozenset(found)


def _has_both(draft: Draft) -> bool:
    """Whether there is a base and something in force to put its changes onto."""
    return base_of(draft) is not None and in_force(draft.name) is not None


def _given(draft: Draft, by: Caller) -> bool:
    return Approval.get_or_none(Approval.draft == draft.id, Approval.approver == by.login) is not None
