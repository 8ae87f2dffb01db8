"""What became of a draft, step by step, as its rows say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.core.moments import Moment
from server.store.models import Activation, Approval, Draft, DraftAuthor

BEGUN: Final = "begun"
WRITTEN: Final = "written"
APPROVED: Final = "approved"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `kind` is begun, written (the first time by that person), submitted, approved, or a state of a draft;
    `by` None: the server itself."""

    at: Moment
    kind: str
    by: str | None
    remark: str = ""


def steps(draft: Draft) -> list[Step]:
    """What became of it, oldest first."""
    found = [Step(draft.created_at, BEGUN, draft.created_by)]
    writers = DraftAuthor.select().where(DraftAuthor.draft == draft.id).order_by(DraftAuthor.at, DraftAuthor.login)
    known = (draft.created_by, draft.submitted_by)
    found += [Step(row.at, WRITTEN, row.login) for row in writers if row.login not in known]
    if draft.submitted_at is not None:
        found.append(Step(draft.submitted_at, Draft.SUBMITTED, draft.submitted_by, draft.reason))
    given = Approval.select().where(Approval.draft == draft.id).order_by(Approval.id)
    found += [Step(row.at, APPROVED, row.approver, row.remark) for row in given]
    if draft.state in (Draft.ACTIVE, Draft.SUPERSEDED):
        rows = Activation.select().where(Activation.version == draft.version_id).order_by(Activation.id)
        for row in rows:
            found.append(Step(row.from_at, Draft.ACTIVE, row.by))
            if row.until_at is not None:
                found.append(Step(row.until_at, Draft.SUPERSEDED, None))
    elif draft.closed_at is not None:
        found.append(Step(draft.closed_at, draft.state, draft.closed_by, draft.remark))
    return sorted(found, key=lambda step: step.at)
