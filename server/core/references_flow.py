"""References of the flow: stages, actions and who does them, what they fill and open, what happens by itself
(policy language, "route", "stages and actions", "automate").

What the policy language lets be refused when it is done (`form`) is only a warning, though it is refused every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core import values
from server.core.defined import Defined, Report, each, field_named, try_constant
from server.core.documents import Document
from server.core.findings import Path
from server.core.process import BUILT_IN

PEOPLE_TYPES = ("person", "email", "phone", "text")
GIVEN_BY_OPENER = ("subject", "description", "channel", "preferred")
WITH = {
    "comment": {"text": True},
    "link": {"number": True, "as": False},
    "assign": {"to": True},
    "set_aside": {"reason": True},
    "put_back": {},
}
"""What the built-in actions take besides fields: name → must be given."""


def check(report: Report, process: Defined, documents: Mapping[str, Document]) -> None:
    """Everything that `route`, `actions` and `automate` name."""
    for index, rule in enumerate(process.raw.get("route", [])):
        field = field_named(rule["to"])
        if field is not None:
            _text_field(report, process, ("route", index, "to"), field)
    for id, body in process.own_actions.items():
        _action(report, process, ("actions", id), body or {}, documents)
    for index, body in enumerate(process.raw.get("automate", [])):
        _automation(report, process, ("automate", index), body)


def who(report: Report, process: Defined, value: Any, path: Path) -> None:
    """Everything that one Who or a list of them names."""
    for text, at in each(value, path):
        head, _, name = text.partition(":")
        if head == "rung":
            report.known(at, "unknown-ladder", name, process.ids("ladders"))
        elif head == "did":
            report.known(at, "unknown-action", name, process.actions)
        elif head == "field" and report.known(at, "unknown-field", name, process.kinds):
            kind = process.type_of(name)
            if kind not in PEOPLE_TYPES:
                report.add(at, "wrong-field-type", name=name, type=kind, wanted=", ".join(PEOPLE_TYPES))


def stages(report: Report, process: Defined, value: Any, path: Path) -> None:
    """One stage or a list of them."""
    for stage, at in each(value, path):
        report.known(at, "unknown-stage", stage, process.stages)


def events(report: Report, process: Defined, value: Any, path: Path) -> None:
    """One event or a list of them."""
    for event, at in each(value, path):
        if event not in process.events:
            report.known(at, "unknown-event", event, _alike(event, process.events))


def _alike(event: str, defined: tuple[str, ...]) -> tuple[str, ...]:
    """Of the events defined, those of the same kind: a hundred names would say nothing."""
    head, dot, _ = event.partition(".")
    found = tuple(name for name in defined if (name.partition(".")[0] == head if dot else "." not in name))
    return found or tuple(name for name in defined if "." not in name)


def _text_field(report: Report, process: Defined, path: Path, field: str) -> None:
    if report.known(path, "unknown-field", field, process.kinds):
        kind = process.kinds[field].name
        if kind != "text":
            report.add(path, "wrong-field-type", name=field, type=process.type_of(field), wanted="text, choice")


def _action(
    report: Report, process: Defined, path: Path, body: Mapping[str, Any], documents: Mapping[str, Document]
) -> None:
    stages(report, process, body.get("from"), (*path, "from"))
    stages(report, process, body.get("to"), (*path, "to"))
    for key in ("by", "not_by"):
        who(report, process, body.get(key), (*path, key))
    if body.get("assign", "route") != "route":
        who(report, process, body["assign"], (*path, "assign"))
    for name in body.get("form", {}):
        if name in process.kinds and name not in process.fields:
            report.add((*path, "form", name), "not-a-declared-field", name=name, defined=", ".join(process.fields))
        else:
            report.known((*path, "form", name), "unknown-field", name, process.fields)
    for name, value in body.get("set", {}).items():
        _set(report, process, (*path, "set", name), name, value)
    if "opens" in body:
        _opens(report, process, (*path, "opens"), body["opens"], documents)


def _set(report: Report, process: Defined, path: Path, name: str, value: Any) -> None:
    if name in process.kinds and name not in process.editable:
        report.add(path, "not-a-declared-field", name=name, defined=", ".join(process.editable))
        return
    copied = field_named(value)
    if report.known(path, "unknown-field", name, process.editable) and copied is not None:
        _copy(report, process, path, copied, process, name)


def _copy(report: Report, source: Defined, path: Path, copied: str, target: Defined, name: str) -> None:
    """`field:G` into the field `name`: G must exist, and its values must be of the same kind."""
    if not report.known(path, "unknown-field", copied, source.kinds):
        return
    kind, wanted = source.kinds[copied], target.kinds[name]
    if kind.name != wanted.name or (wanted.whole and not kind.whole):
        report.add(path, "unlike-copy", field=name, kind=wanted.name, other=copied, other_kind=kind.name)


def _opens(
    report: Report, process: Defined, path: Path, opens: Mapping[str, Any], documents: Mapping[str, Document]
) -> None:
    name = opens["process"]
    processes = {key: document for key, document in documents.items() if document.kind == "process"}
    if name == process.name:
        target = process
    elif report.known((*path, "process"), "unknown-process", name, processes):
        target = Defined(processes[name].value)
    else:
        for field, value in opens.get("fields", {}).items():
            copied = field_named(value)
            if copied is not None:
                report.known((*path, "fields", field), "unknown-field", copied, process.kinds)
        return
    given = opens.get("fields", {})
    for field, value in given.items():
        at = (*path, "fields", field)
        if field in target.kinds and field not in target.fields and field not in GIVEN_BY_OPENER:
            report.add(at, "not-a-declared-field", name=field, defined=", ".join(target.fields))
        elif report.known(at, "unknown-field", field, (*target.fields, *GIVEN_BY_OPENER), of=target.name):
            _given(report, process, at, target, field, value)
    needed(report, path, target, given, "warning")


def _given(report: Report, process: Defined, path: Path, target: Defined, field: str, value: Any) -> None:
    copied = field_named(value)
    if copied is not None:
        _copy(report, process, path, copied, target, field)
    elif (found := target.field(field)) is not None:
        try_constant(report, path, field, found, value, "warning")


def needed(report: Report, path: Path, target: Defined, given: Mapping[str, Any], level: str = "error") -> None:
    """The required fields of a process that the issue is not given: it would be refused every time."""
    required = ("subject", *(name for name, body in target.fields.items() if body.get("required")))
    for name in required:
        if name not in given:
            report.add(path, "lacks-required-field", level=level, name=name, process=target.name)


# -- what happens by itself ----------------------------------------------------------------------------------------


def _automation(report: Report, process: Defined, path: Path, body: Mapping[str, Any]) -> None:
    events(report, process, body.get("on"), (*path, "on"))
    stages(report, process, body.get("stage"), (*path, "stage"))
    if report.known((*path, "do"), "unknown-action", body["do"], process.actions):
        done_with(report, process, path, body["do"], body.get("with", {}))


def done_with(report: Report, process: Defined, path: Path, action: str, given: Mapping[str, Any]) -> None:
    """What an action that is done by itself is given: it must be what its form asks for."""
    if action in BUILT_IN:
        _built_in(report, process, path, action, given)
        return
    form = (process.own_actions[action] or {}).get("form", {})
    for name, value in given.items():
        at = (*path, "with", name)
        if name not in form:
            report.warn(at, "not-in-form", name=name, action=action, defined=", ".join(form))
        elif (field := process.field(name)) is not None:
            try_constant(report, at, name, field, value, "warning")
    for name, need in form.items():
        if need == "required" and values.is_empty(given.get(name)):
            report.warn(path, "lacks-form-field", name=name, action=action)


def _built_in(report: Report, process: Defined, path: Path, action: str, given: Mapping[str, Any]) -> None:
    at = (*path, "with")
    if action == "reclassify":
        _reclassify(report, process, path, given)
        return
    if action in WITH:
        wanted: Mapping[str, bool] = WITH[action]
        for name in given:
            if name not in wanted:
                report.warn((*at, name), "not-in-form", name=name, action=action, defined=", ".join(wanted))
        _lacking(report, path, action, [name for name, must in wanted.items() if must], given)
    elif action == "attach":
        report.add((*path, "do"), "not-by-itself", action=action)
    elif action == "answer":
        _lacking(report, path, action, ["survey"], given)
        survey = given.get("survey")
        if survey is not None and report.known((*at, "survey"), "unknown-survey", str(survey), process.surveys):
            _fields(report, process, at, given, tuple(process.surveys[survey].get("questions", {})), ("survey",))
    else:
        besides = ("reason",) if action == "correct" else ()
        _fields(report, process, at, given, process.editable, besides)
        _lacking(report, path, action, besides, given)


def _lacking(report: Report, path: Path, action: str, wanted: Any, given: Mapping[str, Any]) -> None:
    for name in wanted:
        if values.is_empty(given.get(name)):
            report.warn(path, "lacks-form-field", name=name, action=action)


def _fields(
    report: Report,
    process: Defined,
    path: Path,
    given: Mapping[str, Any],
    allowed: tuple[str, ...],
    besides: tuple[str, ...],
) -> None:
    for name, value in given.items():
        if name in besides:
            continue
        if report.known((*path, name), "unknown-field", name, allowed) and (field := process.field(name)):
            try_constant(report, (*path, name), name, field, value, "warning")


def _reclassify(report: Report, process: Defined, path: Path, given: Mapping[str, Any]) -> None:
    rest = [name for name in given if name != "reason"]
    _lacking(report, path, "reclassify", ["reason"], given)
    if len(rest) != 1:
        report.add(path, "one-classified-name", defined=", ".join(process.classified))
        return
    name = rest[0]
    at = (*path, "with", name)
    if report.known(at, "unknown-table", name, process.classified):
        kind = process.kinds[name]
        report.known(at, "unknown-outcome", str(given[name]), kind.options or (), table=name)
