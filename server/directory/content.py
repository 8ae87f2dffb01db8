"""The directory as plain data, the same whether it was read from a file or from the store.

By section and id, each with its attributes; attributes without a value are left out, so two of them can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def stored() -> Content:
    """The directory in the store. People who are disabled are in it, marked so."""
    roles: dict[str, list[str]] = {}
    for holding in Holding.select().order_by(Holding.role):
        roles.setdefault(holding.person_id, []).append(holding.role_id)
    members: dict[str, list[str]] = {}
    for member in Membership.select().order_by(Membership.position, Membership.person):
        members.setdefault(member.team_id, []).append(member.person_id)
    return {
        "roles": {
            role.name: given({"title": role.title, "permissions": sorted(role.permissions)})
            for role in Role.select().order_by(Role.name)
        },
        "people": {
            person.login: _person(person, roles.get(person.login, []))
            for person in Person.select().order_by(Person.login)
        },
        "teams": {
            team.id: given({"title": team.title, "lead": team.lead_id, "members": members.get(team.id)})
            for team in Team.select().order_by(Team.id)
        },
        "rotas": {
            rota_id(rota.team_id, rota.person_id, rota.from_at): {
                "team": rota.team_id,
                "person": rota.person_id,
                "from": rota.from_at,
                "to": rota.to_at,
            }
            for rota in Rota.select().order_by(Rota.team, Rota.from_at)
        },
        "customers": {
            customer.id: given(
                {
                    "names": list(customer.names),
                    "email": customer.email,
                    "phone": customer.phone,
                    "preferred": customer.preferred,
                    "products": list(customer.products),
                }
            )
            for customer in Customer.select().order_by(Customer.id)
        },
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
            "away": given({"from": person.away_from, "until": person.away_until}),
            "roles": roles,
            "disabled": person.disabled_at is not None,
        }
    )
