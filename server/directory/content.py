"""The directory as plain data, the same whether it was read from a file or from the store.

By section and id, each with its attributes; attributes without a value are left out, so two of them can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

from server.core.moments import Moment, show
from server.store.models import Customer, Holding, Membership, Person, Role, Rota, Team

Attributes: TypeAlias = dict[str, Any]
Content: TypeAlias = dict[str, dict[str, Attributes]]

SECTIONS: Final = ("roles", "people", "teams", "rotas", "customers")


def rota_id(team: str, person: str, start: Moment) -> str:
    """What tells rotas apart."""
    return f"{team} {person} {show(start)}"


def given(attributes: Mapping[str, Any]) -> Attributes:
    """The attributes that have a value."""
    return {key: value for key, value in attributes.items() if value not in (None, "", [], {}, False)}


def stored(sections: Collection[str] = SECTIONS) -> Content:
    """The directory in the store, or these sections of it. People who are disabled are in it, marked so."""
    return {name: _READ[name]() for name in SECTIONS if name in sections}


def _roles() -> dict[str, Attributes]:
    return {
        role.name: given({"title": role.title, "permissions": sorted(role.permissions)})
        for role in Role.select().order_by(Role.name)
    }


def _people() -> dict[str, Attributes]:
    roles: dict[str, list[str]] = {}
    for holding in Holding.select().order_by(Holding.role):
        roles.setdefault(holding.person_id, []).append(holding.role_id)
    return {
        person.login: _person(person, roles.get(person.login, [])) for person in Person.select().order_by(Person.login)
    }


def _teams() -> dict[str, Attributes]:
    members: dict[str, list[str]] = {}
    for member in Membership.select().order_by(Membership.position, Membership.person):
        members.setdefault(member.team_id, []).append(member.person_id)
    return {
        team.id: given({"title": team.title, "lead": team.lead_id, "members": members.get(team.id)})
        for team in Team.select().order_by(Team.id)
    }


def _rotas() -> dict[str, Attributes]:
    return {
        rota_id(rota.team_id, rota.person_id, rota.from_at): {
            "team": rota.team_id,
            "person": rota.person_id,
            "from": rota.from_at,
            "to": rota.to_at,
        }
        for rota in Rota.select().order_by(Rota.team, Rota.from_at, Rota.id)
    }


def customers(ids: Collection[str] | None = None) -> dict[str, Attributes]:
    """The customers of these ids that there are; all of them when none are named."""
    query = Customer.select().order_by(Customer.id)
    if ids is not None:
        query = query.where(Customer.id.in_(list(ids)))
    return {
        customer.id: given(
            {
                "names": list(customer.names),
                "email": customer.email,
                "phone": customer.phone,
                "preferred": customer.preferred,
                "products": list(customer.products),
            }
        )
        for customer in query
    }


def _person(person: Person, roles: list[str]) -> Attributes:
    return given(
        {
            "name": person.name,
            "email": person.email,
            "phone": person.phone,
            "channel_ids": person.channel_ids,
            "language": person.language,
            "supervisor": person.supervisor_id,
            "deputy": person.deputy_id,
            "away": person.absences,
            "roles": roles,
            "disabled": person.disabled_at is not None,
        }
    )


_READ: Final[Mapping[str, Callable[[], dict[str, Attributes]]]] = {
    "roles": _roles,
    "people": _people,
    "teams": _teams,
    "rotas": _rotas,
    "customers": customers,
}
