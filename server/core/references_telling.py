"""References of what is told and counted: notices, the steps of rungs, surveys, watches, targets and reports
(policy language, "notify" to "templates")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.core.defined import Defined, Report, each
from server.core.findings import Path
from server.core.references_flow import events, who

Channels = tuple[str, ...] | None
PREFERRED = "preferred"


def check(report: Report, process: Defined, channels: Channels) -> None:
    """Everything that these parts name. `channels`: those defined; None when nobody knows (that was reported)."""
    telling = _Telling(report, process, channels)
    for id, body in process.raw.get("notify", {}).items():
        telling.notice(("notify", id), body)
    for id, body in process.raw.get("ladders", {}).items():
        for index, rung in enumerate(body["rungs"]):
            telling.rung(("ladders", id, "rungs", index), rung)
    for id, body in process.surveys.items():
        events(report, process, body["on"], ("surveys", id, "on"))
        telling.via(body["via"], ("surveys", id, "via"))
    for id, body in process.raw.get("watches", {}).items():
        for name, at in each(body.get("same"), ("watches", id, "same")):
            report.known(at, "unknown-field", name, process.kinds)
    for id, body in process.raw.get("targets", {}).items():
        telling.measure(("targets", id, "measure"), body["measure"])
    for id, body in process.raw.get("reports", {}).items():
        telling.report_document(("reports", id), body)


class _Telling:
    def __init__(self, report: Report, process: Defined, channels: Channels) -> None:
        self.report = report
        self.process = process
        self.channels = channels

    def via(self, value: Any, path: Path) -> None:
        if self.channels is None:
            return
        for name, at in each(value, path):
            if name != PREFERRED:
                self.report.known(at, "unknown-channel", name, self.channels)

    def notice(self, path: Path, body: Mapping[str, Any]) -> None:
        for key in ("on", "until"):
            events(self.report, self.process, body.get(key), (*path, key))
        self.steps(body["steps"], (*path, "steps"))

    def rung(self, path: Path, body: Mapping[str, Any]) -> None:
        self.via(body.get("via"), (*path, "via"))
        self.template(body.get("template"), (*path, "template"))
        self.steps(body.get("steps", []), (*path, "steps"))

    def steps(self, value: Any, path: Path) -> None:
        """A list of steps, or lists by severity."""
        if isinstance(value, dict):
            for severity, steps in value.items():
                self.report.known((*path, severity), "unknown-severity", severity, self.process.severities)
                self.steps(steps, (*path, severity))
            return
        for step, at in each(value, path):
            self.via(step["via"], (*at, "via"))
            who(self.report, self.process, step["to"], (*at, "to"))
            self.template(step.get("template"), (*at, "template"))

    def template(self, name: str | None, path: Path) -> None:
        if name is not None:
            self.report.known(path, "unknown-template", name, self.process.ids("templates"))

    def report_document(self, path: Path, body: Mapping[str, Any]) -> None:
        for index, measure in enumerate(body["show"]):
            self.measure((*path, "show", index), measure)
        self.via(body["via"], (*path, "via"))
        for key in ("to", "draft_for"):
            who(self.report, self.process, body.get(key), (*path, key))

    # -- measures: NAME, {NAME: ARGUMENT} or {NAME: {of: ARGUMENT, where, by}} ----------------------------------------

    def measure(self, path: Path, measure: Any) -> None:
        if isinstance(measure, str):
            return
        name, argument = next(iter(measure.items()))
        at: Path = (*path, name)
        if isinstance(argument, dict) and "by" in argument:
            self.report.known((*at, "by"), "unknown-field", argument["by"], self.process.kinds)
        of, place = argument, at
        if isinstance(argument, dict) and "of" in argument:
            of, place = argument["of"], (*at, "of")
        check_argument = _ARGUMENTS.get(name)
        if check_argument is not None:
            check_argument(self, of, place)

    def clock(self, of: Any, path: Path) -> None:
        if isinstance(of, str):
            self.report.known(path, "unknown-clock", of, self.process.ids("clocks"))
        elif isinstance(of, dict):
            for key in ("from", "to"):
                events(self.report, self.process, of.get(key), (*path, key))

    def rating(self, of: Any, path: Path) -> None:
        if self.report.known(path, "unknown-field", of, self.process.kinds):
            kind = self.process.type_of(of)
            if kind != "rating":
                self.report.add(path, "wrong-field-type", name=of, type=kind, wanted="rating")

    def survey(self, of: Any, path: Path) -> None:
        self.report.known(path, "unknown-survey", of, self.process.surveys)

    def name(self, of: Any, path: Path) -> None:
        self.report.known(path, "unknown-field", of, self.process.kinds)


_ARGUMENTS: Mapping[str, Callable[[_Telling, Any, Path], None]] = {
    "on_time": _Telling.clock,
    "mean": _Telling.clock,
    "satisfaction": _Telling.rating,
    "returned": _Telling.survey,
    "top": _Telling.name,
}
