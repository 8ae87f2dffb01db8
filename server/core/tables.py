"""Tables: decision lists and look-ups, judged with their explanation (policy language, "classify", "route")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.core.clauses import ALWAYS, Clause, Every, events_of, fields_of, uses_now
from server.core.findings import Finding
from server.core.generated import Writer
from server.core.judged import Decision, View
from server.core.kinds import Scope
from server.core.lookups import Lookup, read_lookup
from server.core.reading import Reader

__all__ = ["Decision", "Rule", "Table", "compile_rules", "compile_table"]

Decide = Callable[[View], Decision | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a decision list, as it is judged; `clause` is ALWAYS for a rule without a condition."""

    value: Any
    clause: Clause


@dataclass(frozen=True, slots=True)
class Table:
    """A compiled table. `decide(view)` gives the Decision, or None when nothing fits. `outcomes`: the values that it
    can give, each once, in order; `always`: it gives one for every issue; `fields`, `events`: what it may look at;
    `rules`: those of a decision list; `lookup`: the rows of a look-up; `problems`: findings, with paths relative to
    the table."""

    name: str
    decide: Decide
    outcomes: tuple[Any, ...]
    always: bool
    fields: tuple[str, ...]
    events: tuple[str, ...]
    uses_now: bool
    rules: tuple[Rule, ...]
    problems: tuple[Finding, ...]
    lookup: Lookup | None = None


def compile_table(name: str, raw: Any, scope: Scope) -> Table:
    """Compiles a table of `classify`: a decision list `[{is, when}]` or a look-up `{from, table, else}`. Raises
    nothing: what is wrong is in `.problems`, and never fits."""
    if isinstance(raw, dict):
        return _lookup(name, raw, scope)
    reader = Reader(scope)
    rules: list[Rule] = []
    for index, row in enumerate(raw if isinstance(raw, list) else [raw]):
        if not isinstance(row, dict) or "is" not in row:
            reader.problem((index,) if isinstance(raw, list) else (), "bad-table", name=name)
            continue
        clause = reader.condition(row["when"], (index, "when")) if "when" in row else ALWAYS
        rules.append(Rule(row["is"], clause))
    return _of_rules(name, rules, scope, reader)


def compile_rules(rules: Sequence[tuple[Any, Any]], scope: Scope, name: str = "rules") -> Table:
    """Compiles rules `(value, condition or None)`, first match wins; the values may be any objects. Paths of
    problems: `(index, "when", …)`."""
    reader = Reader(scope)
    read = [
        Rule(value, ALWAYS if condition is None else reader.condition(condition, (index, "when")))
        for index, (value, condition) in enumerate(rules)
    ]
    return _of_rules(name, read, scope, reader)


def _of_rules(name: str, rules: list[Rule], scope: Scope, reader: Reader) -> Table:
    together = Every(tuple(rule.clause for rule in rules))
    return Table(
        name=name,
        decide=_written(rules, scope),
        outcomes=distinct(rule.value for rule in rules),
        always=any(rule.clause == ALWAYS for rule in rules),
        fields=fields_of(together),
        events=events_of(together),
        uses_now=uses_now(together),
        rules=tuple(rules),
        problems=tuple(reader.problems),
    )


def _written(rules: Sequence[Rule], scope: Scope) -> Decide:
    writer = Writer(scope.calendar, explain=True)
    seen: frozenset[str] = frozenset()
    for number, rule in enumerate(rules, 1):
        given = f"return new(Decision, ({writer.bindings.bind(rule.value)}, {number}, facts))"
        if rule.clause == ALWAYS:
            writer.line(1, given)
            break
        seen = writer.when(rule.clause, writer.lines_of(given), seen, 1, True)
    else:
        writer.line(1, "return None")
    return writer.function("decide", [rule.clause for rule in rules], {"Decision": Decision, "new": tuple.__new__})


def _lookup(name: str, raw: dict[str, Any], scope: Scope) -> Table:
    reader = Reader(scope)
    lookup = read_lookup(name, raw, reader)
    return Table(
        name=name,
        decide=lookup.decide,
        outcomes=distinct(lookup.values()),
        always=lookup.has_else,
        fields=lookup.fields,
        events=(),
        uses_now="now" in lookup.fields,
        rules=(),
        problems=tuple(reader.problems),
        lookup=lookup,
    )


def distinct(values: Any) -> tuple[Any, ...]:
    """The values in order, each once; True is not 1."""
    found: list[Any] = []
    for value in values:
        if not any(type(other) is type(value) and other == value for other in found):
            found.append(value)
    return tuple(found)
