"""The directory in the panel: people and teams are found, changed and retired, and nobody overwrites anybody."""

from __future__ import annotations

import html
import re

import pytest

from server.directory import snapshot
from server.recording import held
from server.store.models import AuditEntry
from tests.admin.visiting import Panel, Visitor, receive

NASTY = "<script>alert(1)</script>\"'&"


def hidden(page: str, name: str) -> str:
    """What a hidden input of the page holds."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found[1])


def form_of(visitor: Visitor, path: str) -> dict[str, object]:
    """The form of a page as a browser would send it back."""
    page = visitor.get(path)
    assert page.status_code == 200, page.status_code
    return fields_of(page.text)


def fields_of(page: str) -> dict[str, object]:
    """Every input of the page's own form, as it is filled."""
    main = page[page.index("<main") :]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input\b[^>]*>", main):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and (("checkbox" not in tag and "radio" not in tag) or " checked" in tag):
            found.setdefault(html.unescape(name[1]), []).append(html.unescape(value[1]) if value else "")
    for name, inside in re.findall(r'<select\b[^>]*name="([^"]*)"[^>]*>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found.setdefault(html.unescape(name), []).append(html.unescape(chosen[1]) if chosen else "")
    for name, inside in re.findall(r'<textarea\b[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', main, re.DOTALL):
        found.setdefault(html.unescape(name), []).append(html.unescape(inside))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items() if name != "csrf_token"}


def problems(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'<p class="problem"[^>]*>(.*?)</p>', page)]


# -- people ---


def test_a_form_that_is_sent_back_as_it_is_changes_nothing(panel: Panel) -> None:
    root = panel.visitor("root")
    before = AuditEntry.select().count()
    for path in ("/admin/people/person/li/edit", "/admin/people/person/lu/edit", "/admin/teams/team/front_line"):
        answer = root.post(path, form_of(root, path), follow_redirects=True)
        assert "Nothing was changed" in answer.text, path
    assert AuditEntry.select().count() == before


def test_a_supervisor_is_changed_and_the_tree_shows_it(panel: Panel) -> None:
    root = panel.visitor("root")
    path = "/admin/people/person/gong/edit"
    answer = root.post(path, {**form_of(root, path), "supervisor": "sun_y"})
    assert answer.status_code == 303
    assert snapshot().people["gong"].supervisor == "sun_y"
    tree = root.get("/admin/people/tree").text
    branch = tree[tree.index("孙悦") :]
    assert "龚小燕" in branch[: branch.index("</ul>")]
    assert tree.count("<ul") == tree.count("</ul>")
    assert tree.count("<li>") - tree.count("</li>") == 0


def test_somebody_new_is_added_with_everything(panel: Panel) -> None:
    root = panel.visitor("root")
    given = {
        **form_of(root, "/admin/people/add"),
        "login": "xujing", "name": "徐静", "email": "xu@duban.example", "phone": "139", "language": "en",
        "supervisor": "chen", "deputy": "gong", "roles": ["agent", "monitor"], "channel_ids.wecom": "xujing",
    }  # fmt: skip
    answer = root.post("/admin/people/add", given)
    assert answer.status_code == 303, problems(answer.text)
    assert answer.headers["Location"].endswith("/admin/people/person/xujing")
    person = snapshot().people["xujing"]
    assert (person.name, person.email, person.supervisor, person.deputy, person.language) == (
        "徐静", "xu@duban.example", "chen", "gong", "en",
    )  # fmt: skip
    assert dict(person.channel_ids) == {"wecom": "xujing"}
    assert snapshot().roles_of["xujing"] == {"agent", "monitor"}


def test_everything_wrong_is_said_at_once_and_what_was_typed_stays(panel: Panel) -> None:
    root = panel.visitor("root")
    given = {"login": "Xu Jing", "name": "", "email": "at home", "supervisor": "nobody-at-all", "language": "zh"}
    answer = root.post("/admin/people/add", given)
    assert answer.status_code == 422
    assert len(problems(answer.text)) == 3
    for text in ("Xu Jing", "at home", "nobody-at-all"):
        assert f'value="{text}"' in answer.text
    answer = root.post("/admin/people/add", {**given, "login": "gong", "name": "Another", "email": ""})
    assert problems(answer.text)[0] == "gong is there already."
    chinese = panel.visitor("root", "zh").post("/admin/people/add", given)
    assert "用户名：“Xu Jing”不是登录名" in problems(chinese.text)[0]


def test_a_circle_is_refused_at_the_supervisor(panel: Panel) -> None:
    root = panel.visitor("root")
    path = "/admin/people/person/lu/edit"
    answer = root.post(path, {**form_of(root, path), "supervisor": "gong"})
    assert answer.status_code == 422
    assert "gong" in problems(answer.text)[0]
    assert snapshot().people["lu"].supervisor is None


def test_the_second_of_two_is_told_and_both_changes_can_be_kept(panel: Panel) -> None:
    root, other = panel.visitor("root"), panel.visitor("root")
    path = "/admin/people/person/gong/edit"
    mine = {**form_of(root, path), "phone": "400", "deputy": "bai"}
    other.post(path, {**form_of(other, path), "supervisor": "sun_y", "phone": "500"})
    answer = root.post(path, mine)
    assert answer.status_code == 409
    assert "Somebody else changed this" in answer.text
    assert problems(answer.text) == ["Meanwhile: 500"]
    again = fields_of(answer.text)
    assert (again["supervisor"], again["phone"], again["deputy"]) == ("sun_y", "400", "bai")
    assert snapshot().people["gong"].phone == "500"
    assert root.post(path, again).status_code == 303
    person = snapshot().people["gong"]
    assert (person.supervisor, person.phone, person.deputy) == ("sun_y", "400", "bai")


def test_whoever_leaves_is_shown_with_all_that_names_him(panel: Panel) -> None:
    receive()
    root = panel.visitor("root")
    path = "/admin/people/person/chen/disable"
    text = root.text(path)
    for said in ("龚小燕", "Customer service", "Emergency handling group", "Is on duty", "Leads"):
        assert said in text, said
    given = {**form_of(root, path), "successor": "sun_y"}
    assert root.post(path, {**given, "uses": "something else"}).status_code == 409
    assert root.post(path, given).status_code == 303
    people = snapshot()
    assert people.active("chen") is None
    assert people.people["gong"].supervisor == "sun_y"
    assert people.leads["customer_service"] == "sun_y"
    assert "chen" not in people.members["customer_service"]
    text = root.text("/admin/people/person/chen")
    assert "disabled" in text
    assert root.post("/admin/people/person/chen/enable").status_code == 303
    assert snapshot().active("chen") is not None
    assert snapshot().roles_of.get("chen") is None


def test_the_last_administrator_stays(panel: Panel) -> None:
    root = panel.visitor("root")
    path = "/admin/people/person/root/disable"
    for login, administers in sorted(snapshot().roles_of.items()):
        if "administrator" in administers and login != "root":
            found = f"/admin/people/person/{login}/disable"
            root.post(found, form_of(root, found))
    answer = root.post(path, form_of(root, path))
    assert answer.status_code == 422
    assert snapshot().active("root") is not None


def test_people_are_found_by_what_one_knows_of_them(panel: Panel) -> None:
    root = panel.visitor("root")
    for asked in ("q=龚", "q=GONG%40duban", "q=13800000007", "role=agent&q=小燕", "team=front_line&q=gong"):
        assert "龚小燕" in root.text(f"/admin/people/?{asked}")
    assert "Nobody fits" in root.text("/admin/people/?q=nothing-like-it")
    assert "Nobody fits" in root.text("/admin/people/?state=disabled")
    assert root.get("/admin/people/?page=x&state=y&team=z").status_code == 200
    assert root.get("/admin/people/?page=99999999999999999999").status_code == 200


# -- teams ---


def test_members_come_in_the_order_of_their_places(panel: Panel) -> None:
    root = panel.visitor("root")
    path = "/admin/teams/team/front_line"
    given = form_of(root, path)
    assert given["member"] == ["gong", "ai", "bai", "", "", ""]
    given |= {"place": ["3", "1", "2", "2", "5", "6"], "member": ["gong", "ai", "bai", "lan", "", ""], "drop": "bai"}
    assert root.post(path, given).status_code == 303
    assert snapshot().members["front_line"] == ("ai", "lan", "gong")


def test_a_team_is_added_and_an_empty_one_is_marked(panel: Panel) -> None:
    root = panel.visitor("root")
    given = {"id": "night_shift", "title.zh": "夜班组", "title.en": "Night shift", "lead": "lan"}
    assert root.post("/admin/teams/add", given).status_code == 303
    assert "empty: issues and messages for it reach nobody" in root.text("/admin/teams/")
    assert root.post("/admin/teams/add", given).status_code == 422
    assert root.post("/admin/teams/add", {"id": "2 words"}).status_code == 422
    path = "/admin/teams/team/night_shift/remove"
    assert root.post(path, form_of(root, path)).status_code == 303
    assert "night_shift" not in snapshot().titles


def test_a_team_that_is_named_says_by_whom_and_stays_while_it_has_open_issues(panel: Panel) -> None:
    team = held(receive()).case.team
    root = panel.visitor("root")
    path = f"/admin/teams/team/{team}/remove"
    text = root.text(path)
    assert "complaint-monitoring" in text
    assert "Hand them over first" in text
    given = {"seen": hidden(root.get(path).text, "seen")}
    answer = root.post(path, given)
    assert answer.status_code == 422
    assert "open issues: 1" in answer.text
    duty = "/admin/teams/team/handling_group/remove"
    assert "shifts are removed, too" in root.text(duty)
    assert root.post(duty, {"seen": "old"}).status_code == 409
    assert root.post(duty, form_of(root, duty)).status_code == 303
    assert snapshot().shifts.get("handling_group") is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_pasted_is_shown_and_never_run(panel: Panel, language: str) -> None:
    root = panel.visitor("root", language)
    edit = "/admin/people/person/gong/edit"
    given = {**form_of(root, edit), "name": NASTY, "phone": NASTY, "channel_ids.wecom": NASTY}
    assert root.post(edit, given).status_code == 303
    team = "/admin/teams/team/front_line"
    assert root.post(team, {**form_of(root, team), "title.zh": NASTY, "title.en": NASTY}).status_code == 303
    pages = ["/admin/people/", "/admin/people/tree", "/admin/people/person/gong", edit, "/admin/people/person/ai"]
    for path in (*pages, "/admin/people/person/gong/disable", "/admin/teams/", team, f"{team}/remove"):
        assert "<script>alert" not in root.get(path).text
    assert root.post(edit, {**form_of(root, edit), "name": "a\x00b"}).status_code == 422
    answer = root.post("/admin/people/add", {"login": "x" * 100, "name": "n" * 5000, "language": "zh"})
    assert len(problems(answer.text)) == 2
