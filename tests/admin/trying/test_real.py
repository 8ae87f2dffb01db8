"""What happens if nobody acts: a real issue played on from how it stands, in the panel."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from server import drafts
from server.store.models import AuditEntry, Draft, Event, Issue, Message
from server.trying import beside, examples
from tests.admin.trying.drafting import HALF_AN_HOUR, draft
from tests.admin.visiting import COMPLAINTS, Panel, Visitor, now, receive, words

PHONE = "13800001111"


@pytest.fixture
def number(panel: Panel) -> str:
    """An urgent complaint that was received just now."""
    return receive(outage=True, phone=PHONE)


def inputs(page: str) -> dict[str, str]:
    """The inputs that say what was asked, and which moment is looked at."""
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(events|since|exact|moment)" value="([^"]*)"', page)
    }


def asked(visitor: Visitor, number: str, page: str, **more: Any) -> str:
    answer = visitor.post(f"/admin/what-if/{number}", {**inputs(page), **more})
    assert answer.status_code == 200, words(answer.text)
    return answer.text


def lines(page: str) -> list[tuple[str, str]]:
    """The timeline: each line's text, and why it comes."""
    found = re.findall(r'<li class="line [^"]*">(.*?)</li>', page, re.DOTALL)
    return [(words(one.split('class="because"')[0]), words(one)) for one in found]


def test_the_issues_page_leads_to_what_happens_if_nobody_acts(panel: Panel, number: str) -> None:
    titles = {"en": "What happens if nobody acts", "zh": "如果没有人处理会怎样"}
    for login, language in (("rita", "en"), ("gong", "zh")):
        visitor = panel.visitor(login, language)
        page = visitor.get(f"/admin/issues/{number}").text
        assert f'href="/admin/what-if/{number}"' in page
        assert titles[language] in words(page)
        assert titles[language] in visitor.text(f"/admin/what-if/{number}")


def test_every_line_says_why_it_comes(panel: Panel, number: str) -> None:
    page = panel.visitor("gong").get(f"/admin/what-if/{number}").text
    found = lines(page)
    missed = next(whole for text, whole in found if "“First response” was missed" in text)
    assert "because by then this has not happened: the action “First response”" in missed
    climbed = next(whole for text, whole in found if "escalated to rung 2" in text)
    assert "because the time of rung 1 is over" in climbed
    told = [whole for text, whole in found if "email to" in text]
    assert told
    assert all("because" in whole for _, whole in found), [text for text, whole in found if "because" not in whole]
    assert "Who would be told" in words(page)


def test_nothing_is_stored_and_nobody_is_told(panel: Panel, number: str) -> None:
    visitor = panel.visitor("gong")
    tables = (Issue, Event, Message, AuditEntry, Draft)
    before = [[row.__data__ for row in table.select().order_by(table.id)] for table in tables]
    page = visitor.get(f"/admin/what-if/{number}").text
    asked(visitor, number, page, do="act:comment", **{"act.comment.text": "x"})
    assert [[row.__data__ for row in table.select().order_by(table.id)] for table in tables] == before


def test_what_somebody_does_at_a_moment_changes_what_follows(panel: Panel, number: str) -> None:
    visitor = panel.visitor("gong")
    page = visitor.get(f"/admin/what-if/{number}").text
    assert any("“First response” was missed" in text for text, _ in lines(page))
    moved = asked(visitor, number, page, go="after")
    at = re.search(r'name="moment" value="([^"]*)"', moved)
    assert at is not None
    assert at[1] > page.split('name="moment" value="')[1][:19]
    responded = asked(visitor, number, moved, moment=at[1], do="act:respond")
    assert [(one["do"], one["by"], one["at"][:19]) for one in json.loads(inputs(responded)["events"])] == [
        ("respond", "system", at[1])
    ]
    texts = [text for text, _ in lines(responded)]
    assert any("“First response” was met" in text for text in texts)
    assert not any("“First response” was missed" in text for text in texts)
    back = asked(visitor, number, responded, undo="0", moment=at[1])
    assert any("“First response” was missed" in text for text, _ in lines(back))


def test_one_goes_step_by_step_through_an_issue_that_began_within_a_second(panel: Panel) -> None:
    number = receive(outage=True, phone=PHONE, at=now() // 1000 * 1000 + 423)
    visitor = panel.visitor("gong")
    page = visitor.get(f"/admin/what-if/{number}").text
    places = []
    for _ in range(3):
        page = asked(visitor, number, page, go="after")
        places.append(slider(page))
        page = asked(visitor, number, page, go="stay")
        assert slider(page) == places[-1]
    assert places == [(1, places[0][1]), (2, places[0][1]), (3, places[0][1])]
    back = asked(visitor, number, page, go="before")
    assert slider(back)[0] == 2
    typed = asked(visitor, number, back, moment="2100-01-01T00:00:00", go="here")
    assert slider(typed)[0] == slider(typed)[1]


def slider(page: str) -> tuple[int, int]:
    """Which state is looked at, and which is the last."""
    found = re.search(r'max="(\d+)" value="(\d+)"', page)
    assert found is not None
    return int(found[2]), int(found[1])


def test_it_is_looked_at_under_a_draft_as_if_it_were_taken_over(panel: Panel, number: str) -> None:
    made = draft(HALF_AN_HOUR)
    visitor = panel.visitor("root")
    page = visitor.get(f"/admin/what-if/{number}").text
    assert f'<option value="{made}"' in page

    def due(page: str) -> str:
        found = re.search(r"“First response” was missed.*?<time datetime=\"([^\"]+)\"", page, re.DOTALL)
        assert found is not None
        return found[1]

    own, other = due(page), due(visitor.get(f"/admin/what-if/{number}?by={made}").text)
    assert other < own
    # A reader of issues does not learn of drafts.
    assert f'<option value="{made}"' not in panel.visitor("rita").get(f"/admin/what-if/{number}").text
    assert panel.visitor("rita").get(f"/admin/what-if/{number}?by={made}").status_code == 404


def test_a_draft_with_errors_and_one_that_cannot_take_the_issue_say_so(panel: Panel, number: str) -> None:
    broken = draft(("severities:", "severitie:"))
    answer = panel.visitor("root").get(f"/admin/what-if/{number}?by={broken}")
    assert answer.status_code == 422
    assert "cannot be used yet" in words(answer.text)


def test_private_values_are_for_those_who_may_see_them(panel: Panel, number: str) -> None:
    reader, handler = panel.visitor("rita"), panel.visitor("gong")
    seen = handler.get(f"/admin/what-if/{number}").text
    assert PHONE in seen
    assert "message-text" in seen
    page = reader.get(f"/admin/what-if/{number}").text
    assert PHONE not in page
    assert "message-text" not in page
    assert "hidden from you" in words(page)
    assert PHONE not in asked(reader, number, page, do="act:comment", **{"act.comment.text": "x"})


def test_the_case_becomes_an_example_that_passes(panel: Panel, number: str) -> None:
    visitor = panel.visitor("root")
    page = visitor.get(f"/admin/what-if/{number}").text
    stops = re.findall(r'data-iso="([^"]+)"', page)
    responded = asked(visitor, number, page, moment=stops[0], do="act:respond")
    given = {**inputs(responded), "moment": stops[-1], "draft": "new", "example_name": "按时响应"}
    answer = visitor.post(f"/admin/what-if/{number}/example", given)
    assert answer.status_code == 303, words(answer.text)
    row = Draft.select().order_by(Draft.id.desc()).get()
    assert answer.headers["Location"].endswith(f"/admin/trying/{row.id}/examples")
    shown = examples(beside(COMPLAINTS, bytes(row.data)))[-1]
    assert (shown.name, shown.passes) == ("按时响应", True)
    assert {"at", "kind", "action", "stage"} <= next(one for one in shown.lines if one["kind"] == "action").keys()
    assert PHONE not in bytes(row.data).decode()
    # The next goes into the same draft.
    again = visitor.post(f"/admin/what-if/{number}/example", {**given, "draft": str(row.id), "example_name": "二"})
    assert again.status_code == 303
    assert (
        len(examples(beside(COMPLAINTS, bytes(drafts.one(row.id).data))))
        == len(examples(beside(COMPLAINTS, bytes(row.data)))) + 1
    )


def test_who_may_not_propose_makes_no_example(panel: Panel, number: str) -> None:
    visitor = panel.visitor("gong")
    assert "data-example" not in visitor.get(f"/admin/what-if/{number}").text
    assert visitor.post(f"/admin/what-if/{number}/example", {"draft": "new"}).status_code == 403
    assert visitor.post(f"/admin/what-if/{number}/example", {"draft": str(draft())}).status_code == 403


@pytest.mark.parametrize(
    "more",
    [
        {"since": "x"},
        {"since": "9" * 15},
        {"since": "0"},
        {"moment": "9999-12-31T23:59"},
        {"moment": "0001-01-01T00:00"},
        {"moment": "x"},
        {"events": "no json"},
        {"events": '[{"at": "soon", "do": "respond"}]'},
        {"events": '[{"at": "1999-01-01T00:00:00+08:00", "do": "respond"}]'},
        {"events": '[{"at": "2099-01-01T00:00:00+08:00", "do": "<b>"}]'},
        {"undo": "99"},
        {"undo": "²"},
        {"do": "act:nothing"},
        {"go": "nowhere"},
        {"by": "999999"},
        {"by": "draft"},
    ],
)
def test_what_is_posted_badly_is_answered_and_breaks_nothing(panel: Panel, number: str, more: dict[str, str]) -> None:
    answer = panel.visitor("gong").post(f"/admin/what-if/{number}", more)
    assert answer.status_code in (200, 404, 422), words(answer.text)
    assert "<b>" not in answer.text


def test_an_issue_that_is_not_there_is_missed(panel: Panel) -> None:
    assert panel.visitor("gong").get("/admin/what-if/YS20990101001").status_code == 404
