"""References of what is timed: clocks and ladders (policy language, "clocks", "ladders")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core.defined import Defined, Report, cases, field_named
from server.core.findings import Path
from server.core.references_flow import events, stages, who

MOMENTS = ("date", "datetime")


def check(report: Report, process: Defined) -> None:
    """Everything that clocks and ladders name, but their channels and templates."""
    for id, body in process.raw.get("clocks", {}).items():
        _clock(report, process, ("clocks", id), body)
    for id, body in process.raw.get("ladders", {}).items():
        path: Path = ("ladders", id)
        for key in ("on", "climb_on", "until"):
            events(report, process, body.get(key), (*path, key))
        for index, rung in enumerate(body["rungs"]):
            who(report, process, rung["to"], (*path, "rungs", index, "to"))


def _clock(report: Report, process: Defined, path: Path, body: Mapping[str, Any]) -> None:
    for key in ("on", "until", "met_by"):
        events(report, process, body.get(key), (*path, key))
    stages(report, process, body.get("pause"), (*path, "pause"))
    for key in ("within", "every", "first"):
        for value, at, _ in cases(body.get(key), (*path, key)):
            _moment(report, process, at, value)
    _moment(report, process, (*path, "from"), body.get("from"))


def _moment(report: Report, process: Defined, path: Path, value: Any) -> None:
    field = field_named(value)
    if field is not None and report.known(path, "unknown-field", field, process.kinds):
        kind = process.kinds[field].name
        if kind not in MOMENTS:
            wanted = ", ".join(MOMENTS)
            report.add(path, "wrong-field-type", name=field, type=process.type_of(field), wanted=wanted)
