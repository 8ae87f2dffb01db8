"""Are these values of these fields? What an issue, a form or an answer may hold (policy language, "fields").

A problem says where (`/impact`), which (a code of the catalogue) and what would be right; all are given at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from server.core import kinds, moments
from server.core.findings import Finding
from server.core.kinds import Kind, is_date
from server.core.moments import MINUTE, Moment
from server.core.process import Field, Process

# Nothing in them can be read in two ways: Python's own expressions, a tenth as dear as RE2 for a short text, are quick
# for every text.
_EMAIL = re.compile(r"[^\t\n\f\r @<>,;]+@[^\t\n\f\r @<>,;]+")
_PHONE = re.compile(r"[+0-9][0-9 ()./#*-]{1,31}")
_URL = re.compile(r"https?://[^\t\n\f\r ]+")

# A text that is longer is a file; the largest body is 1 MiB.
LONGEST_TEXT = 100_000
AHEAD = 5 * MINUTE

OWN = {
    "subject": Kind("text", always=True),
    "description": kinds.TEXT,
    "channel": kinds.TEXT,
    "received": Kind("datetime", always=True),
    "source": kinds.TEXT,
    "external_id": kinds.TEXT,
    "preferred": kinds.TEXT,
}
"""What every issue has besides its declared fields, as it is given."""

SET_BY_SERVER = {
    "number": Kind("text", always=True),
    "recorded": Kind("datetime", always=True),
    "severity": Kind("text", always=True),
    "stage": Kind("text", always=True),
    "team": kinds.TEXT,
    "owner": kinds.TEXT,
    "times_reopened": Kind("number", whole=True, always=True),
    "now": Kind("datetime", always=True),
}
"""What every issue has, set by the server."""

EDITABLE = ("subject", "description", "preferred")


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that is refused: `at` is a JSON pointer, `code` a text of the catalogue, `params` fill it."""

    at: str
    code: str
    params: Mapping[str, str | int]

    def text(self, language: str = "en") -> str:
        """The message alone, in that language."""
        return Finding(self.code, (), self.params).text(language)


class Unfit(ValueError):
    """A value that is none of its field's."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


_Making: TypeAlias = Callable[[Field, Any, Any], Any]


def is_empty(value: Any) -> bool:
    """Whether a value counts as not given: none, an empty text or an empty list."""
    return value is None or value == "" or value == []


def fact(field: Field, raw: Any, zone: Any) -> Any:
    """The fact that `raw` is for this field: a datetime becomes a Moment, times without an offset are in `zone`.
    Raises Unfit with the reason."""
    make: _Making = _FACTS.get(field.type, _text)
    return make(field, raw, zone)


def moment(raw: Any, zone: Any) -> Moment:
    """The Moment that a text means. Raises Unfit when it is none; a date alone is none."""
    if not isinstance(raw, str) or is_date(raw):
        raise Unfit("not-datetime")
    try:
        return moments.parse(raw, zone)
    except ValueError as error:
        raise Unfit("not-datetime") from error


def _moment(field: Field, raw: Any, zone: Any) -> Moment:
    if not isinstance(raw, str):
        raise Unfit("not-text")
    return moment(raw, zone)


def _date(field: Field, raw: Any, zone: Any) -> str:
    if not isinstance(raw, str):
        raise Unfit("not-text")
    if not is_date(raw):
        raise Unfit("not-date")
    return raw


def _boolean(field: Field, raw: Any, zone: Any) -> bool:
    if not isinstance(raw, bool):
        raise Unfit("not-boolean")
    return raw


def _choice(field: Field, raw: Any, zone: Any) -> Any:
    if field.many:
        if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
            raise Unfit("not-list")
        for item in raw:
            if item not in field.options:
                raise Unfit("not-option", value=item, options=", ".join(field.options))
        return list(dict.fromkeys(raw))
    if not isinstance(raw, str):
        raise Unfit("not-text")
    if raw not in field.options and raw != "":
        raise Unfit("not-option", value=raw, options=", ".join(field.options))
    return raw or None


def _number(field: Field, raw: Any, zone: Any) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw) or abs(raw) >= 2**63:
        raise Unfit("not-number")
    if field.type != "number":
        if raw != int(raw):
            raise Unfit("not-integer")
        raw = int(raw)
    number: int | float = raw
    low, high = (1, field.of) if field.type == "rating" else (field.minimum, field.maximum)
    if low is not None and number < low:
        raise Unfit("too-small-value", limit=str(low))
    if high is not None and number > high:
        raise Unfit("too-large-value", limit=str(high))
    return number


def is_sound_text(text: str) -> bool:
    """Whether every database can keep the text: without NUL, and without halves of a character."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(field: Field, raw: Any, zone: Any) -> str:
    if not isinstance(raw, str):
        raise Unfit("not-text")
    if not is_sound_text(raw):
        raise Unfit("bad-text")
    if len(raw) > (field.max_length or LONGEST_TEXT):
        raise Unfit("too-long-value", limit=field.max_length or LONGEST_TEXT)
    if raw == "":
        return raw
    form, otherwise = _FORMS.get(field.type, (None, ""))
    if form is not None and not form.fullmatch(raw):
        raise Unfit(otherwise)
    if field.pattern is not None and not field.pattern.fullmatch(raw):
        raise Unfit("not-matching", pattern=field.pattern.pattern)
    return raw


_FORMS = {"email": (_EMAIL, "not-email"), "phone": (_PHONE, "not-phone"), "url": (_URL, "not-url")}

_FACTS: Mapping[str, _Making] = {
    "choice": _choice,
    "boolean": _boolean,
    "integer": _number,
    "number": _number,
    "rating": _number,
    "datetime": _moment,
    "date": _date,
}
"""What makes the fact of a field's type; the types that are not here are texts."""


_OWN_FIELDS = {
    name: Field(id=name, type="datetime" if kind.name == "datetime" else "long_text", label=name, kind=kind)
    for name, kind in OWN.items()
}


def own_field(name: str) -> Field | None:
    """A field that every issue has, or None."""
    return _OWN_FIELDS.get(name)


def collect(
    process: Process, given: Mapping[str, Any], names: Mapping[str, Field], where: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """The facts that `given` has for the fields `names`, and a problem for every key or value that is refused."""
    facts: dict[str, Any] = {}
    problems: list[Problem] = []
    zone = process.calendar.zone
    for name, raw in given.items():
        field = names.get(name)
        if field is None:
            nearest = kinds.near(name, names)
            problems.append(
                Problem(
                    f"{where}/{name}", "no-such-field", {"name": name, "near": nearest, "defined": ", ".join(names)}
                )
            )
        elif raw is None:
            facts[name] = None
        else:
            try:
                facts[name] = fact(field, raw, zone)
            except Unfit as unfit:
                problems.append(Problem(f"{where}/{name}", unfit.code, {"name": name, **unfit.params}))
    return facts, problems


def new_issue(
    process: Process, given: Mapping[str, Any], now: Moment, *, extra: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """The facts of a new issue recorded at `now`, or why it is refused: an unknown key, a wrong value, a required
    field or `subject` missing, `received` more than five minutes ahead. `extra`: a source's remainder is allowed."""
    names = {**_OWN_FIELDS, **process.fields}
    given = dict(given)
    rest = given.pop("extra", None) if extra else None
    facts, problems = collect(process, given, names)
    facts = {name: value for name, value in facts.items() if value is not None}
    refused = {problem.at for problem in problems}
    for name in ("subject", *process.required):
        if is_empty(facts.get(name)) and f"/{name}" not in refused:
            problems.append(Problem(f"/{name}", "required", {"name": name}))
    if facts.get("received", now) > now + AHEAD:
        problems.append(Problem("/received", "received-ahead", {"name": "received"}))
    facts.setdefault("received", now)
    if rest is not None:
        facts["extra"] = rest
    return facts, problems


def form(
    process: Process, given: Mapping[str, Any], wanted: Mapping[str, bool]
) -> tuple[dict[str, Any], list[Problem]]:
    """The facts that an action's form fills (`wanted`: field → required), and what is wrong with it."""
    facts, problems = collect(process, given, {name: editable(process, name) for name in wanted})
    refused = {problem.at for problem in problems}
    for name, required in wanted.items():
        if required and is_empty(facts.get(name)) and f"/{name}" not in refused:
            problems.append(Problem(f"/{name}", "required", {"name": name}))
    return facts, problems


def edit(process: Process, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The facts that an `edit` changes, and what is wrong with it: what an issue must have cannot be emptied."""
    names = {name: editable(process, name) for name in (*EDITABLE, *process.fields)}
    facts, problems = collect(process, given, names)
    for name, value in facts.items():
        if is_empty(value) and (name == "subject" or names[name].required):
            problems.append(Problem(f"/{name}", "required", {"name": name}))
    return facts, problems


def answers(
    process: Process, given: Mapping[str, Any], questions: Mapping[str, Field]
) -> tuple[dict[str, Any], list[Problem]]:
    """The facts that a customer's answers are, and what is wrong with them: also a required question not answered."""
    facts, problems = collect(process, given, questions)
    refused = {problem.at for problem in problems}
    for name, question in questions.items():
        if question.required and is_empty(facts.get(name)) and f"/{name}" not in refused:
            problems.append(Problem(f"/{name}", "required", {"name": name}))
    return facts, problems


def editable(process: Process, name: str) -> Field:
    """The field of that name, declared or one that every issue has."""
    return process.fields.get(name) or _OWN_FIELDS[name]
