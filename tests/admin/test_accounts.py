"""One's own account, those of others, links for new passwords, and roles; as their pages show them."""

from __future__ import annotations

import re

import pytest

from server.accounts import make_reset_link
from server.directory import snapshot
from server.store.models import AuditEntry, ResetLink, Session
from tests.admin.visiting import PASSWORD, Panel, now

NEW = "another long password"
PASTED = '<img src=x onerror="alert(1)">\'&amp;'


def ends(page: str, login: str = "") -> list[str]:
    """The addresses by which sessions are ended."""
    place = f"/admin/users/{login}" if login else "/admin/account"
    return re.findall(rf'action="({place}/sessions/\w{{16}}/end)"', page)


def test_one_sees_and_ends_ones_sessions_but_not_the_one_that_asks(panel: Panel) -> None:
    here, there = panel.visitor("gong"), panel.visitor("gong")
    page = here.get("/admin/account/")
    assert "this one" in page.text
    (end,) = ends(page.text)
    assert here.post(end).status_code == 303
    assert "That session is ended." in here.text("/admin/account/")
    assert there.get("/admin/issues/").status_code == 303
    assert here.get("/admin/issues/").status_code == 200
    assert here.post(end).status_code == 404
    panel.visitor("gong"), panel.visitor("gong")
    here.post("/admin/account/sessions/end")
    assert "2 sessions are ended." in here.text("/admin/account/")
    assert Session.select().count() == 1


def test_nobody_ends_sessions_of_others_but_an_administrator(panel: Panel) -> None:
    gong, rita, root = panel.visitor("gong"), panel.visitor("rita"), panel.visitor("root")
    (end,) = ends(root.get("/admin/users/gong/").text, "gong")
    assert rita.post(end).status_code == 403
    assert rita.post(end.replace("/users/gong", "/account")).status_code == 404
    assert gong.get("/admin/issues/").status_code == 200
    assert root.post(end).status_code == 303
    assert gong.get("/admin/issues/").status_code == 303
    panel.visitor("gong"), panel.visitor("gong")
    root.post("/admin/users/gong/sessions/end")
    assert "Not signed in anywhere." in root.text("/admin/users/gong/")
    root.post("/admin/users/root/sessions/end")
    assert root.get("/admin/users/").status_code == 200, "whoever ends all of his own stays"
    assert root.get("/admin/users/nobody/").status_code == 404


def test_a_password_is_changed_with_the_present_one(panel: Panel) -> None:
    here, there = panel.visitor("gong"), panel.visitor("gong")
    answer = here.post("/admin/account/password", {"present": PASSWORD, "new": NEW, "again": NEW})
    assert answer.status_code == 303
    assert "Your password is changed." in here.text("/admin/account/"), "whoever changes it stays signed in"
    assert there.get("/admin/issues/").status_code == 303
    assert panel.visitor().sign_in("gong", PASSWORD).status_code == 401
    assert panel.visitor().sign_in("gong", NEW).status_code == 303


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"present": "wrong", "new": NEW, "again": NEW}, "the present password is another one"),
        ({"present": PASSWORD, "new": NEW, "again": "else"}, "This is not what stands in the field above."),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "the password needs at least 10 characters"),
        ({"present": PASSWORD, "new": "x" * 1001, "again": "x" * 1001}, "the password may have at most 1000"),
        ({}, "the present password is another one"),
    ],
)
def test_what_is_wrong_with_a_new_password_is_said_at_its_field(panel: Panel, sent: dict[str, str], told: str) -> None:
    visitor = panel.visitor("gong")
    answer = visitor.post("/admin/account/password", sent)
    assert answer.status_code == 422
    assert told in answer.text
    assert NEW not in answer.text
    assert panel.visitor().sign_in("gong", PASSWORD).status_code == 303


def test_a_link_lets_somebody_without_a_password_in_once(panel: Panel) -> None:
    root = panel.visitor("root")
    assert "no password yet" in root.text("/admin/users/")
    login = "zhou"
    answer = root.post(f"/admin/users/{login}/reset")
    link = re.search(r"http://127.0.0.1:8080(/admin/reset/[\w-]{43})", answer.text)
    assert link is not None
    assert link[1] not in root.get(f"/admin/users/{login}/").text, "it is shown once"
    visitor = panel.visitor()
    assert visitor.get(link[1]).status_code == 200
    assert visitor.get(link[1]).status_code == 200, "looking uses nothing up"
    assert visitor.post(link[1], {"new": NEW, "again": "else"}).status_code == 422
    assert visitor.post(link[1], {"new": "short", "again": "short"}).status_code == 422
    assert visitor.post(link[1], {"new": NEW, "again": NEW}).status_code == 303
    assert "Your new password is in force." in visitor.text("/admin/sign-in/")
    assert visitor.post(link[1], {"new": PASSWORD, "again": PASSWORD}).status_code == 410
    assert visitor.sign_in(login, NEW).status_code == 303
    row = AuditEntry.select().where(AuditEntry.kind == "person.reset_link_made").get()
    assert row.by == "root"


def test_a_link_that_is_no_good_says_so_in_both_languages(panel: Panel) -> None:
    text = make_reset_link("gong", now() - 25 * 3_600_000, by="root")
    for path in (f"/admin/reset/{text}", "/admin/reset/made-up", "/admin/reset/"):
        assert "more than 24 hours old" in panel.visitor(language="en").get(path).text
        answer = panel.visitor(language="zh").get(path)
        assert answer.status_code == 410
        assert "已超过 24 小时" in answer.text
    root = panel.visitor("root")
    assert root.post("/admin/users/nobody/reset").status_code == 404
    assert panel.visitor("gong").post("/admin/users/gong/reset").status_code == 403
    assert ResetLink.select().count() == 1


def test_a_role_is_made_changed_and_removed(panel: Panel) -> None:
    root = panel.visitor("root")
    made = {"name": "watcher", "title_zh": "观察员", "title_en": "Watcher", "permissions": ["issue.read"]}
    assert root.post("/admin/roles/add", made).status_code == 303
    assert snapshot().permissions["watcher"] == {"issue.read"}
    page = root.get("/admin/roles/watcher/edit").text
    assert 'value="观察员"' in page
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen is not None
    changed = {"title_zh": "观察员", "permissions": ["issue.read", "audit.read"], "seen": seen[1]}
    assert root.post("/admin/roles/watcher/edit", changed).status_code == 303
    assert snapshot().permissions["watcher"] == {"issue.read", "audit.read"}
    # Whoever saw what was before is told, and nothing of his is lost.
    answer = root.post("/admin/roles/watcher/edit", {**changed, "title_zh": "旁观者"})
    assert answer.status_code == 409
    assert "Somebody else changed this role meanwhile." in answer.text
    assert 'value="旁观者"' in answer.text
    removal = root.get("/admin/roles/watcher/remove").text
    assert "Nobody holds it" in removal
    seen = re.search(r'name="seen" value="(\w+)"', removal)
    assert seen is not None
    assert root.post("/admin/roles/watcher/remove", {"seen": seen[1]}).status_code == 303
    assert "watcher" not in snapshot().role_titles


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"name": "with space"},
        {"name": "reader"},
        {"name": "fine", "permissions": ["everything"]},
        {"name": "fine", "title_en": "x" * 500},
        {"name": "fine", "title_zh": "\x07"},
        {"name": PASTED},
    ],
)
def test_a_role_that_cannot_be_is_refused_at_its_field(panel: Panel, sent: dict[str, object]) -> None:
    before = dict(snapshot().permissions)
    answer = panel.visitor("root").post("/admin/roles/add", sent)
    assert answer.status_code == 422
    assert 'class="problem"' in answer.text or 'role="alert"' in answer.text
    assert "<img src=x" not in answer.text
    assert dict(snapshot().permissions) == before


def test_a_role_that_is_needed_stays(panel: Panel) -> None:
    root = panel.visitor("root")
    for role in ("administrator", "agent"):
        seen = re.search(r'name="seen" value="(\w+)"', root.get(f"/admin/roles/{role}/remove").text)
        assert seen is not None
        answer = root.post(f"/admin/roles/{role}/remove", {"seen": seen[1]})
        assert answer.status_code == 409
        assert 'role="alert"' in answer.text
        assert role in snapshot().role_titles


def test_pasted_markup_is_shown_as_it_is(panel: Panel) -> None:
    root = panel.visitor("root")
    made = {"name": "odd", "title_zh": PASTED, "title_en": PASTED, "permissions": ["issue.read"]}
    assert root.post("/admin/roles/add", made).status_code == 303
    for path in ("/admin/roles/", "/admin/roles/odd/edit", "/admin/roles/odd/remove"):
        assert "<img src=x" not in root.get(path).text
