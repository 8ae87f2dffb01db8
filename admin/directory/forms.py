"""Forms of the directory's items: what an item holds, what was typed, what is wrong with it, and what somebody else
changed meanwhile. What an item may hold is the server's business (server.directory); here it is only shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from flask import current_app, flash
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from admin import clock, languages
from admin.guard import Page, signed_in
from admin.inputs import BEFORE, FormShown, Input
from admin.languages import gettext
from admin.people import READERS
from server.core.findings import Finding
from server.directory import Amendment, Overtaken, Unfit, amend, as_written, item, mark

Typed = Mapping[str, tuple[str, ...]]


class DirectoryPage(Page):
    """A page of the directory. `edits`: its methods that only those reach who may change something."""

    needs = READERS
    changes = "directory.edit"
    edits: ClassVar[frozenset[str]] = frozenset()

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        if self.is_accessible() and name in self.edits and not self.may_change():
            return self.inaccessible_callback(name, **kwargs)
        return super()._handle_view(name, **kwargs)

    def render(self, template: str, **kwargs: Any) -> str:
        """The page, with whether the caller may change what is on it."""
        around = {"may_change": self.may_change(), "known_endpoints": current_app.view_functions}
        return super().render(template, **{**around, **kwargs})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of item: its inputs (for a new one, or one that is there), what they hold for an item, and what an item is
    by them, given what it was."""

    section: str
    inputs: Callable[[bool], Sequence[Input]]
    shown: Callable[[Mapping[str, Any]], Typed]
    raw: Callable[[dict[str, Any], Typed], dict[str, Any]]
    read: Callable[[MultiDict[str, str], Sequence[Input]], Typed]
    labels: Callable[[], Mapping[str, str]] = dict


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it is shown. `status` is that of the page."""

    form: FormShown
    seen: str
    status: int = 200
    values: Typed = field(default_factory=dict)
    notice: str = ""


def typed(posted: MultiDict[str, str], inputs: Sequence[Input]) -> Typed:
    """What was typed into the inputs."""
    found = {}
    for one in inputs:
        texts = [text.replace("\r\n", "\n") for text in posted.getlist(one.name)]
        found[one.name] = tuple(text for text in texts if text.strip())
    return found


def empty(kind: Kind, values: Typed | None = None) -> Filled:
    """The form of a new item."""
    return Filled(FormShown(tuple(_holding(kind.inputs(True), values or {}))), "", values=values or {})


def existing(kind: Kind, id_: str) -> Filled | None:
    """The form of an item that is there; None: there is none."""
    now = item(kind.section, id_)
    if now is None:
        return None
    values = kind.shown(now)
    return Filled(FormShown(tuple(_holding(kind.inputs(False), values))), mark(now), values=values)


def _holding(inputs: Sequence[Input], values: Typed) -> list[Input]:
    return [replace(one, typed=values.get(one.name, ()), before="\n".join(values.get(one.name, ()))) for one in inputs]


def saved(kind: Kind, id_: str | None, posted: MultiDict[str, str], also: Sequence[Amendment] = ()) -> Filled | None:
    """Save what was typed, and what is to change with it; None: it is done. Else the form as it was filled, with what
    is wrong."""
    inputs = kind.inputs(id_ is None)
    given = kind.read(posted, inputs)
    now = item(kind.section, id_) if id_ is not None else None
    raw = kind.raw({} if now is None or id_ is None else as_written(kind.section, id_, now), given)
    wanted = Amendment(kind.section, id_, raw, posted.get("seen", ""))
    filled = [replace(one, typed=given[one.name], before=posted.get(BEFORE + one.name, "")) for one in inputs]
    try:
        done = amend([wanted, *also], clock.now(), signed_in().login, clock.zone())
    except Unfit as unfit:
        form = marked(filled, unfit.findings, kind.labels())
        return Filled(form, wanted.seen, 422, given, gettext("Some values need mending; each says what."))
    except Overtaken as overtaken:
        return _overtaken(kind, filled, overtaken)
    if done:
        flash(gettext("Saved."), "success")
    else:
        flash(gettext("Nothing was changed."), "info")
    return None


def _overtaken(kind: Kind, filled: Sequence[Input], overtaken: Overtaken) -> Filled:
    """The form with what somebody else saved where nothing was typed, and what was typed elsewhere."""
    notice = gettext(
        "Somebody else changed this while you were at it. Nothing of yours is saved yet: look it over and save again."
    )
    if overtaken.now is None:
        notice = gettext("Somebody else removed this while you were at it.")
        return Filled(FormShown(tuple(filled)), "", 409, {one.name: tuple(one.typed) for one in filled}, notice)
    current = kind.shown(overtaken.now)
    merged = []
    for one in filled:
        theirs = current.get(one.name, ())
        before = (one.before or "").replace("\r\n", "\n")
        was, mine = tuple(filter(None, before.split("\n"))), tuple("\n".join(one.typed).split("\n"))
        theirs_flat = tuple("\n".join(theirs).split("\n"))
        if (was or ("",)) == mine:
            merged.append(replace(one, typed=theirs, before="\n".join(theirs)))
            continue
        said = "" if (was or ("",)) == theirs_flat else gettext("Meanwhile: %(value)s", value=_labels(one, theirs))
        merged.append(replace(one, before="\n".join(theirs), problem=said))
    values = {one.name: tuple(one.typed) for one in merged}
    return Filled(FormShown(tuple(merged)), mark(overtaken.now), 409, values, notice)


def _labels(one: Input, values: Sequence[str]) -> str:
    options = dict(one.options)
    return ", ".join(options.get(value, value) for value in values) or gettext("empty")


def marked(inputs: Sequence[Input], findings: Sequence[Finding], labels: Mapping[str, str]) -> FormShown:
    """The form with each finding at its input; what belongs to none stands above it."""
    names = {one.name: one for one in inputs}
    at: dict[str, list[str]] = {}
    others = []
    for finding in findings:
        name = _input_of(finding, names)
        label = names[name].label if name else labels.get(str(_key(finding)), str(_key(finding) or ""))
        text = sentence(finding, label)
        if name:
            at.setdefault(name, []).append(text)
        else:
            others.append(text)
    return FormShown(
        tuple(replace(one, problem=" ".join(dict.fromkeys(at.get(one.name, ())))) for one in inputs),
        tuple(dict.fromkeys(others)),
    )


def _key(finding: Finding) -> str | int | None:
    """The attribute that the finding is about: `path` begins with the number of the amendment."""
    rest = finding.path[1:] if finding.path and isinstance(finding.path[0], int) else finding.path
    return rest[0] if rest else finding.params.get("key")


def _input_of(finding: Finding, names: Mapping[str, Input]) -> str:
    rest = [str(step) for step in finding.path[1:]] if finding.path and isinstance(finding.path[0], int) else []
    if not rest:
        rest = [str(finding.params.get("key", ""))]
        if finding.code == "repeated-item":
            rest = [next((name for name in ("login", "id") if name in names), "")]
    found = (".".join(rest[:2]), rest[0], rest[-1], f"{rest[0]}.zh")
    return next((name for name in found if name in names), "")


def sentence(finding: Finding, label: str = "") -> str:
    """A finding as a sentence about the attribute of that label."""
    if finding.code == "repeated-item" and len(finding.path) == 1:  # not within a list: the whole item
        return gettext("%(value)s is there already.", value=finding.params["value"])
    text = replace(finding, path=(label,) if label else ()).text(languages.language())
    return text if label else text[:1].upper() + text[1:]
