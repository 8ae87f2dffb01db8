"""Bearer tokens: shown once, kept as a hash, bounded by the person's own permissions at every use."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable

from server import audit
from server.accounts.callers import Caller
from server.accounts.problems import Refused
from server.core.kinds import near
from server.core.moments import Moment
from server.directory.snapshot import snapshot
from server.permissions import PERMISSIONS
from server.store import sql
from server.store.database import session, transaction
from server.store.models import Token

PREFIX = "duban_"

_USED = 'SELECT "id", "person_id", "scopes", "expires_at" FROM "token" WHERE "hash" = ? AND "revoked_at" IS NULL'


def issue_token(
    login: str,
    scopes: Iterable[str],
    now: Moment,
    *,
    expires_at: Moment | None = None,
    label: str = "",
    by: str | None = None,
) -> str:
    """Make a token of a person and give its text, which is kept nowhere. Raises Refused: the person is unknown, a
    scope is no permission or not one of his."""
    wanted = list(dict.fromkeys(scopes))
    if not wanted:
        raise Refused("no-scope", allowed=", ".join(PERMISSIONS))
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction():
        people = snapshot()
        if people.active(login) is None:
            raise Refused("unknown-person", value=login)
        held = people.permissions_of(login)
        for scope in wanted:
            if scope not in PERMISSIONS:
                raise Refused("unknown-name", what="permission", value=scope, near=near(scope, PERMISSIONS))
            if scope not in held:
                raise Refused("scope-not-held", value=scope, login=login)
        token = Token.create(
            person=login, label=label, hash=_hash(text), scopes=wanted, created_at=now, expires_at=expires_at
        )
        body = {"login": login, "token": token.id, "scopes": wanted, "expires_at": expires_at, "label": label}
        audit.record("token.issued", now, body, by=by or login)
    return text


def revoke_token(token: int, now: Moment, by: str | None = None) -> bool:
    """End a token; False when there is none that is still in use."""
    with transaction():
        ended = Token.update(revoked_at=now).where(Token.id == token, Token.revoked_at.is_null()).execute()
        if ended:
            audit.record("token.revoked", now, {"token": token}, by=by)
    return bool(ended)


def caller_of_token(text: str, now: Moment) -> Caller | None:
    """Who calls with this token, and what he may do with it; None when it is unknown, ended, expired, or of somebody
    who is disabled. His permissions are looked at now, not when the token was made."""
    if not text.startswith(PREFIX):
        return None
    with session():
        found = sql.run(_USED, _hash(text)).fetchone()
    if found is None:
        return None
    id_, login, scopes, expires_at = found
    people = snapshot()
    if (expires_at is not None and now >= expires_at) or people.active(login) is None:
        return None
    return Caller(login, people.permissions_of(login) & frozenset(json.loads(scopes)), token=id_)


def _hash(text: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
