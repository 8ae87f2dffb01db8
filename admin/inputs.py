"""Forms of issues and actions: inputs by the type of the field, what was typed, and what is wrong with it.

An input posts text; `given` turns it into the values that the interpreter takes. What cannot be read as a number stays
text, so that the interpreter refuses it at its field and the person finds it again as it was typed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from admin import languages
from admin.languages import gettext
from admin.reading import Words
from server.core.findings import Finding
from server.core.values import Problem
from server.core.vocabulary import in_language
from server.directory import snapshot

BEFORE: Final = "before."
"""Prefix of the hidden inputs that say what a field held when its form was shown."""

Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Input:
    """One input: `type` is the field's, `typed` what stands in it, `before` what stood in it when it was shown."""

    name: str
    type: str
    label: str
    required: bool = False
    many: bool = False
    private: bool = False
    options: Sequence[Option] = ()
    groups: Sequence[tuple[str, Sequence[Option]]] = ()
    hint: str = ""
    typed: Sequence[str] = ()
    before: str | None = None
    problem: str = ""

    @property
    def value(self) -> str:
        """What stands in an input that holds one text."""
        return self.typed[0] if self.typed else ""


@dataclass(frozen=True, slots=True)
class FormShown:
    """A form as it is shown: its inputs, and what is wrong with none of them in particular."""

    inputs: Sequence[Input]
    problems: Sequence[str] = field(default_factory=tuple)

    @property
    def is_long(self) -> bool:
        """Whether it is better laid out in columns."""
        return len(self.inputs) > 4


# -- making ---------------------------------------------------------------------------------------------------------


def inputs(form: Mapping[str, Mapping[str, Any]], words: Words, facts: Mapping[str, Any] | None = None) -> list[Input]:
    """The inputs of a form as `server.forms` gives it. With `facts`, each holds what is recorded."""
    return [_input(name, one, words, facts) for name, one in form.items()]


def _input(name: str, one: Mapping[str, Any], words: Words, facts: Mapping[str, Any] | None) -> Input:
    made = Input(
        name=name,
        type=_type(name, str(one["type"])),
        label=words.label(name),
        required=bool(one.get("required")),
        many=bool(one.get("many")),
        private=bool(one.get("private")),
        options=_options(one, words),
        hint=_hint(one),
    )
    if facts is None:
        return made
    typed = shown(made, facts.get(name), words)
    return replace(made, typed=typed, before="\n".join(typed))


def _type(name: str, type: str) -> str:
    if name in ("subject", "channel", "preferred", "external_id") and type == "long_text":
        return "text"
    return type


def _options(one: Mapping[str, Any], words: Words) -> list[Option]:
    match one["type"]:
        case "choice":
            return [(id, in_language(text, words.language, id)) for id, text in one.get("options", {}).items()]
        case "person":
            return people()
        case "rating":
            return [(str(number), str(number)) for number in range(1, int(one["of"]) + 1)]
        case "boolean":
            return [("true", gettext("yes")), ("false", gettext("no"))]
    return []


def people() -> list[Option]:
    """Everybody who is active, by name."""
    found = [(one.login, f"{one.name} ({one.login})") for one in snapshot().people.values() if not one.disabled]
    return sorted(found, key=lambda one: one[1])


def _hint(one: Mapping[str, Any]) -> str:
    low, high = one.get("minimum"), one.get("maximum")
    if low is not None and high is not None:
        return gettext("from %(low)s to %(high)s", low=_plain(low), high=_plain(high))
    if low is not None:
        return gettext("at least %(low)s", low=_plain(low))
    if high is not None:
        return gettext("at most %(high)s", high=_plain(high))
    return ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def shown(one: Input, value: Any, words: Words) -> tuple[str, ...]:
    """What an input holds for a recorded value; times in the zone of the process's calendar."""
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if one.type == "datetime":
        return ((words.process.calendar.show(value) if isinstance(value, int) else str(value))[:19],)
    if isinstance(value, float) and value.is_integer():
        return (str(int(value)),)
    return (str(value),)


# -- what was posted ------------------------------------------------------------------------------------------------


def filled(made: Iterable[Input], posted: MultiDict[str, str]) -> list[Input]:
    """The inputs with what was typed into them."""
    return [replace(one, typed=_typed(one, posted), before=posted.get(BEFORE + one.name, one.before)) for one in made]


def _typed(one: Input, posted: MultiDict[str, str]) -> tuple[str, ...]:
    typed = posted.getlist(one.name)
    # Browsers send line breaks as CR LF; they are one character everywhere else.
    return tuple(text.replace("\r\n", "\n") for text in typed if text != "")


def given(made: Iterable[Input]) -> dict[str, Any]:
    """The values of what was typed; empty inputs give none."""
    return {one.name: _value(one) for one in made if one.typed}


def changes(made: Iterable[Input]) -> dict[str, Any]:
    """The values that are others than when the form was shown; None for what was emptied. So nobody undoes a change
    that somebody else made meanwhile to a field that he did not touch."""
    changed = [one for one in made if "\n".join(one.typed) != (one.before or "").replace("\r\n", "\n")]
    return {one.name: _value(one) if one.typed else None for one in changed}


def _value(one: Input) -> Any:
    if one.many:
        return list(one.typed)
    text = one.typed[0]
    match one.type:
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case "integer" | "number" | "rating":
            return _number(text.strip())
        case "email" | "phone" | "url" | "date" | "datetime":
            return text.strip()
    return text


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            number = kind(text)
        except (ValueError, OverflowError):
            continue
        return number if math.isfinite(number) else text
    return text


# -- what is wrong --------------------------------------------------------------------------------------------------


def marked(made: Iterable[Input], problems: Iterable[Problem], words: Words) -> FormShown:
    """The form with each problem at its input; what belongs to none stands above it."""
    listed = list(made)
    names = {one.name for one in listed}
    at: dict[str, list[str]] = {}
    others = []
    for problem in problems:
        name = problem.at.strip("/").split("/")[0]
        text = _text(problem, words)
        if name in names:
            at.setdefault(name, []).append(text)
        else:
            others.append(text)
    return FormShown(tuple(replace(one, problem=" ".join(at.get(one.name, ()))) for one in listed), tuple(others))


def _text(problem: Problem, words: Words) -> str:
    params = dict(problem.params)
    if isinstance(params.get("name"), str):
        params["name"] = words.label(str(params["name"]))
    return problem_text(Problem(problem.at, problem.code, params))


def problem_text(problem: Problem) -> str:
    """A problem as a sentence."""
    text = Finding(problem.code, (), problem.params).text(languages.language())
    return text[:1].upper() + text[1:]
