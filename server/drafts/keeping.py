"""Drafts while they are written: begun, changed, looked up."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from server import audit
from server.accounts import Caller
from server.core import documents
from server.core.findings import size_text
from server.core.moments import Moment
from server.core.schema import KINDS
from server.drafts.problems import NotDone
from server.drafts.rights import require_proposer, require_proposer_of
from server.drafts.standing import base_of, in_force
from server.store import database
from server.store.models import AuditEntry, Draft, DraftAuthor

OPEN: Final = (Draft.DRAFT, Draft.SUBMITTED, Draft.SCHEDULED)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)


def begin(
    name: str,
    data: bytes | None,
    by: Caller | None,
    now: Moment,
    reason: str = "",
    origin: str = Draft.PROPOSED,
) -> Draft:
    """Begin a draft of the document: of the text given, else of the one in force. A text with mistakes is kept: it is
    submitting that needs a clean check. `by` is None for the server itself, which offers what a release ships.

    Raises NotPermitted, and NotDone for a text that is of another document.
    """
    with database.transaction():
        base = in_force(name)
        if data is None and base is None:
            raise NotDone(404, "unknown-document", name=name)
        text = bytes(base.data) if data is None else data
        if by is not None:
            require_proposer(by, None if base is None else bytes(base.data), text if base is None else None)
        kind = _kind(name, text, None if base is None else base.kind)
        draft = Draft.create(
            kind=kind,
            name=name,
            data=text,
            sha256=hashlib.sha256(text).hexdigest(),
            based_on=base,
            origin=origin,
            reason=reason,
            created_by=None if by is None else by.login,
            created_at=now,
        )
        _wrote(draft, by, now)
        record("draft.begun", draft, now, by)
    return draft


def write(draft_id: int, data: bytes, by: Caller, now: Moment, if_seq: int | None = None) -> Draft:
    """Give a draft that was not submitted another text. Raises NotDone: it is no draft any more, the text is of another
    document, or it is not at `if_seq`."""
    with database.transaction():
        draft = one(draft_id)
        require_proposer_of(by, draft)
        require_state(draft, Draft.DRAFT)
        if if_seq is not None and if_seq != draft.seq:
            raise NotDone(409, "draft-changed", draft=draft.id)
        kind = _kind(draft.name, data, draft.kind if draft.based_on_id is not None else None)
        draft = change(draft, data=data, sha256=hashlib.sha256(data).hexdigest(), kind=kind)
        _wrote(draft, by, now)
        record("draft.written", draft, now, by)
    return draft


def _kind(name: str, data: bytes, before: str | None) -> str:
    """The kind of the text, which must be of that document as far as it can be read."""
    if len(data) > documents.MAX_BYTES:
        raise NotDone(422, "draft-too-large", size=size_text(len(data)), limit=size_text(documents.MAX_BYTES))
    if not _NAME.fullmatch(name):
        raise NotDone(422, "draft-bad-name", name=name)
    document, _ = documents.read(data)
    if document is None:
        return before or ""
    if document.name != name:
        raise NotDone(422, "draft-of-another", name=name, found=document.name)
    if before and document.kind != before:
        raise NotDone(422, "draft-of-another-kind", name=name, before=before, found=document.kind)
    return document.kind if document.kind in KINDS else ""


def _wrote(draft: Draft, by: Caller | None, now: Moment) -> None:
    """Note who wrote the text. Whoever wrote the same text into an earlier draft wrote this one, too: a draft that
    somebody else proposes again is still his."""
    earlier = (
        DraftAuthor.select(DraftAuthor.login)
        .join(Draft)
        .where(Draft.name == draft.name, Draft.sha256 == draft.sha256, Draft.id != draft.id)
    )
    logins = {row.login for row in earlier} | ({by.login} if by is not None else set())
    is_author(draft, logins, now)


def last_written(draft: Draft) -> tuple[str | None, Moment]:
    """Who wrote the draft's text last, and when; nobody: the server itself, when it was begun."""
    # Entries that concern no issue are few, and an index has them apart.
    entry = (
        AuditEntry.select(AuditEntry.by, AuditEntry.at)
        .where(AuditEntry.issue.is_null(), AuditEntry.kind == "draft.written")
        .where(AuditEntry.body.contains(f'"draft":{draft.id},'))
        .order_by(AuditEntry.id.desc())
        .first()
    )
    return (draft.created_by, draft.created_at) if entry is None else (entry.by, entry.at)


def is_author(draft: Draft, logins: Any, now: Moment) -> None:
    """Note that these people wrote the draft, or submitted it."""
    for login in sorted(logins):
        DraftAuthor.insert(draft=draft.id, login=login, at=now).on_conflict_ignore().execute()


def own(name: str, by: Caller) -> Draft | None:
    """The draft of that document which this person is writing: the newest that he wrote into and did not hand in."""
    mine = DraftAuthor.select(DraftAuthor.draft).where(DraftAuthor.login == by.login)
    query = Draft.select().where(Draft.name == name, Draft.state == Draft.DRAFT, Draft.id.in_(mine))
    return query.order_by(Draft.id.desc()).first()  # type: ignore[no-any-return]


# -- looking up and changing ---------------------------------------------------------------------------------------


def one(draft_id: int, name: str | None = None) -> Draft:
    """The draft of that number (of that document). Raises NotDone when there is none."""
    found = Draft.get_or_none(Draft.id == draft_id) if 0 < draft_id < 2**63 else None
    if found is None or (name is not None and found.name != name):
        raise NotDone(404, "unknown-draft", draft=draft_id)
    return found


def drafts(name: str | None = None, open_only: bool = False) -> list[Draft]:
    """Drafts, newest first."""
    query = Draft.select().order_by(Draft.id.desc())
    if name is not None:
        query = query.where(Draft.name == name)
    if open_only:
        query = query.where(Draft.state.in_(OPEN))
    return list(query)


def require_state(draft: Draft, *states: str) -> None:
    """Raises NotDone unless the draft is in one of the states."""
    if draft.state not in states:
        raise NotDone(409, "draft-state", draft=draft.id, state=draft.state)


def change(draft: Draft, **columns: Any) -> Draft:
    """Within the caller's transaction: change a draft that is still as it was read. Raises NotDone when somebody was
    faster."""
    moved = Draft.update(seq=draft.seq + 1, **columns).where(Draft.id == draft.id, Draft.seq == draft.seq).execute()
    if moved != 1:
        raise NotDone(409, "draft-changed", draft=draft.id)
    return Draft.get_by_id(draft.id)


def record(kind: str, draft: Draft, now: Moment, by: Caller | None, **more: Any) -> None:
    """The entry of the audit trail for a step."""
    base = base_of(draft)
    body = {
        "draft": draft.id,
        "name": draft.name,
        "sha256": draft.sha256,
        "base": None if base is None else base.number,
        "origin": draft.origin,
    }
    audit.record(kind, now, {**body, "reason": draft.reason, **more}, by=None if by is None else by.login)
