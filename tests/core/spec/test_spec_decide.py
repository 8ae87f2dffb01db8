"""What `decide` prints, sentence by sentence (contract, "`decide` prints")."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from server.core.deciding import Refused, decide
from tests.core.spec.playing import as_yaml, base, changed, loaded

AT = "2026-03-02T09:00:00+08:00"


def decided(policy: dict[str, Any], issue: dict[str, Any], at: str = AT) -> dict[str, Any]:
    process = loaded({"policy": policy}).processes["base"]
    return decide(process, {"subject": "S", **issue}, process.calendar.parse(at))


def test_all_keys_are_there_in_order_and_the_version_is_the_hash_of_the_document() -> None:
    policy = {
        "route": [{"to": "team:t"}],
        "classify": {"risk": [{"is": "high", "when": {"field": "flag", "is": True}}]},
    }
    found = decided(policy, {})
    version = hashlib.sha256(as_yaml(changed(base()["process"], policy))).hexdigest()
    assert list(found.items()) == [
        ("process", "base"),
        ("version", f"sha256:{version}"),
        ("at", AT),
        ("severity", "B"),
        ("values", {}),
        ("team", "t"),
        ("stage", "new"),
        ("clocks", []),
        ("notices", []),
        ("because", [{"table": "severity", "value": "B", "rule": None, "facts": {"grade": None}}]),
    ]


def test_facts_are_those_looked_at_in_order_until_the_outcome_was_sure() -> None:
    rules = [
        {"is": "one", "when": [{"field": "text", "is": "x"}, {"field": "other", "known": True}]},
        {
            "is": "two",
            "when": {"any": [{"field": "count", "at_least": 3}, {"field": "amount", "at_least": "field:count"}]},
        },
        {"is": "three", "when": {"not": {"all": [{"field": "flag", "is": True}, {"field": "text", "is": "y"}]}}},
        {"is": "four"},
    ]

    def because(issue: dict[str, Any]) -> list[Any]:
        reason = decided({"classify": {"risk": rules}}, issue)["because"][1]
        return [reason["value"], reason["rule"], list(reason["facts"].items())]

    assert because({"text": "x", "other": "o"}) == ["one", 1, [("text", "x"), ("other", "o")]]
    assert because({"count": 3}) == ["two", 2, [("text", None), ("count", 3)]]
    assert because({"count": 2, "amount": 2.5}) == ["two", 2, [("text", None), ("count", 2), ("amount", 2.5)]]
    assert because({"amount": 2.5, "text": "x"}) == [
        "three",
        3,
        [("text", "x"), ("other", None), ("count", None), ("amount", 2.5), ("flag", None)],
    ]
    assert because({"flag": True, "text": "y"}) == [
        "four",
        4,
        [("text", "y"), ("count", None), ("amount", None), ("flag", True)],
    ]


@pytest.mark.parametrize(
    ("issue", "value", "rule", "facts"),
    [
        ({"grade": "a", "flag": True}, "A", ["a", "true", "1"], {"grade": "a", "flag": True, "count": 1}),
        ({"grade": "a", "flag": False}, "D", None, {"grade": "a", "flag": False}),
        ({"grade": "b", "flag": True}, "D", None, {"grade": "b"}),
        ({}, "D", None, {"grade": None}),
        ({"grade": "a", "flag": True, "count": 2}, "D", None, {"grade": "a", "flag": True, "count": 2}),
    ],
)
def test_a_look_up_says_its_row_of_keys_and_else_null(
    issue: dict[str, Any], value: str, rule: Any, facts: dict[str, Any]
) -> None:
    table = {
        "from": ["grade", "flag", "count"],
        "table": {"a": {"true": {"1": "A"}}, "c": None, "d": None},
        "else": "D",
    }
    found = decided({"classify": {"severity": table}}, {"count": 1, **issue})["because"][0]
    assert (found["value"], found["rule"], list(found["facts"].items())) == (value, rule, list(facts.items()))


def test_names_without_a_value_are_left_out_of_values_and_because() -> None:
    risk = [{"is": "high", "when": {"field": "flag", "is": True}}]
    assert decided({"classify": {"risk": risk}}, {"flag": True})["values"] == {"risk": "high"}
    found = decided({"classify": {"risk": risk}}, {})
    assert found["values"] == {}
    assert [reason["table"] for reason in found["because"]] == ["severity"]


def test_tables_and_routes_are_judged_at_received_other_conditions_at_the_time_asked() -> None:
    soon = {"field": "later", "within_next": "1h"}
    policy = {
        "classify": {"risk": [{"is": "soon", "when": soon}]},
        "route": [{"to": "team:soon", "when": soon}],
        "notify": {"n": {"on": "received", "when": soon, "steps": [{"via": "email", "to": "lead"}]}},
        "clocks": {"c": {"on": "received", "within": "2h"}},
    }
    issue = {"later": "2026-03-02T10:00:00+08:00"}
    found = decided(policy, issue)
    assert (found["values"], found["team"], len(found["notices"])) == ({"risk": "soon"}, "soon", 1)
    found = decided(policy, {**issue, "received": "2026-03-02T08:00:00+08:00"})
    assert (found["values"], found["team"], len(found["notices"])) == ({}, None, 1)
    assert found["clocks"] == [{"clock": "c", "due": "2026-03-02T10:00:00+08:00"}]
    found = decided(policy, {**issue, "received": "2026-03-02T09:00:00+08:00"}, "2026-03-02T10:30:00+08:00")
    assert (found["values"], found["team"], found["notices"]) == ({"risk": "soon"}, "soon", [])
    assert found["clocks"] == [{"clock": "c", "due": "2026-03-02T11:00:00+08:00"}]
    assert found["at"] == "2026-03-02T10:30:00+08:00"


def test_clocks_are_those_that_start_at_receipt_in_order_with_null_while_they_start_paused() -> None:
    clocks = {
        "z": {"on": "stage.new", "within": "1h"},
        "c": {"on": "accept", "within": "1h"},
        "p": {"on": "received", "within": "1h", "pause": "new"},
        "n": {"on": "received", "within": {"A": "1h"}},
        "a": {"on": "received", "every": "20m"},
        "f": {"on": "received", "within": "field:day"},
    }
    found = decided({"clocks": clocks}, {"received": "2026-03-02T08:30:00+08:00", "day": "2026-03-03"})
    assert found["clocks"] == [
        {"clock": "z", "due": "2026-03-02T09:30:00+08:00"},
        {"clock": "p", "due": None},
        {"clock": "a", "due": "2026-03-02T09:20:00+08:00"},  # the run after the one that breached on arrival
        {"clock": "f", "due": "2026-03-04T00:00:00+08:00"},
    ]


def test_notices_of_receipt_with_their_steps_counted_from_the_time_asked_never_left_out() -> None:
    steps = [
        {"via": ["email", "sms"], "to": "lead", "wait": "10m"},
        {"via": "sms", "to": ["owner", "team:t"], "wait": "monday 09:00"},
    ]
    notify = {
        "n": {"on": ["received", "accept"], "steps": steps},
        "m": {"on": "stage.new", "send": {"B": "ask"}, "steps": {"A": steps, "B": [{"via": "verbal", "to": "lead"}]}},
        "never": {"on": "received", "send": {"B": "never"}, "steps": steps},
        "left_out": {"on": "received", "send": {"A": "ask"}, "steps": steps},
        "no_steps": {"on": "received", "steps": {"A": steps}},
        "unless": {"on": "received", "when": {"field": "flag", "is": True}, "steps": steps},
        "later": {"on": "accept", "steps": steps},
    }
    assert decided({"notify": notify}, {"received": "2026-03-02T08:00:00+08:00"})["notices"] == [
        {
            "notice": "n",
            "send": "always",
            "steps": [
                {"via": "email", "to": ["lead"], "at": "2026-03-02T09:10:00+08:00"},
                {"via": "sms", "to": ["lead"], "at": "2026-03-02T09:10:00+08:00"},
                {"via": "sms", "to": ["owner", "team:t"], "at": "2026-03-09T09:00:00+08:00"},
            ],
        },
        {"notice": "m", "send": "ask", "steps": [{"via": "verbal", "to": ["lead"], "at": AT}]},
    ]


@pytest.mark.parametrize(
    ("issue", "code"),
    [
        ({"subject": None}, "required"),
        ({"subject": ""}, "required"),
        ({"zzz": 1}, "no-such-field"),
        ({"severity": "A"}, "no-such-field"),
        ({"stage": "new"}, "no-such-field"),
        ({"grade": "z"}, "not-option"),
        ({"several": ["x", "q"]}, "not-option"),
        ({"several": "x"}, "not-list"),
        ({"count": 1.5}, "not-integer"),
        ({"count": True}, "not-number"),
        ({"amount": "1"}, "not-number"),
        ({"flag": "true"}, "not-boolean"),
        ({"flag": 1}, "not-boolean"),
        ({"day": "2026-02-30"}, "not-date"),
        ({"moment": "2026-03-02"}, "not-datetime"),
        ({"text": 5}, "not-text"),
        ({"mail": "x"}, "not-email"),
        ({"phone": "x"}, "not-phone"),
        ({"received": "2026-03-02T09:05:01+08:00"}, "received-ahead"),
    ],
)
def test_an_issue_with_a_wrong_value_an_unknown_key_or_without_a_subject_is_refused(
    issue: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        decided({}, issue)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_limits_of_fields_refuse_what_is_outside_them() -> None:
    fields = {
        "amount": {"minimum": 0, "maximum": 10},
        "text": {"max_length": 3, "pattern": "[a-z]+"},
        "stars": {"type": "rating", "of": 3},
        "must": {"type": "text", "required": True},
    }
    decided({"fields": fields}, {"amount": 0, "text": "abc", "stars": 3, "must": "x"})
    for issue in (
        {"amount": -1},
        {"amount": 10.5},
        {"text": "abcd"},
        {"text": "ab1"},
        {"stars": 4},
        {"stars": 0},
        {"must": ""},
    ):
        with pytest.raises(Refused):
            decided({"fields": fields}, {"must": "x", **issue})
    with pytest.raises(Refused):
        decided({"fields": fields}, {})
