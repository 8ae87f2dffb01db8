"""People as users: added, disabled, given roles; the first administrator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from server import audit
from server.accounts import passwords
from server.accounts.problems import Refused
from server.core.kinds import near
from server.core.moments import Moment
from server.directory.applying import disable as take_everything
from server.directory.applying import end_access
from server.directory.reading import LOGIN, NOT_LOGINS
from server.directory.snapshot import changed, snapshot
from server.permissions import PERMISSIONS
from server.store.database import transaction
from server.store.models import Holding, Membership, Person, Role, Team

ADMINISTRATOR = "administrator"


def add_user(
    login: str,
    now: Moment,
    *,
    roles: Sequence[str] = (),
    teams: Sequence[str] = (),
    password: str | None = None,
    name: str | None = None,
    email: str | None = None,
    language: str = "zh",
    by: str | None = None,
) -> None:
    """Add a person; one who was disabled comes back. Raises Refused: the login is taken or no login, a role or team is
    unknown, the password is too weak."""
    if not LOGIN.fullmatch(login) or login in NOT_LOGINS:
        raise Refused("bad-login", value=login)
    password_hash = None if password is None else passwords.hashed(password, login)
    with transaction():
        person = Person.get_or_none(Person.login == login)
        if person is not None and person.disabled_at is None:
            raise Refused("login-taken", value=login)
        _all_known("role_name", roles, [row.name for row in Role.select()])
        _all_known("team_id", teams, [row.id for row in Team.select()])
        values = {"name": name or login, "email": email, "language": language, "password_hash": password_hash}
        if person is None:
            Person.create(login=login, created_at=now, **values)
        else:
            Person.update(disabled_at=None, **values).where(Person.login == login).execute()
        for role in dict.fromkeys(roles):
            Holding.create(role=role, person=login)
        for team in dict.fromkeys(teams):
            position = Membership.select().where(Membership.team == team).count()
            Membership.create(team=team, person=login, position=position)
        changed()
        audit.record("person.added", now, {"login": login, "roles": list(roles), "teams": list(teams)}, by=by)


def disable_user(login: str, now: Moment, by: str | None = None) -> None:
    """Disable a person: nothing of his works any more. Raises Refused: somebody unknown, or the last administrator."""
    with transaction():
        known(login)
        if administrators() == [login]:
            raise Refused("last-administrator", value=login)
        take_everything(login, now)
        changed()
        audit.record("person.disabled", now, {"login": login}, by=by)


def set_password(login: str, password: str, now: Moment, by: str | None = None) -> None:
    """Give a person a new password; his sessions and tokens end. Raises Refused."""
    password_hash = passwords.hashed(password, login)
    with transaction():
        known(login)
        Person.update(password_hash=password_hash).where(Person.login == login).execute()
        end_access(login, now)
        audit.record("person.password_set", now, {"login": login}, by=by)


def administrators() -> list[str]:
    """Logins of the active people who hold the permission `system`."""
    people = snapshot()
    return sorted(login for login in people.roles_of if "system" in people.permissions_of(login))


def first_administrator(now: Moment, password: str | None = None) -> tuple[str, str | None] | None:
    """On a store without an administrator, make one: his login, and the password that was made up for him (None when
    it was given). None when there is one already."""
    with transaction():
        if administrators():
            return None
        made = None if password else secrets.token_urlsafe(15)
        everything = {"title": {"zh": "系统管理员", "en": "Administrator"}, "permissions": sorted(PERMISSIONS)}
        Role.insert(name=ADMINISTRATOR, **everything).on_conflict(
            conflict_target=[Role.name], update=everything
        ).execute()
        login = next(name for name in _logins() if Person.get_or_none(Person.login == name) is None)
        add_user(login, now, roles=[ADMINISTRATOR], password=password or made, name="Administrator")
        return login, made


def _logins() -> Iterable[str]:
    yield "admin"
    number = 1
    while True:
        number += 1
        yield f"admin{number}"


def known(login: str) -> Person:
    """The active person of that login. Raises Refused: there is none."""
    person = Person.get_or_none((Person.login == login) & Person.disabled_at.is_null())
    if person is None:
        raise Refused("unknown-person", value=login)
    return person


def _all_known(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise Refused("unknown-name", what=what, value=name, near=near(name, known))
