"""Who is who, by the live directory."""

from __future__ import annotations

import pytest

from server.core.world import Directory, Place
from server.directory import LiveDirectory, address, changed, customer, snapshot
from server.store import writing
from server.store.database import Store
from server.store.models import (
    Customer,
    CustomerName,
    Holding,
    Issue,
    Membership,
    Person,
    Role,
    Rota,
    Team,
    Version,
)

NOON = 1_000_000


def somebody(login: str, **values: object) -> None:
    Person.create(login=login, name=login.title(), **values)


@pytest.fixture(autouse=True)
def small_company(store: Store) -> Store:
    with store.transaction():
        somebody("boss", email="boss@duban.example")
        somebody("chen", supervisor="boss")
        somebody("wu", supervisor="chen", phone="138", channel_ids={"wecom": "wu-42"})
        somebody("li", supervisor="chen", deputy="wu")
        somebody("gone", supervisor="chen", disabled_at=1)
        Team.create(id="support", title={"zh": "支持组", "en": "Support"}, lead="chen")
        for position, login in enumerate(["li", "gone", "wu"]):
            Membership.create(team="support", person=login, position=position)
        Role.create(name="monitor", title="监控", permissions=["issue.read", "private.read"])
        Role.create(name="auditor", permissions=["audit.read", "issue.read"])
        Holding.create(role="monitor", person="wu")
        Holding.create(role="auditor", person="wu")
        Holding.create(role="monitor", person="gone")
        Rota.create(team="support", person="li", from_at=0, to_at=NOON)
        Rota.create(team="support", person="wu", from_at=NOON, to_at=2 * NOON)
        changed()
    return store


def place(**changes: object) -> Place:
    given = {"process": "p", "number": "P1", "team": "support", "owner": "li", "receiver": "wu", "now": NOON}
    return Place(**{**given, **changes})  # type: ignore[arg-type]


def away(store: Store, *logins: str) -> None:
    with store.transaction():
        Person.update(absences=[{"from": 0}]).where(Person.login.in_(logins)).execute()
        changed()


def test_it_answers_what_the_interpreter_asks() -> None:
    directory: Directory = LiveDirectory()
    assert directory.binding


@pytest.mark.parametrize(
    ("who", "people"),
    [
        ("owner", ["li"]),
        ("receiver", ["wu"]),
        ("supervisor", ["chen"]),
        ("supervisor+1", ["boss"]),
        ("supervisor+2", []),
        ("lead", ["chen"]),
        ("team", ["li", "wu"]),
        ("team:support", ["li", "wu"]),
        ("team:nowhere", []),
        ("role:monitor", ["wu"]),
        ("role:nothing", []),
        ("duty:support", ["wu"]),
        ("watchers", []),
    ],
)
def test_who_is_found(who: str, people: list[str]) -> None:
    directory = LiveDirectory()
    assert directory.persons(who, place()) == people
    assert [login for login in ("boss", "chen", "gone", "li", "wu") if directory.fits(login, who, place())] == people


def test_while_nobody_owns_an_issue_the_lead_is_the_supervisor() -> None:
    directory = LiveDirectory()
    assert directory.persons("supervisor", place(owner=None)) == ["chen"]
    assert directory.persons("supervisor+1", place(owner=None)) == ["boss"]
    assert directory.persons("supervisor", place(owner=None, team=None)) == []


def test_without_a_team_nobody_is_in_it() -> None:
    assert LiveDirectory().persons("team", place(team=None)) == []
    assert not LiveDirectory().fits("li", "team", place(team=None))


@pytest.mark.parametrize(("now", "person"), [(0, ["li"]), (NOON - 1, ["li"]), (NOON, ["wu"]), (2 * NOON, [])])
def test_a_shift_ends_when_the_next_begins(now: int, person: list[str]) -> None:
    assert LiveDirectory().persons("duty:support", place(now=now)) == person


def test_a_deputy_stands_in_for_somebody_absent(store: Store) -> None:
    away(store, "li")
    directory = LiveDirectory()
    assert directory.persons("team:support", place()) == ["wu"]
    assert directory.persons("duty:support", place(now=1)) == ["wu"]
    assert directory.fits("wu", "duty:support", place(now=1))
    assert not directory.fits("wu", "lead", place())


def test_an_absence_ends_at_its_end(store: Store) -> None:
    with store.transaction():
        Person.update(absences=[{"from": 10, "until": 20}]).where(Person.login == "li").execute()
        changed()
    found = [LiveDirectory().persons("owner", place(now=now)) for now in (9, 10, 19, 20)]
    assert found == [["li"], ["wu"], ["wu"], ["li"]]


def test_deputies_in_a_circle_who_are_all_absent_are_still_told(store: Store) -> None:
    with store.transaction():
        Person.update(deputy="li").where(Person.login == "wu").execute()
    away(store, "li", "wu")
    directory = LiveDirectory()
    assert directory.people.stand_in("li", NOON) is None
    assert directory.persons("team", place()) == ["li", "wu"]
    assert directory.choose("support", "round_robin", place()) is None
    assert directory.choose("support", "least_busy", place()) is None


def test_turns_pass_over_whoever_is_disabled_or_absent(store: Store) -> None:
    with store.transaction():
        directory = LiveDirectory()
        assert [directory.choose("support", "round_robin", place()) for _ in range(3)] == ["li", "wu", "li"]
    away(store, "wu")
    with store.transaction():
        assert LiveDirectory().choose("support", "round_robin", place()) == "li"


def test_the_least_busy_one_has_the_fewest_open_issues(store: Store) -> None:
    with store.transaction():
        version = Version.create(kind="process", name="p", number=1, sha256="", data=b"", created_at=0).id
        common = {"process": "p", "version": version, "stage": "s", "received_at": 0, "recorded_at": 0, "case": "{}"}
        assert LiveDirectory().choose("support", "least_busy", place()) == "li"
        writing.insert(Issue, {**common, "number": "1", "owner": "li"})
        assert LiveDirectory().choose("team:support", "least_busy", place()) == "wu"
        for number in ("2", "3"):
            writing.insert(Issue, {**common, "number": number, "owner": "wu", "final": True})
        assert LiveDirectory().choose("support", "least_busy", place()) == "wu"


def test_whoever_is_on_duty_is_chosen_or_his_deputy(store: Store) -> None:
    assert LiveDirectory().choose("support", "on_duty", place(now=1)) == "li"
    assert LiveDirectory().choose("support", "on_duty", place(now=2 * NOON)) is None
    away(store, "li")
    assert LiveDirectory().choose("support", "on_duty", place(now=1)) == "wu"


def test_permissions_are_those_of_all_roles_and_end_with_the_person() -> None:
    people = snapshot()
    assert people.permissions_of("wu") == {"issue.read", "private.read", "audit.read"}
    assert people.permissions_of("gone") == frozenset()
    assert people.permissions_of("nobody") == frozenset()


def test_a_change_is_seen_at_once_and_an_undone_one_never(store: Store) -> None:
    before = snapshot()
    assert snapshot() is before
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012
        Holding.create(role="auditor", person="li")
        changed()
        assert "auditor" in snapshot().roles_of["li"]
        1 / 0  # noqa: B018
    assert "li" not in snapshot().roles_of
    with store.transaction():
        Holding.create(role="monitor", person="li")
        changed()
    assert snapshot().roles_of["li"] == {"monitor"}


def test_names_are_given_in_the_language_asked_for() -> None:
    names = snapshot().names("en")
    assert (names["li"], names["team:support"], names["role:monitor"]) == ("Li", "Support", "监控")
    assert snapshot().names("zh")["team:support"] == "支持组"


def test_addresses_by_type_of_channel() -> None:
    people = snapshot().people
    assert address(people["boss"], "email") == "boss@duban.example"
    assert address(people["wu"], "sms") == "138"
    assert address(people["wu"], "wecom") == "wu-42"
    assert address(people["wu"], "dingtalk") is None
    assert address(people["wu"], "email") is None


def test_a_customer_is_found_by_id_and_by_any_name(store: Store) -> None:
    with store.transaction():
        Customer.create(id="c-1", names=["Harbour Retail", "港湾零售"], email="it@harbour.example", preferred="email")
        for name in ("c-1", "harbour retail", "港湾零售"):
            CustomerName.create(name=name, customer="c-1")
    for name in ("c-1", "Harbour Retail", " ＨＡＲＢＯＵＲ  retail ", "港湾零售"):
        found = customer(name)
        assert found is not None, name
        assert (found.id, found.email, found.phone, found.preferred) == ("c-1", "it@harbour.example", None, "email")
    assert customer("Harbour") is None
    assert customer("") is None
