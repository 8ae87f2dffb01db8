"""People, teams, roles and rotas in memory, as of one revision of the directory.

Whoever changes the directory calls `changed()` in the same transaction; every reader compares the revision, which is
one look-up by primary key, and reads anew when it is another. Customers are many and are looked up one by one.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from server.core.moments import Moment
from server.core.vocabulary import in_language
from server.store import revisions
from server.store.database import Store, current
from server.store.models import Holding, Membership, Person, Role, Rota, Team


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which somebody is not there: [start, end), without end until further notice. `deputy` stands in,
    where it is another one than usual."""

    start: Moment
    end: Moment | None = None
    deputy: str | None = None

    def covers(self, now: Moment) -> bool:
        """Whether it is then."""
        return self.start <= now and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True)
class Someone:
    """A person, as look-ups need him."""

    login: str
    name: str
    email: str | None
    phone: str | None
    channel_ids: Mapping[str, str]
    language: str
    supervisor: str | None
    deputy: str | None
    absences: tuple[Absence, ...]
    disabled: bool

    def absence(self, now: Moment) -> Absence | None:
        """The absence that he has at that moment."""
        return next((one for one in self.absences if one.covers(now)), None)

    def is_away(self, now: Moment) -> bool:
        """Whether he is absent at that moment."""
        return self.absence(now) is not None


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on duty in [start, end)."""

    start: Moment
    end: Moment
    person: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The directory at one revision."""

    revision: str
    people: Mapping[str, Someone]
    titles: Mapping[str, Any]  # team id -> title
    leads: Mapping[str, str | None]
    members: Mapping[str, tuple[str, ...]]  # team id -> logins, in the directory's order
    teams_of: Mapping[str, frozenset[str]]
    role_titles: Mapping[str, Any]
    permissions: Mapping[str, frozenset[str]]  # role -> permissions
    holders: Mapping[str, tuple[str, ...]]  # role -> logins
    roles_of: Mapping[str, frozenset[str]]
    shifts: Mapping[str, tuple[Shift, ...]]  # team id -> by start

    def active(self, login: str | None) -> Someone | None:
        """The person, if there is one of that login who is not disabled."""
        person = self.people.get(login) if login is not None else None
        return None if person is None or person.disabled else person

    def on_duty(self, team: str, now: Moment) -> str | None:
        """Who is on duty for the team; of overlapping shifts, the one that began last."""
        shifts = self.shifts.get(team, ())
        for shift in reversed(shifts[: bisect_right(shifts, now, key=lambda shift: shift.start)]):
            if now < shift.end and self.active(shift.person):
                return shift.person
        return None

    def stand_in(self, login: str, now: Moment) -> str | None:
        """Who stands in for the person now: himself when present, else his deputy, or the deputy's; None: nobody."""
        seen: set[str] = set()
        following: str | None = login
        while following is not None and following not in seen:
            seen.add(following)
            person = self.people.get(following)
            if person is None:
                return None
            absence = person.absence(now)
            if not person.disabled and absence is None:
                return following
            following = (absence.deputy if absence is not None else None) or person.deputy
        return None

    def permissions_of(self, login: str) -> frozenset[str]:
        """Everything that the roles of an active person permit."""
        if self.active(login) is None:
            return frozenset()
        return frozenset().union(*(self.permissions.get(role, frozenset()) for role in self.roles_of.get(login, ())))

    def names(self, language: str) -> dict[str, str]:
        """Names to show: of people by login, of teams by `team:ID`, of roles by `role:NAME`."""
        found = {login: person.name for login, person in self.people.items()}
        found.update({f"team:{id_}": in_language(title, language, id_) for id_, title in self.titles.items()})
        found.update({f"role:{name}": in_language(title, language, name) for name, title in self.role_titles.items()})
        return found


_lock = threading.Lock()
_latest: WeakKeyDictionary[Store, Snapshot] = WeakKeyDictionary()


def snapshot() -> Snapshot:
    """The directory as it is now, inside a transaction as that transaction sees it."""
    store = current()
    revision = _revision()
    with _lock:
        latest = _latest.get(store)
    if latest is not None and latest.revision == revision:
        return latest
    with store.snapshot():
        # Read again: between the two somebody may have changed it.
        read = _read(_revision())
    with _lock:
        _latest[store] = read
    return read


def _revision() -> str:
    return revisions.revision(revisions.DIRECTORY)


def hold() -> None:
    """Let nobody else change the directory until the end of this transaction, so that what was read stays true."""
    revisions.hold(revisions.DIRECTORY)


def changed() -> None:
    """Note, in the transaction of the change, that the directory is another one now."""
    revisions.renew(revisions.DIRECTORY)


def _read(revision: str) -> Snapshot:
    people = {
        row.login: Someone(
            row.login,
            row.name,
            row.email,
            row.phone,
            row.channel_ids or {},
            row.language,
            row.supervisor_id,
            row.deputy_id,
            tuple(Absence(one["from"], one.get("until"), one.get("deputy")) for one in row.absences),
            row.disabled_at is not None,
        )
        for row in Person.select()
    }
    teams = list(Team.select())
    roles = list(Role.select())
    members: dict[str, list[str]] = {team.id: [] for team in teams}
    for member in Membership.select().order_by(Membership.team, Membership.position, Membership.person):
        members[member.team_id].append(member.person_id)
    holders: dict[str, list[str]] = {role.name: [] for role in roles}
    for holding in Holding.select().order_by(Holding.role, Holding.position, Holding.person):
        holders[holding.role_id].append(holding.person_id)
    shifts: dict[str, list[Shift]] = {}
    for rota in Rota.select().order_by(Rota.from_at, Rota.id):
        shifts.setdefault(rota.team_id, []).append(Shift(rota.from_at, rota.to_at, rota.person_id))
    return Snapshot(
        revision=revision,
        people=people,
        titles={team.id: team.title for team in teams},
        leads={team.id: team.lead_id for team in teams},
        members={team: tuple(logins) for team, logins in members.items()},
        teams_of=_reversed(members),
        role_titles={role.name: role.title for role in roles},
        permissions={role.name: frozenset(role.permissions) for role in roles},
        holders={role: tuple(logins) for role, logins in holders.items()},
        roles_of=_reversed(holders),
        shifts={team: tuple(found) for team, found in shifts.items()},
    )


def _reversed(lists: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, logins in lists.items():
        for login in logins:
            found.setdefault(login, set()).add(name)
    return {login: frozenset(names) for login, names in found.items()}
