"""Import and export of the directory: shown before, all or nothing, every problem with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from server import directory
from server.core.findings import Finding, catalogue
from server.core.world import Place
from server.directory import DirectoryChanged, Plan, carry_out, changed, export, plan, snapshot
from server.permissions import PERMISSIONS
from server.store import writing
from server.store.database import Store
from server.store.models import AuditEntry, CustomerName, Issue, Membership, Person, Team, Token, Version

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds" / "directory.yaml"

SMALL = """\
roles:
  - {name: administrator, permissions: [system]}
  - {name: monitor, title: {zh: 监控, en: Monitor}, permissions: [issue.read]}
people:
  - {login: boss, name: 陆建国, roles: [administrator]}
  - {login: li, name: 李明, email: li@duban.example, supervisor: boss, deputy: wu, roles: [monitor]}
  - {login: wu, name: 吴昊, supervisor: boss}
teams:
  - {id: support, title: 支持组, lead: li, members: [li, wu]}
rotas:
  - {team: support, person: li, from: 2026-01-01T00:00:00+08:00, to: 2026-07-01T00:00:00+08:00}
customers:
  - {id: c-1, names: [甲公司, Alpha], phone: "139", products: [POS]}
"""


def planned(text: str) -> Plan:
    found, findings = plan(text.encode(), "d.yaml")
    assert found is not None, [str(finding) for finding in findings]
    return found


def imported(text: str, now: int = 1) -> list[str]:
    found = planned(text)
    carry_out(found, now, "boss")
    return [str(change) for change in found.changes]


def refused(text: str) -> list[Finding]:
    found, findings = plan(text.encode(), "d.yaml")
    assert found is None
    return findings


def test_a_plan_changes_nothing(store: Store) -> None:
    assert len(planned(SMALL).changes) == 8
    assert Person.select().count() == 0


def test_what_is_imported_is_what_is_exported(store: Store) -> None:
    imported(SMALL)
    first = export()
    assert planned(first).changes == ()
    imported("teams: []\nrotas: []\n")
    imported(first)
    assert export() == first


def test_an_import_says_what_is_added_changed_and_removed(store: Store) -> None:
    imported(SMALL)
    changes = imported(
        SMALL.replace("email: li@duban.example, ", "phone: '138', ")
        .replace("  - {login: wu, name: 吴昊, supervisor: boss}\n", "  - {login: ma, name: 马骏}\n")
        .replace("deputy: wu, ", "")
        .replace("members: [li, wu]", "members: [ma, li]")
        .replace("id: c-1", "id: c-2")
    )
    assert changes == [
        "~ people li: deputy, email, phone",
        "+ people ma",
        "- people wu",
        "~ teams support: members",
        "+ customers c-2",
        "- customers c-1",
    ]
    assert snapshot().members["support"] == ("ma", "li")
    assert sorted(row.name for row in CustomerName.select()) == ["alpha", "c-2", "甲公司"]


def test_somebody_left_out_is_disabled_and_loses_every_access(store: Store) -> None:
    imported(SMALL)
    with store.transaction():
        Token.create(person="wu", hash="h", created_at=1)
    without = SMALL.replace("  - {login: wu, name: 吴昊, supervisor: boss}\n", "")
    imported(without.replace("deputy: wu, ", "").replace("[li, wu]", "[li]"), now=7)
    wu = Person.get_by_id("wu")
    assert wu.disabled_at == 7
    assert Token.get(Token.person == "wu").revoked_at == 7
    assert Membership.select().where(Membership.person == "wu").count() == 0
    assert imported(SMALL, now=8) == ["~ people li: deputy", "~ people wu: disabled", "~ teams support: members"]
    assert Person.get_by_id("wu").disabled_at is None


def test_a_section_that_the_file_lacks_stays_as_it_is(store: Store) -> None:
    imported(SMALL)
    assert imported("customers: []\n") == ["- customers c-1"]
    assert Person.select().count() == 3
    assert Team.select().count() == 1


def test_an_import_is_recorded_with_who_did_it_and_without_addresses(store: Store) -> None:
    imported(SMALL)
    entry = AuditEntry.get()
    assert (entry.kind, entry.by) == ("directory.imported", "boss")
    assert "+ people li" in json.loads(entry.body)["body"]["changes"]
    assert "li@duban.example" not in entry.body


def test_a_plan_is_carried_out_only_on_what_it_was_made_for(store: Store) -> None:
    found = planned(SMALL)
    with store.transaction():
        changed()
    with pytest.raises(DirectoryChanged):
        carry_out(found, 1)
    assert Person.select().count() == 0


def test_a_failure_in_the_middle_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr("server.directory.applying._customer", fail)
    with pytest.raises(RuntimeError):
        carry_out(planned(SMALL), 1)
    assert (Person.select().count(), Team.select().count(), AuditEntry.select().count()) == (0, 0, 0)


def test_every_problem_is_found_with_its_place(sqlite_store: Store) -> None:
    text = """\
roles:
  - {name: monitor, permissions: [issue.raed]}
people:
  - {login: Li, name: 李明}
  - {login: wu, nmae: 吴昊}
  - {login: ma, name: 马骏, language: fr, away: {from: yesterday}}
teams:
  - {id: support, members: [ma, ma]}
rotas:
  - {team: support, person: ma, from: 2026-02-01T00:00:00Z, to: 2026-01-01T00:00:00Z}
customers:
  - {id: c-1, names: [Alpha]}
  - {id: c-2, names: [ＡＬＰＨＡ]}
offices: []
"""
    found = {(finding.code, finding.line, finding.column) for finding in refused(text)}
    assert found == {
        ("not-one-of", 2, 35),
        ("bad-form", 4, 13),
        ("unknown-key", 5, 17),
        ("missing-key", 5, 5),
        ("not-one-of", 6, 37),
        ("bad-form", 6, 54),
        ("repeated-item", 8, 33),
        ("rota-order", 10, 65),
        ("shared-name", 13, 22),
        ("unknown-key", 14, 1),
    }


def test_references_must_be_in_the_directory(sqlite_store: Store) -> None:
    text = (
        SMALL.replace("supervisor: boss, deputy: wu", "supervisor: bos, deputy: wu")
        .replace("roles: [monitor]", "roles: [moniter]")
        .replace("members: [li, wu]", "members: [li, wo]")
        .replace("team: support, person: li", "team: suport, person: lo")
    )
    found = refused(text)
    assert [(finding.code, finding.line, finding.params["value"], finding.params["near"]) for finding in found] == [
        ("unknown-reference", 6, "bos", "boss"),
        ("unknown-reference", 6, "moniter", "monitor"),
        ("unknown-reference", 9, "wo", ""),
        ("unknown-reference", 11, "suport", "support"),
        ("unknown-reference", 11, "lo", ""),
    ]
    assert str(found[0]) == (
        "d.yaml:6:64: error unknown-reference people[2].supervisor: 'bos' is not the login of a person in the "
        "directory; did you mean 'boss'?"
    )


def test_a_section_left_alone_must_not_lose_what_it_names(sqlite_store: Store) -> None:
    imported(SMALL)
    found = refused("roles:\n  - {name: administrator, permissions: [system]}\n")
    assert [(finding.code, finding.params["value"], finding.params["by"]) for finding in found] == [
        ("still-named", "monitor", "people li")
    ]


def test_supervisors_must_not_run_in_a_circle(sqlite_store: Store) -> None:
    text = SMALL.replace("name: 陆建国,", "name: 陆建国, supervisor: wu,")
    assert [finding.code for finding in refused(text)] == ["supervisor-circle"]


def test_somebody_must_remain_who_administers(sqlite_store: Store) -> None:
    imported(SMALL)
    assert [f.code for f in refused(SMALL.replace("roles: [administrator]", "roles: []"))] == ["nobody-administers"]
    assert [f.code for f in refused(SMALL.replace("permissions: [system]", "permissions: []"))] == [
        "nobody-administers"
    ]


def test_a_team_with_open_issues_stays(store: Store) -> None:
    imported(SMALL)
    with store.transaction():
        version = Version.create(kind="process", name="p", number=1, sha256="", data=b"", created_at=0).id
        common = {"process": "p", "version": version, "stage": "s", "received_at": 0, "recorded_at": 0, "case": "{}"}
        for number in ("1", "2"):
            writing.insert(Issue, {**common, "number": number, "team": "support"})
    found = refused("teams: []\nrotas: []\n")
    assert [(finding.code, finding.params["count"]) for finding in found] == [("team-in-use", 2)]
    with store.transaction():
        Issue.update(final=True).execute()
    assert imported("teams: []\nrotas: []\n")


def test_naming_somebody_disabled_is_a_warning(sqlite_store: Store) -> None:
    found, findings = plan(SMALL.replace("name: 吴昊,", "name: 吴昊, disabled: true,").encode(), "d.yaml")
    assert found is not None
    assert {(finding.code, finding.level) for finding in findings} == {("disabled-person", "warning")}


def test_a_file_that_is_no_yaml_is_refused_without_a_trace(sqlite_store: Store) -> None:
    assert [finding.code for finding in refused("people: [&a {login: x}, *a]\n")][:1] == ["yaml-anchor"]


def test_every_code_has_its_texts() -> None:
    sources = [*(ROOT / "server" / "directory").glob("*.py"), *(ROOT / "server" / "accounts").glob("*.py")]
    used: set[str] = set()
    for source in sources:
        used |= set(re.findall(r'(?:found|_found|finding|Finding|Refused)\(\s*"([a-z-]+)"', source.read_text("utf-8")))
    assert len(used) > 15
    assert used - catalogue().keys() == set()


# -- the directory that comes with the product ------------------------------------------------------------------------


@pytest.fixture
def seeds(sqlite_store: Store) -> None:
    found, findings = plan(SEEDS.read_bytes(), "seeds/directory.yaml")
    assert found is not None
    assert findings == []
    carry_out(found, 1)


def test_the_seeds_have_everybody_whom_a_shipped_policy_names(seeds: None) -> None:
    named = set()
    for policy in (ROOT / "policies").glob("*.yaml"):
        named |= set(re.findall(r"\b(?:team|role|duty):[a-z_]+", policy.read_text("utf-8")))
    assert len(named) > 30
    now = 1_772_000_000_000  # February 2026
    people = directory.LiveDirectory()
    nobody = Place("p", "P1", None, None, None, now)
    assert [who for who in sorted(named) if not people.persons(who, nobody)] == []


def test_everybody_at_the_front_has_three_supervisors_above(seeds: None) -> None:
    live = directory.LiveDirectory()
    front = [*snapshot().members["front_line"], *snapshot().holders["agent"]]
    assert front
    assert [login for login in front if live.supervisor(login, 3) is None] == []


def test_every_team_has_a_lead_and_every_role_a_holder(seeds: None) -> None:
    people = snapshot()
    assert [team for team, lead in people.leads.items() if people.active(lead) is None] == []
    assert [role for role, holders in people.holders.items() if not holders] == []
    assert frozenset().union(*people.permissions.values()) == frozenset(PERMISSIONS)


def test_rotas_leave_no_moment_without_somebody_for_years(seeds: None) -> None:
    for team, shifts in snapshot().shifts.items():
        for earlier, later in zip(shifts, shifts[1:], strict=False):
            assert earlier.end == later.start, team
        assert shifts[-1].end - shifts[0].start > 10 * 365 * 86_400_000
