"""What measures look at: an issue as it stands, with what happened to it and when.

A Record is made from the issue's case and the lines of its timeline. The case alone does not do: it keeps no history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from server.core.case import Case
from server.core.judged import View
from server.core.moments import Moment
from server.core.process import Clock, Process

RECEIVED = "received"


@dataclass(slots=True)
class RunRecord:
    """A run of a clock as its lines tell it: `started` is when its line was written; `breached` and `ended` when
    that happened, `how` it ended (met, finished_late, stopped, cancelled; empty: it has not)."""

    number: int
    started: Moment
    due: Moment | None = None
    breached: Moment | None = None
    ended: Moment | None = None
    how: str = ""

    @property
    def decided(self) -> Moment | None:
        """When it was sure whether the run is on time; None: not yet, or never (stopped before, cancelled)."""
        if self.how == "cancelled":
            return None
        return self.breached if self.breached is not None else self.ended if self.how == "met" else None


@dataclass(slots=True)
class Asking:
    """A survey that went out, and when it was answered with what."""

    survey: str
    asked: Moment
    answered: Moment | None = None


class Answer(NamedTuple):
    """Answers to a survey's questions."""

    survey: str
    at: Moment
    given: Mapping[str, Any]


@dataclass(slots=True)
class Record:
    """An issue. `view` is what conditions look at; `happenings` are its events in order, each line's names as one;
    `stages` the stages entered; `runs` by clock."""

    process: Process
    case: Case
    view: View
    received: Moment
    happenings: list[tuple[Moment, tuple[str, ...]]] = field(default_factory=list)
    stages: list[tuple[Moment, str]] = field(default_factory=list)
    runs: dict[str, dict[int, RunRecord]] = field(default_factory=dict)
    askings: list[Asking] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def set_aside(self) -> bool:
        """Whether it is left out of measures."""
        return bool(self.case.aside)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Every fact by name, those the server sets included."""
        return self.view.facts

    def is_open_at(self, moment: Moment) -> bool:
        """Whether it was in no final stage just before that moment."""
        stage = self.process.first_stage if self.stages else self.case.stage
        for at, entered in self.stages:
            if at >= moment:
                break
            stage = entered
        known = self.process.stages.get(stage)
        return known is None or not known.final

    def rename(self, stages: Mapping[str, str]) -> None:
        """Gives stages the names that a later version of the process has for them."""
        if stages:
            self.stages = [(at, stages.get(stage, stage)) for at, stage in self.stages]
            events = {f"stage.{old}": f"stage.{new}" for old, new in stages.items()}
            self.happenings = [(at, tuple(events.get(name, name) for name in names)) for at, names in self.happenings]

    def pauses(self, clock: Clock, since: Moment, until: Moment) -> Iterator[tuple[Moment, Moment]]:
        """When the issue was in a stage in which the clock stands still, within [since, until)."""
        following = [at for at, _ in self.stages[1:]] + [until]
        for (at, stage), end in zip(self.stages, following, strict=True):
            if stage in clock.pause and max(at, since) < min(end, until):
                yield max(at, since), min(end, until)


def view_of(case: Case, now: Moment) -> View:
    """The issue as conditions see it at that moment."""
    own = {
        "number": case.number,
        "recorded": case.recorded,
        "stage": case.stage,
        "team": case.team,
        "owner": case.owner,
        "times_reopened": case.times_reopened,
        "now": now,
    }
    return View({**case.facts, **case.values, **own}, now, case.happened)


def record(process: Process, case: Case, entries: Iterable[Mapping[str, Any]], now: Moment) -> Record:
    """The record of an issue: `process` is the version that judges it, `entries` its timeline in order (empty: no
    measure asks for history), `now` what conditions take for now."""
    found = Record(process, case, view_of(case, now), case.facts.get(RECEIVED, case.recorded))
    for entry in entries:
        _read(found, entry)
    return found


def _read(record: Record, entry: Mapping[str, Any]) -> None:
    kind, at = entry["kind"], entry["at"]
    names = events_of(entry)
    if kind in (RECEIVED, "action"):
        entered = entry["stage"]
        if not record.stages or record.stages[-1][1] != entered:
            record.stages.append((at, entered))
            names = (*names, f"stage.{entered}")
    elif kind.startswith("clock_"):
        _run(record.runs.setdefault(entry["clock"], {}), kind.removeprefix("clock_"), entry)
    elif kind == "migrated":
        record.rename(entry["stages"])
    elif kind == "surveyed":
        record.askings.append(Asking(entry["survey"], at))
    elif kind == "answered":
        record.answers.append(Answer(entry["survey"], at, entry["with"]))
        for asking in reversed(record.askings):
            if asking.survey == entry["survey"]:
                asking.answered = at
                break
    if names:
        record.happenings.append((at, names))


def _run(runs: dict[int, RunRecord], what: str, entry: Mapping[str, Any]) -> None:
    run = runs.setdefault(entry["run"], RunRecord(entry["run"], entry["at"]))
    if entry.get("due") is not None:
        run.due = entry["due"]
    if what == "breached":
        run.breached = entry["at"]
    elif what in ("met", "finished_late", "stopped", "cancelled"):
        run.ended, run.how = entry["at"], what


def events_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The events that a line of the timeline stands for, but for the stage that it enters (policy language,
    "Events")."""
    match entry["kind"]:
        case "received":
            return (RECEIVED,)
        case "action":
            return (entry["action"],)
        case "classified":
            return (f"classified.{entry['name']}",)
        case "clock_warned":
            name = f"clock.{entry['clock']}.warned"
            return (name, f"{name}.{entry['mark']}")
        case "clock_met" | "clock_breached" as kind:
            return (f"clock.{entry['clock']}.{kind.removeprefix('clock_')}",)
        case "escalated":
            return (f"ladder.{entry['ladder']}.climbed",)
        case "exhausted":
            return (f"ladder.{entry['ladder']}.exhausted",)
        case "confirmed":
            return (f"notice.{entry['notice']}.confirmed",)
        case "answered" | "expired" as kind:
            return (f"survey.{entry['survey']}.{kind}",)
        case "check_failed":
            return (f"check.{entry['check']}.failed",)
        case "raised":
            return (f"watch.{entry['watch']}.raised",)
    return ()


# -- how long a run took -------------------------------------------------------------------------------------------


class Length(NamedTuple):
    """A length of time: milliseconds, of open time (`working`) or by the clock."""

    ms: int
    working: bool


def length(record: Record, clock: Clock, run: RunRecord, working: bool | None = None) -> Length | None:
    """How long a run took from its start to its end, without pauses; None while it has not ended. In the clock's kind
    of time for this issue, or as `working` says."""
    if run.ended is None:
        return None
    if working is None:
        working = _is_working(record, clock, run)
    start, since = _start(record, clock, run)

    def between(begin: Moment, end: Moment) -> int:
        return clock.calendar.between(begin, end) if working else max(0, end - begin)

    paused = sum(between(begin, end) for begin, end in record.pauses(clock, max(start, since), run.ended))
    return Length(max(0, between(start, run.ended) - paused), working)


def _is_working(record: Record, clock: Clock, run: RunRecord) -> bool:
    """The kind of time of a run: as the case keeps it for the last ones, else as the clock says for this issue now."""
    state = record.case.clocks.get(clock.id)
    for kept in (state.open, state.last) if state is not None else ():
        if kept is not None and kept.number == run.number:
            return kept.working
    span = clock.span.value(record.view) or next(iter(clock.span.outcomes), None)
    return span is not None and span.duration is not None and span.duration.is_working


def _start(record: Record, clock: Clock, run: RunRecord) -> tuple[Moment, Moment]:
    """From when a run counts, and since when its pauses do (clock rules 1 and 5)."""
    state = record.case.clocks.get(clock.id)
    for kept in (state.open, state.last) if state is not None else ():
        if kept is not None and kept.number == run.number:
            return kept.start, kept.since
    since = run.started
    if not clock.recurring:
        for at, names in record.happenings:
            if at > run.started:
                break
            if not clock.until.isdisjoint(names):
                since = run.started
            if since == run.started and not clock.on.isdisjoint(names):
                since = at
    start = since
    if since == record.case.recorded and RECEIVED in clock.on and (run.number == 1 or not clock.recurring):
        start = record.received
    return _moment_in(record, clock) or start, since


def _moment_in(record: Record, clock: Clock) -> Moment | None:
    """The moment in the clock's `from` field; a date means the midnight that begins it."""
    value = record.facts.get(clock.since) if clock.since else None
    if isinstance(value, str) and value:
        return clock.calendar.midnight(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def spans(record: Record, begin: str, end: str) -> Iterator[tuple[Moment, Moment]]:
    """The times from one event to another, as a one-shot clock would run: from the first `begin` to the next `end`,
    and anew from the next `begin` after that. `received` counts from the field `received`."""
    start: Moment | None = None
    for at, names in record.happenings:
        if start is not None and end in names:
            yield start, max(start, at)
            start = None
        if start is None and begin in names:
            start = record.received if begin == RECEIVED else at
