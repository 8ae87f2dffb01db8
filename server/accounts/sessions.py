"""Signing in with a password, throttled; sessions of browsers, kept on the server so that they can be ended."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

from peewee import fn

from server import audit
from server.accounts import passwords
from server.accounts.callers import Caller
from server.accounts.problems import Refused, Throttled
from server.core.moments import DAY, HOUR, MINUTE, SECOND, Moment
from server.directory.applying import end_access
from server.directory.snapshot import snapshot
from server.store.database import transaction
from server.store.models import Person, Session, SignInAttempt

LOOKED_AT: Final = 15 * MINUTE  # failures older than this are forgotten
FREE_BY_LOGIN: Final = 5  # failures before the first wait
FREE_BY_ADDRESS: Final = 30  # an office behind one address has many people
LONGEST_WAIT: Final = 5 * MINUTE
IDLE: Final = 12 * HOUR
LONGEST: Final = 7 * DAY
COOKIE: Final = "duban_session"
SEEN: Final = MINUTE  # how exact `seen_at` is: a write for each request would be too much


NAMED_BY: Final = 16
"""By so many letters of its hash a session is told from others, on pages and in addresses."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has not ended: where it was begun, with which browser, when it was last used (to the minute)."""

    name: str
    hash: str
    address: str
    browser: str
    created_at: Moment
    seen_at: Moment


def cookie_name(url: str) -> str:
    """The name of the cookie that holds a session, by the server's address: over https it has the prefix by which
    browsers take it from this very host only."""
    return f"__Host-{COOKIE}" if url.startswith("https://") else COOKIE


def sign_in(login: str, password: str, address: str, now: Moment, browser: str = "") -> str | None:
    """Check a password and begin a session: the text for the cookie; None when login or password are wrong.

    Raises Throttled after many failures, by login or by address, without looking at the password. Somebody unknown
    takes as long as somebody known. Not to be called inside a transaction: the attempt is counted before it is judged.
    """
    login, address = _storable(login), _storable(address)
    attempt = _attempt(login, address, now)
    person = Person.get_or_none((Person.login == login) & Person.disabled_at.is_null())
    password_hash = None if person is None else person.password_hash
    if not passwords.fits(password_hash, password) or password_hash is None:
        with transaction():
            # Of somebody unknown nothing is kept: many a password was typed in the wrong field.
            audit.record("person.sign_in_refused", now, {"login": None if person is None else login})
        return None
    with transaction():
        _succeeded(attempt)
        if passwords.is_outdated(password_hash):
            Person.update(password_hash=passwords.hashed(password)).where(Person.login == login).execute()
        audit.record("person.signed_in", now, {"login": login}, by=login)
        return _begin(login, address, now, browser)


def change_password(by: Caller, present: str, new: str, address: str, now: Moment, browser: str = "") -> str:
    """Give oneself a new password, knowing the present one: every session and token ends, and a session begins, whose
    text is given. Raises Refused, Throttled. Not to be called inside a transaction, like `sign_in`."""
    attempt = _attempt(by.login, _storable(address), now)
    person = Person.get_or_none((Person.login == by.login) & Person.disabled_at.is_null())
    if person is None or not passwords.fits(person.password_hash, present):
        with transaction():
            audit.record("person.password_change_refused", now, {"login": by.login}, by=by.login)
        raise Refused("wrong-password")
    password_hash = passwords.hashed(new, by.login)
    with transaction():
        _succeeded(attempt)
        Person.update(password_hash=password_hash).where(Person.login == by.login).execute()
        end_access(by.login, now)
        audit.record("person.password_changed", now, {"login": by.login}, by=by.login)
        return _begin(by.login, _storable(address), now, browser)


def _succeeded(attempt: int) -> None:
    SignInAttempt.update(succeeded=True).where(SignInAttempt.id == attempt).execute()


def _attempt(login: str, address: str, now: Moment) -> int:
    with transaction():
        SignInAttempt.delete().where(SignInAttempt.at < now - DAY).execute()
        wait = max(
            _wait(SignInAttempt.login == login, FREE_BY_LOGIN, now),
            _wait(SignInAttempt.address == address, FREE_BY_ADDRESS, now) if address else 0,
        )
        if wait <= 0:
            return int(SignInAttempt.create(login=login, address=address, at=now).id)
    raise Throttled(-(-wait // SECOND))


def _wait(whose: Any, free: int, now: Moment) -> int:
    """How long from now until the next attempt is looked at: 1 s after the free ones, then twice as long each time."""
    since = SignInAttempt.select(fn.MAX(SignInAttempt.at)).where(whose, SignInAttempt.succeeded).scalar() or 0
    failures, last = (
        SignInAttempt.select(fn.COUNT(SignInAttempt.id), fn.MAX(SignInAttempt.at))
        .where(whose, SignInAttempt.at > max(since, now - LOOKED_AT), ~SignInAttempt.succeeded)
        .scalar(as_tuple=True)
    )
    if failures < free:
        return 0
    pause = min(SECOND << min(int(failures) - free, 20), LONGEST_WAIT)
    return int(last) + pause - now


def _begin(login: str, address: str, now: Moment, browser: str) -> str:
    Session.delete().where((Session.expires_at < now) | (Session.seen_at < now - IDLE)).execute()
    text = secrets.token_urlsafe(32)
    Session.create(
        hash=_hash(text),
        person=login,
        data={"browser": _storable(browser)},
        address=address,
        created_at=now,
        seen_at=now,
        expires_at=now + LONGEST,
    )
    return text


def caller_of_session(text: str, now: Moment) -> Caller | None:
    """Whose session that is; None when it has ended, was idle for 12 hours, or is of somebody disabled."""
    session = Session.get_or_none(Session.hash == _hash(text))
    if session is None or now >= session.expires_at or now - session.seen_at >= IDLE:
        return None
    people = snapshot()
    if people.active(session.person_id) is None:
        return None
    if now - session.seen_at >= SEEN:
        with transaction():
            Session.update(seen_at=now).where(Session.hash == session.hash).execute()
    return Caller(session.person_id, people.permissions_of(session.person_id), session=session.hash)


def sessions_of(login: str, now: Moment) -> list[Opened]:
    """The sessions of a person that have not ended, the one that was used last first."""
    rows = (
        Session.select()
        .where(Session.person == login, Session.expires_at > now, Session.seen_at > now - IDLE)
        .order_by(Session.seen_at.desc(), Session.hash)
    )
    return [
        Opened(row.hash[:NAMED_BY], row.hash, row.address, row.data.get("browser", ""), row.created_at, row.seen_at)
        for row in rows
    ]


def end_session(login: str, name: str, now: Moment, by: str) -> bool:
    """End one session of a person; False: it has ended already."""
    found = next((one.hash for one in sessions_of(login, now) if one.name == name), None)
    return found is not None and _end((Session.person == login) & (Session.hash == found), login, now, by) > 0


def end_sessions(login: str, now: Moment, by: str, keep: str | None = None) -> int:
    """End all sessions of a person, but the one whose hash is `keep`; give how many there were."""
    return _end((Session.person == login) & (Session.hash != (keep or "")), login, now, by)


def _end(which: Any, login: str, now: Moment, by: str) -> int:
    with transaction():
        ended = int(Session.delete().where(which).execute())
        if ended:
            audit.record("person.sessions_ended", now, {"login": login, "count": ended}, by=by)
        return ended


def sign_out(text: str) -> None:
    """End the session."""
    with transaction():
        Session.delete().where(Session.hash == _hash(text)).execute()


def _storable(text: str) -> str:
    # PostgreSQL keeps neither NUL nor half a character.
    return text[:200].replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
