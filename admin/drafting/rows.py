"""Drafts in a list, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from admin import clock
from admin.drafting.page import TONES, origin_text, state_text, title_of, who
from admin.drafting.times import spelled
from server.store.models import Draft


@dataclass(frozen=True, slots=True)
class Row:
    """A draft in a list. `effective`: when it takes effect, as far as that is known and ahead."""

    id: int
    name: str
    title: str
    state: str
    state_text: str
    tone: str
    origin: str
    reason: str
    by: str
    at: str
    effective: str
    remark: str


def rows(found: Iterable[Any]) -> list[Row]:
    """The drafts as a table shows them."""
    return [_row(draft) for draft in found]


def _row(draft: Any) -> Row:
    waits = draft.effective_at is not None and draft.state in (Draft.DRAFT, Draft.SUBMITTED, Draft.SCHEDULED)
    return Row(
        id=draft.id,
        name=draft.name,
        title=title_of(draft),
        state=draft.state,
        state_text=state_text(draft.state),
        tone=TONES.get(draft.state, ""),
        origin=origin_text(draft.origin),
        reason=draft.reason,
        by=who(draft.submitted_by or draft.created_by),
        at=clock.shown(draft.closed_at or draft.submitted_at or draft.created_at),
        effective=spelled(draft.effective_at) if waits else "",
        remark=draft.remark if draft.state in (Draft.REJECTED, Draft.WITHDRAWN, Draft.REFUSED) else "",
    )
