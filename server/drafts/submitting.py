"""A draft is handed in for approval; or turned down, by an approver or by those who proposed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from server import nudging, policies
from server.accounts import Caller
from server.core.findings import Finding
from server.core.moments import Moment
from server.drafts.checking import check, require_clean
from server.drafts.keeping import change, is_author, one, record, require_state
from server.drafts.problems import NotDone
from server.drafts.rights import APPROVE, authors, require_proposer_of, value_of
from server.drafts.standing import base_of, in_force, require_base
from server.drafts.telling import announce
from server.store import database
from server.store.models import Draft


def submit(
    draft_id: int,
    by: Caller,
    now: Moment,
    reason: str = "",
    acknowledge: Iterable[Mapping[str, Any]] = (),
    effective_at: Moment | None = None,
    found: Iterable[Finding] | None = None,
) -> Draft:
    """Ask for approval. The check must be clean: no errors, every warning among those acknowledged (by code and
    place), examples pass. From now on the text stays as it is. `found`: what was found on it just now, if it was
    checked together with others.

    Raises NotPermitted and NotDone.
    """
    draft = one(draft_id)
    require_proposer_of(by, draft)
    require_state(draft, Draft.DRAFT)
    require_base(draft)
    if effective_at is not None and effective_at <= now:
        raise NotDone(422, "draft-in-the-past", draft=draft.id)
    base = base_of(draft)
    if base is not None and base.sha256 == draft.sha256:
        raise NotDone(409, "draft-of-no-change", draft=draft.id, version=base.number)
    acknowledged = require_clean(draft, check(draft, now) if found is None else found, acknowledge)
    with database.transaction():
        require_base(draft)
        is_author(draft, {by.login}, now)
        draft = change(
            draft,
            state=Draft.SUBMITTED,
            reason=reason or draft.reason,
            acknowledged=acknowledged,
            approvals=needed(draft),
            effective_at=effective_at,
            submitted_by=by.login,
            submitted_at=now,
        )
        more = {"acknowledged": acknowledged, "approvals": draft.approvals, "effective_at": effective_at}
        record("draft.submitted", draft, now, by, **more)
        announce(Draft.SUBMITTED, draft, by.login, now, why=draft.reason or "-")
        nudging.after_commit()
    return draft


def needed(draft: Draft) -> int:
    """How many others must approve: what the text asks for, or what is in force, whichever is stricter."""
    standing = in_force(draft.name)
    own = policies.approvals(value_of(bytes(draft.data)))
    return max(own, 1 if standing is None else standing.approvals)


def reject(draft_id: int, by: Caller, now: Moment, reason: str) -> Draft:
    """Turn down a draft that waits for approval, or for its time. Raises NotPermitted and NotDone."""
    by.require(APPROVE)
    return _close(draft_id, by, now, reason, Draft.REJECTED, (Draft.SUBMITTED, Draft.SCHEDULED))


def withdraw(draft_id: int, by: Caller, now: Moment, reason: str = "") -> Draft:
    """Take back a draft that is not in force yet: by an author, or by whoever may propose. Raises NotPermitted and
    NotDone."""
    draft = one(draft_id)
    if by.login not in authors(draft):
        require_proposer_of(by, draft)
    states = (Draft.DRAFT, Draft.SUBMITTED, Draft.SCHEDULED)
    return _close(draft_id, by, now, reason or "-", Draft.WITHDRAWN, states)


def _close(draft_id: int, by: Caller, now: Moment, reason: str, state: str, states: tuple[str, ...]) -> Draft:
    if not reason.strip():
        raise NotDone(422, "draft-without-reason", draft=draft_id)
    with database.transaction():
        draft = one(draft_id)
        require_state(draft, *states)
        draft = change(draft, state=state, closed_by=by.login, closed_at=now, remark=reason)
        record(f"draft.{state}", draft, now, by, remark=reason)
        announce(state, draft, by.login, now, why=reason)
        nudging.after_commit()
    return draft
