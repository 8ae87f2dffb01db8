"""The forms of actions: which fields somebody fills who does one, for integrators and the panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core import values
from server.core.case import Case
from server.core.process import Action, Field, Process

Form = dict[str, dict[str, Any]]

_TEXTS: Mapping[str, Mapping[str, tuple[str, bool]]] = {
    "comment": {"text": ("long_text", True)},
    "attach": {"file": ("text", True)},
    "link": {"number": ("text", True), "as": ("text", False)},
    "assign": {"to": ("text", True)},
    "set_aside": {"reason": ("long_text", True)},
    "put_back": {},
}
_REASON: Mapping[str, Any] = {"type": "long_text", "required": True}


def form_of(process: Process, action: Action, case: Case) -> Form | None:
    """The fields of an action's form by name, each with its type, whether it is required, and what else is known of
    it; None when there is nothing that the action could be done to (no survey is out)."""
    if not action.built_in:
        return {name: described(values.editable(process, name), needed) for name, needed in action.form.items()}
    if action.id in ("edit", "correct"):
        fields = {
            name: described(values.editable(process, name), False) for name in (*values.EDITABLE, *process.fields)
        }
        return {**fields, "reason": dict(_REASON)} if action.id == "correct" else fields
    if action.id == "reclassify":
        return {**_classified(process), "reason": dict(_REASON)}
    if action.id == "answer":
        return _answers(process, case)
    return {name: {"type": type, "required": needed} for name, (type, needed) in _TEXTS[action.id].items()}


def described(field: Field, required: bool) -> dict[str, Any]:
    """A field as forms give it; texts for people as the document has them."""
    found: dict[str, Any] = {"type": field.type, "required": required, "label": field.label}
    if field.options:
        found["options"] = dict(field.options)
    for name in ("many", "private"):
        if getattr(field, name):
            found[name] = True
    for name in ("minimum", "maximum", "max_length"):
        if getattr(field, name) is not None:
            found[name] = getattr(field, name)
    if field.type == "rating":
        found["of"] = field.of
    return found


def _classified(process: Process) -> Form:
    """The classified names, of which one is given."""
    form: Form = {}
    for item in process.classify:
        options = {str(value): str(value) for value in item.table.outcomes}
        form[item.name] = {"type": "choice", "required": False, "options": options}
    return form


def _answers(process: Process, case: Case) -> Form | None:
    out = [
        survey for survey in process.surveys.values() if (state := case.surveys.get(survey.id)) and state.state == "out"
    ]
    if not out:
        return None
    form: Form = {"survey": {"type": "choice", "required": True, "options": {one.id: one.title for one in out}}}
    for survey in out:
        for name, question in survey.questions.items():
            form[name] = described(question, False)
    return form
