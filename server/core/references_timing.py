"""References of what is timed: clocks and ladders (policy language, "clocks", "ladders")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.core.defined import Defined, Report, cases, each, field_named
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
    _circles(report, process)


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


def _circles(report: Report, process: Defined) -> None:
    """A rung whose people are those on a rung, and so on back to its own ladder: nobody could tell who that is."""
    ladders = process.raw.get("ladders", {})
    named = {id: {name for _, name in _rungs_named(body, ())} for id, body in ladders.items()}
    for id, body in ladders.items():
        for path, name in _rungs_named(body, ("ladders", id)):
            if id in _reached(name, named):
                report.add(path, "rung-circle", ladder=id)


def _rungs_named(body: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    for index, rung in enumerate(body["rungs"]):
        for text, at in each(rung["to"], (*path, "rungs", index, "to")):
            if text.startswith("rung:"):
                yield at, text.removeprefix("rung:")


def _reached(start: str, named: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(named.get(name, ()))
    return found
