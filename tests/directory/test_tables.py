"""The directory as CSV and XLSX: what is taken out reads back as it was, whatever stands in it; what is wrong is said
with its row and column."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import directory
from server.core.findings import Finding
from server.directory import Plan, carry_out, cells, snapshot, spreadsheets, uploading
from server.directory.tables import write_csv, write_xlsx
from server.directory.uploading import PlanChanged, finish, keep, look, planned
from server.exporting.xlsx import Workbook
from server.store.database import Store
from server.store.models import AuditEntry, Customer, CustomerProduct, DirectoryUpload, Person

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = 1_772_000_000_000
NASTY = (
    "=1+1",
    "+8613800000001",
    "-1",
    "@x",
    "'=1",
    "''+x",
    "'plain",
    "a;b",
    'say "hi"',
    "＝全角",
    "_x0041_",
    "两\n行",
    "a, b",
    "x=y",
)

DIRECTORY = """\
roles:
  - {name: administrator, title: Administrator, permissions: [system]}
  - {name: clerk, title: {zh: 文员, en: Clerk, fr: Commis}}
people:
  - {login: root, name: Root, roles: [administrator]}
  - {login: li, name: "=李明", phone: "+86 138", channel_ids: {wecom: li, sms: "+86"}, supervisor: root, deputy: wu,
     roles: [clerk],
     away: [{from: 2026-03-01T00:00:00+08:00, until: 2026-03-02T00:00:00+08:00, deputy: wu},
            {from: 2026-04-01T00:00:00+08:00}]}
  - {login: wu, name: 吴昊, language: en, disabled: true}
teams:
  - {id: support, title: {zh: 支持组}, lead: li, members: [li, root]}
  - {id: plain, title: Plain}
rotas:
  - {team: support, person: li, from: 2026-03-02T00:00:00+08:00, to: 2026-03-09T00:00:00+08:00}
customers:
  - {id: "c;1", names: ["甲;公司", "=Alpha", "-"], phone: "+86", products: ["POS; 2", "@x"]}
  - {id: c-2, names: [乙公司], email: yi@example.com, preferred: email}
"""


@pytest.fixture
def filled(store: Store) -> Store:
    plan, findings = directory.plan(DIRECTORY.encode())
    assert plan is not None, findings
    carry_out(plan, 1)
    return store


def of_csv(section: str) -> bytes:
    out = io.BytesIO()
    write_csv(section, out)
    return out.getvalue()


def of_xlsx() -> bytes:
    out = io.BytesIO()
    write_xlsx(out)
    return out.getvalue()


def workbook(**sheets: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with Workbook(out) as book:
        for name, rows in sheets.items():
            book.sheet(name, rows[0], rows[1:])
    return out.getvalue()


def done(data: bytes, name: str, removes: bool = False) -> list[str]:
    plan, findings = planned(data, name, SHANGHAI, removes=removes)
    assert plan is not None, list(map(str, findings))
    carry_out(plan, NOW)
    return [str(one) for one in plan.changes]


def refused(data: bytes, name: str = "d.csv") -> list[Finding]:
    plan, findings = planned(data, name, SHANGHAI, removes=False)
    assert plan is None
    return [one for one in findings if one.level == "error"]


def test_what_is_taken_out_changes_nothing_when_it_is_brought_in(filled: Store) -> None:
    assert done(of_xlsx(), "d.xlsx", removes=True) == []
    for section in cells.COLUMNS:
        assert done(of_csv(section), f"{section}.csv", removes=True) == []


def test_no_cell_of_a_table_is_a_formula(filled: Store) -> None:
    found = [
        cell
        for section in cells.COLUMNS
        for row in csv.reader(io.StringIO(of_csv(section).decode("utf-8-sig")))
        for cell in row
    ]
    assert "'=李明" in found
    assert not [cell for cell in found if cell.startswith(cells.FORMULAS)]
    with zipfile.ZipFile(io.BytesIO(of_xlsx())) as book:
        assert not any(b"<f>" in book.read(name) for name in book.namelist())


TEXT = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
).filter(str.strip)


@given(TEXT)
def test_a_text_is_the_same_after_it_was_made_safe(text: str) -> None:
    assert cells.plain(cells.safe(text)) == text
    assert not cells.safe(text).startswith(cells.FORMULAS)


@given(st.lists(TEXT.filter(lambda text: text == text.strip()), min_size=1, max_size=5))
def test_a_list_is_the_same_after_it_was_a_cell(texts: list[str]) -> None:
    assert cells.item(cells.row("customers", {"id": "c", "names": texts})) == ({"id": "c", "names": texts}, [])


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_survive_both_kinds_of_table(sqlite_store: Store, text: str) -> None:
    plan, findings = directory.plan(b"customers: []\n")
    assert plan is not None, findings
    for name, data in (("c.csv", "id,names,products\n"), ("c.xlsx", "")):
        value = cells.row("customers", {"names": [text], "products": [text, "x"]})
        if data:
            out = io.StringIO()
            csv.writer(out).writerows([["id", "names", "products"], ["c-1", value["names"], value["products"]]])
            file = out.getvalue().encode()
        else:
            file = workbook(customers=[["id", "names", "products"], ["c-1", value["names"], value["products"]]])
        made, problems = planned(file, name, SHANGHAI)
        assert made is not None, list(map(str, problems))
        assert made.target["customers"]["c-1"] == {"names": [text], "products": [text, "x"]}, name


def test_a_workbook_adds_and_changes_and_leaves_the_rest(filled: Store) -> None:
    data = workbook(
        people=[
            ["login", "name", "phone", "supervisor"],
            ["xu", "徐静", 13800000009, "li"],
            ["li", "李明", "138", "root"],
        ],
        rotas=[["team", "person", "from", "to"], ["support", "xu", "2026-03-09 08:00", "2026-03-10 08:00"]],
    )
    assert done(data, "d.xlsx") == [
        "~ people li: name, phone", "+ people xu", "+ rotas support xu 2026-03-09T00:00:00+00:00",
    ]  # fmt: skip
    people = snapshot()
    assert people.people["xu"].phone == "13800000009"
    # Columns that the table lacks leave what they would hold as it is.
    assert dict(people.people["li"].channel_ids) == {"wecom": "li", "sms": "+86"}
    assert people.roles_of["li"] == {"clerk"}
    assert len(people.people["li"].absences) == 2
    assert people.people["wu"].language == "en"
    assert Person.get_by_id("wu").disabled_at is not None
    assert people.shifts["support"][1].start == 1_773_014_400_000


def test_a_complete_table_removes_what_it_leaves_out(filled: Store) -> None:
    assert done("id,names\nc-2,乙公司\n".encode(), "c.csv", removes=True) == ["- customers c;1"]
    assert CustomerProduct.select().count() == 0


def test_everything_wrong_is_said_with_row_and_column_at_once(filled: Store) -> None:
    table = (
        "login,name,email,phone,supervisor,disabled\n"
        "Xu,徐静,,,,\n"
        "\n"
        "zhao,,zhao@x,1.38E+10,,\n"
        "qian,钱进,not-an-address,,nobody,maybe\n"
        "qian,钱进,,,,\n"
    )
    found = {(one.code, one.line, one.column) for one in refused(table.encode())}
    assert found == {
        ("bad-form", 2, 1), ("missing-key", 4, 1), ("mangled-number", 4, 4), ("bad-form", 5, 3), ("not-one-of", 5, 6),
        ("repeated-item", 6, 1), ("unknown-reference", 5, 5),
    }  # fmt: skip
    data = workbook(
        people=[["login", "name", "supervisor"], ["sun", "孙", "nobody"]], teams=[["id", "members"], ["t", "li; ghost"]]
    )
    assert [(one.code, one.file, one.line, one.column) for one in refused(data, "d.xlsx")] == [
        ("unknown-reference", "d.xlsx[people]", 2, 3), ("unknown-reference", "d.xlsx[teams]", 2, 2),
    ]  # fmt: skip
    assert [(one.code, one.column) for one in refused(b"login,name,e-mail\nxu,Xu,x@y\n")] == [("unknown-column", 3)]
    assert [one.code for one in refused(b"login,email\nxu,x@y\n")] == ["unknown-sheet"]


def test_who_could_not_be_read_may_still_be_named(filled: Store) -> None:
    data = workbook(
        people=[["login", "name", "deputy"], ["qian", "", ""], ["sun", "孙", "qian"]],
        teams=[["id", "members"], ["t", "qian; ghost"]],
    )
    assert [(one.code, one.file, one.line, one.column) for one in refused(data, "d.xlsx")] == [
        ("missing-key", "d.xlsx[people]", 2, 1), ("unknown-reference", "d.xlsx[teams]", 2, 2),
    ]  # fmt: skip
    # Of people whose table cannot be read at all, nobody can say who is among them.
    data = workbook(people=[["login"], ["qian"]], teams=[["id", "members"], ["t", "qian"]])
    assert [one.code for one in refused(data, "d.xlsx")] == ["missing-column"]


def test_tables_have_chinese_names_for_who_reads_chinese(filled: Store) -> None:
    out = io.BytesIO()
    write_xlsx(out, "zh")
    assert [sheet.name for sheet in spreadsheets.sheets(out.getvalue())] == ["角色", "人员", "团队", "值班表", "客户"]
    assert done(out.getvalue(), "d.xlsx", removes=True) == []
    for section in cells.COLUMNS:
        out = io.BytesIO()
        write_csv(section, out, "zh")
        assert not set(cells.COLUMNS[section]) & set(out.getvalue().decode("utf-8-sig").split("\r\n")[0].split(","))
        assert done(out.getvalue(), f"{section}.csv", removes=True) == [], section
    assert done("用户名,姓名,上级\nxu,徐静,li\n".encode(), "d.csv") == ["+ people xu"]


def test_a_column_that_is_unknown_is_told_in_the_table_s_own_words(filled: Store) -> None:
    (found,) = refused("用户名,姓名,上司\nxu,徐静,li\n".encode())
    assert (found.code, found.line, found.column) == ("unknown-column", 1, 3)
    assert "上级" in str(found.params["allowed"])
    assert [one.params["key"] for one in refused(workbook(people=[["用户名"], ["xu"]]), "d.xlsx")] == ["姓名"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-table"),
        (b"\x00\xff\xfe\x81", "not-a-table"),
        (b"PK\x03\x04 and then nothing", "not-a-table"),
        (b'login,name\n"xu,Xu\n', "bad-csv"),
        (b"a,b\n1,2\n", "unknown-sheet"),
        (b"x" * (11 * 1024 * 1024), "too-large"),
    ],
)
def test_what_is_no_table_is_refused(sqlite_store: Store, data: bytes, code: str) -> None:
    assert [one.code for one in refused(data)] == [code]


def test_a_bomb_is_refused_before_it_unpacks(sqlite_store: Store) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(20):
            bomb.writestr(f"xl/worksheets/sheet{number}.xml", b"0" * (5 * 1024 * 1024))
    assert len(out.getvalue()) < 200_000
    assert [one.code for one in refused(out.getvalue(), "d.xlsx")] == ["too-large"]


def test_a_table_from_a_chinese_spreadsheet_is_read(filled: Store) -> None:
    assert done("login,name\nxu,徐静\n".encode("gb18030"), "people.csv") == ["+ people xu"]
    assert snapshot().people["xu"].name == "徐静"
    assert done("login;name\nsun;孙悦\n".encode("utf-8-sig"), "people.csv") == ["+ people sun"]


def brought(data: bytes, by: str = "root", removes: bool = False) -> tuple[int, Plan]:
    id_ = keep("d.csv", data, removes, by, NOW)
    found = look(id_, by, NOW, SHANGHAI)
    assert found is not None
    assert found.plan is not None
    return id_, found.plan


def test_exactly_what_was_shown_is_done(filled: Store) -> None:
    id_, plan = brought(b"login,name\nxu,Xu\n")
    with pytest.raises(PlanChanged):
        finish(id_, "0" * 64, "root", NOW, SHANGHAI)
    assert finish(id_, plan.sha256, "ma", NOW, SHANGHAI) is None
    assert finish(id_, plan.sha256, "root", NOW + uploading.KEPT + 1, SHANGHAI) is None
    assert finish(id_, plan.sha256, "root", NOW, SHANGHAI) == 1
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert (entry.kind, entry.by) == ("directory.imported", "root")
    assert '"name":"d.csv"' in entry.body
    assert DirectoryUpload.select().count() == 0


def test_what_somebody_else_changed_meanwhile_is_shown_anew(filled: Store) -> None:
    id_, plan = brought("id,names\nc-2,丙公司\n".encode())
    with filled.transaction():
        Customer.update(phone="1").where(Customer.id == "c-2").execute()
        directory.changed()
    with pytest.raises(PlanChanged):
        finish(id_, plan.sha256, "root", NOW, SHANGHAI)
    # A change of something else leaves the plan what it was.
    id_, plan = brought("id,names\nc-2,丙公司\n".encode())
    with filled.transaction():
        Person.update(phone="1").where(Person.login == "root").execute()
        directory.changed()
    assert finish(id_, plan.sha256, "root", NOW, SHANGHAI) == 1


def test_an_import_gives_no_rights_beyond_ones_own(filled: Store) -> None:
    id_ = keep("d.csv", b"login,name,roles\nli,Li,administrator\n", False, "li", NOW)
    found = look(id_, "li", NOW, SHANGHAI)
    assert found is not None
    assert [one.code for one in found.findings if one.level == "error"] == ["beyond-own-rights"]
