"""The Python expression for one test, over local variables that hold the fields.

A fact may be of another kind than its field (an issue judged by an older version, whose field was of another type):
"values of unlike types are not equal, and unordered", so whatever could raise or mistake one type for another is
guarded by the type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from server.core.ago import before, date_before
from server.core.clauses import Happened, Test
from server.core.durations import Duration
from server.core.kinds import CalendarLike
from server.core.moments import Moment, OutOfRange
from server.core.open_time import NeverOpens

MATCHED_CHARACTERS = 16_384  # of a text, the part that a regular expression is shown

_SIGNS = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}
_GUARDS = {
    "text": "type({0}) is str",
    "date": "type({0}) is str",
    "datetime": "type({0}) is int",
    "number": "type({0}) in NUMBERS",
    "boolean": "type({0}) is bool",
    "list": "type({0}) is list",
}


class Bindings:
    """The objects that generated code uses by name."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"NUMBERS": frozenset((int, float)), "LACKING": object()}

    def bind(self, value: Any) -> str:
        """A name, or a literal, for the value."""
        if value is None or type(value) in (str, int, bool, float):
            return repr(value)
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name


def expression(test: Test, field: str, other: str, calendar: CalendarLike | None, bindings: Bindings) -> str:
    """The expression for a test, negation left aside: `field` and `other` are the variables of its fields. False when
    `field` is None; `other` is only used where `field` is not."""
    guard = _GUARDS[test.kind.name].format(field)
    if test.op == "never" or (test.op != "in_list" and _unlike(test)):
        return "False"
    if test.op == "eq":
        return _equality(test, field, other, guard, bindings)
    if test.op in _SIGNS:
        compared = f"{field} {_SIGNS[test.op]} {_operand(test, other, bindings)}"
        return f"{guard} and {_other_guard(test, other)}{compared}"
    if test.op == "contains":
        return _contains(test, field, other, guard, bindings)
    if test.op == "in_list":
        return f"type({other}) is list and {field} in {other}" if test.value.kind.name == "list" else "False"
    if test.op == "known":
        empty = {"text": f" and {field} != ''", "list": f" and {field} != []"}.get(test.kind.name, "")
        return f"{field} is not None{empty}"
    if test.op == "matches":
        return f"{guard} and {bindings.bind(_searching(test.value))}({field})"
    if test.op == "during":
        return f"{guard} and {bindings.bind(_open_at(test.value))}({field})"
    assert calendar is not None
    ranges = {"within_next": _ahead, "longer_ago_than": _long_ago}[test.op]
    return f"{guard} and {bindings.bind(ranges(test, calendar))}(now, {field})"


def happened_expression(clause: Happened) -> str:
    """The expression for `happened`, negation left aside; `happened` holds the view's events."""
    event, since = repr(clause.event), repr(clause.since)
    if clause.since is None:
        return f"{event} in happened"
    return f"{event} in happened and ({since} not in happened or happened[{event}] > happened[{since}])"


def _unlike(test: Test) -> bool:
    wanted = "text" if test.op == "contains" else test.kind.name
    return test.ref is not None and test.ref.kind.name != wanted


def _operand(test: Test, other: str, bindings: Bindings) -> str:
    if test.ref is None:
        return bindings.bind(test.value)
    return f"{other} + {test.ref.shift}" if test.ref.shift else other


def _other_guard(test: Test, other: str) -> str:
    return "" if test.ref is None else _GUARDS[test.ref.kind.name].format(other) + " and "


def _equality(test: Test, field: str, other: str, guard: str, bindings: Bindings) -> str:
    kind = test.kind.name
    if test.ref is not None:
        return f"{guard} and {_other_guard(test, other)}{field} == {_operand(test, other, bindings)}"
    constants = list(dict.fromkeys(test.value)) if kind != "list" else list(test.value)
    if not constants:
        return "False"
    if kind == "boolean":
        return " or ".join(f"{field} is {value!r}" for value in constants)
    guarded = f"{guard} and " if kind in ("number", "datetime") else ""  # True == 1
    if len(constants) == 1:
        return f"{guarded}{field} == {bindings.bind(constants[0])}"
    if len(constants) > 8 and kind != "list":
        return f"{guard} and {field} in {bindings.bind(frozenset(constants))}"
    return f"{guarded}{field} in ({', '.join(map(bindings.bind, constants))})"


def _contains(test: Test, field: str, other: str, guard: str, bindings: Bindings) -> str:
    if test.kind.name == "list":
        return f"{guard} and {_operand(test, other, bindings)} in {field}"
    if test.ref is None:
        return f"{guard} and {test.value.casefold()!r} in {field}.casefold()"
    return f"{guard} and {_other_guard(test, other)}{other}.casefold() in {field}.casefold()"


def _searching(pattern: Any) -> Callable[[str], bool]:
    search = pattern.search

    def found(text: str) -> bool:
        # Half a surrogate pair, which JSON can hold, has no UTF-8 and would raise in RE2.
        shown = text[:MATCHED_CHARACTERS]
        try:
            return search(shown) is not None
        except UnicodeEncodeError:
            return search(shown.encode("utf-8", "replace").decode("utf-8")) is not None

    return found


def _open_at(calendar: CalendarLike) -> Callable[[Moment], bool]:
    is_open = calendar.is_open

    def open_at(moment: Moment) -> bool:
        try:
            return is_open(moment)
        except OutOfRange:
            return False

    return open_at


def _ahead(test: Test, calendar: CalendarLike) -> Callable[[Moment, Any], bool]:
    add, date, duration, dates = calendar.add, calendar.date, test.value, test.kind.name == "date"

    def ahead(now: Moment, value: Any) -> bool:
        if value < (date(now) if dates else now):
            return False
        try:
            end = add(now, duration)
        except (OutOfRange, NeverOpens):
            return True  # the end of the time asked for is never reached
        return bool(value <= (date(end) if dates else end))

    return ahead


def _long_ago(test: Test, calendar: CalendarLike) -> Callable[[Moment, Any], bool]:
    zone, duration = calendar.zone, test.value
    limit: Callable[[Moment, Duration, ZoneInfo], Any] = date_before if test.kind.name == "date" else before

    def long_ago(now: Moment, value: Any) -> bool:
        try:
            return bool(value < limit(now, duration, zone))
        except OverflowError:
            return False  # nothing lies before the year 1

    return long_ago
