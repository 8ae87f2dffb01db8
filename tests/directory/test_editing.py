"""Single items are changed by who may, whole or not at all, and nobody undoes what somebody else did meanwhile."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from server import directory
from server.core.moments import DAY, HOUR, show
from server.directory import Amendment, Overtaken, Unfit, UsesChanged, amend, as_written, item, mark, snapshot, uses
from server.store.database import Store
from server.store.models import AuditEntry, Person, Rota, Token

NOW = 1_772_000_000_000

SMALL = """\
roles:
  - {name: administrator, permissions: [system, directory.edit]}
  - {name: clerk, permissions: [directory.edit, issue.read]}
  - {name: approver, permissions: [policy.approve]}
people:
  - {login: root, name: Root, roles: [administrator]}
  - {login: boss, name: 陆建国, roles: [approver]}
  - {login: ma, name: 马骏, roles: [clerk], supervisor: boss}
  - {login: li, name: 李明, email: li@duban.example, phone: "139", supervisor: boss, deputy: wu}
  - {login: wu, name: 吴昊, supervisor: li}
  - {login: zhou, name: 周强, supervisor: wu, deputy: li}
teams:
  - {id: support, title: {zh: 支持组, en: Support}, lead: li, members: [li, wu]}
rotas:
  - {team: support, person: li, from: 2026-02-01T00:00:00Z, to: 2026-03-01T00:00:00Z}
  - {team: support, person: wu, from: 2026-03-01T00:00:00Z, to: 2026-04-01T00:00:00Z}
customers:
  - {id: c-1, names: [甲公司, Alpha], phone: "139"}
  - {id: c-2, names: [乙公司]}
"""


@pytest.fixture
def people(store: Store) -> Store:
    plan, findings = directory.plan(SMALL.encode())
    assert plan is not None, findings
    directory.carry_out(plan, 1)
    return store


def change(section: str, id_: str, by: str = "root", seen: str | None = None, **values: Any) -> list[str]:
    """Change attributes of one item; None takes one away."""
    now = item(section, id_)
    assert now is not None
    raw = {key: value for key, value in {**as_written(section, id_, now), **values}.items() if value is not None}
    return [str(one) for one in amend([Amendment(section, id_, raw, seen or mark(now))], NOW, by)]


def add(section: str, by: str = "root", **raw: Any) -> list[str]:
    return [str(one) for one in amend([Amendment(section, None, raw, "")], NOW, by)]


def codes(unfit: pytest.ExceptionInfo[Unfit]) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(finding.code, finding.path) for finding in unfit.value.findings]


def test_one_person_is_changed_and_the_trail_says_from_what_to_what(people: Store) -> None:
    assert change("people", "li", supervisor="ma", phone="138") == ["~ people li: phone, supervisor"]
    assert snapshot().people["li"].supervisor == "ma"
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    told = json.loads(entry.body)["body"]["changes"][0]
    assert (entry.kind, entry.by, told["was"], told["now"]) == (
        "directory.changed", "root", {"supervisor": "boss"}, {"supervisor": "ma"},
    )  # fmt: skip
    assert "138" not in entry.body


def test_the_second_of_two_is_told_and_overwrites_nothing(people: Store) -> None:
    seen = mark(item("people", "li"))
    change("people", "li", supervisor="ma")
    with pytest.raises(Overtaken) as overtaken:
        change("people", "li", seen=seen, supervisor="root")
    assert overtaken.value.now is not None
    assert overtaken.value.now["supervisor"] == "ma"
    assert snapshot().people["li"].supervisor == "ma"


def test_of_two_at_the_same_moment_one_is_told(people: Store) -> None:
    now = item("customers", "c-1")
    told: list[str] = []

    def rename(name: str) -> None:
        raw = {**as_written("customers", "c-1", now or {}), "names": [name]}
        try:
            amend([Amendment("customers", "c-1", raw, mark(now))], NOW, "root")
        except Overtaken:
            told.append(name)

    threads = [threading.Thread(target=rename, args=(f"n{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3


def test_everything_wrong_is_said_at_its_attribute(people: Store) -> None:
    with pytest.raises(Unfit) as unfit:
        add("people", login="Li", name="", email="nowhere", supervisor="nobody")
    assert set(codes(unfit)) == {
        ("bad-form", (0, "login")), ("empty-text", (0, "name")), ("bad-form", (0, "email")),
    }  # fmt: skip
    with pytest.raises(Unfit) as unfit:
        add("people", login="xu", name="徐\x00")
    assert codes(unfit) == [("control-character", (0, "name"))]
    with pytest.raises(Unfit) as unfit:
        change("people", "li", supervisor="bos", roles=["clark"])
    assert set(codes(unfit)) == {
        ("unknown-reference", (0, "supervisor")), ("unknown-reference", (0, "roles", 0)),
    }  # fmt: skip
    with pytest.raises(Unfit) as unfit:
        add("people", login="li", name="Another")
    assert codes(unfit) == [("repeated-item", (0,))]


def test_a_circle_of_supervisors_is_refused_where_it_was_made(people: Store) -> None:
    with pytest.raises(Unfit) as unfit:
        change("people", "boss", supervisor="zhou")
    assert codes(unfit) == [("supervisor-circle", (0, "supervisor"))]


def test_a_customers_name_belongs_to_one_customer(people: Store) -> None:
    with pytest.raises(Unfit) as unfit:
        change("customers", "c-2", names=["乙公司", "ＡＬＰＨＡ"])
    assert codes(unfit) == [("shared-name", (0, "names"))]
    with pytest.raises(Unfit):
        add("customers", id="c-3", names=["c-1"])
    assert add("customers", id="c-3", names=["丙公司"]) == ["+ customers c-3"]
    assert directory.customer("丙公司") is not None


def test_nobody_gives_rights_that_he_has_not(people: Store) -> None:
    with pytest.raises(Unfit) as unfit:
        change("people", "ma", by="ma", roles=["clerk", "administrator"])
    assert codes(unfit) == [("beyond-own-rights", (0, "roles"))]
    with pytest.raises(Unfit) as unfit:
        change("people", "boss", by="ma", roles=[])
    assert codes(unfit) == [("above-oneself", (0, "roles"))]
    with pytest.raises(Unfit) as unfit:
        change("people", "root", by="ma", disabled=True)
    assert ("above-oneself", (0, "roles")) in codes(unfit)
    with pytest.raises(Unfit) as unfit:
        change("roles", "clerk", by="ma", permissions=["directory.edit", "issue.read", "system"])
    assert codes(unfit) == [("beyond-own-rights", (0, "permissions"))]
    assert change("people", "wu", by="ma", roles=["clerk"]) == ["~ people wu: roles"]
    assert change("people", "boss", by="ma", phone="1") == ["~ people boss: phone"]


def test_a_team_with_shifts_is_not_removed_before_they_are(people: Store) -> None:
    team = Amendment("teams", "support", None, mark(item("teams", "support")))
    with pytest.raises(Unfit) as unfit:
        amend([team], NOW, "root")
    assert {code for code, _ in codes(unfit)} == {"still-named"}
    rotas = directory.content.stored(["rotas"])["rotas"]
    amend([team, *(Amendment("rotas", id_, None, mark(one)) for id_, one in rotas.items())], NOW, "root")
    assert snapshot().titles == {}


def test_whoever_leaves_hands_over_what_he_is_named_in(people: Store) -> None:
    with people.transaction():
        Token.create(person="li", hash="h", created_at=1)
    found = uses("li", NOW)
    assert (found.leads, found.member_of, found.supervises, found.deputises_for, len(found.shifts)) == (
        ("support",), ("support",), ("wu",), ("zhou",), 1,
    )  # fmt: skip
    directory.retire("li", "zhou", mark(item("people", "li")), found.mark, NOW, "root")
    after = snapshot()
    assert after.active("li") is None
    assert Token.get().revoked_at == NOW
    # zhou is under wu: whoever is above him stays there. He does not stand in for himself.
    assert (after.people["wu"].supervisor, after.people["zhou"].deputy) == ("boss", None)
    assert after.stand_in("li", NOW) == "zhou"
    assert (after.leads["support"], after.members["support"]) == ("zhou", ("wu",))
    assert [(one.person, one.start, one.end) for one in after.shifts["support"]][:2] == [
        ("li", 1_769_904_000_000, NOW), ("zhou", NOW, 1_772_323_200_000),
    ]  # fmt: skip


def test_without_a_successor_his_shifts_end_and_the_gap_shows(people: Store) -> None:
    directory.retire("li", None, mark(item("people", "li")), uses("li", NOW).mark, NOW, "root")
    assert snapshot().leads["support"] is None
    assert snapshot().on_duty("support", NOW + HOUR) is None
    assert Rota.select().where(Rota.person == "li").count() == 1


def test_nobody_is_disabled_on_what_was_not_seen(people: Store) -> None:
    seen, named = mark(item("people", "li")), uses("li", NOW).mark
    change("people", "ma", deputy="li")
    with pytest.raises(UsesChanged):
        directory.retire("li", None, seen, named, NOW, "root")
    assert Person.get_by_id("li").disabled_at is None


def test_several_absences_each_with_somebody_who_stands_in(people: Store) -> None:
    change("people", "li", away=[
        {"from": show(NOW), "until": show(NOW + DAY), "deputy": "ma"},
        {"from": show(NOW + 2 * DAY)},
    ])  # fmt: skip
    stand_in = snapshot().stand_in
    assert [stand_in("li", NOW + at) for at in (-1, 0, DAY, 2 * DAY)] == ["li", "ma", "li", "wu"]
    with pytest.raises(Unfit) as unfit:
        change("people", "li", away=[{"from": show(NOW)}, {"from": show(NOW + DAY)}])
    assert codes(unfit) == [("absences-overlap", (0, "away"))]
    with pytest.raises(Unfit) as unfit:
        change("people", "li", away={"from": show(NOW), "deputy": "nobody-there"})
    assert codes(unfit) == [("unknown-reference", (0, "away", 0, "deputy"))]
    plan, _ = directory.plan(directory.export().encode())
    assert plan is not None
    assert plan.changes == ()
