"""Who may do what with drafts (contract, Permissions). Administrators are not exempt: nobody approves his own text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from server import policies
from server.accounts import Caller, NotPermitted, Refused
from server.core import documents
from server.directory import snapshot
from server.drafts.problems import NotDone
from server.drafts.standing import base_of, in_force
from server.store.models import Draft, DraftAuthor

PROPOSE: Final = "policy.propose"
APPROVE: Final = "policy.approve"
EMERGENCY: Final = "system"
WITHOUT_OWNER: Final = "process_owner"


def caller(login: str) -> Caller:
    """A person who acts in a shell, with all his permissions. Raises Refused when there is nobody of that login."""
    people = snapshot()
    if people.active(login) is None:
        raise Refused("unknown-person", value=login)
    return Caller(login, people.permissions_of(login))


def require_proposer(by: Caller, *texts: bytes | None) -> None:
    """Whoever holds the permission may propose; so may the team that owns the document by one of its texts, or,
    without an owner, the role `process_owner`. A token goes by its scopes alone. Raises NotPermitted."""
    if by.may(PROPOSE):
        return
    if by.token is None and any(_owns(by.login, text) for text in texts if text is not None):
        return
    raise NotPermitted(PROPOSE)


def require_proposer_of(by: Caller, draft: Draft) -> None:
    """The same for a draft: the text that it was based on says who owns the document, or its own if that is new."""
    base = base_of(draft)
    require_proposer(by, bytes(draft.data if base is None else base.data))


def may_propose(by: Caller, draft: Draft) -> bool:
    """Whether somebody may write into the draft."""
    base = base_of(draft)
    return _may(by, bytes(draft.data if base is None else base.data))


def _may(by: Caller, text: bytes | None) -> bool:
    try:
        require_proposer(by, text)
    except NotPermitted:
        return False
    return True


def may_change(by: Caller, name: str) -> bool:
    """Whether somebody may change the document of that name."""
    standing = in_force(name)
    return _may(by, None if standing is None else bytes(standing.data))


def may_propose_anything(by: Caller) -> bool:
    """Whether there is a document in force that this person may change."""
    if by.may(PROPOSE):
        return True
    if by.token is not None:
        return False
    people = snapshot()
    if WITHOUT_OWNER in people.roles_of.get(by.login, ()):
        return True
    owners = {str(one.process.raw.get("owner") or "") for one in policies.in_force().processes.values()}
    return any(f"team:{team}" in owners for team in people.teams_of.get(by.login, ()))


def _owns(login: str, text: bytes) -> bool:
    people = snapshot()
    owner = owner_of(text)
    if owner is None:
        return WITHOUT_OWNER in people.roles_of.get(login, ())
    return login in people.members.get(owner.removeprefix("team:"), ())


def owner_of(text: bytes) -> str | None:
    """`team:ID` of a document's owner; None: nobody is named, or the text cannot be read."""
    found = value_of(text).get("owner")
    return found if isinstance(found, str) and found.startswith("team:") else None


def value_of(text: bytes) -> Mapping[str, Any]:
    """What a document says; nothing when it cannot be read."""
    document, _ = documents.read(text)
    return {} if document is None else document.value


def authors(draft: Draft) -> frozenset[str]:
    """Everybody who wrote text into the draft or submitted it."""
    rows = DraftAuthor.select(DraftAuthor.login).where(DraftAuthor.draft == draft.id)
    return frozenset(row.login for row in rows) | {
        login for login in (draft.created_by, draft.submitted_by) if login is not None
    }


def require_another(by: Caller, draft: Draft) -> None:
    """Raises NotDone for somebody who wrote the draft or submitted it."""
    if by.login in authors(draft):
        raise NotDone(403, "own-draft", draft=draft.id, login=by.login)
