"""A draft as JSON has it, for commands and HTTP."""

from __future__ import annotations

from typing import Any

from server import policies
from server.core.moments import Moment, show
from server.core.vocabulary import Naming
from server.drafts.checking import check
from server.drafts.rights import authors
from server.drafts.standing import base_of
from server.store.models import Approval, Draft


def shown(draft: Draft) -> dict[str, Any]:
    """What is known of a draft, without its text."""
    base = base_of(draft)
    given = Approval.select().where(Approval.draft == draft.id).order_by(Approval.id)
    return {
        "draft": draft.id,
        "name": draft.name,
        "kind": draft.kind,
        "state": draft.state,
        "origin": draft.origin,
        "sha256": draft.sha256,
        "base": None if base is None else base.number,
        "version": None if draft.version_id is None else draft.version.number,  # type: ignore[union-attr]
        "author": draft.created_by,
        "authors": sorted(authors(draft)),
        "created": show(draft.created_at),
        "reason": draft.reason,
        "submitted_by": draft.submitted_by,
        "submitted": _moment(draft.submitted_at),
        "acknowledged": draft.acknowledged,
        "effective": _moment(draft.effective_at),
        "needs": draft.approvals,
        "approvals": [
            {"approver": one.approver, "sha256": one.sha256, "at": show(one.at), "remark": one.remark} for one in given
        ],
        "closed_by": draft.closed_by,
        "closed": _moment(draft.closed_at),
        "remark": draft.remark,
        "seq": draft.seq,
    }


def read(draft: Draft, now: Moment, language: str) -> dict[str, Any]:
    """A draft with its text, what the check finds on it now, and what it changes in the words of the process."""
    text = bytes(draft.data).decode("utf-8", "replace")
    return {**shown(draft), **checked(draft, now, language), "changes": changes(draft), "yaml": text}


def checked(draft: Draft, now: Moment, language: str) -> dict[str, Any]:
    """What the check finds; `acknowledged` on a warning that the submitter has accepted."""
    found = []
    for finding in check(draft, now):
        at = "/" + "/".join(map(str, finding.path))
        accepted = {"code": finding.code, "at": at} in draft.acknowledged
        found.append({**finding.as_dict(language), "at": at, "acknowledged": accepted})
    return {"findings": found}


def changes(draft: Draft, names: Naming | None = None) -> list[dict[str, Any]] | None:
    """What the draft changes in what it is based on; None for a new document, and for a text that cannot be read."""
    base = base_of(draft)
    if base is None:
        return None
    try:
        return policies.changes(base, draft, names)
    except policies.Unusable:
        return None


def _moment(at: Moment | None) -> str | None:
    return None if at is None else show(at)
