"""A process as the interpreter sees it: frozen objects, compiled once per version (policy language, section 2).

Everything here is data; what it means for an issue is in `advance` and the modules beside it. Who (`Whos`) stays as
written (`supervisor+1`, `team:finance`); conditions, tables and values by case are compiled functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from server.core.calendars import Calendar
from server.core.conditions import ByCase, Condition, Table
from server.core.durations import Duration, Schedule
from server.core.kinds import Kind
from server.core.moments import Moment

Whos = tuple[str, ...]
"""People as written: one or more Who."""

Text = str | Mapping[str, str]
"""Text for people: a string, or a map by language."""

BUILT_IN = ("edit", "assign", "reclassify", "comment", "attach", "link", "answer", "set_aside", "correct", "put_back")
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field or a survey's question: its type, limits and how it may be used."""

    id: str
    type: str
    label: Text
    kind: Kind
    options: Mapping[str, Text] = field(default_factory=dict)
    many: bool = False
    required: bool = False
    key: bool = False
    private: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    pattern: Any = None
    of: int = 5


@dataclass(frozen=True, slots=True)
class Classification:
    """One table of `classify`, in document order."""

    name: str
    table: Table


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of `route`. `to` is a team's id, or empty with `field` naming the fact that holds it."""

    to: str
    field: str
    when: Condition | None
    assign: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the flow."""

    id: str
    title: Text
    final: bool = False


@dataclass(frozen=True, slots=True)
class Opens:
    """The linked issue that an action starts: `fields` are constants or `field:G`."""

    process: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """An own or built-in action. `sources` are the stages it may be done in; None: any that is not final."""

    id: str
    title: Text
    by: Whos
    not_by: Whos = ()
    sources: tuple[str, ...] | None = None
    to: str | None = None
    when: Condition | None = None
    form: Mapping[str, bool] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    reopens: bool = False
    assign: str | None = None
    opens: Opens | None = None
    built_in: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """How long, as a clock says it: a duration, or the moment in a field, which `at` is on one issue. `text` tells two
    spans apart."""

    text: str
    duration: Duration | None = None
    field: str = ""
    at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A warning mark: `percent` of the way, or `before` milliseconds ahead of the due time."""

    text: str
    percent: Fraction | None = None
    before: int = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """A deadline: one-shot (`within`) or recurring (`every`, `first`, `met_by`)."""

    id: str
    title: Text
    on: frozenset[str]
    until: frozenset[str]
    span: ByCase[Span]
    recurring: bool
    calendar: Calendar
    first: ByCase[Span] | None = None
    met_by: frozenset[str] = frozenset()
    since: str = ""
    pause: frozenset[str] = frozenset()
    warn: tuple[Mark, ...] = ()
    listens: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Most events concern few clocks: one look tells that this is none of them.
        object.__setattr__(self, "listens", self.on | self.until | self.met_by)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a step waits: a duration after the one before, or until a schedule comes round."""

    duration: Duration | None = None
    schedule: Schedule | None = None

    def until(self, now: Moment, calendar: Calendar) -> Moment:
        """The moment at which a step that waits from `now` is taken."""
        if self.schedule is not None:
            return calendar.next_occurrence(self.schedule, now)
        assert self.duration is not None
        return calendar.add(now, self.duration)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a notice or a rung: who is told by which channels, with which template."""

    via: tuple[str, ...]
    to: Whos
    template: str = ""
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A planned notification. `steps` by severity, under the key `` when one list serves all."""

    id: str
    title: Text
    on: frozenset[str]
    until: frozenset[str]
    send: ByCase[str] | None
    when: Condition | None
    steps: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of a ladder. `steps` tell those on it: by severity, or under the key `` when one list serves all."""

    to: Whos
    steps: Mapping[str, tuple[Step, ...]]
    within: ByCase[Duration] | None


@dataclass(frozen=True, slots=True)
class Ladder:
    """An escalation."""

    id: str
    title: Text
    on: frozenset[str]
    climb_on: frozenset[str]
    until: frozenset[str]
    when: Condition | None
    rungs: tuple[Rung, ...]
    repeat: int


@dataclass(frozen=True, slots=True)
class Automation:
    """What happens by itself: on an event, some time after a stage was entered, or by schedule while in it."""

    do: str
    values: Mapping[str, Any]
    when: Condition | None
    on: frozenset[str] = frozenset()
    stage: str = ""
    after: ByCase[Duration] | None = None
    at: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """Questions to the customer. `share` is a percentage by case."""

    id: str
    title: Text
    on: frozenset[str]
    share: ByCase[float] | None
    via: tuple[str, ...]
    expires: Duration | None
    questions: Mapping[str, Field]
    template: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of data quality."""

    id: str
    title: Text
    when: Condition
    set_aside: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Early warning across issues."""

    id: str
    title: Text
    count: int
    window: Duration
    same: tuple[str, ...]
    when: Condition | None


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """What the interpreter needs to know of a channel: its type (`manual` makes tasks)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Process:
    """A compiled process document; `raw` is the document's value, for what the interpreter does not need."""

    name: str
    title: Text
    sha256: str
    calendar: Calendar
    channels: Mapping[str, ChannelKind]
    number: str
    fields: Mapping[str, Field]
    kinds: Mapping[str, Kind]
    severities: tuple[str, ...]
    classify: tuple[Classification, ...]
    route: tuple[Route, ...]
    route_fields: frozenset[str]
    stages: Mapping[str, Stage]
    first_stage: str
    actions: Mapping[str, Action]
    clocks: Mapping[str, Clock]
    notices: Mapping[str, Notice]
    ladders: Mapping[str, Ladder]
    automations: tuple[Automation, ...]
    surveys: Mapping[str, Survey]
    checks: Mapping[str, Check]
    watches: Mapping[str, Watch]
    events: frozenset[str]
    raw: Mapping[str, Any]
    required: tuple[str, ...] = field(init=False, repr=False, compare=False)
    people: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Every issue that is handed in asks for these.
        fields = self.fields.values()
        object.__setattr__(self, "required", tuple(one.id for one in fields if one.required))
        object.__setattr__(self, "people", tuple(one.id for one in fields if one.type == "person"))

    @property
    def questions(self) -> dict[str, Field]:
        """The questions of all surveys by id."""
        return {id: question for survey in self.surveys.values() for id, question in survey.questions.items()}

    def is_final(self, stage: str) -> bool:
        """Whether nothing is timed in that stage."""
        return self.stages[stage].final

    def is_manual(self, channel: str) -> bool:
        """Whether what goes by that channel is a task for a person."""
        found = self.channels.get(channel)
        return found is not None and found.type == "manual"
