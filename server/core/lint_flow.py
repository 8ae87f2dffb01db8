"""Lint of the flow: stages that nobody reaches or leaves, actions that nobody can do (policy language, "stages and
actions")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from server.core.defined import Report, cases
from server.core.findings import Path
from server.core.process import Action, Process

NOBODY = ("anyone", "customer")
"""Who as whom nobody can be assigned: these name no person of the house."""


class Flow:
    """The stages as a graph: which follow which by the process's own actions."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.own = {id: action for id, action in process.actions.items() if not action.built_in}
        self.next: dict[str, set[str]] = {stage: set() for stage in process.stages}
        for action in self.own.values():
            for stage in self.sources(action):
                if action.to is not None and action.to != stage:
                    self.next[stage].add(action.to)
        self.reached = self._from([process.first_stage], self.next)
        self.final = [stage for stage in process.stages if process.is_final(stage)]
        back: dict[str, set[str]] = {stage: set() for stage in process.stages}
        for stage, following in self.next.items():
            for other in following:
                back[other].add(stage)
        self.ending = self._from(self.final, back)

    def sources(self, action: Action) -> tuple[str, ...]:
        """The stages in which the action may be done."""
        if action.sources is not None:
            return action.sources
        return tuple(stage for stage in self.process.stages if not self.process.is_final(stage))

    def after(self, action: Action) -> tuple[str, ...]:
        """The stages in which the issue may be when the action has been done."""
        return (action.to,) if action.to is not None else self.sources(action)

    @staticmethod
    def _from(start: Iterable[str], following: Mapping[str, set[str]]) -> set[str]:
        found: set[str] = set()
        waiting = list(start)
        while waiting:
            stage = waiting.pop()
            if stage not in found:
                found.add(stage)
                waiting.extend(following[stage])
        return found


def check(report: Report, process: Process, flow: Flow) -> None:
    """Stages and actions."""
    _stages(report, process, flow)
    for id, action in flow.own.items():
        _action(report, process, ("actions", id), action)
    for id, action in process.actions.items():
        people = set(action.by)
        if "anyone" in action.not_by or (id in process.raw.get("actions", {}) and people <= set(action.not_by)):
            report.warn(("actions", id, "not_by"), "action-by-nobody", action=id)
    for name, field in process.fields.items():
        if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
            report.add(("fields", name, "minimum"), "limits-crossed", low=str(field.minimum), high=str(field.maximum))


def _stages(report: Report, process: Process, flow: Flow) -> None:
    if not flow.final:
        report.warn(("stages",), "no-final-stage")
    elif process.is_final(process.first_stage):
        report.warn(("stages", process.first_stage), "first-stage-final", stage=process.first_stage)
    for stage in process.stages:
        path: Path = ("stages", stage)
        if stage not in flow.reached:
            report.warn(path, "stage-never-entered", stage=stage)
        elif flow.final and not process.is_final(stage) and stage not in flow.ending:
            report.warn(path, "stage-never-left" if not flow.next[stage] else "stage-never-closes", stage=stage)


def _action(report: Report, process: Process, path: Path, action: Action) -> None:
    if action.sources == (action.to,):
        report.warn((*path, "to"), "to-own-stage", stage=str(action.to))
    if action.reopens and action.to is not None and process.is_final(action.to):
        report.warn((*path, "reopens"), "reopens-to-final", stage=action.to)
    if action.assign in NOBODY:
        report.warn((*path, "assign"), "assign-finds-nobody", who=str(action.assign))
    for name in action.set:
        if name in action.form:
            report.warn((*path, "set", name), "set-over-form", name=name)
    _private_copies(report, process, (*path, "set"), action.set)
    if action.opens is not None:
        _private_copies(report, process, (*path, "opens", "fields"), action.opens.fields)


def _private_copies(report: Report, process: Process, path: Path, copies: Mapping[str, Any]) -> None:
    """A private fact that is copied under a name which is not private here: who may read the issue sees it there."""
    fields = {**process.fields, **process.questions}
    for name, value in copies.items():
        source = value.removeprefix("field:") if isinstance(value, str) and value.startswith("field:") else None
        if source in fields and fields[source].private and not (name in fields and fields[name].private):
            report.warn((*path, name), "private-copied", name=name, field=source)


def first_value(raw: Any, path: Path) -> Path:
    """The path of the first value of a value by case."""
    return next((at for _, at, _ in cases(raw, path)), path)
