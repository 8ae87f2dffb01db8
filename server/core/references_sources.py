"""References of a source: the process that it opens issues of, its fields and actions (policy language, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.core.defined import GIVEN, Defined, Report, each, try_constant
from server.core.documents import Document
from server.core.findings import Path
from server.core.process import BUILT_IN
from server.core.references_flow import needed


def check(report: Report, raw: Mapping[str, Any], documents: Mapping[str, Document]) -> None:
    """Everything that a source names."""
    processes = {name: document for name, document in documents.items() if document.kind == "process"}
    if "sample" in raw:
        report.known(("sample", "of"), "unknown-process", raw["sample"]["of"], processes)
    if not report.known(("process",), "unknown-process", raw["process"], processes):
        return
    process = Defined(processes[raw["process"]].value)
    for part in ("fields", "issue"):
        if part in raw:
            for name, value in raw[part].items():
                _field(report, process, (part, name), name, value, part == "issue")
            needed(report, (part,), process, raw[part])
    if "again" in raw:
        _again(report, process, raw["again"])


def _field(report: Report, process: Defined, path: Path, name: str, value: Any, constant: bool) -> None:
    if not report.known(path, "unknown-field", name, (*process.fields, *GIVEN), of=process.name):
        return
    field = process.field(name)
    assert field is not None
    for written, at in [(value, path)] if constant else _constants(value, path):
        many = field.many and not isinstance(written, list)
        try_constant(report, at, name, field, [written] if many else written)


def _constants(value: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    """What a mapping gives by itself: a constant, or the values of its table."""
    if not isinstance(value, dict):
        return
    if "value" in value:
        yield value["value"], (*path, "value")
    for key, item in (value.get("table") or {}).items():
        yield item, (*path, "table", key)
    if "else" in value:
        yield value["else"], (*path, "else")


def _again(report: Report, process: Defined, again: Mapping[str, Any]) -> None:
    given = again.get("with", {})
    forms: dict[str, None] = {}
    open_form = False
    for action, at in each(again["do"], ("again", "do")):
        if not report.known(at, "unknown-action", action, process.actions) or action in BUILT_IN:
            open_form = True
        else:
            form = (process.own_actions[action] or {}).get("form", {})
            forms.update(dict.fromkeys(form))
            for name, need in form.items():
                if need == "required" and name not in given:
                    report.warn(at, "lacks-form-field", name=name, action=action)
    for name, value in given.items():
        path: Path = ("again", "with", name)
        if name not in forms and not open_form:
            actions = ", ".join(action for action, _ in each(again["do"], ()))
            report.warn(path, "not-in-form", name=name, action=actions, defined=", ".join(forms))
        elif name in process.fields:
            _field(report, process, path, name, value, constant=False)
