"""Decision lists, look-ups and values by case: what they give, and how they explain it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.bycase import compile_by_case
from server.core.conditions import BOOLEAN, DATE, DATETIME, LIST, NUMBER, TEXT, Kind, Scope, View
from server.core.durations import parse_duration
from server.core.tables import Decision, compile_rules, compile_table
from tests.core.rule_makers import CALENDAR, NOW, SCOPE, Plain, cases, conditions, happenings

FIELDS = Scope(
    {
        "impact": Kind("text", ("stopped", "degraded", "none")),
        "urgency": Kind("text", ("high", "low")),
        "vip": BOOLEAN,
        "amount": NUMBER,
        "limit": NUMBER,
        "bought": DATE,
        "due": DATETIME,
        "harm": LIST,
        "subject": TEXT,
        "severity": Kind("text", ("A", "B", "C")),
    },
    CALENDAR,
    ("accept",),
)
IMPACT_AND_URGENCY = {
    "from": ["impact", "urgency"],
    "table": {"stopped": {"high": "A", "low": "B"}, "degraded": {"high": "B"}},
    "else": "C",
}


def decide(raw: Any, **facts: Any) -> Decision | None:
    table = compile_table("severity", raw, FIELDS)
    assert not table.problems, table.problems
    return table.decide(View(facts, NOW))


def test_the_first_rule_that_holds_gives_the_value_and_counts_from_1() -> None:
    rules = [
        {"is": "A", "when": {"field": "impact", "is": "stopped"}},
        {"is": "B", "when": {"field": "urgency", "is": "high"}},
        {"is": "C"},
        {"is": "D"},
    ]
    assert decide(rules, impact="stopped", urgency="high") == ("A", 1, {"impact": "stopped"})
    assert decide(rules, impact="none", urgency="high") == ("B", 2, {"impact": "none", "urgency": "high"})
    assert decide(rules) == ("C", 3, {"impact": None, "urgency": None})
    assert decide(rules[:2], impact="none") is None


@pytest.mark.parametrize(
    ("condition", "facts", "looked_at"),
    [
        ({"all": [{"field": "vip", "is": True}, {"field": "amount", "more_than": 1}]}, {}, ["vip"]),
        ({"any": [{"field": "vip", "is": True}, {"field": "amount", "more_than": 1}]}, {"vip": True}, ["vip"]),
        ({"any": [{"field": "vip", "is": True}, {"field": "amount", "more_than": 1}]}, {}, ["vip", "amount"]),
        ({"not": {"all": [{"field": "vip", "is": True}, {"field": "amount", "more_than": 1}]}}, {}, ["vip"]),
        ({"field": "amount", "more_than": "field:limit"}, {}, ["amount"]),
        ({"field": "amount", "is_not": "field:limit"}, {}, ["amount"]),
        ({"field": "amount", "more_than": "field:limit"}, {"amount": 1}, ["amount", "limit"]),
        ({"field": "amount", "in": [1, "field:limit", 2]}, {"amount": 1}, ["amount"]),
        ({"field": "amount", "in": [1, "field:limit", 2]}, {"amount": 2}, ["amount", "limit"]),
        ({"field": "amount", "in": []}, {"amount": 2}, ["amount"]),
        ([{"happened": "accept"}, {"field": "vip", "is": True}], {}, []),
        ([{"field": "amount", "less_than": "field:limit"}, {"field": "limit", "known": True}], {"amount": 1}, None),
    ],
)
def test_facts_are_the_fields_in_the_order_of_looking_until_the_outcome_was_sure(
    condition: Any, facts: dict[str, Any], looked_at: list[str] | None
) -> None:
    decision = decide([{"is": "A", "when": condition}, {"is": "B"}], **facts)
    assert decision is not None
    looked = ["amount", "limit"] if looked_at is None else looked_at
    assert list(decision.facts) == looked
    assert all(decision.facts[name] == facts.get(name) for name in looked)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.none() | conditions()), max_size=5), cases(), happenings())
def test_a_decision_and_its_facts_agree_with_a_plain_interpreter(
    rules: list[tuple[str, Any]], facts: dict[str, Any], happened: dict[str, int]
) -> None:
    table = compile_rules(rules, SCOPE)
    plain = Plain(facts, happened)
    expected = None
    for number, (value, raw) in enumerate(rules, 1):
        if raw is None or plain.holds(raw):
            expected = (value, number, list(plain.looked.items()))
            break
    decision = table.decide(View(facts, NOW, happened))
    assert expected == (None if decision is None else (decision.value, decision.rule, list(decision.facts.items())))


def test_a_look_up_gives_the_row_of_its_fields_else_what_else_says() -> None:
    stopped = {"impact": "stopped", "urgency": "low"}
    assert decide(IMPACT_AND_URGENCY, **stopped) == ("B", ["stopped", "low"], stopped)
    assert decide(IMPACT_AND_URGENCY, impact="none", urgency="low") == ("C", None, {"impact": "none"})
    assert decide(IMPACT_AND_URGENCY, impact="degraded") == ("C", None, {"impact": "degraded", "urgency": None})
    without = {key: value for key, value in IMPACT_AND_URGENCY.items() if key != "else"}
    assert decide(without, impact="none") is None


@pytest.mark.parametrize(
    ("field", "key", "fitting", "others"),
    [
        ("vip", "true", [True], [False, None, 1, "true"]),
        ("vip", "False", [False], [True, 0]),
        ("amount", "1", [1, 1.0], [True, 2, "1", None]),
        ("amount", "2.50", [2.5], [2, 25]),
        ("bought", "2026-03-02", ["2026-03-02"], ["2026-03-03"]),
        ("due", "2026-03-02T10:00:00+08:00", [NOW], [NOW + 1, float(NOW)]),
        ("subject", "x", ["x"], ["X", ["x"], None]),
    ],
)
def test_keys_are_read_as_the_fields_kind(field: str, key: str, fitting: list[Any], others: list[Any]) -> None:
    table = {"from": field, "table": {key: "yes"}, "else": "no"}
    for value in fitting:
        assert decide(table, **{field: value}) == ("yes", [key], {field: value})
    for value in others:
        assert decide(table, **{field: value}) == ("no", None, {field: value})


@pytest.mark.parametrize(
    ("raw", "code", "path"),
    [
        ({"from": "harm", "table": {"a": "A"}, "else": "B"}, "table-from-list", ("from",)),
        ({"from": "oops", "table": {"a": "A"}, "else": "B"}, "unknown-field", ("from",)),
        ({"from": ["vip", "oops"], "table": {}, "else": "B"}, "unknown-field", ("from", 1)),
        ({"from": ["vip", "amount"], "table": {"true": "A"}, "else": "B"}, "table-level", ("table", "true")),
        ({"from": "vip", "table": {"true": {"1": "A"}}, "else": "B"}, "table-too-deep", ("table", "true")),
        ({"from": "vip", "table": {"yes": "A"}, "else": "B"}, "table-key", ("table", "yes")),
        ({"from": "amount", "table": {"nan": "A"}, "else": "B"}, "table-key", ("table", "nan")),
        ({"from": "amount", "table": {"1": "A", "1.0": "B"}, "else": "B"}, "table-key-twice", ("table", "1.0")),
        ({"from": "impact", "table": {"stoped": "A"}, "else": "B"}, "unknown-option", ("table", "stoped")),
        ([{"when": []}], "bad-table", (0,)),
        ("A", "bad-table", ()),
        ([{"is": "A", "when": {"field": "oops", "is": 1}}], "unknown-field", (0, "when", "field")),
    ],
)
def test_what_is_wrong_with_a_table_is_reported_and_never_fits(raw: Any, code: str, path: tuple[Any, ...]) -> None:
    table = compile_table("severity", raw, FIELDS)
    assert [(problem.code, problem.path) for problem in table.problems] == [(code, path)]
    facts = {"harm": ["a"], "vip": True, "amount": 2, "impact": "none"}
    decision = table.decide(View(facts, NOW))
    assert decision is None or decision[:2] == ("B", None)


def test_a_table_says_what_it_can_give_and_what_it_depends_on() -> None:
    table = compile_table("severity", IMPACT_AND_URGENCY, FIELDS)
    assert (table.outcomes, table.always, table.fields) == (("A", "B", "C"), True, ("impact", "urgency"))
    rules: list[dict[str, Any]] = [
        {"is": True, "when": {"field": "due", "within_next": "1d"}},
        {"is": 1, "when": {"happened": "accept"}},
    ]
    table = compile_table("t", rules, FIELDS)
    assert [type(value) for value in table.outcomes] == [bool, int]
    assert (table.always, table.fields, table.events, table.uses_now) == (False, ("due",), ("accept",), True)
    assert compile_table("t", [*rules, {"is": 2}], FIELDS).always


def test_rules_may_give_any_objects() -> None:
    one, other = object(), {"to": ["team:finance"]}
    table = compile_rules([(one, {"field": "vip", "is": True}), (other, None)], FIELDS)
    for vip, value in ((True, one), (False, other)):
        decision = table.decide(View({"vip": vip}, NOW))
        assert decision is not None
        assert decision.value is value


# -- by case ----------------------------------------------------------------------------------------------------------

SEVERITIES = ("A", "B", "C")


def test_a_plain_value_is_for_every_issue() -> None:
    within = compile_by_case("4h", FIELDS, parse_duration, SEVERITIES)
    assert within.value(View({}, NOW)) == parse_duration("4h")
    assert (within.fields, within.problems, within.outcomes) == ((), (), (parse_duration("4h"),))
    steps = [{"via": "sms", "to": "owner"}]
    assert compile_by_case(steps, FIELDS, list, SEVERITIES).value(View({}, NOW)) == steps


def test_a_map_goes_by_severity_and_what_is_left_out_has_none() -> None:
    within = compile_by_case({"A": "1h", "B": "1d"}, FIELDS, parse_duration, SEVERITIES)
    assert within.value(View({"severity": "B"}, NOW)) == parse_duration("1d")
    assert within.value(View({"severity": "C"}, NOW)) is None
    assert within.value(View({}, NOW)) is None
    assert (within.fields, within.uses_now) == (("severity",), False)


def test_a_decision_list_goes_by_its_conditions() -> None:
    raw = [
        {"is": "1h", "when": {"field": "vip", "is": True}},
        {"is": "1d", "when": {"field": "due", "within_next": "1d"}},
    ]
    within = compile_by_case(raw, FIELDS, parse_duration, SEVERITIES)
    assert within.value(View({"vip": True}, NOW)) == parse_duration("1h")
    assert within.value(View({"due": NOW}, NOW)) == parse_duration("1d")
    assert within.value(View({}, NOW)) is None
    assert (within.fields, within.uses_now) == (("vip", "due"), True)


@pytest.mark.parametrize(
    ("raw", "code", "path"),
    [
        ("soon", "bad-duration", ()),
        ({"A": "1h", "D": "1h"}, "unknown-severity", ("D",)),
        ({"A": "soon"}, "bad-duration", ("A",)),
        ([{"is": "soon"}], "bad-duration", (0, "is")),
        ([{"is": "1h", "when": {"field": "oops", "is": 1}}], "unknown-field", (0, "when", "field")),
        ([{"is": "1h"}, {"when": []}], "bad-rule", (1,)),
    ],
)
def test_what_is_wrong_with_a_value_by_case_is_reported(raw: Any, code: str, path: tuple[Any, ...]) -> None:
    problems = compile_by_case(raw, FIELDS, parse_duration, SEVERITIES).problems
    assert [(problem.code, problem.path) for problem in problems] == [(code, path)]


def test_where_plain_maps_are_meant_only_one_with_a_severity_goes_by_severity() -> None:
    plain = compile_by_case({"x": 1}, FIELDS, dict, SEVERITIES, plain_maps=True)
    assert plain.value(View({}, NOW)) == {"x": 1}
    mapped = compile_by_case({"A": {"x": 1}}, FIELDS, dict, SEVERITIES, plain_maps=True)
    assert mapped.value(View({"severity": "A"}, NOW)) == {"x": 1}
