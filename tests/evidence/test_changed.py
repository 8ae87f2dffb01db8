"""Who changed what in a document is found by the words of the change."""

from __future__ import annotations

import pytest

from server import policies
from server.evidence import changed
from server.evidence.changed import Found
from server.resources import data_dir
from server.store.database import Store
from tests.publishing import publish
from tests.server.conftest import MONDAY

COMPLAINTS = "complaint-monitoring"


@pytest.fixture
def history(store: Store) -> Store:
    """Complaints in four versions: another deadline of A, another title, and other spaces only."""
    policies.load_shipped(MONDAY)
    text = (data_dir("policies") / f"{COMPLAINTS}.yaml").read_text(encoding="utf-8")
    for old, new, reason in (
        ("within: {A: 1h, B: 4h", "within: {A: 30m, B: 4h", "A faster"),
        ("title: {zh: 首次响应", "title: {zh: 第一次响应", "clearer"),
        ("kind: process\n", "kind: process   \n", "spaces"),
    ):
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
        publish(text, MONDAY, "fu", "han", reason)
    return store


def found(words: str, part: str = "", document: str = COMPLAINTS, language: str = "zh") -> Found:
    return changed.search(document, part, words, language, None, 20)


def test_who_changed_the_deadline_of_a_is_found_by_words_and_by_part(history: Store) -> None:
    for words, language in (("时限 A", "zh"), ("first_response A", "en"), ("30", "en")):
        (one,) = found(words, "clocks", language=language).changes
        assert (one.version.author, one.version.approver, one.version.reason) == ("fu", "han", "A faster")
        assert (one.before, one.since) == (1, MONDAY)
        assert one.changes is not None
        assert [told["at"] for told in one.changes] == ["/clocks/first_response/within/A"]
    assert found("时限 A", "severities").changes == []
    assert found("时限 A", document="").changes[0].version.number == 2


def test_without_words_every_version_is_listed_newest_first(history: Store) -> None:
    listed = found("").changes
    assert [one.version.number for one in listed] == [4, 3, 2, 1]
    assert listed[0].changes == [], "spaces change no meaning"
    assert listed[-1].changes is None
    assert found("").next is None


def test_a_search_goes_on_from_where_it_ended(history: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed, "AT_ONCE", 1)
    changed._known.clear()
    numbers, before = [], None
    for _ in range(9):
        page = changed.search(COMPLAINTS, "", "", "en", before, 2)
        numbers += [one.version.number for one in page.changes]
        before = page.next
        if before is None:
            break
    assert numbers == [4, 3, 2, 1]


def test_a_text_that_cannot_be_read_is_said_to_be_so(history: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    changed._known.clear()
    monkeypatch.setattr(changed.documents, "read", lambda data, path: (None, []))  # a former release took it
    assert [one.changes for one in found("").changes] == [None] * 4
    assert found("x").changes == []


def test_words_are_looked_for_as_people_mean_them() -> None:
    fits = changed.matching("a 时限")
    assert fits("时限“首次响应”：级别 A，时限：1 小时 → 30 分钟")
    assert not fits("时限“answer”：级别 B：1 小时 → 30 分钟"), "A is a severity, not every a"
    assert changed.matching("resp within")("clock first_response “First Response”: Within 1 h")
    assert not changed.matching("ponse")("First response")
    assert changed.matching("")("anything")
    assert changed.matching("1 h")("Within 1 h → 30 min")
    assert not changed.matching("(")("no bracket")
