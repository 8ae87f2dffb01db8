"""Conditions, compiled once per version of a document (policy language, "Conditions").

condition = compile_condition({"field": "impact", "is": "stopped"}, Scope({"impact": TEXT}))
condition.holds(View({"impact": "stopped"}, now=0))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.core.bycase import ByCase, compile_by_case
from server.core.clauses import Clause, events_of, fields_of, uses_now
from server.core.findings import Finding
from server.core.generated import Writer
from server.core.judged import Decision, View
from server.core.kinds import BOOLEAN, DATE, DATETIME, LIST, NUMBER, TEXT, CalendarLike, Kind, Scope
from server.core.reading import Reader
from server.core.tables import Table, compile_rules, compile_table

__all__ = [
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "LIST",
    "NUMBER",
    "TEXT",
    "ByCase",
    "CalendarLike",
    "Condition",
    "Decision",
    "Kind",
    "Scope",
    "Table",
    "View",
    "compile_by_case",
    "compile_condition",
    "compile_rules",
    "compile_table",
]


class Condition:
    """A compiled condition. `holds(view)` says whether it is true of an issue; `problems` are the findings, with
    paths relative to the condition (a test with an error is never met); `fields`, `events` are what it may look at;
    `uses_now`: it may change by time alone."""

    def __init__(self, clause: Clause, problems: tuple[Finding, ...], calendar: CalendarLike | None) -> None:
        self.clause = clause
        self.problems = problems
        self.fields = fields_of(clause)
        self.events = events_of(clause)
        self.uses_now = uses_now(clause)
        self.holds: Callable[[View], bool] = _written(clause, calendar)


def compile_condition(raw: Any, scope: Scope) -> Condition:
    """Compiles a condition as read from YAML. Raises nothing: what is wrong is in `.problems`."""
    reader = Reader(scope)
    clause = reader.condition(raw)
    return Condition(clause, tuple(reader.problems), scope.calendar)


def _written(clause: Clause, calendar: CalendarLike | None) -> Callable[[View], bool]:
    writer = Writer(calendar, explain=False)
    writer.when(clause, writer.lines_of("return True"), frozenset(), 1, True)
    writer.line(1, "return False")
    return writer.function("holds", [clause], {})
