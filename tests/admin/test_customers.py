"""Customers, products, the directory as a file, and what is wrong in it, in the panel."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from server import directory
from server.core.moments import DAY, show
from server.directory import Amendment, finding, snapshot
from server.store import database
from server.store.models import AuditEntry, Customer, CustomerName, Person
from server.store.writing import insert_many
from tests.admin.test_directory import NASTY, fields_of, form_of, problems
from tests.admin.visiting import Panel, Visitor, now

ODD = "c/7 #?&ö"


@pytest.fixture
def root(panel: Panel) -> Visitor:
    return panel.visitor("root")


@pytest.fixture
def many(panel: Panel) -> Iterator[int]:
    """Thirty thousand customers."""
    with database.transaction():
        rows = [{"id": f"k-{number:05}", "names": [f"客户 {number}"], "products": []} for number in range(30_000)]
        insert_many(Customer, rows)
        insert_many(
            CustomerName, [{"name": f"客户 {number}", "customer": f"k-{number:05}"} for number in range(30_000)]
        )
    return 30_000


def test_a_customer_is_added_changed_and_removed(root: Visitor) -> None:
    given = {
        "id": ODD,
        "names": "七公司\r\nSeven\r\n",
        "email": "a@b.example",
        "products": "POS\nCRM\nPOS",
        "preferred": "sms",
    }
    assert root.post("/admin/customers/add", given).status_code == 303
    known = directory.customer("SEVEN")
    assert known is not None
    assert (known.id, known.names, known.products, known.preferred) == (ODD, ("七公司", "Seven"), ("POS", "CRM"), "sms")
    path = f"/admin/customers/customer/{quote(ODD, safe='/')}"
    form = form_of(root, path)
    assert root.post(path, {**form, "names": "七公司"}).status_code == 303
    assert directory.customer("Seven") is None
    answer = root.post(path, {**form, "names": "八公司"})
    assert answer.status_code == 409
    assert "Meanwhile: 七公司" in problems(answer.text)
    gone = f"/admin/customers/remove/{quote(ODD, safe='/')}"
    assert root.post(gone, form_of(root, gone)).status_code == 303
    assert directory.customer(ODD) is None
    assert root.get(path).status_code == 404


def test_a_name_of_another_customer_is_refused(root: Visitor) -> None:
    answer = root.post("/admin/customers/add", {"id": "c-9", "names": "新公司\n ＢＥＩＣＨＥＮ Trading"})
    assert answer.status_code == 422
    assert "c-1001" in problems(answer.text)[0]


def test_customers_are_found_among_tens_of_thousands_a_page_at_a_time(root: Visitor, many: int) -> None:
    seen: list[str] = []
    after: str | None = ""
    while after is not None and len(seen) < 300:
        page = finding.find_customers("客户 2", "", after)
        seen += page.customers
        after = page.next
    assert seen == sorted(set(seen))
    text = root.text("/admin/customers/?q=客户 29999")
    assert "k-29999" in text
    assert "k-29998" not in text
    assert "No customer fits" in root.text("/admin/customers/?q=%25")
    assert "北辰商贸" in root.text("/admin/customers/?q=BEICHEN")
    assert "北辰商贸" in root.text("/admin/customers/?q=13900000101")
    assert root.get("/admin/customers/?after=k-00100").status_code == 200


def test_products_lead_to_the_customers_who_have_them(root: Visitor) -> None:
    assert "2 customers" in root.text("/admin/products/?q=云店")
    text = root.text(f"/admin/customers/?product={quote('云店 POS')}")
    assert "北辰商贸" in text
    assert "东湖医院" not in text


def test_pasted_html_in_a_customer_is_shown_as_text(root: Visitor) -> None:
    given = {"id": NASTY, "names": NASTY, "phone": NASTY, "products": NASTY}
    assert root.post("/admin/customers/add", given).status_code == 303
    for path in ("/admin/customers/", "/admin/products/", f"/admin/customers/customer/{quote(NASTY)}"):
        assert "<script>alert" not in root.get(path).text


# -- files ---


def bring(visitor: Visitor, data: bytes, name: str, mode: str = "partial") -> str:
    """Bring a file in; the address of what it would change."""
    answer = visitor.post("/admin/directory-files/", {"file": (io.BytesIO(data), name), "mode": mode})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


@pytest.mark.parametrize("address", ["directory.yaml", "directory.xlsx", "people.csv", "customers.csv", "rotas.csv"])
def test_what_is_taken_out_and_brought_in_again_changes_nothing(root: Visitor, address: str) -> None:
    taken = root.get(f"/admin/directory-files/export/{address}")
    assert taken.status_code == 200
    assert "attachment" in taken.headers["Content-Disposition"]
    assert AuditEntry.select().order_by(AuditEntry.id.desc()).get().kind == "directory.exported"
    path = bring(root, taken.data, address, "complete")
    assert "the directory is already as the file says" in root.text(path)
    assert root.get("/admin/directory-files/export/people.yaml").status_code == 404


def test_errors_are_shown_with_row_and_column_and_nothing_is_kept_of_them(root: Visitor) -> None:
    path = bring(root, "login,name,supervisor\nXu,徐静,\nsun,,nobody\n".encode(), f"{NASTY}.csv")
    page = root.get(path)
    assert "2 things are wrong" in page.text
    assert "<script>alert" not in page.text
    assert "Import" not in list(fields_of(page.text))
    assert root.post(path, {"sha256": "x", "do": "import"}).status_code == 409


def test_what_was_shown_is_imported_and_what_changed_meanwhile_is_shown_anew(root: Visitor, panel: Panel) -> None:
    path = bring(root, "login,name,phone\ngong,龚小燕,400\n".encode(), "people.csv")
    given = form_of(root, path)
    assert panel.visitor("root").get(path).status_code == 200
    edit = "/admin/people/person/gong/edit"
    root.post(edit, {**form_of(root, edit), "phone": "500"})
    assert root.post(path, {**given, "do": "import"}).status_code == 409
    assert "500" in root.text(path)
    assert root.post(path, {**form_of(root, path), "do": "import"}).status_code == 303
    assert snapshot().people["gong"].phone == "400"
    assert root.get(path).status_code == 404


def test_a_file_of_somebody_else_is_not_there_and_one_that_is_not_wanted_is_forgotten(
    root: Visitor, panel: Panel
) -> None:
    path = bring(root, b"login,name\nxujing,Xu\n", "people.csv")
    directory.amend(
        [Amendment("people", "chen", {**directory.as_written("people", "chen", directory.item("people", "chen") or {}),
                                      "roles": ["administrator"]}, directory.mark(directory.item("people", "chen")))],
        now(), "root",
    )  # fmt: skip
    assert panel.visitor("chen").get(path).status_code == 404
    assert root.post(path, {"do": "forget"}).status_code == 303
    assert root.get(path).status_code == 404


def test_without_a_file_or_with_too_much_of_one_it_says_so(root: Visitor) -> None:
    assert "Choose a file first" in root.post("/admin/directory-files/", {}).text
    large = (io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), "d.csv")
    assert "too large" in root.post("/admin/directory-files/", {"file": large}).text


# -- what is wrong ---


def test_everything_wrong_is_named_with_where_it_is_mended(root: Visitor) -> None:
    root.post("/admin/teams/add", {"id": "empty_one", "title.en": "Empty one"})
    with database.transaction():
        Person.update(email=None, phone=None, channel_ids={}).where(Person.login == "gong").execute()
        Person.update(absences=[{"from": now()}], deputy=None).where(Person.login == "ai").execute()
        Customer.update(email=None, phone=None).where(Customer.id == "c-1004").execute()
        directory.changed()
    shift = {"team": "front_line", "person": "bai", "from": show(now()), "to": show(now() + DAY)}
    directory.amend([Amendment("rotas", None, shift, "")], now(), "root")
    text = root.text("/admin/directory-checks/")
    for said in (
        "nobody who is active is in team empty_one",
        "Empty one: the team has no active lead",
        "龚小燕: no message reaches gong",
        "艾琳: nobody stands in for ai",
        "nobody is on duty for team front_line",
        "1 customers have neither",
    ):
        assert said in text, said


def test_what_documents_count_on_is_looked_at_anew_when_the_directory_changes(root: Visitor) -> None:
    said = "nobody who is active is in team front_line"
    assert said not in root.text("/admin/directory-checks/")
    path = "/admin/teams/team/front_line"
    assert root.post(path, {**form_of(root, path), "drop": ["gong", "ai", "bai"]}).status_code == 303
    assert root.text("/admin/directory-checks/").count(said) > 1
