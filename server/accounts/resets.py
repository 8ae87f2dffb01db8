"""Links for choosing a new password: made by an administrator, kept as a hash, used once within a day."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from server import audit
from server.accounts import passwords
from server.accounts.problems import Refused
from server.accounts.users import known
from server.core.moments import DAY, Moment
from server.directory.applying import end_access
from server.store.database import transaction
from server.store.models import Person, ResetLink, SignInAttempt

LASTS: Final = DAY


def make_reset_link(login: str, now: Moment, by: str) -> str:
    """Make the link of a person and give its text, which is kept nowhere; one made before is worth nothing any more.
    Raises Refused: there is no such active person."""
    text = secrets.token_urlsafe(32)
    with transaction():
        known(login)
        ResetLink.delete().where((ResetLink.person == login) | (ResetLink.expires_at <= now)).execute()
        ResetLink.create(hash=_hash(text), person=login, made_by=by, created_at=now, expires_at=now + LASTS)
        audit.record("person.reset_link_made", now, {"login": login, "expires_at": now + LASTS}, by=by)
    return text


def person_of_reset_link(text: str, now: Moment) -> str | None:
    """Whose password can be chosen with it; None: it was used or never made, has expired, or the person is disabled."""
    row = (
        ResetLink.select(ResetLink.person)
        .join(Person, on=Person.login == ResetLink.person)
        .where(_is_good(text, now), Person.disabled_at.is_null())
        .first()
    )
    return None if row is None else str(row.person_id)


def reset_password(text: str, password: str, address: str, now: Moment) -> str:
    """Give the person of the link this password and end all his sessions and tokens; give his login. Raises Refused:
    the link is no good, or the password; then it can be tried again."""
    login = person_of_reset_link(text, now)
    if login is None:
        raise Refused("reset-link-no-good")
    password_hash = passwords.hashed(password, login)
    with transaction():
        # Asked and used in one statement: of two who have the link, one gets in.
        if ResetLink.update(used_at=now).where(_is_good(text, now)).execute() != 1:
            raise Refused("reset-link-no-good")
        known(login)
        Person.update(password_hash=password_hash).where(Person.login == login).execute()
        end_access(login, now)
        # Who waits because of wrong guesses may sign in now.
        SignInAttempt.create(login=login, address=address[:200], at=now, succeeded=True)
        audit.record("person.password_reset", now, {"login": login}, by=login)
    return login


def _is_good(text: str, now: Moment) -> Any:
    return (ResetLink.hash == _hash(text)) & ResetLink.used_at.is_null() & (ResetLink.expires_at > now)


def _hash(text: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
