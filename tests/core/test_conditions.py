"""Conditions: every operator, with and without values, of every kind; what is reported; how it is explained."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.calendars import compile_calendar
from server.core.conditions import BOOLEAN, DATE, DATETIME, LIST, NUMBER, TEXT, Kind, Scope, View, compile_condition
from tests.core.rule_makers import CALENDAR, KINDS, NOW, SCOPE, Plain, cases, conditions, happenings

HOUR = 3_600_000
ALL_DAY = compile_calendar(
    {"kind": "calendar", "name": "allday", "timezone": "Asia/Shanghai", "hours": {"daily": ["00:00-24:00"]}}
)
BASE = Scope(
    {
        **{f"{letter}{kind.name}": kind for letter in "fg" for kind in (TEXT, NUMBER, BOOLEAN, DATE, DATETIME, LIST)},
        "choice": Kind("text", ("a", "b")),
        "now": DATETIME,
    },
    CALENDAR,
    ("accept", "solve"),
    {"office": CALENDAR, "allday": ALL_DAY},
)


def holds(raw: Any, at: int = NOW, happened: dict[str, int] | None = None, **facts: Any) -> bool:
    condition = compile_condition(raw, BASE)
    assert not condition.problems, condition.problems
    return condition.holds(View(facts, at, happened))


def moment(text: str) -> int:
    return CALENDAR.parse(text)


TRUE_WITH = [
    # operator and value, kind, a value for which it is true, one for which it is false
    ({"is": "x"}, "text", "x", "X"),
    ({"is": 1}, "number", 1.0, 2),
    ({"is": 0}, "number", 0.0, False),
    ({"is": 1}, "number", 1, True),
    ({"is": True}, "boolean", True, False),
    ({"is": True}, "boolean", True, 1),
    ({"is": False}, "boolean", False, 0),
    ({"is": "2026-03-02"}, "date", "2026-03-02", "2026-03-03"),
    ({"is": "2026-03-02T10:00:00+08:00"}, "datetime", moment("2026-03-02T02:00:00Z"), NOW + 1),
    ({"is": "2026-03-02T10:00"}, "datetime", NOW, NOW - 1),
    ({"is": "2026-03-02"}, "datetime", moment("2026-03-02T00:00:00+08:00"), NOW),
    ({"is": ["a", "b"]}, "list", ["a", "b"], ["b", "a"]),
    ({"is": []}, "list", [], ["a"]),
    ({"is_not": "x"}, "text", "y", "x"),
    ({"is_not": 1}, "number", True, 1.0),
    ({"in": ["x", "y"]}, "text", "y", "z"),
    ({"in": [1, 2]}, "number", 2.0, True),
    ({"in": list(range(20))}, "number", 7.0, False),
    ({"in": [f"v{n}" for n in range(20)]}, "text", "v19", "v20"),
    ({"in": [["a"], ["b"]]}, "list", ["b"], ["a", "b"]),
    ({"not_in": ["x", "y"]}, "text", "z", "x"),
    ({"in": []}, "text", None, "x"),
    ({"contains": "STRASSE"}, "text", "Alte Straße 7", "Gasse"),
    ({"contains": "收费"}, "text", "关于收费的问题", "收 费"),
    ({"contains": "a"}, "list", ["b", "a"], ["A", "ab"]),
    ({"matches": "^[A-Z]+$"}, "text", "ABC", "ABCd"),
    ({"matches": r"\p{Han}{2}"}, "text", "x 收费", "收x费"),
    ({"at_least": 5}, "number", 5, 4.9),
    ({"at_most": 5}, "number", 5.0, 6),
    ({"more_than": 0}, "number", 0.1, True),
    ({"less_than": 5}, "number", 4, 5),
    ({"at_least": "2026-03-02"}, "date", "2026-03-02", "2026-03-01"),
    ({"less_than": "2026-03-02"}, "date", "2025-12-31", "2026-03-02"),
    ({"more_than": "2026-03-02"}, "datetime", moment("2026-03-02") + 1, moment("2026-03-02")),
    ({"within_next": "1h"}, "datetime", NOW + HOUR, NOW + HOUR + 1),
    ({"within_next": "1h"}, "datetime", NOW, NOW - 1),
    ({"within_next": "2wh"}, "datetime", NOW + 2 * HOUR, NOW + 2 * HOUR + 1),
    ({"within_next": "1d"}, "date", "2026-03-03", "2026-03-04"),
    ({"within_next": "1h"}, "date", "2026-03-02", "2026-03-01"),
    ({"longer_ago_than": "1h"}, "datetime", NOW - HOUR - 1, NOW - HOUR),
    ({"longer_ago_than": "1mo"}, "datetime", moment("2026-02-02T09:59:59.999"), moment("2026-02-02T10:00")),
    ({"longer_ago_than": "1mo2d"}, "datetime", moment("2026-01-31T09:59"), moment("2026-01-31T10:00")),
    ({"longer_ago_than": "1d"}, "date", "2026-02-28", "2026-03-01"),
    ({"longer_ago_than": "100y"}, "date", "1926-03-01", "1926-03-02"),
    ({"during": "office"}, "datetime", NOW, moment("2026-03-02T12:00")),
    ({"during": "allday"}, "datetime", moment("2026-03-01T12:00"), None),
    ({"known": True}, "text", "x", ""),
    ({"known": True}, "list", ["x"], []),
    ({"known": True}, "boolean", False, None),
    ({"known": True}, "number", 0, None),
    ({"known": False}, "text", "", "x"),
    ({"known": False}, "list", [], ["x"]),
    ({"known": False}, "date", None, "2026-03-02"),
]


@pytest.mark.parametrize(("test", "kind", "yes", "no"), TRUE_WITH)
def test_an_operator_is_true_for_one_value_and_false_for_another(
    test: dict[str, Any], kind: str, yes: Any, no: Any
) -> None:
    raw = {"field": f"f{kind}", **test}
    if test != {"in": []}:
        assert holds(raw, **{f"f{kind}": yes})
        assert not holds({"not": raw}, **{f"f{kind}": yes})
    assert not holds(raw, **{f"f{kind}": no})
    assert holds({"not": raw}, **{f"f{kind}": no})


@pytest.mark.parametrize(("test", "kind", "yes", "no"), TRUE_WITH)
def test_without_a_value_only_the_negative_operators_are_true(
    test: dict[str, Any], kind: str, yes: Any, no: Any
) -> None:
    operator = next(iter(test))
    negative = operator in ("is_not", "not_in") or test == {"known": False}
    assert holds({"field": f"f{kind}", **test}) is negative
    assert holds({"field": f"f{kind}", **test}, **{f"f{kind}": None}) is negative


ODD_FACTS: list[Any] = ["x", "", "2026-03-02", 5, 2.5, True, False, NOW, ["a"], [], [["a"]], {"a": 1}]


@pytest.mark.parametrize(("test", "kind", "yes", "no"), TRUE_WITH)
def test_a_fact_of_another_kind_is_unequal_and_unordered_and_never_an_error(
    test: dict[str, Any], kind: str, yes: Any, no: Any
) -> None:
    types: dict[str, tuple[type, ...]] = {
        "text": (str,), "date": (str,), "number": (int, float), "datetime": (int,), "boolean": (bool,), "list": (list,)
    }  # fmt: skip
    for fact in ODD_FACTS:
        if type(fact) not in types[kind] and "known" not in test:
            negative = "is_not" in test or "not_in" in test
            assert holds({"field": f"f{kind}", **test}, **{f"f{kind}": fact}) is negative


@pytest.mark.parametrize(
    ("test", "one", "other", "expected"),
    [
        ({"field": "ftext", "is": "field:gtext"}, "a", "a", True),
        ({"field": "ftext", "is": "field:gtext"}, "a", "A", False),
        ({"field": "ftext", "is_not": "field:gtext"}, "a", None, True),
        ({"field": "fnumber", "more_than": "field:gnumber"}, 2, 1.5, True),
        ({"field": "fnumber", "more_than": "field:gnumber"}, 2, None, False),
        ({"field": "fnumber", "is": "field:gnumber"}, 1, True, False),
        ({"field": "fdate", "less_than": "field:gdate"}, "2026-01-31", "2026-02-01", True),
        ({"field": "fdatetime", "at_most": "field:gdatetime+1h30m"}, NOW + 90 * 60_000, NOW, True),
        ({"field": "fdatetime", "at_most": "field:gdatetime+1h30m"}, NOW + 90 * 60_000 + 1, NOW, False),
        ({"field": "fdatetime", "is": "field:gdatetime+1h"}, NOW + HOUR, NOW, True),
        ({"field": "ftext", "in": "field:glist"}, "a", ["b", "a"], True),
        ({"field": "ftext", "in": "field:glist"}, "a", None, False),
        ({"field": "ftext", "not_in": "field:glist"}, "a", None, True),
        ({"field": "ftext", "not_in": "field:glist"}, "a", ["a"], False),
        ({"field": "ftext", "in": ["x", "field:gtext"]}, "a", "a", True),
        ({"field": "ftext", "not_in": ["x", "field:gtext"]}, "a", None, True),
        ({"field": "flist", "in": [["x"], "field:glist"]}, ["a", "b"], ["a", "b"], True),
        ({"field": "flist", "in": ["field:glist"]}, ["a"], ["a", "b"], False),
        ({"field": "flist", "contains": "field:gtext"}, ["a"], "a", True),
        ({"field": "ftext", "contains": "field:gtext"}, "xAy", "a", True),
        ({"field": "ftext", "contains": "field:gtext"}, "xAy", None, False),
        ({"field": "fdatetime", "less_than": "field:now"}, NOW - 1, None, True),
    ],
)
def test_a_value_may_be_another_field(test: dict[str, Any], one: Any, other: Any, expected: bool) -> None:
    named = next(value for value in test.values() if "field:" in str(value))
    name = str(named).split("field:")[1].rstrip("]'").split("+")[0]
    facts = {test["field"]: one, name: other}
    assert holds(test, **facts) is expected
    assert holds({"not": test}, **facts) is not expected
    assert holds(test, **{name: other}) is bool({"is_not", "not_in"} & test.keys())


def test_lists_mean_all_and_empty_ones_are_true_for_all_and_false_for_any() -> None:
    yes, no = {"field": "fboolean", "is": True}, {"field": "fboolean", "is": False}
    assert holds([yes, yes], fboolean=True)
    assert not holds([yes, no], fboolean=True)
    assert holds([])
    assert holds({"all": []})
    assert not holds({"any": []})
    assert holds({"not": {"any": [no, {"all": [yes, no]}]}}, fboolean=True)


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ({}, False),
        ({"accept": 3}, True),
        ({"accept": 3, "solve": 2}, True),
        ({"accept": 3, "solve": 3}, False),
        ({"accept": 3, "solve": 4}, False),
        ({"solve": 1}, False),
    ],
)
def test_an_event_counts_when_it_happened_after_the_other_one(happened: dict[str, int], expected: bool) -> None:
    assert holds({"happened": "accept", "since": "solve"}, happened=happened) is expected
    assert holds({"happened": "accept"}, happened=happened) is ("accept" in happened)


def test_going_back_keeps_the_wall_clock_and_stops_at_the_months_end() -> None:
    berlin = compile_calendar({"name": "b", "timezone": "Europe/Berlin", "hours": {"daily": ["00:00-24:00"]}})
    condition = compile_condition({"field": "f", "longer_ago_than": "1mo"}, Scope({"f": DATETIME}, berlin))
    assert not condition.problems
    for now, limit in [
        ("2026-03-31T10:00", "2026-02-28T10:00"),
        ("2026-04-29T02:30", "2026-03-29T03:30"),  # skipped by daylight saving: forward by the gap
        ("2026-11-25T02:30", "2026-10-25T02:30+02:00"),  # occurs twice: the first
        ("2024-03-30T10:00", "2024-02-29T10:00"),
    ]:
        edge = berlin.parse(limit)
        assert condition.holds(View({"f": edge - 1}, berlin.parse(now))), now
        assert not condition.holds(View({"f": edge}, berlin.parse(now))), now


def test_a_span_that_reaches_beyond_all_times_is_no_error() -> None:
    assert holds({"field": "fdatetime", "within_next": "900y"}, at=moment("9500-01-01"), fdatetime=moment("9998-01-01"))
    assert not holds({"field": "fdatetime", "longer_ago_than": "900y"}, fdatetime=NOW)


def test_a_regular_expression_takes_linear_time_and_sees_a_bounded_part_of_the_text() -> None:
    assert not holds({"field": "ftext", "matches": "(a+)+$"}, ftext="a" * 16_000 + "!" * 100_000)
    assert not holds({"field": "ftext", "matches": "z"}, ftext="a" * 16_384 + "z")
    assert holds({"field": "ftext", "matches": "z"}, ftext="\ud800z")


WRONG: list[tuple[Any, str, tuple[str | int, ...]]] = [
    ({"field": "ftxt", "is": "x"}, "unknown-field", ("field",)),
    ({"field": "ftext", "equals": "x"}, "unknown-operator", ("equals",)),
    ({"field": "ftext"}, "no-operator", ()),
    ({"field": "fnumber", "at_least": 1, "at_most": 2}, "several-operators", ()),
    ({"field": "ftext", "is": 5}, "wrong-value", ("is",)),
    ({"field": "ftext", "is": None}, "wrong-value", ("is",)),
    ({"field": "ftext", "matches": "field:fnumber"}, "wrong-value", ("matches",)),
    ({"field": "fnumber", "is": True}, "wrong-value", ("is",)),
    ({"field": "fnumber", "at_least": "5"}, "wrong-value", ("at_least",)),
    ({"field": "fboolean", "is": "true"}, "wrong-value", ("is",)),
    ({"field": "fdate", "is": "2026-02-30"}, "wrong-value", ("is",)),
    ({"field": "fdate", "is": "2026-02-03T10:00"}, "wrong-value", ("is",)),
    ({"field": "fdatetime", "more_than": "soon"}, "wrong-value", ("more_than",)),
    ({"field": "flist", "is": "a"}, "wrong-value", ("is",)),
    ({"field": "ftext", "in": "a"}, "wrong-value", ("in",)),
    ({"field": "ftext", "in": ["b", 1]}, "wrong-value", ("in", 1)),
    ({"field": "ftext", "known": "yes"}, "wrong-value", ("known",)),
    ({"field": "fnumber", "contains": 1}, "operator-not-for-kind", ("contains",)),
    ({"field": "fnumber", "matches": "1"}, "operator-not-for-kind", ("matches",)),
    ({"field": "ftext", "at_least": "a"}, "operator-not-for-kind", ("at_least",)),
    ({"field": "fboolean", "more_than": False}, "operator-not-for-kind", ("more_than",)),
    ({"field": "fdate", "during": "office"}, "operator-not-for-kind", ("during",)),
    ({"field": "ftext", "matches": "a("}, "bad-regex", ("matches",)),
    ({"field": "ftext", "matches": "(?=a)"}, "bad-regex", ("matches",)),
    ({"field": "ftext", "matches": 5}, "wrong-value", ("matches",)),
    ({"field": "fdatetime", "during": "offce"}, "unknown-calendar", ("during",)),
    ({"field": "fdatetime", "within_next": "soon"}, "bad-duration", ("within_next",)),
    ({"field": "fdatetime", "within_next": 5}, "bad-duration", ("within_next",)),
    ({"field": "fdatetime", "longer_ago_than": "3wd"}, "duration-not-here", ("longer_ago_than",)),
    ({"field": "fdate", "longer_ago_than": "1d eod"}, "duration-not-here", ("longer_ago_than",)),
    ({"field": "fdatetime", "is": "field:gdatetime+1d"}, "duration-not-here", ("is",)),
    ({"field": "fdate", "is": "field:gdate+1h"}, "shift-not-datetime", ("is",)),
    ({"field": "ftext", "is": "field:"}, "bad-field-value", ("is",)),
    ({"field": "ftext", "is": "field:nothing"}, "unknown-field", ("is",)),
    ({"field": "ftext", "is": "field:gnumber"}, "unlike-kinds", ("is",)),
    ({"field": "fdate", "at_most": "field:gdatetime"}, "unlike-kinds", ("at_most",)),
    ({"field": "fnumber", "more_than": "field:gdatetime"}, "unlike-kinds", ("more_than",)),
    ({"field": "fnumber", "in": "field:glist"}, "unlike-kinds", ("in",)),
    ({"happened": "acept"}, "unknown-event", ("happened",)),
    ({"happened": "accept", "since": "slove"}, "unknown-event", ("since",)),
    ({"any": [{"all": [{"field": "oops", "is": 1}]}]}, "unknown-field", ("any", 0, "all", 0, "field")),
    ([{"field": "ftext", "is": 1}], "wrong-value", (0, "is")),
    ("always", "bad-condition", ()),
    ({"some": []}, "bad-condition", ()),
    ({"all": [], "any": []}, "bad-condition", ()),
    ({"field": ["ftext"], "is": "x"}, "bad-condition", ("field",)),
    ({"field": "choice", "is": "c"}, "unknown-option", ("is",)),
]


@pytest.mark.parametrize(("raw", "code", "path"), WRONG)
def test_what_is_wrong_is_reported_with_its_place(raw: Any, code: str, path: tuple[str | int, ...]) -> None:
    condition = compile_condition(raw, BASE)
    assert [(problem.code, problem.path) for problem in condition.problems] == [(code, path)]
    assert condition.problems[0].level == ("warning" if code == "unknown-option" else "error")
    values = {
        "ftext": "a",
        "gtext": "a",
        "fnumber": 5,
        "gdatetime": 5,
        "gnumber": 5,
        "choice": "a",
        "fdate": "2026-01-01",
    }
    assert condition.holds(View(values, NOW)) is False


@pytest.mark.parametrize("code", sorted({code for _, code, _ in WRONG}))
def test_every_problem_has_a_text_in_both_languages(code: str) -> None:
    from server.core.findings import catalogue

    entry = catalogue()[code]
    assert all(entry[language] and entry["explain"][language] for language in ("zh", "en"))
    raw = next(raw for raw, other, _ in WRONG if other == code)
    text = compile_condition(raw, BASE).problems[0].text("en")
    assert "{" not in text.replace("{" + str(raw)[1:-1] + "}", ""), text


def test_all_problems_of_a_condition_are_reported_at_once_with_a_near_match() -> None:
    raw = {"all": [{"field": "ftxt", "is": "x"}, {"any": [{"field": "fnumber", "is": "x"}, {"happened": "slove"}]}]}
    problems = compile_condition(raw, BASE).problems
    assert [problem.code for problem in problems] == ["unknown-field", "wrong-value", "unknown-event"]
    assert problems[0].params["near"] == "ftext"
    assert problems[2].params["near"] == "solve"
    assert "accept, solve" in str(problems[2].params["defined"])


def test_a_condition_says_what_it_depends_on() -> None:
    raw = [{"field": "fdatetime", "less_than": "field:gdatetime"}, {"happened": "accept", "since": "solve"}]
    condition = compile_condition(raw, BASE)
    assert condition.fields == ("fdatetime", "gdatetime")
    assert condition.events == ("accept", "solve")
    assert not condition.uses_now
    for timed in ({"field": "fdate", "within_next": "1d"}, {"field": "fdatetime", "less_than": "field:now"}):
        assert compile_condition({"not": timed}, BASE).uses_now


def test_text_of_a_document_is_never_code() -> None:
    nasty = "'] or __import__('os') or ['\n\\\""
    scope = Scope({nasty: TEXT}, CALENDAR, (nasty,))
    condition = compile_condition({"all": [{"field": nasty, "is": nasty}, {"happened": nasty}]}, scope)
    assert condition.holds(View({nasty: nasty}, NOW, {nasty: 1}))
    assert not condition.holds(View({nasty: "x"}, NOW, {nasty: 1}))


def test_long_and_deep_conditions_are_compiled() -> None:
    long: Any = {"all": [{"field": f"x{n}", "is": "y"} for n in range(300)]}
    scope = Scope({f"x{n}": TEXT for n in range(300)}, CALENDAR)
    facts = {f"x{n}": "y" for n in range(300)}
    assert compile_condition(long, scope).holds(View(facts, NOW))
    assert not compile_condition(long, scope).holds(View({**facts, "x299": "z"}, NOW))
    deep: Any = {"field": "x0", "is": "y"}
    for level in range(14):
        rest = [{"field": f"x{level * 20 + n}", "is": "field:x299"} for n in range(1, 20)]
        deep = {"all": [*rest, {"any": [{"field": f"x{level}", "is": "q"}, deep]}]}
    assert compile_condition(deep, scope).holds(View(facts, NOW))
    assert not compile_condition(deep, scope).holds(View({**facts, "x0": "z"}, NOW))


@given(conditions(), cases(), happenings())
def test_the_written_function_agrees_with_a_plain_interpreter(
    raw: Any, facts: dict[str, Any], happened: dict[str, int]
) -> None:
    condition = compile_condition(raw, SCOPE)
    assert not [problem for problem in condition.problems if problem.level == "error"]
    assert condition.holds(View(facts, NOW, happened)) is Plain(facts, happened).holds(raw)


@given(conditions(), st.dictionaries(st.sampled_from(sorted(KINDS)), st.sampled_from(ODD_FACTS)))
def test_facts_of_any_kind_are_judged_without_an_error(raw: Any, facts: dict[str, Any]) -> None:
    outcome = compile_condition(raw, SCOPE).holds(View(facts, NOW))
    assert outcome is not compile_condition({"not": raw}, SCOPE).holds(View(facts, NOW))
