"""Bringing a document into force in a test that is about something else: as one that somebody proposed and somebody
else approved, without checks, so that a bad one can be in force, too."""

from __future__ import annotations

from server import audit, policies
from server.core import documents
from server.core.moments import Moment
from server.store import database
from server.store.models import Approval, Draft, DraftAuthor, Version

AUTHOR, APPROVER = "author", "approver"


def publish(data: bytes | str, now: Moment, author: str = AUTHOR, approver: str = APPROVER, reason: str = "") -> int:
    """Put the text in force; give its version. The first one of a name counts as shipped."""
    text = data.encode() if isinstance(data, str) else data
    document, found = documents.read(text)
    assert document is not None, found
    with database.transaction():
        if Version.get_or_none(Version.name == document.name) is None:
            version = policies.add_version(text, now)
            by = None
        else:
            version = approved(text, now, author, approver, reason)
            by = approver
        policies.activate(version, now, by)
        Draft.update(state=Draft.ACTIVE).where(Draft.version == version).execute()
    return version


def approved(data: bytes | str, now: Moment, author: str = AUTHOR, approver: str = APPROVER, reason: str = "") -> int:
    """A version that is approved and not yet in force."""
    text = data.encode() if isinstance(data, str) else data
    document, found = documents.read(text)
    assert document is not None, found
    with database.transaction():
        draft = Draft.create(
            kind=document.kind, name=document.name, data=text, sha256=document.sha256, created_by=author, created_at=now
        )
        DraftAuthor.create(draft=draft, login=author, at=now)
        Draft.update(state=Draft.SUBMITTED, submitted_by=author, submitted_at=now).where(Draft.id == draft.id).execute()
        Approval.create(draft=draft, sha256=document.sha256, approver=approver, at=now)
        said = {"draft": draft.id, "name": document.name, "sha256": document.sha256, "approval": 1, "of": 1}
        audit.record("draft.approved", now, said, by=approver)
        version = policies.add_version(
            text, now, origin=Version.PROPOSED, author=author, approver=approver, reason=reason
        )
        Draft.update(version=version).where(Draft.id == draft.id).execute()
    return version
