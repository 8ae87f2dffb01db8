"""Reads a condition of a document into clauses, and finds everything that is wrong with it.

Policy language, "Conditions". What is wrong becomes a finding, with its path relative to the condition, and a test
that cannot be met, so that the rest is still read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import re2

from server.core.ago import NotHere, parse_ago, parse_elapsed
from server.core.clauses import Clause, Either, Every, Happened, Ref, Test, joined, negation
from server.core.durations import parse_duration
from server.core.findings import Finding
from server.core.kinds import BOOLEAN, TEXT, Kind, Scope, Unfit, constant, described, near

Path = tuple[str | int, ...]
_T = TypeVar("_T")

ORDER = ("at_least", "at_most", "more_than", "less_than")
EQUALITY = {"is": False, "is_not": True, "in": False, "not_in": True}
_ANY_KIND = (*EQUALITY, "known")
OPERATORS: dict[str, tuple[str, ...]] = {
    "text": (*_ANY_KIND, "contains", "matches"),
    "number": (*_ANY_KIND, *ORDER),
    "boolean": _ANY_KIND,
    "date": (*_ANY_KIND, *ORDER, "within_next", "longer_ago_than"),
    "datetime": (*_ANY_KIND, *ORDER, "within_next", "longer_ago_than", "during"),
    "list": (*_ANY_KIND, "contains"),
}
ALL_OPERATORS = tuple(dict.fromkeys(operator for operators in OPERATORS.values() for operator in operators))

_REF = re.compile(r"field:([A-Za-z][A-Za-z0-9_]*)(?:\+(.+))?", re.ASCII)

_QUIET = re2.Options()
_QUIET.log_errors = False  # RE2 prints bad patterns to standard error otherwise


class Reader:
    """Reads conditions within a scope and collects what is wrong in `problems`."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[Finding] = []

    def problem(self, path: Path, code: str, level: str = "error", /, **params: str | int) -> None:
        """Notes something wrong at the path."""
        self.problems.append(Finding(code=code, path=path, params=params, level=level))

    def condition(self, raw: Any, path: Path = ()) -> Clause:
        """The clause for a condition; a list means `all`."""
        if isinstance(raw, list):
            return joined(Every, [self.condition(part, (*path, index)) for index, part in enumerate(raw)])
        if isinstance(raw, dict):
            if "field" in raw:
                return self._test(raw, path)
            if "happened" in raw and raw.keys() <= {"happened", "since"}:
                return self._happened(raw, path)
            if len(raw) == 1:
                key, value = next(iter(raw.items()))
                if key in ("all", "any") and isinstance(value, list):
                    parts = [self.condition(part, (*path, key, index)) for index, part in enumerate(value)]
                    return joined(Every if key == "all" else Either, parts)
                if key == "not":
                    return negation(self.condition(value, (*path, key)))
        self.problem(path, "bad-condition", found=described(raw))
        return Either(())

    def _happened(self, raw: dict[str, Any], path: Path) -> Clause:
        for key, event in raw.items():
            if not isinstance(event, str):
                self.problem((*path, key), "bad-condition", found=described(event))
                return Either(())
            if self.scope.events is not None and event not in self.scope.events:
                self._undefined((*path, key), "unknown-event", event, self.scope.events)
        return Happened(raw["happened"], raw.get("since"))

    def _test(self, raw: dict[str, Any], path: Path) -> Clause:
        field = raw["field"]
        operators = [key for key in raw if key != "field"]
        if not isinstance(field, str):
            self.problem((*path, "field"), "bad-condition", found=described(field))
            return Either(())
        kind = self.kind(field, (*path, "field"))
        never = Test(field, kind or TEXT, "never")
        for operator in operators:
            if operator not in ALL_OPERATORS:
                self._undefined((*path, operator), "unknown-operator", operator, ALL_OPERATORS)
        if len(operators) != 1:
            code = "several-operators" if operators else "no-operator"
            self.problem(path, code, field=field, found=", ".join(map(str, operators)))
            return never
        operator = operators[0]
        if kind is None or operator not in ALL_OPERATORS:
            return never
        place = (*path, operator)
        if operator not in OPERATORS[kind.name]:
            allowed = ", ".join(OPERATORS[kind.name])
            self.problem(
                place, "operator-not-for-kind", field=field, kind=kind.name, operator=operator, allowed=allowed
            )
            return never
        return self._compared(field, kind, operator, raw[operator], place)

    def kind(self, field: str, path: Path) -> Kind | None:
        """The kind of the field, or None when it is not defined (it was reported)."""
        kind = self.scope.names.get(field)
        if kind is None:
            self._undefined(path, "unknown-field", field, self.scope.names)
        return kind

    def _undefined(self, path: Path, code: str, name: str, defined: Iterable[str]) -> None:
        self.problem(path, code, name=str(name), near=near(str(name), defined), defined=", ".join(sorted(defined)))

    def _compared(self, field: str, kind: Kind, operator: str, value: Any, path: Path) -> Clause:
        if operator in ("is", "is_not"):
            return self._equality(field, kind, [(value, path)], EQUALITY[operator], operator)
        if operator in ("in", "not_in"):
            return self._membership(field, kind, operator, value, path)
        if operator == "known":
            if not isinstance(value, bool):
                self._wrong_value(field, operator, BOOLEAN.name, value, path)
                return Test(field, kind, "never")
            return Test(field, kind, "known", negated=not value)
        if operator in ORDER or operator == "contains":
            of = TEXT if operator == "contains" else kind
            converted = self._operand(field, of, operator, value, path)
            if operator == "contains":
                self.check_option(field, kind, converted, path)
            return Test(field, kind, "never" if converted is None else operator, converted)
        return self._special(field, kind, operator, value, path)

    def _equality(self, field: str, kind: Kind, items: list[tuple[Any, Path]], negated: bool, operator: str) -> Clause:
        """Equal to any of the items. Other fields are looked at where they stand in the list, so that constants
        before and after them are tests of their own."""
        parts: list[Clause] = []
        constants: list[Any] = []
        for raw, path in items:
            value = self._operand(field, kind, operator, raw, path)
            if isinstance(value, Ref):
                if constants:
                    parts.append(Test(field, kind, "eq", tuple(constants)))
                    constants = []
                parts.append(Test(field, kind, "eq", value))
            elif value is not None:
                self.check_option(field, kind, value, path)
                constants.append(value)
        if constants or not parts:
            parts.append(Test(field, kind, "eq", tuple(constants)))
        clause = joined(Either, parts)
        return negation(clause) if negated else clause

    def _membership(self, field: str, kind: Kind, operator: str, value: Any, path: Path) -> Clause:
        if isinstance(value, list):
            items = [(item, (*path, index)) for index, item in enumerate(value)]
            return self._equality(field, kind, items, EQUALITY[operator], operator)
        test = Test(field, kind, "never")
        ref = self._ref(value, path) if isinstance(value, str) else None
        if ref is None:
            self._wrong_value(field, operator, "list", value, path)
        elif ref is not _BROKEN:
            if ref.kind.name != "list" or kind.name != "text" or ref.shift:
                self._unlike(field, kind, ref, path)
            test = Test(field, kind, "in_list", ref)
        return negation(test) if EQUALITY[operator] else test

    def _operand(self, field: str, kind: Kind, operator: str, raw: Any, path: Path) -> Any:
        """The constant or Ref to compare with; None when there is none (it was reported)."""
        if isinstance(raw, str):
            ref = self._ref(raw, path)
            if ref is _BROKEN:
                return None
            if ref is not None:
                if ref.kind.name != kind.name:
                    self._unlike(field, kind, ref, path)
                return ref
        try:
            return constant(raw, kind, self.scope.calendar)
        except Unfit:
            self._wrong_value(field, operator, kind.name, raw, path)
            return None

    def _ref(self, raw: str, path: Path) -> Ref | None:
        """The field that a value names; None when it is a constant."""
        if not raw.startswith("field:"):
            return None
        match = _REF.fullmatch(raw)
        if match is None:
            self.problem(path, "bad-field-value", found=raw)
            return _BROKEN
        kind = self.kind(match[1], path)
        if kind is None:
            return _BROKEN
        if match[2] is None:
            return Ref(match[1], kind)
        if kind.name != "datetime":
            self.problem(path, "shift-not-datetime", field=match[1], kind=kind.name)
            return _BROKEN
        shift = self._duration(match[2], path, parse_elapsed, "field:G+D")
        return _BROKEN if shift is None else Ref(match[1], kind, shift)

    def _duration(self, raw: Any, path: Path, parse: Callable[[str], _T], operator: str) -> _T | None:
        if not isinstance(raw, str):
            self.problem(path, "bad-duration", found=described(raw))
            return None
        try:
            return parse(raw)
        except NotHere:
            self.problem(path, "duration-not-here", operator=operator, found=raw)
        except ValueError as error:
            self.problem(path, getattr(error, "code", "bad-duration"), **getattr(error, "params", {"found": raw}))
        return None

    def _special(self, field: str, kind: Kind, operator: str, value: Any, path: Path) -> Clause:
        never = Test(field, kind, "never")
        found: Any = None
        if operator in ("within_next", "longer_ago_than"):
            parse: Callable[[str], Any] = parse_duration if operator == "within_next" else parse_ago
            found = self._duration(value, path, parse, operator)
        elif not isinstance(value, str):
            self._wrong_value(field, operator, "text", value, path)
        elif operator == "during":
            found = self.scope.calendars.get(value)
            if found is None:
                self._undefined(path, "unknown-calendar", value, self.scope.calendars)
        elif _REF.fullmatch(value):
            self._wrong_value(field, operator, "text", value, path)  # nobody means the words `field:G`
        else:
            found = self._pattern(value, path)
        return never if found is None else Test(field, kind, operator, found)

    def _pattern(self, value: str, path: Path) -> Any:
        try:
            return re2.compile(value, _QUIET)
        except re2.error as error:
            why = error.args[0] if error.args else ""
            self.problem(path, "bad-regex", pattern=value, why=why.decode() if isinstance(why, bytes) else str(why))
            return None

    def check_option(self, field: str, kind: Kind, value: Any, path: Path) -> None:
        """Warns of a value that is none of the options of a choice."""
        if kind.options is None or isinstance(value, Ref):
            return
        for option in value if isinstance(value, list) else [value]:
            if isinstance(option, str) and option not in kind.options:
                hint, defined = near(option, kind.options), ", ".join(kind.options)
                self.problem(path, "unknown-option", "warning", field=field, value=option, near=hint, defined=defined)

    def _unlike(self, field: str, kind: Kind, ref: Ref, path: Path) -> None:
        self.problem(path, "unlike-kinds", field=field, kind=kind.name, other=ref.field, other_kind=ref.kind.name)

    def _wrong_value(self, field: str, operator: str, wanted: str, raw: Any, path: Path) -> None:
        self.problem(path, "wrong-value", field=field, operator=operator, wanted=wanted, found=described(raw))


_BROKEN = Ref("", TEXT)
