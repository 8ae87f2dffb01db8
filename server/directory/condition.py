"""What is wrong in the directory as it is now: nobody in a team, a gap in a rota, somebody whom no message reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from server.core.findings import Finding
from server.core.moments import DAY, Moment, show
from server.directory import duty
from server.directory.addresses import address
from server.directory.mentions import mentions
from server.directory.snapshot import Snapshot
from server.store.models import Customer

AHEAD: Final = 30
"""Days in which rotas and absences are looked at."""

_TYPES: Final = ("email", "sms", "phone", "wecom", "dingtalk", "feishu", "slack")


def condition(people: Snapshot, now: Moment) -> list[Finding]:
    """Everything that is wrong; the path of each begins with the section and the id."""
    return [*_teams(people), *_rotas(people, now), *_roles(people), *_people(people, now), *_customers()]


def _found(code: str, section: str, id_: str, **params: str | int) -> Finding:
    return Finding(code, (section, id_), params, "warning")


def _teams(people: Snapshot) -> Iterator[Finding]:
    for team in sorted(people.titles):
        if not any(map(people.active, people.members.get(team, ()))):
            yield _found("team-without-people", "teams", team, team=team)
        if people.active(people.leads.get(team)) is None:
            yield _found("team-has-no-lead", "teams", team, team=team)


def _rotas(people: Snapshot, now: Moment) -> Iterator[Finding]:
    """Gaps of teams that have a rota at all; whether one is needed, the policies say (server.checkup)."""
    for team, shifts in sorted(people.shifts.items()):
        if not shifts:
            continue
        found = duty.gaps(people, team, now, now + AHEAD * DAY)
        if found:
            (start, end), more = found[0], len(found) - 1
            yield _found("rota-gap", "rotas", team, team=team, start=show(start), end=show(end), more=more or "")


def _roles(people: Snapshot) -> Iterator[Finding]:
    for role in sorted(people.role_titles):
        if not any(map(people.active, people.holders.get(role, ()))) and mentions("roles", role):
            yield _found("role-without-people", "roles", role, role=role)


def _people(people: Snapshot, now: Moment) -> Iterator[Finding]:
    for login, one in sorted(people.people.items()):
        if one.disabled:
            continue
        if not any(address(one, type_) for type_ in _TYPES):
            yield _found("person-without-address", "people", login, who=login)
        for word, other in (("supervisor", one.supervisor), ("deputy", one.deputy)):
            if other is not None and people.active(other) is None:
                yield Finding("disabled-person", ("people", login, word), {"value": other}, "warning")
        for absence in one.absences:
            begins = max(absence.start, now)
            is_near = absence.start < now + AHEAD * DAY and (absence.end is None or absence.end > now)
            if is_near and people.stand_in(login, begins) is None:
                yield _found("nobody-stands-in", "people", login, who=login, start=show(absence.start))


def _customers() -> Iterator[Finding]:
    silent: Any = Customer.select().where(Customer.email.is_null() & Customer.phone.is_null())
    if count := silent.count():
        first = silent.order_by(Customer.id).first()
        yield _found("customers-without-address", "customers", first.id, count=count, first=first.id)
