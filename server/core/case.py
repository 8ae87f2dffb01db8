"""The state of one issue: all that the interpreter needs to go on, never the history (architecture, "A case is
bounded"). It is written as JSON and carries its format number, so that later releases can read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from operator import attrgetter
from typing import Any

from server.core.json_text import writer
from server.core.moments import Moment

FORMAT = 1


@dataclass(slots=True)
class Run:
    """One run of a clock. `base` is the due time without pauses, `since` the event from which pauses count, marks at
    or before `marks_after` are passed over; `fixed` due times do not move with pauses."""

    number: int
    start: Moment
    since: Moment
    span: str
    base: Moment
    due: Moment
    working: bool
    fixed: bool
    first: bool
    marks_after: Moment
    state: str = "running"
    given: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ClockState:
    """A clock of an issue: its open and last run; since when it waits for an `until` event (`on_at`, recorded at
    `on_since`); starts whose run was breached meanwhile; pauses since then; the span that applies."""

    runs: int = 0
    open: Run | None = None
    last: Run | None = None
    on_at: Moment | None = None
    on_since: Moment | None = None
    spent: list[Moment] = field(default_factory=list)
    pauses: list[list[Moment]] = field(default_factory=list)
    paused_at: Moment | None = None
    span: str | None = None


@dataclass(slots=True)
class NoticeState:
    """A notice that has begun: the steps' `variant`, the next `step` and when it is taken; the variant that was
    `asked`; tasks not yet confirmed."""

    variant: str | None = None
    step: int = 0
    at: Moment | None = None
    asked: str | None = None
    tasks: int = 0


@dataclass(slots=True)
class LadderState:
    """A ladder: the rung (from 1; 0 is none), when it is left by time, how often it started over, the variant of the
    rung's steps and the one that waits."""

    rung: int = 0
    due: Moment | None = None
    rounds: int = 0
    exhausted: bool = False
    variant: str = ""
    step: int = 0
    at: Moment | None = None


@dataclass(slots=True)
class SurveyState:
    """A survey: `out`, `answered` or `expired`; until when; how often it was sent (a link is of one time)."""

    state: str = "out"
    expires: Moment | None = None
    times: int = 1


_KINDS = (Run, ClockState, NoticeState, LadderState, SurveyState)


@dataclass(slots=True)
class Case:
    """The case of one issue. `moment` is the last moment at which something happened, `lines` how many lines its
    timeline has, `happened` the line number of each event's last time."""

    process: str
    number: str
    recorded: Moment
    receiver: str | None
    stage: str
    moment: Moment
    facts: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    team: str | None = None
    team_by_hand: bool = False
    owner: str | None = None
    times_reopened: int = 0
    watchers: list[str] = field(default_factory=list)
    lines: int = 0
    happened: dict[str, int] = field(default_factory=dict)
    did: dict[str, list[str]] = field(default_factory=dict)
    clocks: dict[str, ClockState] = field(default_factory=dict)
    notices: dict[str, NoticeState] = field(default_factory=dict)
    ladders: dict[str, LadderState] = field(default_factory=dict)
    surveys: dict[str, SurveyState] = field(default_factory=dict)
    timers: dict[str, Moment] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)
    aside: list[str | None] = field(default_factory=list)
    correctors: list[str] = field(default_factory=list)

    @property
    def involved(self) -> list[str]:
        """Everyone who did an action on the issue, in the order of their first action of each kind."""
        return list(dict.fromkeys(person for people in self.did.values() for person in people))

    def copy(self) -> Case:
        """Another case that says the same; neither sees what becomes of the other."""
        return Case(*map(_copy, _READ(self)))

    def dump(self) -> str:
        """The case as canonical JSON: the same case gives the same bytes. What is as it begins is left out, in the case
        and in its parts: most clocks of an issue have not begun."""
        state = {name: value for name, value in zip(_NAMES, _READ(self), strict=True) if value or name in _ALWAYS}
        state["format"] = FORMAT
        return _JSON(state)


_ALWAYS = {"process", "number", "recorded", "receiver", "stage", "moment"}
_NAMES = tuple(item.name for item in fields(Case))
_KNOWN = frozenset(_NAMES)
_READ = attrgetter(*_NAMES)


_READ_PART = {kind: attrgetter(*(item.name for item in fields(kind))) for kind in _KINDS}


def _shown(kind: Any) -> Callable[[Any], dict[str, Any]]:
    """What gives a part of that kind as JSON can take it: a function with a line for each field, since every event
    writes all parts of its case."""
    lines = ["def shown(part):", " state = {}"]
    for item in fields(kind):
        begins = item.default if item.default_factory is MISSING else item.default_factory()
        test = "" if begins is MISSING else f"if part.{item.name} {'is not' if begins is None else '!='} {begins!r}: "
        lines.append(f" {test}state[{item.name!r}] = part.{item.name}")
    space: dict[str, Any] = {"__builtins__": {}}
    exec("\n".join([*lines, " return state"]), space)  # noqa: S102 - the fields of the classes above
    shown: Callable[[Any], dict[str, Any]] = space["shown"]
    return shown


_SHOWN = {kind: _shown(kind) for kind in _KINDS}
_JSON = writer(sort_keys=True, default=lambda part: _SHOWN[type(part)](part))


def _copy(value: Any) -> Any:
    """What may stand in a case: copied as far as it can change."""
    kind = type(value)
    if kind is dict:
        return {name: _copy(item) for name, item in value.items()}
    if kind is list:
        return [_copy(item) for item in value]
    if kind in _READ_PART:
        return kind(*map(_copy, _READ_PART[kind](value)))
    return value


class UnknownFormat(ValueError):
    """A case that a later release wrote."""


def load(text: str) -> Case:
    """The case that `dump` wrote. Raises UnknownFormat for a format of a later release, ValueError for no case."""
    state = json.loads(text)
    if not isinstance(state, dict) or not isinstance(state.get("format"), int):
        raise ValueError("no case")
    if state.pop("format") > FORMAT:
        raise UnknownFormat("this case was written by a later release")
    clocks = {name: _clock(value) for name, value in state.pop("clocks", {}).items()}
    if not state.keys() <= _KNOWN:
        raise ValueError(f"no case: {', '.join(sorted(state.keys() - _KNOWN))}")
    parts = {name: _states(kind, state.get(name, {})) for name, kind in _PARTS.items()}
    return Case(**{**state, **parts, "clocks": clocks})


_PARTS: Mapping[str, Any] = {"notices": NoticeState, "ladders": LadderState, "surveys": SurveyState}


def _states(kind: Any, states: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kind(**value) for name, value in states.items()}


def _clock(value: dict[str, Any]) -> ClockState:
    runs: dict[str, Any] = {part: Run(**value[part]) for part in ("open", "last") if value.get(part)}
    return ClockState(**{**value, "open": None, "last": None, **runs})
