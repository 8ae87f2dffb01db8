"""Tests of conditions as literals over finite domains: what two conditions have to do with each other.

The values that a field can have fall into cells that no test tells apart: the options of a choice, true and false,
the points and gaps between the numbers that tests name; and "no value". What cannot be decided from the value alone
(a regular expression, another field, the time) is a variable of its own, tied to the others by constraints as far as
they are certain. There may be assignments that no issue can have, never the other way round: what cannot be met here
can be met by no issue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from enum import Enum
from itertools import combinations
from math import ceil, floor
from typing import Any

from server.core.clauses import Clause, Happened, Test, leaves
from server.core.durations import Duration
from server.core.kinds import Kind
from server.core.satisfying import Constraint, Literal


class Cell(Enum):
    """Cells that are no value that a test names."""

    NO_VALUE = "no value"
    OTHER = "a text or list that no test names, and not empty"


NO_VALUE, OTHER = Cell.NO_VALUE, Cell.OTHER
LESS, EQUAL, GREATER, LACKING = 1, 2, 4, 8  # how a field compares with another one
TRUE, FALSE = 1, 2

_SIDES = {"at_least": GREATER | EQUAL, "at_most": LESS | EQUAL, "more_than": GREATER, "less_than": LESS, "eq": EQUAL}
_ORDERED = ("number", "date", "datetime")


class Space:
    """The variables, domains and ties of some clauses; `literal(leaf)` says a test of them. Ties are constraints that
    every issue meets.

    `assured`: fields whose kind says so are taken to have a value always."""

    def __init__(self, clauses: Iterable[Clause], assured: bool) -> None:
        self.domains: list[int] = []
        self.ties: list[Constraint] = []
        self._literals: dict[int, Literal] = {}  # by the identity of a test in the clauses
        self._names: dict[Any, int] = {}
        self._cells: dict[str, Sequence[Any]] = {}
        self._contained: dict[str, list[tuple[Any, int]]] = {}
        self._kinds: dict[str, Kind] = {}
        self._timed: dict[str, list[tuple[str, Duration, int]]] = {}
        tests = [leaf for clause in clauses for leaf in leaves(clause)]
        for field, kind in _kinds_of(tests).items():
            self._kinds[field] = kind
            self._cells[field] = _cells(field, kind, [test for test in tests if _names(test, field)], assured)
            self._variable(("field", field), (1 << len(self._cells[field])) - 1)
        for leaf in tests:
            self._literals[id(leaf)] = self._positive(leaf)
        self._tie_options()
        self._tie_durations()

    def literal(self, leaf: Test | Happened) -> Literal:
        """The literal that holds when the test is met."""
        found = self._literals.get(id(leaf))
        literal = self._positive(leaf) if found is None else found
        return self._not(literal) if leaf.negated else literal

    def _positive(self, leaf: Test | Happened) -> Literal:
        return self._happened(leaf) if isinstance(leaf, Happened) else self._test(leaf)

    def new(self) -> int:
        """A further variable that is true or false."""
        self.domains.append(TRUE | FALSE)
        return len(self.domains) - 1

    def full(self, variable: int) -> int:
        """All cells of a variable."""
        return self.domains[variable]

    def _variable(self, name: Any, domain: int) -> int:
        if name not in self._names:
            self._names[name] = len(self.domains)
            self.domains.append(domain)
        return self._names[name]

    def _where(self, field: str, holds: Callable[[Any], bool]) -> Literal:
        """That the field's value lies in the cells for which `holds` is true."""
        mask = sum(1 << index for index, cell in enumerate(self._cells[field]) if holds(cell))
        return self._names[("field", field)], mask

    def _implied(self, condition: Literal, consequence: Literal) -> None:
        self.ties.append((self._not(condition), consequence))

    def _not(self, literal: Literal) -> Literal:
        return literal[0], self.full(literal[0]) & ~literal[1]

    def _happened(self, leaf: Happened) -> Literal:
        known = ("happened", leaf.event, leaf.since) in self._names
        literal = self._variable(("happened", leaf.event, leaf.since), TRUE | FALSE), TRUE
        if leaf.since is not None and not known:
            event = self._happened(Happened(leaf.event))
            since = self._happened(Happened(leaf.since))
            self._implied(literal, event)
            self.ties.append((self._not(event), since, literal))
            if leaf.event == leaf.since:
                self.ties.append((self._not(literal),))
        return literal

    def _test(self, test: Test) -> Literal:
        field, kind = test.field, test.kind
        if test.ref is not None:
            return self._compared(test)
        if test.op == "never":
            return self._where(field, lambda cell: False)
        if test.op == "known":
            return self._where(field, lambda cell: cell not in (NO_VALUE, "", ()))
        if kind.name in _ORDERED and test.op in _SIDES:
            return self._ordered(test)
        if test.op == "eq":
            values = [_frozen(value) for value in test.value]
            return self._where(field, lambda cell: any(type(cell) is type(v) and cell == v for v in values))
        if test.op == "contains":
            return self._opaque(test, _frozen(test.value), lambda cell: _contains(cell, test.value))
        if test.op == "matches":
            return self._opaque(test, test.value.pattern, lambda cell: test.value.search(cell) is not None)
        return self._timely(test)

    def _ordered(self, test: Test) -> Literal:
        side = _SIDES[test.op]
        points = test.value if test.op == "eq" else (test.value,)
        numbers = [_number(test.kind, point) for point in points]
        return self._where(
            test.field,
            lambda cell: cell != NO_VALUE and any(_side(cell, number) & side for number in numbers),
        )

    def _opaque(self, test: Test, value: Any, holds: Callable[[Any], bool]) -> Literal:
        """A test that is decided for the values that are named, and open for every other."""
        name = (test.op, test.field, value)
        if OTHER not in self._cells[test.field]:
            return self._where(test.field, lambda cell: cell != NO_VALUE and holds(cell))
        known = name in self._names
        literal = self._variable(name, TRUE | FALSE), TRUE
        if not known:
            self._implied(literal, self._where(test.field, lambda c: c == OTHER or (c != NO_VALUE and holds(c))))
            self._implied(self._not(literal), self._where(test.field, lambda c: c in (OTHER, NO_VALUE) or not holds(c)))
            if test.op == "contains":
                self._tie_contained(test, literal)
        return literal

    def _tie_contained(self, test: Test, literal: Literal) -> None:
        """A text that contains a longer one contains its parts."""
        others = self._contained.setdefault(test.field, [])
        for value, variable in others if test.kind.name == "text" else []:
            if value.casefold() in test.value.casefold():
                self._implied(literal, (variable, TRUE))
            if test.value.casefold() in value.casefold():
                self._implied((variable, TRUE), literal)
        others.append((test.value, literal[0]))

    def _timely(self, test: Test) -> Literal:
        shown = test.value.text if isinstance(test.value, Duration) else id(test.value)
        name = (test.op, test.field, shown)
        known = name in self._names
        literal = self._variable(name, TRUE | FALSE), TRUE
        if not known:
            self._implied(literal, self._where(test.field, lambda cell: cell != NO_VALUE))
            if isinstance(test.value, Duration):
                self._timed.setdefault(test.field, []).append((test.op, test.value, literal[0]))
        return literal

    def _compared(self, test: Test) -> Literal:
        """A test against another field: how the two compare is a variable, lacking when one has no value."""
        ref = test.ref
        assert ref is not None
        one = self._where(test.field, lambda cell: cell != NO_VALUE)
        other = self._where(ref.field, lambda cell: cell != NO_VALUE)
        wanted = "text" if test.op == "contains" else "list" if test.op == "in_list" else test.kind.name
        if ref.kind.name != wanted:
            return self._where(test.field, lambda cell: False)
        kind_of_test = "order" if test.op in _SIDES else test.op
        domain = LESS | EQUAL | GREATER | LACKING
        if kind_of_test != "order" or test.kind.name not in _ORDERED:
            domain = LESS | EQUAL | LACKING
        name = (kind_of_test, test.field, ref.field, ref.shift)
        known = name in self._names
        variable = self._variable(name, domain)
        if not known:
            compared = (variable, domain & ~LACKING)
            self._implied(compared, one)
            self._implied(compared, other)
            self.ties.append((self._not(one), self._not(other), compared))
        return variable, _SIDES.get(test.op, EQUAL)

    def _tie_options(self) -> None:
        """A list that is not empty has one of the options of its choice."""
        for field, tests in self._contained.items():
            kind = self._kinds[field]
            if kind.name == "list" and kind.options and set(kind.options) <= {value for value, _ in tests}:
                named = self._not(self._where(field, lambda cell: cell == OTHER))
                self.ties.append((named, *((v, TRUE) for value, v in tests if value in kind.options)))

    def _tie_durations(self) -> None:
        """What lies in the next day lies in the next week; what is ahead is not long ago."""
        for tests in self._timed.values():
            for (op, span, variable), (other_op, other_span, other) in combinations(tests, 2):
                if op != other_op:
                    self.ties.append(((variable, FALSE), (other, FALSE)))
                    continue
                for shorter, longer, one, two in (
                    (span, other_span, variable, other),
                    (other_span, span, other, variable),
                ):
                    if _no_longer(shorter, longer):
                        narrow, wide = (one, two) if op == "within_next" else (two, one)
                        self._implied((narrow, TRUE), (wide, TRUE))


def _kinds_of(tests: Iterable[Test | Happened]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for test in tests:
        if isinstance(test, Test):
            found.setdefault(test.field, test.kind)
            if test.ref is not None:
                found.setdefault(test.ref.field, test.ref.kind)
    return found


def _names(test: Test | Happened, field: str) -> bool:
    return isinstance(test, Test) and test.field == field and test.ref is None


def _cells(field: str, kind: Kind, tests: Sequence[Any], assured: bool) -> list[Any]:
    """The cells of a field: values that are named, gaps between them, and whatever else there can be."""
    lacking = [] if field == "now" or (assured and kind.always) else [NO_VALUE]
    if kind.name == "boolean":
        return [*lacking, False, True]
    if kind.name == "text" and kind.options is not None:
        return [*lacking, *kind.options]
    if kind.name in _ORDERED:
        named = [v for t in tests if t.op in _SIDES for v in (t.value if t.op == "eq" else (t.value,))]
        whole = kind.whole or kind.name != "number"
        return [*lacking, *_intervals(sorted({_number(kind, value) for value in named}), whole)]
    named = [_frozen(value) for test in tests if test.op == "eq" for value in test.value]
    return [*lacking, *dict.fromkeys(["" if kind.name == "text" else (), *named]), OTHER]


def _intervals(points: Sequence[float], whole: bool) -> list[tuple[str, float | None, float | None]]:
    """The points as ("in", p, p), and the gaps between them, before and after, without those that hold no value."""
    edges: list[float | None] = [None, *points, None]
    found: list[tuple[str, float | None, float | None]] = []
    for low, high in zip(edges, edges[1:], strict=False):
        if not whole or low is None or high is None or floor(low) + 1 <= ceil(high) - 1:
            found.append(("in", low, high))
        if high is not None and (not whole or high == floor(high)):
            found.append(("in", high, high))
    return found


def _side(cell: tuple[str, float | None, float | None], point: float) -> int:
    """Whether a cell's values are less than, equal to or greater than the point, which is one of the edges."""
    _, low, high = cell
    if low is not None and low == high == point:
        return EQUAL
    return GREATER if low is not None and low >= point else LESS


def _number(kind: Kind, value: Any) -> Any:
    return date.fromisoformat(value).toordinal() if kind.name == "date" else value


def _contains(cell: Any, value: str) -> bool:
    return value in cell if isinstance(cell, tuple) else value.casefold() in cell.casefold()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _no_longer(shorter: Duration, longer: Duration) -> bool:
    """Whether the first never reaches further, told unit by unit; open time is not compared."""
    if not (shorter.can_be_subtracted and longer.can_be_subtracted):
        return False
    return shorter.months <= longer.months and shorter.days <= longer.days and shorter.clock_ms <= longer.clock_ms
