"""Lint of ladders: rungs that are never reached, times that no severity would understand (policy language,
"ladders")."""

from __future__ import annotations

from server.core.defined import Report
from server.core.findings import Path
from server.core.lint_clocks import graver
from server.core.process import Ladder, Process


def check(report: Report, process: Process) -> None:
    """All ladders."""
    for id, ladder in process.ladders.items():
        path: Path = ("ladders", id)
        if not ladder.until:
            report.warn(path, "ladder-without-until")
        if not ladder.climb_on:
            _by_time_alone(report, path, ladder)
        for index, rung in enumerate(ladder.rungs):
            if rung.within is None:
                continue
            at: Path = (*path, "rungs", index, "within")
            if "now" in [duration.text for duration in rung.within.outcomes]:
                report.warn(at, "due-at-once")
            if rung.within.by_severity is not None:
                graver(report, at, rung.within.by_severity, process.calendar, process.severities)


def _by_time_alone(report: Report, path: Path, ladder: Ladder) -> None:
    """A rung without `within` is not left by time."""
    for index, rung in enumerate(ladder.rungs[:-1]):
        if rung.within is None:
            report.warn((*path, "rungs", index + 1), "rung-never-reached", rung=index + 1)
            return
    if ladder.repeat and ladder.rungs[-1].within is None:
        report.warn((*path, "repeat"), "repeat-never")
