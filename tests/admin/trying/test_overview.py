"""What a draft would do: in short, its examples, what it changes in what is in force, and back-tests of its text."""

from __future__ import annotations

import re

import pytest

from server import drafts
from server.backtesting import kept
from server.core.moments import HOUR
from server.store.models import Backtest
from tests.admin.trying.drafting import HALF_AN_HOUR, draft, text_of
from tests.admin.visiting import COMPLAINTS, Panel, now, receive


def test_the_change_is_told_in_the_readers_language(panel: Panel) -> None:
    number = draft(HALF_AN_HOUR)
    english = panel.visitor("root").text(f"/admin/trying/{number}/")
    assert "First response" in english
    assert "1 h → 30 min" in english or "30 minutes" in english or "30 min" in english
    chinese = panel.visitor("root", "zh").text(f"/admin/trying/{number}/changes")
    assert "首次响应" in chinese
    assert "30 分钟" in chinese


def test_a_failing_example_shows_the_line_that_differs(panel: Panel) -> None:
    number = draft(HALF_AN_HOUR)
    page = panel.visitor("root").get(f"/admin/trying/{number}/examples").text
    assert "Expected instead: deadline started" in page
    marked = re.findall(r'<li class="line [^"]*mark-near">.*?</li>', page, re.DOTALL)
    assert marked
    assert "First response" in marked[0]
    failing = re.findall(r'<details class="card-box example example-fails" open', page)
    assert f'data-failing="{len(failing)}"' in page
    assert "example-fails" not in panel.visitor("root").get(f"/admin/trying/{draft()}/examples").text


def test_the_text_that_is_being_typed_is_played_instead(panel: Panel) -> None:
    number = draft()
    visitor = panel.visitor("root")
    typed = text_of().replace(*HALF_AN_HOUR)
    part = visitor.post(f"/admin/trying/{number}/examples", {"text": typed}, part=True)
    assert "example-fails" in part.text
    assert "<html" not in part.text
    changes = visitor.post(f"/admin/trying/{number}/changes", {"text": typed}, part=True).text
    assert "First response" in changes
    assert drafts.one(number).data == text_of().encode()


@pytest.mark.parametrize("text", ["a: [", "kind: process\nname: complaint-monitoring\n", "x", "\x00", "<b>&"])
def test_a_text_that_cannot_be_used_is_said_and_breaks_nothing(panel: Panel, text: str) -> None:
    visitor = panel.visitor("root")
    number = draft()
    for page in ("examples", "changes"):
        answer = visitor.post(f"/admin/trying/{number}/{page}", {"text": text})
        assert answer.status_code == 200
        assert "before this is mended" in answer.text
    broken = draft(
        text="kind: process\nname: complaint-monitoring\nseverities: {A: {title: '<script>alert(1)</script>'}}\n"
    )
    for page in ("", "examples", "changes"):
        answer = visitor.get(f"/admin/trying/{broken}/{page}")
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.text


def test_another_kind_of_document_has_no_examples(panel: Panel) -> None:
    number = draft(("name: cn-office", "name: cn-office # a remark"), name="cn-office")
    page = panel.visitor("root").text(f"/admin/trying/{number}/")
    assert "Nothing in its meaning" in page
    assert "back-test" not in page


def test_a_backtest_is_asked_for_computed_and_shown_with_its_most_changed_issues(panel: Panel) -> None:
    late = receive(outage=True, at=now() - 3 * HOUR, phone="13800001111")
    number = draft(HALF_AN_HOUR)
    visitor = panel.visitor("root")
    answer = visitor.post(f"/admin/trying/{number}/backtests", {"sample": "100"})
    assert answer.status_code == 303
    path = answer.headers["Location"]
    assert "waits for its turn" in visitor.text(path)
    assert kept.work(now)
    page = visitor.text(path)
    assert "Of one issue, 1 would have gone otherwise" in page
    assert late in page
    assert "As the draft would have it" in page
    assert "13800001111" not in page
    assert "Of one issue" in visitor.text(f"/admin/trying/{number}/")
    assert "1 个问题中" in panel.visitor("root", "zh").text(path)
    # Another text has another back-test.
    assert "No back-test of exactly this text" in visitor.text(f"/admin/trying/{draft(('A: 1h', 'A: 20m'))}/")


def test_a_backtest_is_cancelled(panel: Panel) -> None:
    number = draft(HALF_AN_HOUR)
    visitor = panel.visitor("root")
    path = visitor.post(f"/admin/trying/{number}/backtests").headers["Location"]
    assert visitor.post(f"{path}/cancel").status_code == 303
    assert "cancelled" in visitor.text(path)
    assert Backtest.get().state == Backtest.CANCELLED


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"from": "2026-03-32"}, "Give a day as"),
        ({"to": "9999-12-31"}, "Give a day as"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "must not be before"),
        ({"sample": "0"}, "Give a share"),
        ({"sample": "nan"}, "Give a share"),
        ({"sample": "1e400"}, "Give a share"),
        ({"sample": "x"}, "Give a share"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_says_where_and_keeps_what_was_typed(
    panel: Panel, typed: dict[str, str], said: str
) -> None:
    answer = panel.visitor("root").post(f"/admin/trying/{draft()}/backtests", typed)
    assert answer.status_code == 422
    assert said in answer.text
    for text in typed.values():
        assert f'value="{text}"' in answer.text
    assert Backtest.select().count() == 0


def test_a_backtest_of_another_document_is_not_here(panel: Panel) -> None:
    visitor = panel.visitor("root")
    path = visitor.post(f"/admin/trying/{draft()}/backtests").headers["Location"]
    other = draft(name="after-sales")
    assert visitor.get(f"/admin/trying/{other}/backtests/{path.rsplit('/', 1)[1]}").status_code == 404
    for missing in (f"/admin/trying/{other}/backtests/99", "/admin/trying/99/", f"/admin/trying/{2**63}/"):
        assert visitor.get(missing).status_code == 404


def test_an_auditor_looks_and_starts_nothing(panel: Panel) -> None:
    number = draft(HALF_AN_HOUR)
    ida = panel.visitor("ida")
    page = ida.get(f"/admin/trying/{number}/changes").text
    assert "Start the back-test" not in page
    assert ida.post(f"/admin/trying/{number}/backtests").status_code == 403
    assert COMPLAINTS in page


def test_the_page_of_a_draft_says_what_the_backtest_of_exactly_its_text_gave(panel: Panel) -> None:
    receive(outage=True, at=now() - 3 * HOUR)
    number = draft(HALF_AN_HOUR)
    visitor = panel.visitor("root")
    page = f"/admin/drafts/{number}/"
    assert "No back-test of exactly this text" in visitor.text(page)
    visitor.post(f"/admin/trying/{number}/backtests")
    assert kept.work(now)
    assert "Of one issue, 1 would have gone otherwise" in visitor.text(page)
    assert "No back-test" not in visitor.text(f"/admin/drafts/{draft(name='cn-office')}/")
