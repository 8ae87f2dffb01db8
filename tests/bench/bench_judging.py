"""Judging with the full explanation, against a function written by hand that gives the same answers without one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from server.core.conditions import BOOLEAN, LIST, NUMBER, TEXT, Scope, View, compile_rules, compile_table
from tests.bench.result import Result, side_by_side

TARGET = 8.0
CASES = 2_000

FIELDS = {
    **dict.fromkeys(("impact", "urgency", "channel", "product", "region", "category", "tier", "severity"), TEXT),
    **dict.fromkeys(("amount", "users"), NUMBER),
    **dict.fromkeys(("vip", "outage", "lawsuit", "mass_event"), BOOLEAN),
    "harm": LIST,
}


def _is(field: str, value: Any) -> dict[str, Any]:
    return {"field": field, "is": value}


SEVERITY: list[dict[str, Any]] = [
    {"is": "A", "when": {"any": [_is("outage", True), {"all": [_is("impact", "stopped"), _is("urgency", "high")]}]}},
    {
        "is": "A",
        "when": {"all": [{"field": "harm", "contains": "data"}, {"any": [_is("vip", True), _is("lawsuit", True)]}]},
    },
    {"is": "A", "when": {"all": [{"field": "harm", "contains": "money"}, {"field": "amount", "at_least": 10000}]}},
    {"is": "B", "when": {"any": [_is("mass_event", True), {"field": "users", "more_than": 500}]}},
    {"is": "B", "when": {"all": [_is("impact", "stopped"), {"not": _is("urgency", "low")}]}},
    {
        "is": "B",
        "when": {
            "any": [
                {"all": [_is("impact", "degraded"), _is("vip", True), {"field": "users", "at_least": 50}]},
                {"all": [_is("tier", "gold"), {"field": "amount", "at_least": 5000}]},
            ]
        },
    },
    {"is": "C", "when": {"all": [_is("impact", "degraded"), {"field": "urgency", "in": ["high", "medium"]}]}},
    {"is": "C", "when": {"any": [{"field": "amount", "more_than": 1000}, _is("channel", "phone")]}},
    {"is": "C", "when": {"all": [{"any": [_is("tier", "gold"), _is("tier", "silver")]}, _is("region", "north")]}},
    {"is": "D"},
]

ROUTE: list[tuple[str, Any]] = [
    ("directors", {"all": [_is("severity", "A"), {"any": [_is("lawsuit", True), _is("mass_event", True)]}]}),
    ("security", {"field": "harm", "contains": "data"}),
    (
        "finance",
        {
            "any": [
                _is("category", "price"),
                {"all": [_is("category", "refund"), {"field": "amount", "more_than": 100}]},
            ]
        },
    ),
    ("refunds", _is("category", "refund")),
    ("key_accounts", {"all": [_is("vip", True), {"field": "severity", "in": ["A", "B"]}]}),
    ("platform", {"all": [_is("product", "platform"), {"field": "severity", "is_not": "D"}]}),
    ("mobile", _is("product", "mobile")),
    ("devices", {"all": [_is("product", "device"), _is("region", "north")]}),
    ("devices_south", {"all": [_is("product", "device"), _is("region", "south")]}),
    ("hotline", {"all": [_is("channel", "phone"), {"field": "urgency", "in": ["high", "medium"]}]}),
    ("social", {"field": "channel", "in": ["social", "website"]}),
    ("north", {"all": [_is("region", "north"), _is("tier", "gold")]}),
    ("south", {"all": [_is("region", "south"), _is("tier", "gold")]}),
    ("suggestions", _is("category", "suggestion")),
    ("support", None),
]


def severity_by_hand(f: Mapping[str, Any]) -> str:
    """What SEVERITY says, as somebody would write it: safe for facts that are missing."""
    impact, urgency, amount, users = f.get("impact"), f.get("urgency"), f.get("amount"), f.get("users")
    harm = f.get("harm") or ()
    if f.get("outage") or (impact == "stopped" and urgency == "high"):
        return "A"
    if "data" in harm and (f.get("vip") or f.get("lawsuit")):
        return "A"
    if "money" in harm and amount is not None and amount >= 10000:
        return "A"
    if f.get("mass_event") or (users is not None and users > 500):
        return "B"
    if impact == "stopped" and urgency != "low":
        return "B"
    if impact == "degraded" and f.get("vip") and users is not None and users >= 50:
        return "B"
    tier = f.get("tier")
    if tier == "gold" and amount is not None and amount >= 5000:
        return "B"
    if impact == "degraded" and urgency in ("high", "medium"):
        return "C"
    if (amount is not None and amount > 1000) or f.get("channel") == "phone":
        return "C"
    if tier in ("gold", "silver") and f.get("region") == "north":
        return "C"
    return "D"


def route_by_hand(f: Mapping[str, Any]) -> str:
    """What ROUTE says."""
    severity, category, amount = f.get("severity"), f.get("category"), f.get("amount")
    if severity == "A" and (f.get("lawsuit") or f.get("mass_event")):
        return "directors"
    if "data" in (f.get("harm") or ()):
        return "security"
    if category == "price" or (category == "refund" and amount is not None and amount > 100):
        return "finance"
    if category == "refund":
        return "refunds"
    if f.get("vip") and severity in ("A", "B"):
        return "key_accounts"
    product, region = f.get("product"), f.get("region")
    if product == "platform" and severity != "D":
        return "platform"
    if product == "mobile":
        return "mobile"
    if product == "device" and region == "north":
        return "devices"
    if product == "device" and region == "south":
        return "devices_south"
    channel = f.get("channel")
    if channel == "phone" and f.get("urgency") in ("high", "medium"):
        return "hotline"
    if channel in ("social", "website"):
        return "social"
    tier = f.get("tier")
    if region == "north" and tier == "gold":
        return "north"
    if region == "south" and tier == "gold":
        return "south"
    if category == "suggestion":
        return "suggestions"
    return "support"


def cases(count: int = CASES) -> list[dict[str, Any]]:
    """Issues of every sort, some facts missing; the same ones each time."""
    chance = random.Random(7)
    values: dict[str, list[Any]] = {
        "impact": ["stopped", "degraded", "none", "none", None],
        "urgency": ["high", "medium", "low", "low", None],
        "channel": ["phone", "email", "social", "website", None],
        "product": ["platform", "mobile", "device", "other", None],
        "region": ["north", "south", "east", None],
        "category": ["price", "refund", "product", "suggestion", "attitude", None],
        "tier": ["gold", "silver", "none", None],
        "amount": [0, 50, 900, 3000, 20000.5, None],
        "users": [1, 60, 400, 1000, None],
        "harm": [[], ["money"], ["image"], ["data"], None, None],
        **{flag: [True, False, False, False, False, None] for flag in ("vip", "outage", "lawsuit", "mass_event")},
    }
    return [{name: chance.choice(options) for name, options in values.items()} for _ in range(count)]


def explained() -> Callable[[dict[str, Any]], tuple[Any, Any]]:
    """Judges severity and route with rule and facts of each."""
    scope = Scope(FIELDS)
    severity, route = compile_table("severity", SEVERITY, scope), compile_rules(ROUTE, scope)
    assert not severity.problems
    assert not route.problems
    judge_severity, judge_route = severity.decide, route.decide

    def judge(facts: dict[str, Any]) -> tuple[Any, Any]:
        view = View(facts, 0)
        first = judge_severity(view)
        assert first is not None
        facts["severity"] = first.value
        return first, judge_route(view)

    return judge


def by_hand(facts: dict[str, Any]) -> tuple[str, str]:
    """Judges severity and route, giving nothing but the answers."""
    facts["severity"] = severity = severity_by_hand(facts)
    return severity, route_by_hand(facts)


def run() -> list[Result]:
    """Measures one decision either way, over the same cases."""
    issues = cases()
    judge = explained()
    for issue in issues:
        severity, route = judge(issue)
        if (severity.value, route.value) != by_hand(issue):
            raise AssertionError(f"the answers differ for {issue}")

    def over(one: Callable[[dict[str, Any]], object]) -> Callable[[], object]:
        def call() -> None:
            for issue in issues:
                one(issue)

        return call

    ours, theirs = (seconds / len(issues) for seconds in side_by_side(over(judge), over(by_hand), rounds=15))
    ratio = ours / theirs
    detail = f"with rules and facts {ours * 1e6:.2f} µs, by hand without {theirs * 1e6:.2f} µs; {len(issues)} issues"
    return [Result("a decision, explained", f"{ratio:.1f} ×", f"≤ {TARGET:.0f} × by hand", ratio <= TARGET, detail)]
