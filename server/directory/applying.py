"""Writes changes of the directory, in an order in which every reference exists when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.core.moments import Moment
from server.directory.addresses import folded
from server.directory.content import Attributes, Content, rota_id
from server.store.models import (
    Customer,
    CustomerName,
    CustomerProduct,
    Holding,
    Membership,
    Person,
    Role,
    Rota,
    Session,
    Team,
    Token,
)
from server.store.writing import insert_many

_PIECE = 500  # rows in one statement's `IN`


def apply_changes(changes: Iterable[tuple[str, str, str]], target: Content, now: Moment) -> None:
    """Make the store's directory what `target` says, for (section, id, how) of each change."""
    by_kind: dict[tuple[str, str], list[str]] = {}
    for section, id_, how in changes:
        by_kind.setdefault((section, how), []).append(id_)

    def ids(section: str, *hows: str) -> list[str]:
        return [id_ for how in hows for id_ in by_kind.get((section, how), ())]

    for name in ids("roles", "added", "changed"):
        _role(name, target["roles"][name])
    _people(ids("people", "added"), ids("people", "changed"), target["people"], now)
    for id_ in ids("teams", "added", "changed"):
        _team(id_, target["teams"][id_])
    _rotas(ids("rotas", "removed", "changed"), ids("rotas", "added", "changed"), target)
    _delete(Customer, "id", ids("customers", "removed"))
    for id_ in ids("customers", "added", "changed"):
        _customer(id_, target["customers"][id_])
    for login in ids("people", "removed"):
        disable(login, now)
    _delete(Team, "id", ids("teams", "removed"))
    _delete(Role, "name", ids("roles", "removed"))


def disable(login: str, now: Moment) -> None:
    """Take everything from a person by which he could act; his name stays."""
    Person.update(disabled_at=now, password_hash=None).where(
        Person.login == login, Person.disabled_at.is_null()
    ).execute()
    Membership.delete().where(Membership.person == login).execute()
    Holding.delete().where(Holding.person == login).execute()
    # Who was on duty before stays on record.
    Rota.delete().where(Rota.person == login, Rota.from_at >= now).execute()
    Rota.update(to_at=now).where(Rota.person == login, Rota.to_at > now).execute()
    Team.update(lead=None).where(Team.lead == login).execute()
    end_access(login, now)


def end_access(login: str, now: Moment) -> None:
    """End every session and token of a person."""
    Session.delete().where(Session.person == login).execute()
    Token.update(revoked_at=now).where(Token.person == login, Token.revoked_at.is_null()).execute()


def _delete(table: type[Customer | Team | Role], key: str, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), _PIECE):
        field = table._meta.fields[key]
        table.delete().where(field.in_(ids[start : start + _PIECE])).execute()


def _role(name: str, role: Attributes) -> None:
    row = {"title": role.get("title", {}), "permissions": role.get("permissions", [])}
    Role.insert(name=name, **row).on_conflict(conflict_target=[Role.name], update=row).execute()


def _people(added: list[str], changed: list[str], people: dict[str, Attributes], now: Moment) -> None:
    for login in added:
        Person.create(login=login, created_at=now, **_person(people[login]))
    for login in changed:
        Person.update(**_person(people[login])).where(Person.login == login).execute()
    for login in added + changed:
        person = people[login]
        # Only now is everybody there whom somebody may name.
        Person.update(supervisor=person.get("supervisor"), deputy=person.get("deputy")).where(
            Person.login == login
        ).execute()
        Holding.delete().where(Holding.person == login).execute()
        insert_many(Holding, [{"role": role, "person": login} for role in person.get("roles", ())])
        if person.get("disabled"):
            Person.update(disabled_at=now, password_hash=None).where(
                Person.login == login, Person.disabled_at.is_null()
            ).execute()
            end_access(login, now)
        else:
            Person.update(disabled_at=None).where(Person.login == login).execute()


def _person(person: Attributes) -> Attributes:
    return {
        "name": person["name"],
        "email": person.get("email"),
        "phone": person.get("phone"),
        "channel_ids": person.get("channel_ids", {}),
        "language": person["language"],
        "absences": person.get("away", []),
    }


def _team(id_: str, team: Attributes) -> None:
    row = {"title": team.get("title", {}), "lead": team.get("lead")}
    Team.insert(id=id_, **row).on_conflict(conflict_target=[Team.id], update=row).execute()
    Membership.delete().where(Membership.team == id_).execute()
    members = [
        {"team": id_, "person": login, "position": position} for position, login in enumerate(team.get("members", ()))
    ]
    insert_many(Membership, members)


def _rotas(gone: list[str], come: list[str], target: Content) -> None:
    if gone:
        removed = set(gone)
        rows = [rota.id for rota in Rota.select() if rota_id(rota.team_id, rota.person_id, rota.from_at) in removed]
        for start in range(0, len(rows), _PIECE):
            Rota.delete().where(Rota.id.in_(rows[start : start + _PIECE])).execute()
    found = [target["rotas"][id_] for id_ in come]
    insert_many(
        Rota,
        [{"team": r["team"], "person": r["person"], "from_at": r["from"], "to_at": r["to"]} for r in found],
    )


def _customer(id_: str, customer: Attributes) -> None:
    row = {
        "names": customer.get("names", []),
        "email": customer.get("email"),
        "phone": customer.get("phone"),
        "preferred": customer.get("preferred"),
        "products": customer.get("products", []),
    }
    Customer.insert(id=id_, **row).on_conflict(conflict_target=[Customer.id], update=row).execute()
    CustomerName.delete().where(CustomerName.customer == id_).execute()
    names = dict.fromkeys(folded(name) for name in [id_, *row["names"]])
    insert_many(CustomerName, [{"name": name, "customer": id_} for name in names])
    CustomerProduct.delete().where(CustomerProduct.customer == id_).execute()
    insert_many(CustomerProduct, [{"product": one, "customer": id_} for one in dict.fromkeys(row["products"])])
