"""Lint of rules and conditions: rules never reached, conditions that never hold, values that nothing gives
(policy language, "Conditions", "classify", "route", "Values that depend on the case")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from server.core.clauses import ALWAYS, Clause, Every, Test
from server.core.conditions import ByCase, Condition
from server.core.coverage import unnamed_options, unreachable
from server.core.defined import Report
from server.core.findings import Path
from server.core.process import Action, Process


def check(report: Report, process: Process) -> None:
    """All decision lists, tables and conditions of a process."""
    for position, item in enumerate(process.classify):
        path: Path = ("classify", item.name)
        clauses = [rule.clause for rule in item.table.rules]
        _rules(report, path, clauses, assured=False, last_needed=item.name == "severity")
        if clauses and not item.table.always:
            _unnamed(report, path, clauses)
        if isinstance(process.raw["classify"][item.name], dict) and not item.table.always:
            _rows(report, process, path, process.raw["classify"][item.name])
        later = [other.name for other in process.classify[position:]]
        for name in item.table.fields:
            if name in later:
                report.warn(path, "table-reads-later", name=name, table=item.name)
    _severities(report, process)
    _route(report, process)
    for path, by_case in _by_case(process):
        if by_case is not None and by_case.table is not None:
            _rules(report, path, [rule.clause for rule in by_case.table.rules])
    for path, condition, action in _conditions(process):
        if condition is not None:
            condition_can_hold(report, path, condition.clause, _stages(process, action))


def condition_can_hold(report: Report, path: Path, clause: Clause, besides: Clause = ALWAYS) -> None:
    """Notes a condition that no issue can ever meet (`besides` is known to hold where it is asked)."""
    if unreachable([clause], assured=True):
        report.warn(path, "condition-never")
    elif besides != ALWAYS and unreachable([Every((besides, clause))], assured=True):
        report.warn(path, "action-never")


def _rules(
    report: Report, path: Path, clauses: Sequence[Clause], assured: bool = True, last_needed: bool = False
) -> None:
    for found in unreachable(clauses, assured):
        index = found.rule - 1
        if last_needed and index == len(clauses) - 1 and clauses[index] == ALWAYS and ALWAYS not in clauses[:index]:
            continue  # `severity` must have one
        if found.covered_by:
            rules = ", ".join(map(str, found.covered_by))
            report.warn((*path, index), "rule-unreachable", rule=found.rule, covered_by=rules)
        else:
            report.warn((*path, index), "rule-contradicts-itself", rule=found.rule)


def _unnamed(report: Report, path: Path, clauses: Sequence[Clause]) -> None:
    for field, options in unnamed_options(clauses).items():
        report.warn(path, "options-unnamed", field=field, options=", ".join(options))


def _rows(report: Report, process: Process, path: Path, raw: dict[str, Any]) -> None:
    """Options of the first choice that have no row in a look-up without `else`."""
    first = raw["from"][0] if isinstance(raw["from"], list) else raw["from"]
    kind = process.kinds.get(first)
    missing = [option for option in (kind.options if kind and kind.options else ()) if option not in raw["table"]]
    if missing:
        report.warn((*path, "table"), "options-unnamed", field=first, options=", ".join(missing))


def _severities(report: Report, process: Process) -> None:
    table = next(item.table for item in process.classify if item.name == "severity")
    for severity in process.severities:
        if severity not in table.outcomes:
            report.warn(("severities", severity), "severity-never-given", name=severity)


def _route(report: Report, process: Process) -> None:
    if not process.route:
        report.warn(("name",), "no-route")
        return
    clauses = [rule.when.clause if rule.when else ALWAYS for rule in process.route if not rule.field]
    if len(clauses) == len(process.route):  # a rule with `field:F` is passed over when the field is empty
        _rules(report, ("route",), clauses)
        if ALWAYS not in clauses:
            report.warn(("route",), "route-without-last")
            _unnamed(report, ("route",), clauses)


def _by_case(process: Process) -> Iterator[tuple[Path, ByCase[Any] | None]]:
    for id, clock in process.clocks.items():
        yield ("clocks", id, "every" if clock.recurring else "within"), clock.span
        yield ("clocks", id, "first"), clock.first
    for id, notice in process.notices.items():
        yield ("notify", id, "send"), notice.send
    for id, ladder in process.ladders.items():
        for index, rung in enumerate(ladder.rungs):
            yield ("ladders", id, "rungs", index, "within"), rung.within
    for index, automation in enumerate(process.automations):
        yield ("automate", index, "after"), automation.after
    for id, survey in process.surveys.items():
        yield ("surveys", id, "share"), survey.share


def _conditions(process: Process) -> Iterator[tuple[Path, Condition | None, Action | None]]:
    for id, action in process.actions.items():
        yield ("actions", id, "when"), action.when, action
    for id, notice in process.notices.items():
        yield ("notify", id, "when"), notice.when, None
    for id, ladder in process.ladders.items():
        yield ("ladders", id, "when"), ladder.when, None
    for index, automation in enumerate(process.automations):
        yield ("automate", index, "when"), automation.when, None
    for id, check in process.checks.items():
        yield ("checks", id, "when"), check.when, None
    for id, watch in process.watches.items():
        yield ("watches", id, "when"), watch.when, None


def _stages(process: Process, action: Action | None) -> Clause:
    """That the issue stands in one of the action's stages."""
    if action is None or action.sources is None:
        return ALWAYS
    return Test("stage", process.kinds["stage"], "eq", tuple(action.sources))
