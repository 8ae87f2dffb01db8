"""Back to an earlier text, and forward onto a newer one: rollback and rebase."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from server import policies
from server.accounts import Caller
from server.core.moments import Moment
from server.drafts.history import version_row
from server.drafts.keeping import begin, change, is_author, one, record, require_state, write
from server.drafts.problems import NotDone
from server.drafts.rights import authors, require_proposer_of
from server.drafts.standing import base_of, in_force, is_overtaken, require_base
from server.store import database
from server.store.models import Draft


def rollback(name: str, version: int, by: Caller, now: Moment, reason: str = "") -> Draft:
    """Begin a draft of the text of an earlier version; it goes the way of every draft. Raises NotPermitted and
    NotDone."""
    return begin(name, bytes(version_row(name, version).data), by, now, reason, Draft.ROLLBACK)


def again(draft_id: int, by: Caller, now: Moment) -> Draft:
    """Begin a draft that goes on from the text of one that was rejected, withdrawn or refused; everybody who wrote
    that stays its author. Raises NotPermitted, and NotDone where it has to be rebased first."""
    draft = one(draft_id)
    require_proposer_of(by, draft)
    require_state(draft, Draft.REJECTED, Draft.WITHDRAWN, Draft.REFUSED)
    require_base(draft)
    with database.transaction():
        fresh = begin(draft.name, bytes(draft.data), by, now, draft.reason, draft.origin)
        is_author(fresh, authors(draft), now)
    return fresh


def rebase(draft_id: int, by: Caller, now: Moment, text: bytes | None = None) -> Draft:
    """Put what the draft changes onto what is in force now. A draft that was submitted is withdrawn, and its like
    begun anew; everybody who wrote it stays its author. `text`: what somebody has put together by hand.

    Raises NotPermitted, and NotDone with both sides' changes in words when the two touch the same, and when the lines
    cannot be put together.
    """
    draft = one(draft_id)
    require_proposer_of(by, draft)
    base, standing = base_of(draft), in_force(draft.name)
    if not is_overtaken(draft) or base is None or standing is None:
        raise NotDone(409, "rebase-not-needed", draft=draft.id)
    if draft.state in (Draft.ACTIVE, Draft.SUPERSEDED):
        raise NotDone(409, "draft-state", draft=draft.id, state=draft.state)
    if text is None:
        _require_apart(draft, base, standing)
        text = merged(bytes(base.data), bytes(draft.data), bytes(standing.data))
    if text is None:
        raise NotDone(409, "rebase-by-hand", draft=draft.id, version=standing.number)
    with database.transaction():
        if draft.state == Draft.DRAFT:
            draft = write(change(draft, based_on=standing.id).id, text, by, now)
            record("draft.rebased", draft, now, by)
            return draft
        if draft.state in (Draft.SUBMITTED, Draft.SCHEDULED):
            draft = change(draft, state=Draft.WITHDRAWN, closed_by=by.login, closed_at=now, remark="rebased")
            record("draft.withdrawn", draft, now, by, remark="rebased")
        fresh = begin(draft.name, text, by, now, draft.reason, draft.origin)
        is_author(fresh, authors(draft), now)
        record("draft.rebased", fresh, now, by, instead_of=draft.id)
    return fresh


def conflicts(mine: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> list[tuple[Any, Any]]:
    """The changes of two texts of one base that touch the same and differ, pair by pair."""
    both = ((one, other) for one in mine for other in theirs if _touch(one["at"], other["at"]))
    return [(one, other) for one, other in both if one != other]


def _require_apart(draft: Draft, base: Any, standing: Any) -> None:
    try:
        mine, theirs = policies.changes(base, draft), policies.changes(base, standing)
    except policies.Unusable as unusable:
        raise NotDone(422, "draft-not-sound", unusable.findings, draft=draft.id, count=len(unusable.findings)) from None
    both = conflicts(mine, theirs)
    if both:
        error = NotDone(409, "rebase-conflict", draft=draft.id, version=standing.number, count=len(both))
        error.conflicts = [{"at": one["at"], "mine": one["text"], "theirs": other["text"]} for one, other in both]
        raise error


def _touch(one: str, other: str) -> bool:
    """Whether two places of a document are the same, or one lies in the other."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def merged(base: bytes, mine: bytes, theirs: bytes) -> bytes | None:
    """Both changes of a text put together, line by line; None when they touch the same lines, or lines side by side."""
    lines = [text.splitlines(keepends=True) for text in (base, mine, theirs)]
    edits = sorted(
        (first, last, side, lines[side][start:end])
        for side in (1, 2)
        for tag, first, last, start, end in SequenceMatcher(None, lines[0], lines[side], autojunk=False).get_opcodes()
        if tag != "equal"
    )
    result: list[bytes] = []
    at = 0
    before: tuple[int, int, list[bytes]] | None = None
    for first, last, _, new in edits:
        if before == (first, last, new):
            continue  # both did the same
        if before is not None and first <= before[1]:
            return None
        result += [*lines[0][at:first], *new]
        at, before = last, (first, last, new)
    return b"".join([*result, *lines[0][at:]])
