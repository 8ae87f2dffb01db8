"""What a start needs: tables, documents in force, an administrator, roles; with a demo, people and issues."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from server import accounts, directory, drafts, policies
from server.backup import notice
from server.core.moments import Moment
from server.resources import data_dir
from server.settings import Settings
from server.store import database
from server.store.migrating import alone, migrate
from server.store.models import Role


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can sign in, with the password that was made for him."""

    login: str
    password: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo has brought: who can sign in, how many people and issues there are now."""

    logins: tuple[Login, ...]
    people: int
    issues: int


@dataclass(frozen=True, slots=True)
class Started:
    """What a start has made: the first administrator with his password (None: there was one, or it was given), and
    the demo (None: not asked for, or loaded before). `demo_refused`: the store has people or issues of its own.
    `is_behind`: the anchors have seen more than the store holds, so that outgoing messages are held now."""

    login: str | None = None
    password: str | None = None
    demo: Demo | None = None
    demo_refused: bool = False
    is_behind: bool = False


def prepare(settings: Settings, now: Moment, *, demo: bool = False) -> Started:
    """Bring the store up to date and give it what is missing; nothing stays open. A second start changes nothing.

    Raises Unavailable, UnsafeStore, TooNew, and accounts.Refused (the administrator's password that was given is too
    weak).
    """
    store = database.open(settings.database)
    try:
        migrate(store)
        # One after the other: who waits for a row of another first start would give up after a few seconds.
        with database.session(), alone(store):
            is_behind = notice(settings, now) is not None
            policies.load_shipped(now)
            drafts.offer_shipped(now)
            # Together: a password that was made must not be lost because what comes after it fails.
            with database.transaction():
                login, password = _administrator(settings, now)
                if not demo:
                    return Started(login, password, is_behind=is_behind)
                from server.demo import load

                return Started(login, password, *load(now), is_behind)
    finally:
        store.close()


def _administrator(settings: Settings, now: Moment) -> tuple[str | None, str | None]:
    """The first administrator and the password made for him; with him come the roles that policies speak of."""
    is_first = not Role.select().exists()
    found = accounts.first_administrator(now, settings.admin_password)
    if is_first:
        _roles(now)
    return found if found is not None else (None, None)


def _roles(now: Moment) -> None:
    """The shipped roles with their permissions, so that people can be given them; more come with `directory import`."""
    shipped = yaml.load(
        (data_dir("seeds") / "directory.yaml").read_text(encoding="utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 (a safe loader)
    )
    data = yaml.safe_dump({"roles": shipped["roles"]}, allow_unicode=True).encode()
    plan, findings = directory.plan(data, "directory.yaml")
    if plan is None:
        raise RuntimeError(f"the shipped roles cannot be used: {'; '.join(map(str, findings))}")
    directory.carry_out(plan, now)
