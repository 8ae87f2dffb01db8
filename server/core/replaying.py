"""Past issues played through another version of their process (architecture, "One idea": back-test of a draft).

What people, customers and sources did is played at its recorded moment; in between, time passes in the draft's world.
The directory answers what it answered then. A question that was not asked then is listed and never guessed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from server.core import values
from server.core.advance import Refused, advance, judge, step
from server.core.case import Case
from server.core.moments import Moment, OutOfRange
from server.core.printing import fact_printed
from server.core.process import SYSTEM, Process
from server.core.turn import Turn
from server.core.world import Asked, Directory, Place, Unanswered

MOST_LINES: Final = 5_000
"""Lines that one issue may cause in the draft's world; a clock that recurs each second is not followed any longer."""

PLAYED: Final = frozenset({"action", "again", "survey", "confirm", "send"})
"""Kinds of events that are played again. Time passes by itself; a migration is of the versions of then."""

_ABOUT_TEAM: Final = ("team", "lead")
_ONLY_THE_ISSUE_KNOWS: Final = ("did:", "field:", "rung:")


class Happened(NamedTuple):
    """A recorded event: what happened and when, what the directory answered, the lines that it caused."""

    event: Mapping[str, Any]
    now: Moment
    answers: Sequence[Sequence[Any]]
    entries: Sequence[Mapping[str, Any]]


class Past(NamedTuple):
    """A past issue: its recorded events in order, the process that judged it, and until when what was recorded is
    all that happened."""

    number: str
    process: Process
    events: Sequence[Happened]
    until: Moment


class World(Directory, Protocol):
    """The directory of a replay."""

    missing: list[list[Any]]
    """Questions that nobody answered, and that only leave something empty: who becomes the owner, a watch's count."""

    def recall(self, happened: Sequence[Happened]) -> None:
        """From now on, answer what was answered at these events."""


@dataclass(slots=True)
class Replayed:
    """A past issue in the draft's world: its lines, up to `until`. Where the draft refuses an event (`refused`, at
    `until`), or whether it would is not known (`unanswered`), nothing after it is known. `unknown` are facts that the
    draft does not take."""

    entries: list[dict[str, Any]]
    until: Moment
    refused: Refused | None = None
    unanswered: list[list[Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    cut: bool = False
    case: Case | None = None


def replay(draft: Process, past: Past, world: World) -> Replayed:
    """Plays a past issue through the draft."""
    return _Replay(draft, past, world).played()


def judged(draft: Process, past: Past, world: World) -> Replayed:
    """What the draft makes of the issue at its receipt, and nothing further: a `received` line."""
    return _Replay(draft, past, world).judged()


class _Cut(Exception):
    """Nothing after this is known."""


class _Replay:
    def __init__(self, draft: Process, past: Past, world: World) -> None:
        self.draft = draft
        self.past = past
        self.world = world
        self.done = Replayed([], past.until)

    def judged(self) -> Replayed:
        first = self.past.events[0]
        self.world.recall([first])
        try:
            event = self._received(first)
            case = Case(
                process=self.draft.name,
                number=self.past.number,
                recorded=first.now,
                receiver=event.get("by"),
                stage=self.draft.first_stage,
                moment=first.now,
                facts=event["facts"],
            )
            turn = Turn(self.draft, case, Asked(self.world), first.now)
            reasons = judge(turn)
            others = {name: value for name, value in case.values.items() if name != "severity"}
            turn.line("received", severity=case.values["severity"], values=others, team=case.team, because=reasons)
            self.done.entries = turn.entries
        except _Cut:
            self.done.until = first.now
        self.done.unanswered += self.world.missing
        return self.done

    def played(self) -> Replayed:
        waiting: list[Happened] = []
        try:
            for happened in self.past.events:
                waiting.append(happened)
                kind = happened.event["kind"]
                if kind == "received" or kind in PLAYED:
                    self.world.recall(waiting)
                    waiting = []
                    self._play(happened)
            self.world.recall(waiting)
            self._pass(self.past.until)
        except _Cut:
            self.done.cut = True
        self.done.unanswered += self.world.missing
        return self.done

    # -- one event ---------------------------------------------------------------------------------------------------

    def _play(self, happened: Happened) -> None:
        now = happened.now
        if happened.event["kind"] == "received":
            event: Mapping[str, Any] = self._received(happened)
        else:
            self._pass(now - 1)
            event = self._fitted(happened.event)
        try:
            done = advance(self.draft, self.done.case, event, now, self.world, copied=False)
        except Unanswered as unanswered:
            self._not_known(unanswered.question, now)
        except OutOfRange:
            self._refuse(Refused(_named(happened.event), happened.event.get("by"), "time"), now)
        if done.refused is not None and not _was_refused(happened):
            self._refuse(done.refused, now)
        self.done.case = done.case
        self.done.entries += done.entries

    def _refuse(self, refused: Refused, now: Moment) -> None:
        if refused.why == "by" and any(question[0] in ("choose", "persons") for question in self.world.missing):
            self._not_known(["fits", refused.by, "owner"], now)
        self.done.refused, self.done.until = refused, now
        raise _Cut

    def _not_known(self, question: list[Any], now: Moment) -> None:
        self.done.unanswered.append(question)
        self.done.until = now
        raise _Cut

    def _received(self, happened: Happened) -> dict[str, Any]:
        """The receipt with the facts that the draft takes. Raises _Cut where it refuses them."""
        facts, unknown, problems = fitted(happened.event["facts"], self.past.process, self.draft)
        self.done.unknown += unknown
        if problems:
            self.done.refused = Refused("received", happened.event.get("by"), "form", tuple(problems))
            self.done.until = happened.now
            raise _Cut
        facts["number"] = self.past.number
        return {**happened.event, "facts": facts}

    def _fitted(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The event without values that the draft has no place for: it would not have asked for them."""
        given = event.get("with")
        if not given or event["kind"] == "again":  # that takes what fits of its `with` by itself
            return event
        places = _places(self.draft, event)
        if places is None or given.keys() <= places:
            return event
        self.done.unknown += [name for name in given if name not in places]
        return {**event, "with": {name: value for name, value in given.items() if name in places}}

    # -- time --------------------------------------------------------------------------------------------------------

    def _pass(self, until: Moment) -> None:
        """Lets time pass up to and including `until`, as the server would have."""
        case = self.done.case
        if case is None:
            return
        turn = Turn(self.draft, case, Asked(self.world), case.moment)
        written = 0
        try:
            while step(turn, until):
                written = len(turn.entries)
                if len(self.done.entries) + written > MOST_LINES:
                    self._refuse(Refused("time", SYSTEM, "loop"), turn.now)
        except Unanswered as unanswered:
            self._not_known(unanswered.question, turn.now)
        except OutOfRange:
            self._refuse(Refused("time", SYSTEM, "time"), turn.now)
        finally:
            self.done.entries += turn.entries[:written]


def _named(event: Mapping[str, Any]) -> str:
    return str(event.get("action") or event.get("survey") or event.get("notice") or event["kind"])


def _was_refused(happened: Happened) -> bool:
    """Whether what a source asked for again was refused then, too: that stands on the timeline."""
    return any(entry["kind"] == "refused" and entry["at"] == happened.now for entry in happened.entries)


def _places(draft: Process, event: Mapping[str, Any]) -> set[str] | None:
    """The names that the draft has a place for in this event's `with`; None: all are left to it."""
    if event["kind"] == "survey":
        survey = draft.surveys.get(event["survey"])
        return None if survey is None else set(survey.questions)
    action = draft.actions.get(event.get("action", ""))
    if action is None:
        return None
    if not action.built_in:
        return set(action.form)
    if action.id in ("edit", "correct"):
        return {*values.EDITABLE, *draft.fields, "reason"}
    return None


# -- facts of a version with other fields --------------------------------------------------------------------------


def fitted(
    facts: Mapping[str, Any], before: Process, draft: Process
) -> tuple[dict[str, Any], list[str], list[values.Problem]]:
    """The facts of a new issue as the draft takes them, the names of those that it does not know, and why it would
    refuse the issue."""
    found: dict[str, Any] = {}
    unknown: list[str] = []
    problems: list[values.Problem] = []
    same = _same_fields(before, draft)
    for name, value in facts.items():
        declared = draft.fields.get(name)
        if declared is None and name in before.fields:
            unknown.append(name)
        elif same or declared is None or _is_as_before(name, before, draft):
            found[name] = value
        else:
            try:
                found[name] = values.fact(declared, fact_printed(name, value, before), draft.calendar.zone)
            except values.Unfit as unfit:
                problems.append(values.Problem(f"/{name}", unfit.code, {"name": name, **unfit.params}))
    refused = {problem.at for problem in problems}
    for name, declared in draft.fields.items():
        if declared.required and values.is_empty(found.get(name)) and f"/{name}" not in refused:
            problems.append(values.Problem(f"/{name}", "required", {"name": name}))
    return found, unknown, problems


_SAME: dict[tuple[str, str], bool] = {}


def _same_fields(before: Process, draft: Process) -> bool:
    """Whether both declare the same fields; looked at once for two versions."""
    key = (before.sha256, draft.sha256)
    if key not in _SAME:
        if len(_SAME) > 1_000:
            _SAME.clear()
        _SAME[key] = before.raw.get("fields") == draft.raw.get("fields")
    return _SAME[key]


def _is_as_before(name: str, before: Process, draft: Process) -> bool:
    old, new = before.raw.get("fields", {}).get(name), draft.raw.get("fields", {}).get(name)
    return bool(old == new)


# -- the directory -------------------------------------------------------------------------------------------------


class Recalled:
    """The directory as it answered then. What it answered about a team or an owner counts for these alone."""

    def __init__(self, binding: bool = True) -> None:
        self.binding = binding
        self.missing: list[list[Any]] = []
        self._answers: dict[Any, deque[Any]] = {}
        self._places: set[tuple[str | None, str | None]] = {(None, None)}
        self._last: tuple[str | None, str | None] = (None, None)

    def recall(self, happened: Sequence[Happened]) -> None:
        """From now on, answer what was answered at these events, which follow those before."""
        self._answers = {}
        self._places = {self._last}
        for one in happened:
            for question, answer in one.answers:
                self._answers.setdefault(_key(question), deque()).append(answer)
            self._places.update(_placed(one.entries))
            for place in _placed(one.entries):
                self._last = place

    def _answer(self, *question: Any, again: bool = False) -> Any:
        kept = self._answers.get(_key(question))
        if not kept:
            raise Unanswered(question)
        return kept[0] if again and len(kept) == 1 else kept.popleft()

    def number(self, process: str, received: Moment) -> str:
        return str(self._answer("number", process))

    def fits(self, person: str, who: str, place: Place) -> bool:
        if who.startswith(_ONLY_THE_ISSUE_KNOWS) or who in ("involved", "watchers", "customer"):
            return bool(self._or("fits", person, who, otherwise=False))
        if not self._is_about(who, place):
            raise Unanswered(["fits", person, who])
        return bool(self._answer("fits", person, who, again=True))

    def persons(self, who: str, place: Place) -> list[str]:
        if self._is_about(who, place):
            try:
                return list(self._answer("persons", who, again=True))
            except Unanswered:
                pass
        self.missing.append(["persons", who])
        return []

    def choose(self, team: str, how: str, place: Place) -> str | None:
        answer = self._or("choose", team, how, otherwise=_NOBODY)
        if answer is _NOBODY:
            self.missing.append(["choose", team, how])
            return None
        return None if answer is None else str(answer)

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        answer = self._or("in_window", process, watch, list(values), otherwise=_NOBODY)
        if answer is _NOBODY:
            self.missing.append(["in_window", process, watch, list(values)])
            return 0
        return int(answer)

    def refuses(self, process: str, fields: Mapping[str, Any], now: Moment) -> bool:
        return bool(self._answer("refuses", process, dict(fields), again=True))

    def _or(self, *question: Any, otherwise: Any) -> Any:
        try:
            return self._answer(*question)
        except Unanswered:
            return otherwise

    def _is_about(self, who: str, place: Place) -> bool:
        """Whether what was answered about `who` then was about those who are meant by it in the draft's world."""
        if who in _ABOUT_TEAM:
            return any(team == place.team for team, _ in self._places)
        if who == "owner":
            return any(owner == place.owner for _, owner in self._places)
        if who == "supervisor" or who.startswith("supervisor+"):
            return any(
                owner == place.owner and (owner is not None or team == place.team) for team, owner in self._places
            )
        return True


_NOBODY: Final = object()


def _key(question: Sequence[Any]) -> Any:
    found = tuple(question)
    try:
        hash(found)
    except TypeError:  # a list or a map in it
        return json.dumps(found, ensure_ascii=False, sort_keys=True)
    return found


def _placed(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str | None, str | None]]:
    return ((entry["team"], entry["owner"]) for entry in entries if entry["kind"] in ("received", "routed"))
