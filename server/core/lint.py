"""Lint: what a sound document probably does not mean, and what cannot work though every name is defined.

Each finding has a code and an explanation in the catalogue. What is said is certain: a rule that is called unreachable
is; where that cannot be shown, nothing is said. Taste is not a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core import (
    lint_automation,
    lint_calendars,
    lint_clocks,
    lint_events,
    lint_flow,
    lint_ladders,
    lint_measures,
    lint_rules,
    lint_sources,
    lint_telling,
    lint_templates,
)
from server.core.calendars import Calendar
from server.core.defined import Report
from server.core.documents import Document
from server.core.findings import Finding
from server.core.moments import Moment
from server.core.process import Process


def lint_process(process: Process, calendars: Mapping[str, Calendar]) -> list[Finding]:
    """What is doubtful in a process that compiles, or cannot work; `calendars` are all that are present."""
    report = Report()
    flow = lint_flow.Flow(process)
    lint_rules.check(report, process)
    lint_flow.check(report, process, flow)
    lint_events.check(report, process, flow)
    lint_clocks.check(report, process)
    lint_ladders.check(report, process)
    lint_automation.check(report, process)
    lint_telling.check(report, process)
    lint_templates.check(report, process)
    lint_measures.check(report, process, calendars)
    return report.findings


def lint_source(raw: Mapping[str, Any], processes: Mapping[str, Process]) -> list[Finding]:
    """The same for a source; `processes` are those that compile."""
    report = Report()
    lint_sources.check(report, raw, processes)
    return report.findings


def lint_calendar(raw: Mapping[str, Any], calendar: Calendar, now: Moment) -> list[Finding]:
    """The same for a calendar, judged at `now`: holidays are announced year by year."""
    report = Report()
    lint_calendars.check(report, raw, calendar, now)
    return report.findings


def accepted(document: Document, findings: list[Finding], complete: bool = True) -> list[Finding]:
    """The findings without the warnings that the document accepts, and a warning for each code that it accepts
    without need. Not `complete`: not everything was looked at, and what is not needed cannot be told."""
    accept = document.value.get("accept", {})
    if not isinstance(accept, Mapping):
        return findings
    occurring = {finding.code for finding in findings if finding.level == "warning"}
    kept = [finding for finding in findings if finding.level != "warning" or finding.code not in accept]
    if not complete:
        return kept
    unused = [
        Finding("accept-unused", ("accept", code), {"code": code}, "warning")
        for code in accept
        if code not in occurring
    ]
    return [*kept, *unused]
