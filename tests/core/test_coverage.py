"""Unreachable rules: whatever is called unreachable is never hit, and every planted covered rule is found."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.clauses import Clause
from server.core.conditions import BOOLEAN, DATE, LIST, NUMBER, TEXT, Kind, Scope, View, compile_rules
from server.core.coverage import Unreachable, unnamed_keys, unnamed_options, unreachable
from server.core.tables import compile_table
from tests.core.rule_makers import CALENDAR, KINDS, NOW, SCOPE, VALUES, cases, conditions, field_tests, happenings

SMALL = Scope(
    {
        "impact": Kind("text", ("stopped", "degraded", "none")),
        "vip": BOOLEAN,
        "harm": Kind("list", ("money", "data")),
        "amount": Kind("number", whole=True),
    }
)
SMALL_VALUES: dict[str, list[Any]] = {
    "impact": [None, "stopped", "degraded", "none"],
    "vip": [None, True, False],
    "harm": [None, [], ["money"], ["data"], ["money", "data"], ["data", "money"]],
    "amount": [None, *range(-1, 6)],
}


@st.composite
def small_tests(draw: st.DrawFn) -> dict[str, Any]:
    """Tests whose fields have few values, so that every case can be tried."""
    field = draw(st.sampled_from(sorted(SMALL_VALUES)))
    if field == "harm":
        return {"field": field, "contains": draw(st.sampled_from(["money", "data"]))}
    if draw(st.integers(0, 5)) == 0:
        return {"field": field, "known": draw(st.booleans())}
    values = SMALL_VALUES[field][2:-1] if field == "amount" else SMALL_VALUES[field][1:]  # one beyond on either side
    constants = st.sampled_from(values)
    if field == "amount" and draw(st.booleans()):
        return {
            "field": field,
            draw(st.sampled_from(["at_least", "at_most", "more_than", "less_than"])): draw(constants),
        }
    if draw(st.booleans()):
        return {"field": field, draw(st.sampled_from(["in", "not_in"])): draw(st.lists(constants, max_size=2))}
    return {"field": field, draw(st.sampled_from(["is", "is_not"])): draw(constants)}


def clauses_of(raws: list[Any], scope: Scope = SCOPE) -> list[Clause]:
    table = compile_rules([(number, raw) for number, raw in enumerate(raws, 1)], scope)
    assert not [problem for problem in table.problems if problem.level == "error"], table.problems
    return [rule.clause for rule in table.rules]


def found(*raws: Any, scope: Scope = SCOPE, assured: bool = False) -> list[tuple[int, tuple[int, ...]]]:
    return [(one.rule, one.covered_by) for one in unreachable(clauses_of(list(raws), scope), assured)]


@settings(max_examples=60)
@given(st.lists(conditions(small_tests()), min_size=1, max_size=5))
def test_over_small_fields_exactly_the_rules_that_no_case_hits_are_found(raws: list[Any]) -> None:
    table = compile_rules([(number, raw) for number, raw in enumerate(raws, 1)], SMALL)
    hit = set()
    for values in product(*SMALL_VALUES.values()):
        decision = table.decide(View(dict(zip(SMALL_VALUES, values, strict=True)), 0))
        if decision is not None:
            hit.add(decision.rule)
    called = {one.rule for one in unreachable([rule.clause for rule in table.rules])}
    assert called == set(range(1, len(raws) + 1)) - hit


@given(
    st.lists(conditions(), min_size=1, max_size=5), st.lists(st.tuples(cases(), happenings()), min_size=20, max_size=40)
)
def test_a_rule_called_unreachable_is_never_hit(raws: list[Any], tried: list[tuple[Any, Any]]) -> None:
    table = compile_rules([(number, raw) for number, raw in enumerate(raws, 1)], SCOPE)
    called = {one.rule for one in unreachable([rule.clause for rule in table.rules])}
    for facts, happened in tried:
        decision = table.decide(View(facts, NOW, happened))
        assert decision is None or decision.rule not in called


@given(st.lists(conditions(), min_size=1, max_size=4), conditions(), st.data())
def test_a_copy_a_stronger_rule_and_all_after_an_unconditional_one_are_found(
    raws: list[Any], more: Any, data: st.DataObject
) -> None:
    copied = data.draw(st.sampled_from(raws))
    for planted in (copied, {"all": [copied, more]}, {"all": [more, copied]}, {"not": {"not": copied}}):
        called = {one.rule for one in unreachable(clauses_of([*raws, planted]))}
        assert len(raws) + 1 in called
    assert {one.rule for one in unreachable(clauses_of([*raws, [], more]))} >= {len(raws) + 2}


@given(field_tests(), conditions(), st.lists(conditions(), max_size=2))
def test_a_case_split_over_two_rules_is_found(test: Any, more: Any, others: list[Any]) -> None:
    split = [{"all": [more, test]}, *others, {"all": [{"not": test}, more]}, more]
    assert len(split) in {one.rule for one in unreachable(clauses_of(split))}


@pytest.mark.parametrize(
    ("raws", "covered"),
    [
        # options of a choice together, with what has no value
        (
            [
                {"field": "impact", "is": "stopped"},
                {"field": "impact", "in": ["degraded", "none"]},
                {"field": "impact", "known": True},
            ],
            [(3, (1, 2))],
        ),
        ([{"field": "impact", "is": "stopped"}, {"field": "impact", "is_not": "stopped"}, []], [(3, (1, 2))]),
        ([{"field": "impact", "in": ["stopped", "degraded", "none"]}, []], []),
        # booleans
        ([{"field": "vip", "is": True}, {"field": "vip", "is": False}, {"field": "vip", "known": True}], [(3, (1, 2))]),
        ([{"field": "vip", "is": True}, {"field": "vip", "is": False}, []], []),
        ([{"field": "vip", "is_not": True}, {"field": "vip", "is": False}], [(2, (1,))]),
        # intervals
        ([{"field": "amount", "at_least": 10}, {"field": "amount", "more_than": 10.5}], [(2, (1,))]),
        ([{"field": "amount", "more_than": 10}, {"field": "amount", "at_least": 10}], []),
        (
            [
                {"field": "amount", "less_than": 5},
                {"field": "amount", "at_least": 5},
                {"field": "amount", "is": 7},
                {"field": "amount", "known": True},
            ],
            [(3, (2,)), (4, (1, 2))],
        ),
        ([{"field": "count", "more_than": 4}, {"field": "count", "at_least": 5}], [(2, (1,))]),
        ([{"field": "amount", "more_than": 4}, {"field": "amount", "at_least": 5}], [(2, (1,))]),
        ([{"field": "count", "at_least": 5}, {"field": "count", "more_than": 4}], [(2, (1,))]),
        ([{"field": "amount", "at_least": 5}, {"field": "amount", "more_than": 4}], []),
        ([[{"field": "count", "more_than": 4}, {"field": "count", "less_than": 5}]], [(1, ())]),
        ([{"field": "bought", "at_least": "2026-03-02"}, {"field": "bought", "more_than": "2026-03-01"}], [(2, (1,))]),
        # other fields
        ([{"field": "amount", "more_than": "field:limit"}, {"field": "amount", "at_least": "field:limit"}], []),
        ([{"field": "amount", "at_least": "field:limit"}, {"field": "amount", "is": "field:limit"}], [(2, (1,))]),
        (
            [
                {"field": "amount", "more_than": "field:limit"},
                {"field": "amount", "at_most": "field:limit"},
                [{"field": "amount", "known": True}, {"field": "limit", "known": True}],
            ],
            [(3, (1, 2))],
        ),
        # texts and lists
        ([{"field": "subject", "contains": "费"}, {"field": "subject", "contains": "收费"}], [(2, (1,))]),
        ([{"field": "subject", "contains": "收费"}, {"field": "subject", "contains": "费"}], []),
        ([{"field": "subject", "contains": "PRICE"}, {"field": "subject", "is": "Price of A"}], [(2, (1,))]),
        ([{"field": "subject", "matches": "^P"}, {"field": "subject", "in": ["Price", "Pound"]}], [(2, (1,))]),
        ([{"field": "subject", "known": True}, {"field": "subject", "matches": "x"}], [(2, (1,))]),
        (
            [
                {"field": "harm", "contains": "money"},
                {"field": "harm", "contains": "data"},
                {"field": "harm", "known": True},
            ],
            [(3, (1, 2))],
        ),
        ([{"field": "tags", "contains": "x"}, {"field": "tags", "is": ["abc", "x"]}], [(2, (1,))]),
        # time
        ([{"field": "due", "within_next": "1w"}, {"field": "due", "within_next": "2d"}], [(2, (1,))]),
        ([{"field": "due", "within_next": "1mo"}, {"field": "due", "within_next": "40d"}], []),
        ([{"field": "due", "longer_ago_than": "2d"}, {"field": "due", "longer_ago_than": "1w"}], [(2, (1,))]),
        ([[{"field": "due", "longer_ago_than": "2d"}, {"field": "due", "within_next": "1w"}]], [(1, ())]),
        # events
        ([{"happened": "accept"}, {"happened": "accept", "since": "solve"}], [(2, (1,))]),
        ([{"happened": "accept", "since": "solve"}, {"happened": "accept"}], []),
        ([{"happened": "accept", "since": "solve"}, {"happened": "solve"}, {"happened": "accept"}], [(3, (1, 2))]),
        # contradictions
        ([[{"field": "impact", "is": "stopped"}, {"field": "impact", "is": "none"}], []], [(1, ())]),
        ([{"any": []}, []], [(1, ())]),
    ],
)
def test_covered_rules_are_found_with_the_rules_that_cover_them(raws: list[Any], covered: list[Any]) -> None:
    assert found(*raws) == covered


def test_irrelevant_rules_between_do_not_hide_a_covered_one() -> None:
    between = [
        {
            "all": [
                {"field": "subject", "contains": f"word{n}"},
                {"any": [{"field": "amount", "is": n}, {"field": "vip", "is": True}]},
            ]
        }
        for n in range(30)
    ]
    split = [{"field": "impact", "is": option} for option in ("stopped", "degraded", "none")]
    rules = [
        *between[:10],
        split[0],
        *between[10:20],
        split[1],
        *between[20:],
        split[2],
        {"field": "impact", "known": True},
    ]
    assert found(*rules) == [(34, (11, 22, 33))]


def test_fields_that_always_have_a_value_count_so_only_where_that_is_assured() -> None:
    scope = Scope({"severity": Kind("text", ("A", "B"), always=True)})
    rules = [{"field": "severity", "is": "A"}, {"field": "severity", "is": "B"}, []]
    assert found(*rules, scope=scope) == []
    assert found(*rules, scope=scope, assured=True) == [(3, (1, 2))]


def test_an_option_that_the_choice_does_not_have_is_a_contradiction() -> None:
    assert found({"field": "impact", "is": "stoped"}, []) == [(1, ())]


def test_options_that_no_rule_names_are_listed() -> None:
    assert unnamed_options(clauses_of([{"field": "impact", "is": "stopped"}, []])) == {"impact": ("degraded", "none")}
    assert unnamed_options(clauses_of([{"field": "impact", "is_not": "stopped"}])) == {}
    assert unnamed_options(clauses_of([{"field": "harm", "contains": "money"}])) == {"harm": ("data",)}
    assert unnamed_options(clauses_of([{"field": "impact", "known": True}])) == {}
    table = compile_table("t", {"from": ["vip", "impact"], "table": {"true": {"none": "A"}}, "else": "B"}, SCOPE)
    assert table.lookup is not None
    assert unnamed_keys(table.lookup) == {"impact": ("stopped", "degraded")}


def test_a_long_table_is_judged_in_reasonable_time() -> None:
    options = tuple(f"o{n}" for n in range(100))
    scope = Scope(
        {"choice": Kind("text", options), "amount": NUMBER, "tags": LIST, "subject": TEXT, "bought": DATE}, CALENDAR
    )
    rules: list[Any] = [
        {
            "all": [
                {"field": "choice", "is": option},
                {"any": [{"field": "amount", "at_least": n}, {"field": "tags", "contains": f"t{n}"}]},
            ]
        }
        for n, option in enumerate(options)
    ]
    rules.append({"all": [{"field": "choice", "is": "o7"}, {"field": "amount", "at_least": 8}]})
    begin = time.process_time()
    assert found(*rules, scope=scope) == [(101, (8,))]
    assert time.process_time() - begin < 10


def test_the_values_tried_are_those_of_the_kinds() -> None:
    assert VALUES.keys() == KINDS.keys()
    assert all(isinstance(one, Unreachable) for one in unreachable(clauses_of([[], []])))
