"""Measures: what a target or report says is measured, compiled (policy language, "measures, targets, reports").

How the silent cases are read stands in the schema's descriptions of the measures; `server.core.tallies` reckons them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, Literal

from server.core.calendars import Calendar
from server.core.conditions import Condition, compile_condition
from server.core.durations import parse_duration
from server.core.kinds import CalendarLike, Scope
from server.core.moments import DAY
from server.core.process import Process

Form = Literal["number", "share", "duration", "trend", "top"]

FORMS: Final[Mapping[str, Form]] = {
    "count": "number",
    "open": "number",
    "trend": "trend",
    "on_time": "share",
    "mean": "duration",
    "share": "share",
    "satisfaction": "share",
    "returned": "share",
    "complete": "share",
    "repeated": "share",
    "top": "top",
}
WITH_HISTORY: Final = frozenset({"open", "on_time", "mean", "satisfaction", "returned"})
"""Measures that ask when something happened; the others need no timeline."""

TOP: Final = 3
REPEATED_WITHIN: Final = 30 * DAY


@dataclass(frozen=True, slots=True)
class Between:
    """From one event to another."""

    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A compiled measure. `of` is a clock, survey or field by its id, two events, or a condition; issues count when
    every condition in `where` holds; `by` is the field it is grouped by; `working` the kind of time that a target
    wants (None: the clock's own); `raw` is the measure as written."""

    name: str
    form: Form
    raw: Any
    of: str | Between | Condition | None = None
    where: tuple[Condition, ...] = ()
    by: str = ""
    n: int = TOP
    key_only: bool = False
    working: bool | None = None

    @property
    def needs_history(self) -> bool:
        """Whether it asks for the issues' timelines."""
        return self.name in WITH_HISTORY


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a target wants: a share, a number, or milliseconds, of open time or by the clock."""

    text: str
    value: Fraction
    working: bool | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A compiled target: a measure and what it must reach. `where` is its own limit, as written."""

    id: str
    measure: Measure
    where: Any = None
    at_least: Threshold | None = None
    at_most: Threshold | None = None


def scope_of(process: Process, calendars: Mapping[str, Calendar] | None = None) -> Scope:
    """What a condition over a process's issues may name; `calendars` are those that `during` may name."""
    named: dict[str, CalendarLike] = dict(calendars or {})
    return Scope(process.kinds, process.calendar, process.events, named)


def compile_measure(raw: Any, scope: Scope, where: Any = None) -> Measure:
    """Compiles a measure as read from YAML; `where` limits it further. Raises ValueError for what the schema would
    refuse; names that do not exist measure nothing (`check` reports them)."""
    if isinstance(raw, str):
        name, argument = raw, None
    elif isinstance(raw, Mapping) and len(raw) == 1:
        name, argument = next(iter(raw.items()))
    else:
        raise ValueError(f"no measure: {raw!r}")
    if name not in FORMS:
        raise ValueError(f"no measure: {name!r}")
    limits = argument if isinstance(argument, Mapping) and _has_limits(name, argument) else {}
    conditions = (limits.get("where"), where)
    return Measure(
        name=name,
        form=FORMS[name],
        raw=raw,
        of=_argument(name, limits.get("of", argument), scope),
        where=tuple(compile_condition(one, scope) for one in conditions if one is not None),
        by=limits.get("by", ""),
        n=limits.get("n", TOP),
        key_only=limits.get("key_only", False),
    )


def _has_limits(name: str, argument: Mapping[str, Any]) -> bool:
    """Whether the argument is {of, where, by}; for `share`, the condition may be the argument itself."""
    return name != "share" or "of" in argument


def _argument(name: str, of: Any, scope: Scope) -> str | Between | Condition | None:
    if name in ("count", "open", "trend", "complete", "repeated"):
        return None
    if name == "share":
        return compile_condition(of, scope)
    if isinstance(of, Mapping):
        return Between(of["from"], of["to"])
    if not isinstance(of, str):
        raise ValueError(f"{name} of what? {of!r}")
    return of


def compile_target(id: str, raw: Mapping[str, Any], scope: Scope, calendar: Calendar) -> Target:
    """Compiles a target. A duration says in which kind of time the mean is measured. Raises ValueError."""
    measure = compile_measure(raw["measure"], scope, raw.get("where"))
    found = {key: threshold(raw[key], measure.form, calendar) for key in ("at_least", "at_most") if key in raw}
    working = next((one.working for one in found.values() if one.working is not None), None)
    return Target(id, replace(measure, working=working), raw.get("where"), found.get("at_least"), found.get("at_most"))


def threshold(raw: Any, form: str, calendar: Calendar) -> Threshold:
    """What a target wants: `90%`, `24h`, `24wh` or a number. A working day is the mean one of the calendar's week, a
    month about 30.4 days. Raises ValueError for what does not fit the measure's form."""
    text = str(raw)
    if form == "share" and text.endswith("%"):
        return Threshold(text, Fraction(text[:-1]) / 100)
    if form == "number" and isinstance(raw, int | float) and not isinstance(raw, bool):
        return Threshold(text, Fraction(text))
    if form == "duration" and isinstance(raw, str):
        duration = parse_duration(raw)
        if not duration.open_ms and not duration.working_days:
            return Threshold(text, Fraction(duration.approximate_ms(calendar)), False)
        week = Fraction(calendar.open_ms_per_week(), max(1, calendar.working_days_per_week()))
        return Threshold(text, duration.open_ms + duration.working_days * week, True)
    raise ValueError(f"{text} is no {form}")
