"""Random conditions with the cases that tell them apart, and a plain interpreter that reads the raw conditions."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from server.core.ago import before, date_before
from server.core.calendars import compile_calendar
from server.core.durations import parse_duration
from server.core.kinds import BOOLEAN, DATE, DATETIME, LIST, NUMBER, TEXT, Kind, Scope

CALENDAR = compile_calendar(
    {
        "kind": "calendar",
        "name": "office",
        "timezone": "Asia/Shanghai",
        "hours": {"monday-friday": ["09:00-12:00", "13:00-18:00"]},
    }
)
NOW = CALENDAR.parse("2026-03-02T10:00:00+08:00")  # a Monday, in open time
DAY = 86_400_000

OPTIONS = ("stopped", "degraded", "none")
KINDS: dict[str, Kind] = {
    "impact": Kind("text", OPTIONS),
    "urgency": Kind("text", ("high", "low")),
    "subject": TEXT,
    "text2": TEXT,
    "amount": NUMBER,
    "limit": NUMBER,
    "count": Kind("number", whole=True),
    "vip": BOOLEAN,
    "harm": Kind("list", ("money", "data")),
    "tags": LIST,
    "bought": DATE,
    "due": DATETIME,
    "promised": DATETIME,
}
EVENTS = ("accept", "solve", "reject")
SCOPE = Scope(KINDS, CALENDAR, EVENTS, {"office": CALENDAR})

VALUES: dict[str, list[Any]] = {
    "impact": [None, *OPTIONS],
    "urgency": [None, "high", "low"],
    "subject": [None, "", "Price of A", "price", "收费问题", "abc"],
    "text2": [None, "", "abc", "PRICE"],
    "amount": [None, 0, 1, 1.0, 2.5, 10, 11],
    "limit": [None, 1, 5, 10.0],
    "count": [None, 0, 1, 2, 3, 7],
    "vip": [None, True, False],
    "harm": [None, [], ["money"], ["data"], ["money", "data"]],
    "tags": [None, [], ["abc"], ["x", "abc"], ["stopped"]],
    "bought": [None, "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-09", "2025-01-31"],
    "due": [None, NOW - 3 * DAY, NOW - 1, NOW, NOW + 1, NOW + DAY, NOW + 7 * DAY],
    "promised": [None, NOW - DAY, NOW, NOW + DAY],
}
CONSTANTS: dict[str, list[Any]] = {
    **{name: [value for value in values if value not in (None, [])] for name, values in VALUES.items()},
    "due": ["2026-03-02T10:00:00+08:00", "2026-03-03", "2026-03-02T10:00"],
    "promised": ["2026-03-02T10:00:00+08:00", "2026-03-01"],
}
LIKE = {
    "amount": "limit",
    "limit": "amount",
    "due": "promised",
    "promised": "due",
    "subject": "text2",
    "text2": "subject",
}
DURATIONS = ["1h", "1d", "2d12h", "1w", "1mo"]


@st.composite
def field_tests(draw: st.DrawFn) -> dict[str, Any]:
    """A condition on one field, by any operator that its kind has."""
    field = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[field].name
    constant = st.sampled_from(CONSTANTS[field])
    if field in LIKE:
        shifted = [f"field:{LIKE[field]}+1d12h".replace("1d12h", "36h")] if kind == "datetime" else []
        constant |= st.sampled_from([f"field:{LIKE[field]}", *shifted])
    operators = ["is", "is_not", "in", "not_in", "known"]
    operators += {
        "text": ["contains", "matches"],
        "list": ["contains"],
        "number": ["order"],
        "date": ["order", "within_next", "longer_ago_than"],
        "datetime": ["order", "within_next", "longer_ago_than", "during"],
        "boolean": [],
    }[kind]
    operator = draw(st.sampled_from(operators))
    if operator == "order":
        operator = draw(st.sampled_from(["at_least", "at_most", "more_than", "less_than"]))
    value: Any
    if operator in ("in", "not_in"):
        lists = st.lists(constant, max_size=3)
        value = draw(lists | st.just("field:tags") if kind == "text" else lists)
    elif operator == "known":
        value = draw(st.booleans())
    elif operator == "contains":
        words = ["PRICE", "费", "b"] if kind == "text" else ["money", "data", "abc"]
        value = draw(st.sampled_from([*words, "field:text2"]))
    elif operator == "matches":
        value = draw(st.sampled_from(["^P", "费", "b+c$"]))
    elif operator in ("within_next", "longer_ago_than"):
        value = draw(st.sampled_from(DURATIONS))
    elif operator == "during":
        value = "office"
    else:
        value = draw(constant)
    return {"field": field, operator: value}


def conditions(leaf: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Conditions of any shape over the fields and events above."""
    happened = st.fixed_dictionaries({"happened": st.sampled_from(EVENTS)}, optional={"since": st.sampled_from(EVENTS)})
    return st.recursive(
        field_tests() | happened if leaf is None else leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=8,
    )


def cases() -> st.SearchStrategy[dict[str, Any]]:
    """Facts of an issue; some are not even there."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()})


def happenings() -> st.SearchStrategy[dict[str, int]]:
    """Which events have happened, with the sequence numbers of their last lines."""
    return st.dictionaries(st.sampled_from(EVENTS), st.integers(1, 4))


class Plain:
    """Judges raw conditions one by one, straight from the words of the policy language; notes what it looks at."""

    def __init__(self, facts: dict[str, Any], happened: dict[str, int]) -> None:
        self.facts = facts
        self.happened = happened
        self.looked: dict[str, Any] = {}

    def look(self, field: str) -> Any:
        self.looked.setdefault(field, self.facts.get(field))
        return self.facts.get(field)

    def holds(self, raw: Any) -> bool:
        if isinstance(raw, list):
            return all(self.holds(part) for part in raw)
        if "all" in raw:
            return all(self.holds(part) for part in raw["all"])
        if "any" in raw:
            return any(self.holds(part) for part in raw["any"])
        if "not" in raw:
            return not self.holds(raw["not"])
        if "happened" in raw:
            last, since = self.happened.get(raw["happened"]), self.happened.get(raw.get("since", ""))
            return last is not None and (since is None or last > since)
        operator = next(key for key in raw if key != "field")
        return self.test(raw["field"], operator, raw[operator])

    def test(self, field: str, operator: str, value: Any) -> bool:
        fact = self.look(field)
        if operator == "known":
            return (fact not in (None, "", [])) is value
        if operator in ("is_not", "not_in"):
            return not self.test(field, {"is_not": "is", "not_in": "in"}[operator], value)
        if fact is None:
            return False
        if operator == "in":
            if isinstance(value, str):
                return fact in (self.look(value[6:]) or [])
            return any(self.compare(field, "is", fact, item) for item in value)
        return self.compare(field, operator, fact, value)

    def compare(self, field: str, operator: str, fact: Any, value: Any) -> bool:
        kind = KINDS[field].name
        if isinstance(value, str) and value.startswith("field:"):
            name, _, shift = value[6:].partition("+")
            value = self.look(name)
            if value is None:
                return False
            value = value + parse_duration(shift).clock_ms if shift else value
        elif kind == "datetime" and operator not in ("within_next", "longer_ago_than", "during"):
            value = CALENDAR.parse(value)
        if operator == "is":
            return fact == value
        if operator == "contains":
            return value in fact if kind == "list" else value.lower() in fact.lower()
        if operator == "matches":
            return re.search(value, fact) is not None
        if operator == "during":
            return CALENDAR.is_open(fact)
        if operator == "within_next":
            start, end = NOW, CALENDAR.add(NOW, parse_duration(value))
            return start <= fact <= end if kind == "datetime" else CALENDAR.date(start) <= fact <= CALENDAR.date(end)
        if operator == "longer_ago_than":
            ago = parse_duration(value)
            if kind == "datetime":
                return fact < before(NOW, ago, CALENDAR.zone)
            return fact < date_before(NOW, ago, CALENDAR.zone)
        return {
            "at_least": fact >= value,
            "at_most": fact <= value,
            "more_than": fact > value,
            "less_than": fact < value,
        }[operator]
