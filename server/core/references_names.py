"""References: names that a process gives itself. One namespace for field names, classified names and survey questions,
one for actions and what every issue has; `severity` must always give one of the severities (policy language,
"Words and values", "classify")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server.core import values
from server.core.defined import Defined, Report
from server.core.findings import Path, dotted
from server.core.kinds import described

BUILT_IN_NAMES = frozenset((*values.OWN, *values.SET_BY_SERVER, "extra"))
IN_TEMPLATES = ("clocks", "history", "link", "late")


def check(report: Report, process: Defined) -> None:
    """Names given twice, and the values of the table `severity`."""
    _one_namespace(report, process)
    if "received" in process.own_actions:
        report.add(("actions", "received"), "name-built-in", name="received", what="event")
    _severity(report, process)


def _one_namespace(report: Report, process: Defined) -> None:
    taken: dict[str, Path] = {}
    for name, path in _names(process):
        if name in BUILT_IN_NAMES and path != ("classify", "severity"):
            report.add(path, "name-built-in", name=name, what="field")
        elif name in taken:
            report.add(path, "name-twice", name=name, first=dotted(taken[name]))
        else:
            taken[name] = path
        if name in IN_TEMPLATES:
            report.warn(path, "name-hidden-in-templates", name=name)


def _names(process: Defined) -> Iterator[tuple[str, Path]]:
    for name in process.fields:
        yield name, ("fields", name)
    for name in process.classified:
        yield name, ("classify", name)
    for survey, body in process.surveys.items():
        for name in body.get("questions", {}):
            yield name, ("surveys", survey, "questions", name)


def _severity(report: Report, process: Defined) -> None:
    table = process.classified["severity"]
    at: Path = ("classify", "severity")
    if isinstance(table, list):
        outcomes = [(rule["is"], (*at, index, "is")) for index, rule in enumerate(table)]
        always = any("when" not in rule for rule in table)
    else:
        outcomes = list(_rows(table["table"], (*at, "table")))
        always = "else" in table
        if always:
            outcomes.append((table["else"], (*at, "else")))
    for value, path in outcomes:
        if isinstance(value, bool):  # `true` is no id, even where a severity is called so
            report.add(path, "wrong-type", expected="string", found="boolean", quoted=f'"{described(value)}"')
        else:
            report.known(path, "unknown-severity", described(value), process.severities)
    if not always:
        report.add(at, "severity-without-last-rule")


def _rows(rows: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    if isinstance(rows, dict):
        for key, below in rows.items():
            yield from _rows(below, (*path, key))
    else:
        yield rows, path
