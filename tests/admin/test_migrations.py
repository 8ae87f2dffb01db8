"""Migrations in the panel: looked at, proposed, approved by somebody else, run, followed."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from admin.migrating import views
from server import drafts, migration
from server.migration import showing
from server.store.models import Migration
from tests.admin.drafting import ANOTHER, APPROVER, OWNER, approved, person, shipped, submitted
from tests.admin.visiting import Panel, Visitor, now, receive, words

PROCESS = "complaint-monitoring"


@pytest.fixture
def number(panel: Panel) -> str:
    """An open issue whose process has a newer version, which is quicker."""
    found = receive(category="price")
    text = shipped(PROCESS).decode()
    within = re.search(r"within: \{.*?C: (\S+?)[,}]", text)
    assert within is not None
    approved(submitted(shipped(PROCESS, ("title: {zh: ", "title: {zh: 新")), PROCESS, "fu"))
    return found


def test_a_migration_is_looked_at_proposed_approved_and_run(panel: Panel, number: str) -> None:
    owner, approver = person(panel, "fu"), person(panel, APPROVER)
    page = "/admin/migrations/propose"
    assert "Which issues" in owner.text(f"{page}?process={PROCESS}")
    looked = owner.post(page, {"process": PROCESS, "selection": "all", "look": "yes"})
    assert number in looked.text
    assert migration.listed() == []
    refused = owner.post(page, {"process": PROCESS, "selection": "all", "reason": ""})
    assert refused.status_code == 422
    made = owner.post(page, {"process": PROCESS, "selection": "all", "reason": "quicker for all"})
    plan = made.headers["Location"]
    assert "waits for approval" in owner.text(plan)
    assert owner.post(f"{plan}approve", {"sha256": "x"}).status_code == 403
    said = approver.text(f"{plan}approve")
    assert "1 open issue goes on under version 2" in said
    assert approver.post(f"{plan}approve", {"sha256": "0" * 64}).status_code == 409
    digest = migration.listed()[0]["sha256"]
    assert approver.post(f"{plan}approve", {"sha256": digest, "remark": "agreed"}).status_code == 303
    while migration.run(now()):
        pass
    text = owner.text(plan)
    assert "1 of 1 migrated, 0 left as they are" in text
    assert "agreed" in text
    assert "migrated" in text


def test_a_plan_is_turned_down_or_taken_back(panel: Panel, number: str) -> None:
    owner, approver = person(panel, "fu"), person(panel, ANOTHER)
    page = "/admin/migrations/propose"
    form = {"process": PROCESS, "selection": "some", "numbers": f"{number}, ", "reason": "<b>why</b>"}
    first = owner.post(page, form).headers["Location"]
    assert "&lt;b&gt;why&lt;/b&gt;" in owner.get(first).text
    assert approver.post(f"{first}withdraw").status_code == 403
    refused = approver.post(f"{first}turn-down", {"remark": ""})
    assert refused.status_code == 422
    assert "No issue is changed" in words(refused.text)
    assert approver.post(f"{first}turn-down", {"remark": "not now"}).status_code == 303
    assert "turned down" in owner.text(first)
    assert "This cannot be done with the plan now" in owner.text(f"{first}withdraw")
    second = owner.post(page, form).headers["Location"]
    assert owner.post(f"{second}withdraw", {"remark": ""}).status_code == 303
    assert [one["state"] for one in migration.listed()] == [Migration.WITHDRAWN, Migration.REJECTED]


def test_what_does_not_fit_is_refused_at_its_place(panel: Panel, number: str) -> None:
    owner = person(panel, "fu")
    page = "/admin/migrations/propose"
    unknown = owner.post(page, {"process": PROCESS, "selection": "some", "numbers": "NONE-1", "look": "yes"})
    assert unknown.status_code == 422
    assert "NONE-1" in unknown.text
    stage = owner.post(page, {"process": PROCESS, "selection": "all", "stage.nowhere": "closed", "look": "yes"})
    assert stage.status_code == 422
    assert owner.get(f"{page}?process=nothing").status_code == 404
    assert owner.post(page, {"process": PROCESS, "selection": "every"}).status_code == 400
    assert owner.get("/admin/migrations/999/").status_code == 404
    assert owner.post("/admin/migrations/999/withdraw").status_code == 404
    assert drafts.caller(OWNER)


def test_an_auditor_sees_migrations_and_changes_none(panel: Panel, number: str) -> None:
    owner, auditor = person(panel, "fu"), panel.visitor("ida")
    form = {"process": PROCESS, "selection": "all", "reason": "quicker"}
    plan = owner.post("/admin/migrations/propose", form).headers["Location"]
    assert number in auditor.text(plan)
    assert "What you can do now" not in auditor.text(plan)
    for step in ("approve", "turn-down", "withdraw"):
        assert auditor.post(f"{plan}{step}", {"remark": "x"}).status_code == 403
    assert auditor.post("/admin/migrations/propose", form).status_code == 403


def test_a_plan_under_way_counts_by_itself_until_it_is_done(panel: Panel, number: str) -> None:
    owner, approver = person(panel, "fu"), person(panel, APPROVER)
    form = {"process": PROCESS, "selection": "all", "reason": "quicker"}
    plan = owner.post("/admin/migrations/propose", form).headers["Location"]
    waits = f'data-poll="{plan}course"'
    assert waits not in owner.get(plan).text
    approver.post(f"{plan}approve", {"sha256": migration.listed()[0]["sha256"]})
    assert waits in owner.get(plan).text
    piece = owner.get(f"{plan}course")
    assert waits in piece.text
    assert "0 of 1 migrated" in words(piece.text)
    assert "<html" not in piece.text
    while migration.run(now()):
        pass
    piece = owner.get(f"{plan}course")
    assert waits not in piece.text
    assert "1 of 1 migrated" in words(piece.text)
    assert owner.get("/admin/migrations/999/course").status_code == 404


def test_of_many_issues_the_page_shows_some_and_the_file_all(
    panel: Panel, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(category="price")
    approved(submitted(shipped(PROCESS, ("title: {zh: ", "title: {zh: 更新")), PROCESS, "fu"))
    monkeypatch.setattr(views, "MOST_LOOKED", 1)
    owner = person(panel, "fu")
    form = {"process": PROCESS, "selection": "all"}
    looked = owner.post("/admin/migrations/propose", {**form, "look": "yes"})
    assert "2 issues would be taken. The first 1 were looked at here" in words(looked.text)
    file = owner.post("/admin/migrations/propose/looks", form)
    assert file.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(file.text)))
    assert rows[0][0] == "Issue"
    assert len(rows) == 3
    assert number in {row[0] for row in rows}
    assert owner.post("/admin/migrations/propose/looks", {**form, "process": "nothing"}).status_code == 404
    bad = {**form, "stage.nowhere": "closed"}
    assert owner.post("/admin/migrations/propose/looks", bad).status_code == 422


def pages(visitor: Visitor, page: str, numbers: list[str]) -> list[list[str]]:
    """Which of the issues each page shows, from this one on."""
    text = visitor.get(page).text
    shown = [one for one in numbers if f">{one}</a>" in text]
    following = re.search(r'rel="next" href="([^"#]+)', text)
    return [shown, *(pages(visitor, html.unescape(following[1]), numbers) if following else [])]


def test_the_issues_of_a_plan_come_a_page_at_a_time_and_by_what_became_of_them(
    panel: Panel, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "PAGE", 2)
    numbers = [number, *(receive(category="price") for _ in range(4))]
    approved(submitted(shipped(PROCESS, ("title: {zh: ", "title: {zh: 更")), PROCESS, "fu"))
    owner, approver = person(panel, "fu"), person(panel, APPROVER)
    form = {"process": PROCESS, "selection": "all", "reason": "in pages"}
    plan = owner.post("/admin/migrations/propose", form).headers["Location"]
    assert pages(owner, plan, numbers) == [numbers[:2], numbers[2:4], numbers[4:]]
    approver.post(f"{plan}approve", {"sha256": migration.listed()[0]["sha256"]})
    migration.run(now(), 2)
    assert pages(owner, plan, numbers) == [numbers[:2], numbers[2:4], numbers[4:]]
    assert pages(owner, f"{plan}?state=migrated", numbers) == [numbers[:2]]
    assert pages(owner, f"{plan}?state=waiting", numbers) == [numbers[2:4], numbers[4:]]
    assert pages(owner, f"{plan}?state=left", numbers) == [[]]
    assert re.search(r"state=waiting[^>]*>waits for its turn 3<", owner.get(plan).text)
    assert pages(owner, f"{plan}?state=unheard-of&after=x", numbers)[0] == numbers[:2]
    assert pages(owner, f"{plan}?after={10**30}", numbers) == [[]]
