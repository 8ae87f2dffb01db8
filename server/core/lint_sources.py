"""Lint of sources (policy language, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core.defined import Report
from server.core.lint_measures import check_condition, period, scope_of
from server.core.process import Process


def check(report: Report, raw: Mapping[str, Any], processes: Mapping[str, Process]) -> None:
    """What a source leaves open, or cannot do."""
    if raw.get("verify", {}).get("scheme") == "none":
        report.warn(("verify", "scheme"), "source-unverified")
    if "again" in raw and "external_id" not in raw:
        report.warn(("again",), "again-without-external-id")
    sample = raw.get("sample")
    if sample is None:
        return
    period(report, (), raw["at"], sample["covers"])
    if float(str(sample["share"]).rstrip("%")) == 0:
        report.warn(("sample", "share"), "sample-draws-nothing")
    of = processes.get(sample["of"])
    if of is not None:
        if not any(stage.final for stage in of.stages.values()):
            report.warn(("sample", "of"), "sample-never-closed", process=of.name)
        if "where" in sample:
            named = {process.calendar.name: process.calendar for process in processes.values()}
            check_condition(report, ("sample", "where"), sample["where"], scope_of(of, named))
