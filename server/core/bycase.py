"""Values by case: one for all, one per severity, or a decision list (policy language, "Values that depend on the
case")."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Generic, TypeVar

from server.core.findings import Finding
from server.core.judged import View
from server.core.kinds import Scope, near
from server.core.tables import Table, compile_rules, distinct

T = TypeVar("T")


class ByCase(Generic[T]):
    """A value that depends on the case. `value(view)` gives it, or None when this case has none; `outcomes` are all
    that it can give; `fields` and `uses_now` say what it depends on; `table` is its decision list, `by_severity` its
    map, if it has that form; `problems` are findings, with paths relative to it."""

    def __init__(
        self,
        value: Callable[[View], T | None],
        outcomes: tuple[T, ...],
        problems: tuple[Finding, ...],
        by_severity: dict[str, T] | None = None,
        table: Table | None = None,
    ) -> None:
        self.value = value
        self.outcomes = outcomes
        self.problems = problems
        self.by_severity = by_severity
        self.table = table
        self.fields: tuple[str, ...] = ()
        if by_severity is not None:
            self.fields = ("severity",)
        elif table is not None:
            self.fields = table.fields
        self.events: tuple[str, ...] = table.events if table is not None else ()
        self.uses_now = table is not None and table.uses_now


def compile_by_case(
    raw: Any,
    scope: Scope,
    parse_value: Callable[[Any], T],
    severities: Collection[str],
    plain_maps: bool = False,
) -> ByCase[T]:
    """Compiles a value by case. `parse_value` reads one value; a ValueError of it becomes a finding (with its `code`
    and `params`, if it has them). A map goes by severity; with `plain_maps`, only one with a severity among its keys
    does, and every other is a plain value."""
    problems: list[Finding] = []

    def parsed(value: Any, path: tuple[str | int, ...]) -> list[T]:
        try:
            return [parse_value(value)]
        except ValueError as error:
            code = getattr(error, "code", "bad-value")
            problems.append(Finding(code, path, dict(getattr(error, "params", {"found": str(error)}))))
            return []

    if _is_decision_list(raw):
        return _of_rules(raw, scope, parsed, problems)
    if isinstance(raw, dict) and (not plain_maps or any(key in severities for key in raw)):
        return _of_severities(raw, parsed, severities, problems)
    values = parsed(raw, ())
    plain = values[0] if values else None
    return ByCase(lambda view: plain, tuple(values), tuple(problems))


def _is_decision_list(raw: Any) -> bool:
    return isinstance(raw, list) and any(isinstance(row, dict) and "is" in row for row in raw)


def _of_rules(
    raw: list[Any],
    scope: Scope,
    parsed: Callable[[Any, tuple[str | int, ...]], list[T]],
    problems: list[Finding],
) -> ByCase[T]:
    rules: list[tuple[T | None, Any]] = []
    values: list[T] = []
    for index, row in enumerate(raw):
        read: list[T] = []
        if not isinstance(row, dict) or "is" not in row or not row.keys() <= {"is", "when"}:
            problems.append(Finding("bad-rule", (index,)))
        else:
            read = parsed(row["is"], (index, "is"))
        values.extend(read)
        rules.append((read[0] if read else None, row.get("when") if isinstance(row, dict) else None))
    table = compile_rules(rules, scope)
    decide = table.decide

    def value(view: View) -> T | None:
        decision = decide(view)
        return None if decision is None else decision.value

    return ByCase(value, distinct(values), (*problems, *table.problems), table=table)


def _of_severities(
    raw: dict[str, Any],
    parsed: Callable[[Any, tuple[str | int, ...]], list[T]],
    severities: Collection[str],
    problems: list[Finding],
) -> ByCase[T]:
    values: dict[str, T] = {}
    for key, item in raw.items():
        if key not in severities:
            params = {"name": str(key), "near": near(str(key), severities), "defined": ", ".join(severities)}
            problems.append(Finding("unknown-severity", (key,), params))
        for value in parsed(item, (key,)):
            values[key] = value
    return ByCase(
        lambda view: values.get(view.facts.get("severity", "")),
        distinct(values.values()),
        tuple(problems),
        by_severity=values,
    )


def relocated(problems: Collection[Finding], prefix: tuple[str | int, ...]) -> list[Finding]:
    """The findings with the prefix before their paths: where the compiled thing stands in the document."""
    return [replace(problem, path=(*prefix, *problem.path)) for problem in problems]
