"""Lint of clocks: durations, marks and pauses (policy language, "clocks")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from server.core.calendars import Calendar
from server.core.conditions import ByCase
from server.core.defined import Report, cases, each
from server.core.durations import Duration
from server.core.findings import Path
from server.core.lint_flow import first_value
from server.core.moments import DAY, HOUR
from server.core.process import Clock, Process, Span

WEEK = 7 * DAY
HOURS_MEANT = 4 * HOUR
"""From here on hours by the clock reach beyond an office's day often enough to ask whether they are meant."""


def check(report: Report, process: Process) -> None:
    """All clocks."""
    for id, clock in process.clocks.items():
        path: Path = ("clocks", id)
        body = process.raw["clocks"][id]
        _ending(report, path, clock)
        for key, by_case in (("every" if clock.recurring else "within", clock.span), ("first", clock.first)):
            if by_case is not None:
                _length(report, (*path, key), clock, by_case, body[key], process.severities)
        _marks(report, path, clock, body)
        for stage, at in each(body.get("pause"), (*path, "pause")):
            if process.is_final(stage):
                report.warn(at, "pause-in-final", stage=stage)
    _restarting(report, process)
    _elapsed_hours(report, process)


def _restarting(report: Report, process: Process) -> None:
    """Clocks that start again, due at once, at the very breach that ended them: that instant would have no end."""
    for id, clock in process.clocks.items():
        if not _may_be_due_at_once(clock):
            continue
        raised = _raised(process, f"clock.{id}.breached")
        ends = raised & clock.until
        # A start that comes before the end is passed over: the run is still open then.
        if any(_raised(process, event) & clock.on for event in ends):
            report.add(("clocks", id, "on"), "clock-restarts-itself", clock=id)


def _may_be_due_at_once(clock: Clock) -> bool:
    """Whether a run may be due when it starts: by `now`, or by a moment in a field, which may be past."""
    first = (clock.first if clock.recurring and clock.first is not None else clock.span).outcomes
    return bool(clock.since) or any(span.duration.is_now if span.duration else bool(span.field) for span in first)


def _raised(process: Process, event: str) -> set[str]:
    """The event, and the breaches that it sets off at the same instant."""
    found, left = {event}, [event]
    while left:
        heard = left.pop()
        for id, clock in process.clocks.items():
            breach = f"clock.{id}.breached"
            if heard in clock.on and breach not in found and _may_be_due_at_once(clock):
                found.add(breach)
                left.append(breach)
    return found


def _ending(report: Report, path: Path, clock: Clock) -> None:
    if not clock.recurring and not clock.until:
        report.warn(path, "clock-without-until")
    if clock.recurring and not clock.met_by:
        report.warn(path, "clock-without-met-by")


def _length(report: Report, path: Path, clock: Clock, spans: ByCase[Span], raw: Any, severities: Sequence[str]) -> None:
    if spans.uses_now:
        report.add(path, "duration-uses-now")
    for value, at, _ in cases(raw, path):
        if value == "now" and path[-1] == "every":
            report.add(at, "every-does-not-move", value=value)
        elif value == "now":
            report.warn(at, "due-at-once")
    if spans.by_severity is not None:
        durations = {severity: span.duration for severity, span in spans.by_severity.items() if span.duration}
        graver(report, path, durations, clock.calendar, severities)


def graver(
    report: Report, path: Path, durations: dict[str, Duration], calendar: Calendar, severities: Sequence[str]
) -> None:
    """Notes a severity that is given more time than a milder one. `severities`: the most severe first, whatever the
    order in which the durations are written."""
    ranked = [severity for severity in severities if severity in durations]
    for severity, milder in pairwise(ranked):
        if _longer(durations[severity], durations[milder], calendar):
            report.warn(
                (*path, severity),
                "graver-has-more-time",
                severity=severity,
                time=durations[severity].text,
                milder=milder,
                less=durations[milder].text,
            )


def _longer(one: Duration, other: Duration, calendar: Calendar) -> bool:
    """Whether `one` is surely longer: about how long they are tells for durations of one sort; else by a margin."""
    mine, its = one.approximate_ms(calendar), other.approximate_ms(calendar)
    if one.is_working == other.is_working and one.ending == other.ending:
        return mine > its
    slack = 4 * DAY if other.ending or one.ending else 0
    return mine > 2 * its + slack


def _marks(report: Report, path: Path, clock: Clock, body: Mapping[str, Any]) -> None:
    """Marks that lie at or before the start of a run: they are passed over."""
    spans = list((clock.span.by_severity or {}).items())
    if clock.span.by_severity is None and clock.span.table is None:
        spans = [("", span) for span in clock.span.outcomes]
    for (_, at), mark in zip(each(body.get("warn"), (*path, "warn")), clock.warn, strict=True):
        over = [
            severity
            for severity, span in spans
            if span.duration and span.duration.is_elapsed and 0 < span.duration.clock_ms <= mark.before
        ]
        if over:
            report.warn(at, "warn-before-start", mark=mark.text, severities=", ".join(filter(None, over)))


def _elapsed_hours(report: Report, process: Process) -> None:
    """Once per process: it is one decision how an organisation counts hours."""
    found: list[str] = []
    first: Path | None = None
    for id, clock in process.clocks.items():
        if clock.calendar.open_ms_per_week() >= WEEK:
            continue
        durations = [span.duration for span in clock.span.outcomes if span.duration is not None]
        if any(duration.is_elapsed and duration.clock_ms >= HOURS_MEANT for duration in durations):
            key = "every" if clock.recurring else "within"
            first = first or _place(process, id, key)
            found.append(id)
    if first is not None:
        calendar = process.clocks[found[0]].calendar.name
        report.warn(first, "elapsed-hours", clocks=", ".join(found), calendar=calendar)


def _place(process: Process, id: str, key: str) -> Path:
    """The first of the clock's durations that counts by the clock."""
    raw = process.raw["clocks"][id][key]
    for value, at, _ in cases(raw, ("clocks", id, key)):
        if isinstance(value, str) and value.endswith(("h", "m")) and not value.endswith(("wh", "wm")):
            return at
    return first_value(raw, ("clocks", id, key))
