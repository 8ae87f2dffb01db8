"""The editor of documents: its page, saving, and what it asks while somebody writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from admin.editing.texts import texts
from server import drafts
from server.accounts import Caller
from server.directory import snapshot
from tests.admin.visiting import COMPLAINTS, Panel, Visitor, now, receive, words


def caller(login: str) -> Caller:
    return Caller(login, snapshot().permissions_of(login))


def begun(visitor: Visitor, document: str = "cn-office", **data: str) -> int:
    answer = visitor.post(f"/admin/editor/of/{document}", data)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rstrip("/").rsplit("/", 1)[1])


def sent(visitor: Visitor, path: str, body: str | bytes, **headers: str) -> Any:
    """A request of the page's script."""
    found = {"X-CSRFToken": visitor.token("/admin/documents/"), "Referer": f"{visitor.base_url}/admin/", **headers}
    return visitor.client.post(path, base_url=visitor.base_url, data=body, headers=found, buffered=True)


def asked(visitor: Visitor, path: str, **question: Any) -> Any:
    return sent(visitor, path, json.dumps(question), **{"Content-Type": "application/json"})


def data_of(visitor: Visitor, draft: int) -> dict[str, Any]:
    page = visitor.get(f"/admin/editor/{draft}/").text
    found: dict[str, Any] = json.loads(page.split('id="editor-data"')[1].split(">", 1)[1].split("</script>")[0])
    return found


def test_edit_on_a_documents_page_begins_a_draft_and_goes_on_with_it_the_next_time(panel: Panel) -> None:
    root = panel.visitor("root")
    assert "Edit" in root.text("/admin/documents/cn-office")
    first = begun(root)
    assert begun(root) == first
    assert "name: cn-office" in root.text(f"/admin/editor/{first}/")
    assert begun(root, version="1") != first, "a version that is named begins anew"
    assert begun(panel.visitor("mo")) != first, "somebody else has a draft of his own"


def test_the_plain_form_saves_and_lists_what_is_wrong(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root)
    text = bytes(drafts.one(draft).data).decode().replace("Asia/Shanghai", "Asia/Shanghia")
    answer = root.post(
        f"/admin/editor/{draft}/", {"text": text.replace("\n", "\r\n"), "sha256": drafts.one(draft).sha256}
    )
    assert answer.status_code == 303
    assert bytes(drafts.one(draft).data).decode() == text
    page = root.text(f"/admin/editor/{draft}/")
    assert "line 4, column 11" in page
    assert "bad-time-zone" in page


def test_a_text_that_somebody_else_overtook_is_not_saved_and_not_lost(panel: Panel) -> None:
    root, mo = panel.visitor("root"), panel.visitor("mo")
    draft = begun(root)
    base = drafts.one(draft)
    theirs = bytes(base.data) + b"# theirs\n"
    drafts.write(draft, theirs, caller("mo"), now())
    answer = root.post(f"/admin/editor/{draft}/", {"text": "name: mine", "sha256": base.sha256})
    assert answer.status_code == 409
    said = words(answer.text)
    assert "name: mine" in said
    assert "# theirs" in said
    assert snapshot().people["mo"].name in said
    assert bytes(drafts.one(draft).data) == theirs
    answer = sent(root, f"/admin/editor/{draft}/text", "name: mine", **{"If-Match": base.sha256})
    assert answer.status_code == 409
    assert answer.json["login"] == "mo"
    assert answer.json["text"] == theirs.decode()
    answer = sent(mo, f"/admin/editor/{draft}/text", bytes(base.data), **{"If-Match": answer.json["sha256"]})
    assert answer.status_code == 200
    assert answer.json["sha256"] == base.sha256


def test_a_text_of_another_document_is_refused_with_the_reason(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root)
    text = bytes(drafts.one(draft).data).replace(b"name: cn-office", b"name: other")
    answer = sent(root, f"/admin/editor/{draft}/text", text, **{"If-Match": drafts.one(draft).sha256})
    assert answer.status_code == 422
    assert answer.json["code"] == "draft-of-another"
    assert "other" in answer.json["message"]


def test_mine_can_be_kept_as_a_draft_of_its_own(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root)
    answer = sent(root, f"/admin/editor/{draft}/copy", bytes(drafts.one(draft).data) + b"# mine\n")
    assert answer.status_code == 201
    assert root.get(answer.json["address"]).text.count("# mine") >= 1


def test_findings_come_with_line_column_and_the_near_name(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root, COMPLAINTS)
    text = bytes(drafts.one(draft).data).replace(b"until: respond,", b"until: respnd,")
    found = sent(root, f"/admin/editor/{draft}/check", text).json["findings"]
    one = next(one for one in found if one["code"] == "unknown-event")
    assert one["params"]["near"] == "respond"
    assert one["line"] > 1
    assert one["path"][:2] == ["clocks", "first_response"]


def test_a_duration_is_worked_out_by_the_documents_calendar(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root)
    answer = asked(root, f"/admin/editor/{draft}/worked", calendar="cn-office", durations=["1wh", "2h", "nonsense"])
    found = answer.json
    assert found["start"].endswith("T17:00")
    assert found["ends"]["2h"].endswith("T19:00")
    assert found["ends"]["1wh"].endswith("T18:00") or found["ends"]["1wh"][:10] > found["start"][:10]
    assert found["ends"]["nonsense"] is None
    assert asked(root, f"/admin/editor/{draft}/worked", calendar="none", durations=[]).status_code == 404
    assert asked(root, f"/admin/editor/{draft}/worked", calendar="none", durations=[1]).status_code == 422


def test_the_year_of_a_calendar_shows_holidays_and_what_the_document_says_itself(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root)
    text = bytes(drafts.one(draft).data) + b"dates: {2026-03-03: closed}\n"
    days = {day["day"]: day for day in sent(root, f"/admin/editor/{draft}/year/2026", text).json["days"]}
    assert len(days) == 365
    assert days["2026-03-02"] == {"day": "2026-03-02", "hours": ["09:00-12:00", "13:00-18:00"], "rule": "week"}
    assert days["2026-03-03"] == {"day": "2026-03-03", "hours": [], "rule": "own"}
    assert days["2026-10-01"]["rule"] == "holiday"
    empty = sent(root, f"/admin/editor/{draft}/year/2026", "kind: calendar")
    assert empty.status_code == 200, "a calendar without hours is no mistake of whoever has just begun it"
    assert len(empty.json["days"]) == 365
    assert not any(day["hours"] for day in empty.json["days"])
    assert "The year is empty until" in empty.json["message"]
    assert sent(root, f"/admin/editor/{draft}/year/99999", text).status_code == 422


def test_a_template_is_shown_on_an_issue(panel: Panel) -> None:
    number = receive("付款失败")
    root = panel.visitor("root")
    draft = begun(root, COMPLAINTS)
    text = bytes(drafts.one(draft).data).decode()
    answer = asked(root, f"/admin/editor/{draft}/preview", text=text, template="alert", number="")
    assert answer.json["number"] == number
    assert "付款失败" in answer.json["texts"]["zh"]["subject"]["text"]
    broken = text.replace("【{{ severity }}】{{ number }} {{ subject }}", "{{ severity | nofilter }}")
    answer = asked(root, f"/admin/editor/{draft}/preview", text=broken, template="alert", number=number)
    assert "nofilter" in answer.json["texts"]["zh"]["subject"]["problem"]
    assert asked(root, f"/admin/editor/{draft}/preview", text=text, template="alert", number="X").status_code == 404


def test_an_auditor_reads_the_editor_and_changes_nothing(panel: Panel) -> None:
    draft = begun(panel.visitor("root"))
    ida = panel.visitor("ida")
    page = ida.get(f"/admin/editor/{draft}/")
    assert "readonly" in page.text
    assert data_of(ida, draft)["writable"] is False
    assert ida.post(f"/admin/editor/{draft}/", {"text": "x", "sha256": drafts.one(draft).sha256}).status_code == 403
    assert sent(ida, f"/admin/editor/{draft}/text", "x", **{"If-Match": drafts.one(draft).sha256}).status_code == 403
    assert "Edit" not in words(ida.get("/admin/documents/cn-office").text.split("<main")[1])
    assert ida.post("/admin/editor/of/cn-office").status_code == 403


def test_what_was_typed_is_shown_as_text(panel: Panel) -> None:
    root = panel.visitor("root")
    draft = begun(root)
    text = bytes(drafts.one(draft).data).decode() + "# </textarea><script>alert(1)</script>\n"
    drafts.write(draft, text.encode(), caller("root"), now())
    page = root.get(f"/admin/editor/{draft}/").text
    assert "<script>alert(1)" not in page
    assert data_of(root, draft)["text"] == text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_gives_the_script_its_words_and_the_schema_in_the_readers_language(
    panel: Panel, language: str
) -> None:
    draft = begun(panel.visitor("root"))
    found = data_of(panel.visitor("root", language), draft)
    assert found["schema"]["calendar"]["title"] == {"zh": "日历", "en": "Calendar"}[language]
    assert found["texts"].keys() == texts().keys()
    assert found["texts"]["save"] == {"zh": "保存", "en": "Save"}[language]


def test_a_draft_that_is_not_there_is_not_found(panel: Panel) -> None:
    root = panel.visitor("root")
    for path in ("/admin/editor/99/", "/admin/editor/9223372036854775807/", "/admin/editor/0/state"):
        assert root.get(path).status_code == 404
    assert root.post("/admin/editor/of/nothing").status_code == 404


def test_channels_are_offered_by_the_words_people_use(panel: Panel) -> None:
    root = panel.visitor("root", "zh")
    offered = {one["name"]: one["title"] for one in data_of(root, begun(root))["names"]["channel"]}
    assert offered["wecom"] == "企业微信"
    assert offered["email"] == "邮件"
    assert offered["crm"] == "客户系统"
