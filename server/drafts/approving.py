"""Somebody else approves exactly one text; then it takes effect, at once or when its time comes."""

from __future__ import annotations

import hashlib

from server import nudging, policies
from server.accounts import Caller
from server.core.moments import Moment, show
from server.crash_points import crash_point
from server.drafts.checking import check
from server.drafts.keeping import change, one, record, require_state
from server.drafts.problems import NotDone
from server.drafts.rights import APPROVE, require_another
from server.drafts.standing import in_force, one_at_a_time, require_base
from server.drafts.telling import announce
from server.store import database
from server.store.models import Approval, Draft, Version


def approve(
    draft_id: int, by: Caller, sha256: str, now: Moment, remark: str = "", effective_at: Moment | None = None
) -> Draft:
    """Approve the text with that hash. The last approval that is needed puts it in force, or has it wait until
    `effective_at` (left out: what was asked for when it was submitted).

    Raises NotPermitted, and NotDone: his own draft, another hash, not waiting, approved by him already, overtaken, or
    no longer sound beside what is in force now.
    """
    by.require(APPROVE)
    draft = one(draft_id)
    _require(draft, by, sha256)
    if effective_at is not None and effective_at <= now:
        raise NotDone(422, "draft-in-the-past", draft=draft.id)
    errors = [finding for finding in check(draft, now) if finding.level == "error"]
    if errors:
        raise NotDone(422, "draft-not-sound", errors, draft=draft.id, count=len(errors))
    with database.transaction():
        one_at_a_time()
        draft = one(draft_id)
        _require(draft, by, sha256)
        Approval.create(draft=draft.id, sha256=draft.sha256, approver=by.login, at=now, remark=remark)
        crash_point("drafts.approved")
        given = Approval.select().where(Approval.draft == draft.id).count()
        standing = in_force(draft.name)
        needs = max(draft.approvals, 1 if standing is None else standing.approvals)
        draft = change(draft, effective_at=effective_at or draft.effective_at)
        more = {"approval": given, "of": needs, "remark": remark, "effective_at": draft.effective_at}
        record("draft.approved", draft, now, by, **more)
        if given >= needs:
            draft = _approved(draft, by, now)
            at = "" if draft.state == Draft.ACTIVE else show(draft.effective_at or now)
            announce(draft.state, draft, by.login, now, why=remark or "-", at=at)
        crash_point("drafts.before_commit")
        nudging.after_commit()
    crash_point("drafts.after_commit")
    return draft


def _require(draft: Draft, by: Caller, sha256: str) -> None:
    require_another(by, draft)
    require_state(draft, Draft.SUBMITTED)
    if sha256.removeprefix("sha256:") != draft.sha256 or hashlib.sha256(draft.data).hexdigest() != draft.sha256:
        raise NotDone(409, "draft-of-another-hash", draft=draft.id, sha256=draft.sha256)
    if Approval.get_or_none(Approval.draft == draft.id, Approval.approver == by.login) is not None:
        raise NotDone(409, "draft-approved-already", draft=draft.id, login=by.login)
    require_base(draft)


def _approved(draft: Draft, by: Caller, now: Moment) -> Draft:
    version = policies.add_version(
        bytes(draft.data),
        now,
        origin=Version.PROPOSED,
        author=draft.submitted_by,
        approver=by.login,
        reason=draft.reason,
        based_on=draft.based_on_id,
    )
    if draft.effective_at is not None and draft.effective_at > now:
        return change(draft, state=Draft.SCHEDULED, version=version)
    return take_effect(change(draft, version=version), now, by.login)


def take_effect(draft: Draft, now: Moment, by: str | None) -> Draft:
    """Within the caller's transaction: put the version of an approved draft in force."""
    Draft.update(state=Draft.SUPERSEDED, seq=Draft.seq + 1).where(
        Draft.name == draft.name, Draft.state == Draft.ACTIVE
    ).execute()
    policies.activate(draft.version_id, now, by, draft=draft.id)
    return change(draft, state=Draft.ACTIVE)


def approvers(draft: Draft) -> list[str]:
    """Who approved the draft, in that order."""
    query = Approval.select(Approval.approver).where(Approval.draft == draft.id).order_by(Approval.id)
    return [row.approver for row in query]
