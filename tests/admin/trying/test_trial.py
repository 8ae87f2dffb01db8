"""Try it: a made-up issue in a draft's world, looked at at any moment, acted on, and made an example of the draft."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import pytest

from server import drafts
from server.core import documents
from server.store.models import AuditEntry, Event, Issue, Message
from server.trying import beside, examples
from tests.admin.trying.drafting import HALF_AN_HOUR, draft, text_of
from tests.admin.visiting import COMPLAINTS, RECORDED, Panel, Visitor, receive, words

ISSUE = {f"issue.{name}": value for name, value in {**RECORDED, "subject": "支付中断", "outage": "true"}.items()}
RECEIVED = {"received": "2026-03-02T09:00", "receiver": "gong"}
GIVEN: dict[str, Any] = {**ISSUE, **RECEIVED}


def played(visitor: Visitor, number: int, **more: Any) -> str:
    answer = visitor.post(f"/admin/trying/{number}/try", {**GIVEN, **more})
    assert answer.status_code == 200, words(answer.text)
    return answer.text


def events_of(page: str) -> Any:
    found = re.search(r'name="events" value="([^"]*)"', page)
    assert found is not None
    return json.loads(html.unescape(found[1]))


def shown_state(page: str) -> str:
    found = re.search(r'<div class="stop"[^>]*data-iso="[^"]*"[^>]*data-text="[^"]*">(.*?)</div>', page, re.DOTALL)
    assert found is not None
    return words(found[1])


@pytest.mark.parametrize(
    ("language", "severity", "told"), [("en", "Urgent", "Who would be told"), ("zh", "紧急", "会通知谁")]
)
def test_it_shows_what_the_draft_makes_of_an_issue(panel: Panel, language: str, severity: str, told: str) -> None:
    number = draft(HALF_AN_HOUR)
    page = played(panel.visitor("root", language), number)
    assert severity in words(page) or "A" in words(page)
    assert told in words(page)
    assert (
        'datetime="2026-03-02T09:30:00+08:00"' in page
    )  # the first response is due by the draft, not by what is in force
    assert 'class="axis"' in page
    assert "Management" in page or "管理层" in page
    assert page.count('class="because"') > 3


def test_nothing_is_stored_and_nobody_is_told(panel: Panel) -> None:
    number = draft()
    visitor = panel.visitor("root")
    before = [table.select().count() for table in (Issue, Event, Message, AuditEntry)]
    played(visitor, number, do="act:comment", **{"act.comment.text": "x"})
    assert [table.select().count() for table in (Issue, Event, Message, AuditEntry)] == before


def test_one_goes_through_time_step_by_step_and_to_any_moment(panel: Panel) -> None:
    visitor, number = panel.visitor("root"), draft()
    assert "2 Mar 2026, 09:00:00" in shown_state(played(visitor, number))
    after = shown_state(played(visitor, number, go="after", moment="2026-03-02T09:00:00"))
    assert "2 Mar 2026, 09:30:00" in after
    there = shown_state(played(visitor, number, go="here", moment="2026-03-02T12:34:56"))
    assert "2 Mar 2026, 12:34:56" in there
    assert "missed" in there
    back = shown_state(played(visitor, number, go="before", moment="2026-03-02T12:34:56"))
    assert "2 Mar 2026, 12:34" not in back


def test_actions_are_done_at_a_moment_and_taken_back(panel: Panel) -> None:
    visitor, number = panel.visitor("root"), draft()
    at = "2026-03-02T09:20:00"
    page = played(visitor, number, moment=at, do="act:respond")
    assert [(one["do"], one["at"][:19]) for one in events_of(page)] == [("respond", at)]
    assert "“First response” was met" in words(page)
    events = json.dumps(events_of(page))
    page = played(
        visitor, number, moment="2026-03-02T10:00:00", events=events, do="act:offer", **{"act.offer.solution": "重启"}
    )
    assert events_of(page)[1]["with"] == {"solution": "重启"}
    assert "重启" in page
    page = played(visitor, number, events=json.dumps(events_of(page)), undo="0")
    assert [one["do"] for one in events_of(page)] == ["offer"]


def test_who_may_not_is_refused_as_he_would_be(panel: Panel) -> None:
    page = played(panel.visitor("root"), draft(), moment="2026-03-02T09:20:00", do="act:close", actor="rita")
    assert "close" not in {one.get("do") for one in events_of(page)}  # not possible in this stage: no form, no event
    page = played(panel.visitor("root"), draft(), moment="2026-03-02T09:20:00", do="act:respond", actor="rita")
    assert "was refused" in words(page)


def test_what_is_missing_stands_at_its_field(panel: Panel) -> None:
    answer = panel.visitor("root").post(f"/admin/trying/{draft()}/try", {**GIVEN, "issue.subject": ""})
    assert answer.status_code == 422
    assert re.search(r'data-field="issue.subject".*?class="problem"', answer.text, re.DOTALL)
    assert "华兴科技" in answer.text


@pytest.mark.parametrize(
    "more",
    [
        {"received": "yesterday"},
        {"received": "9999-12-31T23:59"},
        {"received": "0001-01-01T00:00"},
        {"moment": "x\x00"},
        {"moment": "9999-12-31T00:00"},
        {"events": "no json"},
        {"events": '[{"at": "2026-03-02T10:00:00+08:00", "do": "<b>"}]'},
        {"events": '[{"at": "soon", "do": "respond"}]'},
        {"events": '[{"at": "2026-03-02T10:00:00+08:00", "do": "respond", "with": {"a": {"b": [1]}}}]'},
        {"events": "[" * 5000},
        {"undo": "99"},
        {"do": "act:nothing"},
        {"do": "act:"},
        {"go": "nowhere"},
        {"receiver": "nobody-of-that-name"},
        {"issue.outage": "perhaps"},
        {"issue.subject": "<script>alert(1)</script>" * 50},
        {"issue.subject": "x\x00y"},
        {"text": "a: ["},
    ],
)
def test_what_is_posted_badly_is_answered_and_breaks_nothing(panel: Panel, more: dict[str, str]) -> None:
    answer = panel.visitor("root").post(f"/admin/trying/{draft()}/try", {**GIVEN, **more})
    assert answer.status_code in (200, 422), words(answer.text)
    assert "<script>alert" not in answer.text


def test_the_case_becomes_an_example_of_the_draft_that_passes(panel: Panel) -> None:
    visitor, number = panel.visitor("root"), draft()
    events = json.dumps([{"at": "2026-03-02T09:20:00+08:00", "do": "respond", "by": "gong"}])
    given = {**GIVEN, "issue.phone": "13912345678", "events": events, "moment": "2026-03-02T10:30:00"}
    answer = visitor.post(f"/admin/trying/{number}/example", {**given, "example_name": "支付: 中断"})
    assert answer.headers["Location"].endswith(f"/admin/trying/{number}/examples")
    text = bytes(drafts.one(number).data).decode()
    assert text.startswith(text_of()[: text_of().index("examples:")])
    document, _ = documents.read(text.encode())
    assert document is not None
    made = document.value["examples"][-1]
    assert made["name"] == "支付: 中断"
    assert "13912345678" not in text
    assert "gong" not in json.dumps(made)
    found = examples(beside(COMPLAINTS, text.encode()))
    assert [one.passes for one in found] == [True] * len(found)
    assert "支付: 中断" in visitor.text(f"/admin/trying/{number}/examples")


def test_a_script_gets_the_text_and_the_draft_stays(panel: Panel) -> None:
    visitor, number = panel.visitor("root"), draft()
    typed = text_of() + "# being typed\n"
    answer = visitor.post(f"/admin/trying/{number}/example", {**GIVEN, "text": typed}, part=True)
    assert answer.status_code == 200
    assert answer.get_json()["text"] != typed
    assert "# being typed" in answer.get_json()["text"]
    assert bytes(drafts.one(number).data) == text_of().encode()


def test_a_real_issue_becomes_an_example_without_what_is_private(panel: Panel) -> None:
    real = receive("发票金额不一致", phone="13800002222", description="张三 的 地址", category="price")
    visitor, number = panel.visitor("root"), draft()
    answer = visitor.post(f"/admin/trying/{number}/example", {"number": real})
    assert answer.status_code == 303
    text = bytes(drafts.one(number).data).decode()
    assert f"name: {real}" in text
    for private in ("13800002222", "张三", "gong]"):
        assert private not in text.replace(text_of(), "")
    assert all(one.passes for one in examples(beside(COMPLAINTS, text.encode())))
    assert (
        "There is no issue"
        in visitor.post(f"/admin/trying/{number}/example", {"number": "NO-1"}, follow_redirects=True).text
    )


def test_an_example_is_not_written_into_a_draft_that_was_handed_in(panel: Panel) -> None:
    visitor, number = panel.visitor("root"), draft()
    drafts.withdraw(number, drafts.caller("root"), 1_900_000_000_000, "x")
    visitor.post(f"/admin/trying/{number}/example", GIVEN)
    assert bytes(drafts.one(number).data) == text_of().encode()


def test_the_answer_is_there_at_once_for_the_largest_process(panel: Panel) -> None:
    number = draft(name="issue-notification")
    visitor = panel.visitor("root")
    page = visitor.get(f"/admin/trying/{number}/try").text
    given = dict.fromkeys(re.findall(r'name="(issue\.\w+)"[^>]*aria-required="true"', page), "x")
    sent = {**given, "issue.subject": "x", "received": "2026-03-02T09:00"}
    visitor.post(f"/admin/trying/{number}/try", sent)  # compiled
    spent = []
    for _ in range(3):
        begun = time.process_time()
        visitor.post(f"/admin/trying/{number}/try", sent)
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.3, spent  # of the target (150 ms) twice, for machines that are slower
