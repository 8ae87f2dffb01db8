"""Lint of targets and reports: conditions that do not hold, figures that cannot be compared, reports to nobody
(policy language, "measures, targets, reports")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.core.bycase import relocated
from server.core.calendars import Calendar
from server.core.conditions import compile_condition
from server.core.defined import Report, each
from server.core.durations import BadDuration, parse_duration
from server.core.findings import Finding, Path
from server.core.kinds import CalendarLike, Scope
from server.core.lint_rules import condition_can_hold
from server.core.process import Process
from server.core.schedules import BadSchedule, parse_schedule

OF_AN_ISSUE = ("owner", "receiver", "actor", "team", "lead", "customer", "watchers", "involved", "anyone")
SHARES = ("on_time", "share", "satisfaction", "returned", "complete", "repeated")
NUMBERS = ("count", "open")
LONGER_THAN = {"daily": 1, "workdays": 1, "weekly": 2, "monthly": 3, "yearly": 4}
COVERED = {"day": 1, "week": 2, "month": 3}


def check(report: Report, process: Process, calendars: Mapping[str, Calendar]) -> None:
    """All targets and reports."""
    scope = scope_of(process, calendars)
    for path, condition in _conditions(process.raw):
        check_condition(report, path, condition, scope)
    for id, target in process.raw.get("targets", {}).items():
        _target(report, ("targets", id), target)
    for id, body in process.raw.get("reports", {}).items():
        at: Path = ("reports", id)
        for key in ("to", "draft_for"):
            for who, place in each(body.get(key), (*at, key)):
                if who.split("+")[0] in (*OF_AN_ISSUE, "supervisor") or who.startswith(("rung:", "did:", "field:")):
                    report.warn(place, "report-to-nobody", who=who)
        if "preferred" in body["via"]:
            report.warn((*at, "via"), "preferred-without-customer")
        period(report, at, body["at"], body["covers"])


def scope_of(process: Process, calendars: Mapping[str, Calendar]) -> Scope:
    """What a condition over a process's issues may name."""
    named: dict[str, CalendarLike] = dict(calendars)
    return Scope(process.kinds, process.calendar, process.events, named)


def check_condition(report: Report, path: Path, raw: Any, scope: Scope) -> None:
    """Compiles a condition: its problems, and whether it can ever hold."""
    condition = compile_condition(raw, scope)
    report.findings += relocated(condition.problems, path)
    if not condition.problems:
        condition_can_hold(report, path, condition.clause)


def period(report: Report, path: Path, at: Any, covers: str) -> None:
    """Notes figures that come more often than their period ends, or leave periods out."""
    for text, place in each(at, (*path, "at")):
        try:
            every = parse_schedule(text).every
        except BadSchedule as error:
            report.findings.append(Finding(error.code, place, error.params))
            continue
        if LONGER_THAN[every] < COVERED[covers]:
            report.warn(place, "report-repeats", covers=covers, text=text)
        elif LONGER_THAN[every] > COVERED[covers] and not isinstance(at, list):
            report.warn(place, "report-leaves-out", covers=covers, text=text)


def _conditions(raw: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for id, target in raw.get("targets", {}).items():
        if "where" in target:
            yield ("targets", id, "where"), target["where"]
        yield from _of_measure(target["measure"], ("targets", id, "measure"))
    for id, body in raw.get("reports", {}).items():
        for index, measure in enumerate(body["show"]):
            yield from _of_measure(measure, ("reports", id, "show", index))


def _of_measure(measure: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if not isinstance(measure, dict):
        return
    name, argument = next(iter(measure.items()))
    if isinstance(argument, dict) and "where" in argument:
        yield (*path, name, "where"), argument["where"]
    if name == "share":
        if isinstance(argument, dict) and "of" in argument:
            yield (*path, name, "of"), argument["of"]
        else:
            yield (*path, name), argument


def _target(report: Report, path: Path, target: Mapping[str, Any]) -> None:
    measure = target["measure"]
    name = measure if isinstance(measure, str) else next(iter(measure))
    wanted = "percent" if name in SHARES else "duration" if name == "mean" else "number" if name in NUMBERS else ""
    if not wanted:
        report.add((*path, "measure"), "target-without-figure", measure=name)
        return
    for key in ("at_least", "at_most"):
        value = target.get(key)
        if value is not None and _form(value) != wanted:
            report.add((*path, key), "target-unlike", measure=name, wanted=wanted, value=str(value))


def _form(value: Any) -> str:
    if not isinstance(value, str):
        return "number"
    if value.endswith("%"):
        return "percent"
    try:
        parse_duration(value)
    except BadDuration:
        return "text"
    return "duration"
