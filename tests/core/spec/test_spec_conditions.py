"""Every operator and sentence of "Conditions", at Monday 2026-03-02 09:00 in Shanghai."""

from __future__ import annotations

from typing import Any

import pytest

from server.core import values
from server.core.conditions import Scope, compile_condition
from server.core.judged import View
from tests.core.spec.playing import loaded

NOW = "2026-03-02T09:00:00+08:00"


LIBRARY = loaded({})
PROCESS = LIBRARY.processes["base"]
SCOPE = Scope(PROCESS.kinds, PROCESS.calendar, PROCESS.events, dict(LIBRARY.calendars))


def holds(raw: Any, facts: dict[str, Any]) -> bool:
    """Whether the condition is true of an issue of the base policy with these facts."""
    now = PROCESS.calendar.parse(NOW)
    known, problems = values.new_issue(PROCESS, {"subject": "S", **facts}, now)
    condition = compile_condition(raw, SCOPE)
    assert not problems
    assert not condition.problems
    return condition.holds(View({**known, "now": now}, now))


def test_of(field: str, value: Any, *tests: tuple[str, Any, bool]) -> list[Any]:
    return [(field, value, operator, operand, wanted) for operator, operand, wanted in tests]


test_of.__test__ = False  # type: ignore[attr-defined]

TESTS = [
    *test_of(
        "text", "Fee", ("is", "Fee", True), ("is", "fee", False), ("is_not", "fee", True), ("is_not", "Fee", False)
    ),
    *test_of("text", "Fee", ("in", ["x", "Fee"], True), ("in", ["x"], False), ("not_in", ["x"], True)),
    *test_of("text", "Fee", ("not_in", ["x", "Fee"], False), ("contains", "EE", True), ("contains", "x", False)),
    *test_of("text", "Fee", ("matches", "e+$", True), ("matches", "^e", False), ("matches", "(?i)^f", True)),
    *test_of("text", "Fee", ("known", True, True), ("known", False, False)),
    *test_of("text", "", ("known", True, False), ("known", False, True), ("is", "", True)),
    *test_of("text", None, ("is", "Fee", False), ("is_not", "Fee", True), ("in", ["Fee"], False)),
    *test_of("text", None, ("not_in", ["Fee"], True), ("contains", "e", False), ("matches", "", False)),
    *test_of("text", None, ("known", True, False), ("known", False, True)),
    *test_of("several", ["x", "y"], ("contains", "x", True), ("contains", "z", False), ("is", ["x", "y"], True)),
    *test_of("several", ["x", "y"], ("is", ["x"], False), ("is_not", ["x"], True), ("known", True, True)),
    *test_of("several", [], ("known", True, False), ("known", False, True), ("contains", "x", False)),
    *test_of("count", 3, ("is", 3, True), ("is", 3.0, True), ("is_not", 3.0, False), ("in", [1, 3], True)),
    *test_of("count", 3, ("at_least", 3, True), ("at_least", 3.5, False), ("at_most", 3, True), ("at_most", 2, False)),
    *test_of(
        "count", 3, ("more_than", 2.5, True), ("more_than", 3, False), ("less_than", 4, True), ("less_than", 3, False)
    ),
    *test_of(
        "count", None, ("at_least", 0, False), ("at_most", 9, False), ("more_than", 0, False), ("less_than", 9, False)
    ),
    *test_of("count", 1, ("is", 1, True)),
    *test_of("flag", True, ("is", True, True), ("is", False, False), ("is_not", False, True), ("in", [True], True)),
    *test_of("flag", False, ("is", False, True), ("known", True, True)),
    *test_of("day", "2026-03-02", ("is", "2026-03-02", True), ("at_least", "2026-03-02", True)),
    *test_of("day", "2026-03-02", ("more_than", "2026-03-01", True), ("less_than", "2026-03-02", False)),
    *test_of("day", "2026-03-02", ("within_next", "1h", True), ("longer_ago_than", "1h", False)),
    *test_of(
        "day", "2026-03-03", ("within_next", "15h", True), ("within_next", "14h", False), ("within_next", "1d", True)
    ),
    *test_of(
        "day", "2026-03-04", ("within_next", "1d", False), ("within_next", "2wd", False), ("within_next", "3wd", True)
    ),
    *test_of("day", "2026-03-01", ("within_next", "1d", False), ("longer_ago_than", "1d", False)),
    *test_of("day", "2026-02-28", ("longer_ago_than", "1d", True), ("longer_ago_than", "1mo", False)),
    *test_of("day", "2026-02-01", ("longer_ago_than", "1mo", True), ("longer_ago_than", "4w", True)),
    *test_of("day", "2026-02-02", ("longer_ago_than", "4w", False), ("longer_ago_than", "1mo", False)),
    *test_of("moment", "2026-03-02T01:00:00Z", ("is", NOW, True), ("is", "2026-03-02T09:00", True)),
    *test_of("moment", NOW, ("within_next", "1h", True), ("longer_ago_than", "1h", False)),
    *test_of("moment", "2026-03-02T10:00:00+08:00", ("within_next", "1h", True), ("within_next", "59m", False)),
    *test_of("moment", "2026-03-02T08:59:59+08:00", ("within_next", "1h", False), ("longer_ago_than", "1s", False)),
    *test_of("moment", "2026-03-02T08:00:00+08:00", ("longer_ago_than", "1h", False), ("longer_ago_than", "59m", True)),
    *test_of("moment", "2026-03-02T12:00:00+08:00", ("during", "office", False), ("during", "allday", True)),
    *test_of("moment", "2026-03-02T11:59:59+08:00", ("during", "office", True), ("at_most", "2026-03-02T12:00", True)),
    *test_of("moment", "2026-03-02T13:00:00+08:00", ("during", "office", True)),
    *test_of(
        "moment", None, ("during", "allday", False), ("within_next", "1h", False), ("longer_ago_than", "1h", False)
    ),
]


@pytest.mark.parametrize(("field", "value", "operator", "operand", "wanted"), TESTS)
def test_an_operator_is_true_when_the_page_says(
    field: str, value: Any, operator: str, operand: Any, wanted: bool
) -> None:
    facts = {} if value is None else {field: value}
    condition = {"field": field, operator: operand}
    assert holds(condition, facts) is wanted
    assert holds({"not": condition}, facts) is not wanted
    assert holds([condition], facts) is wanted
    assert holds({"any": [condition, {"field": "subject", "is": "other"}]}, facts) is wanted


REFERENCES = [
    ({"field": "text", "is": "field:other"}, {"text": "x", "other": "x"}, True),
    ({"field": "text", "is": "field:other"}, {"text": "x"}, False),
    ({"field": "text", "is_not": "field:other"}, {"text": "x"}, True),
    ({"field": "text", "is": "field:other"}, {"other": "x"}, False),
    ({"field": "text", "is_not": "field:other"}, {"other": "x"}, True),
    ({"field": "text", "is": "field:other"}, {}, False),
    ({"field": "text", "in": ["a", "field:other"]}, {"text": "x", "other": "x"}, True),
    ({"field": "text", "not_in": ["a", "field:other"]}, {"text": "x"}, True),
    ({"field": "text", "in": "field:several"}, {"text": "x", "several": ["x", "y"]}, True),
    ({"field": "text", "in": "field:several"}, {"text": "z", "several": ["x", "y"]}, False),
    ({"field": "text", "not_in": "field:several"}, {"text": "x"}, True),
    ({"field": "several", "contains": "field:text"}, {"text": "y", "several": ["x", "y"]}, True),
    ({"field": "text", "contains": "field:other"}, {"text": "ABC", "other": "b"}, True),
    ({"field": "count", "is": "field:amount"}, {"count": 1, "amount": 1.0}, True),
    ({"field": "count", "at_least": "field:amount"}, {"count": 1}, False),
    (
        {"field": "moment", "more_than": "field:later"},
        {"moment": "2026-03-02T10:00", "later": "2026-03-02T09:00"},
        True,
    ),
    (
        {"field": "moment", "more_than": "field:later+1h"},
        {"moment": "2026-03-02T10:00", "later": "2026-03-02T09:00"},
        False,
    ),
    (
        {"field": "moment", "at_least": "field:later+1h"},
        {"moment": "2026-03-02T10:00", "later": "2026-03-02T09:00"},
        True,
    ),
    ({"field": "moment", "at_least": "field:later+1h30m"}, {"moment": "2026-03-02T10:00"}, False),
    ({"field": "moment", "at_most": "field:now"}, {"moment": "2026-03-02T09:00"}, True),
    ({"field": "received", "is": "field:now"}, {}, True),
]


@pytest.mark.parametrize(("condition", "facts", "wanted"), REFERENCES)
def test_a_value_may_be_another_field(condition: Any, facts: dict[str, Any], wanted: bool) -> None:
    assert holds(condition, facts) is wanted
    assert holds({"not": condition}, facts) is not wanted


def test_a_list_is_all_an_empty_all_is_true_an_empty_any_false() -> None:
    yes, no = {"field": "text", "is": "x"}, {"field": "text", "is": "y"}
    facts = {"text": "x"}
    assert holds([yes, yes], facts)
    assert not holds([yes, no], facts)
    assert holds({"any": [no, [yes, yes]]}, facts)
    assert not holds({"all": [yes, {"any": [no, no]}]}, facts)
    assert holds({"not": {"all": [yes, no]}}, facts)
    assert not holds({"not": {"any": [yes, no]}}, facts)
    assert holds({"all": []}, facts)
    assert holds([], facts)
    assert not holds({"any": []}, facts)
    assert holds({"not": {"any": []}}, facts)
