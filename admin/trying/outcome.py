"""A trial that was played, in the reader's words: axis, states between which one can go, timeline, who is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext

from admin import clock
from admin.action_forms import ActionForm
from admin.causes import explained
from admin.inputs import Option, people
from admin.languages import gettext
from admin.lines import Line, lines
from admin.reading import Words
from admin.trying import axis as drawing
from admin.trying import trial
from admin.trying.axis import Axis
from server.core.moments import Moment
from server.core.people import CUSTOMER
from server.core.printing import printed, without
from server.core.process import SYSTEM
from server.core.vocabulary import say
from server.directory import snapshot
from server.trying import Played, State

MOST_STATES: Final = 150


@dataclass(frozen=True, slots=True)
class ClockAt:
    """A clock as it stands at a moment."""

    title: str
    state: str
    tone: str
    due: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The issue from a moment on: what stands, what is due, who has been told by then (how often)."""

    at: Moment
    iso: str
    text: str
    x: float
    is_now: bool
    stage: str
    severity: dict[str, Any] | None
    team: str
    owner: str
    clocks: Sequence[ClockAt]
    told: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """A message that would be sent: when, to whom, why, over which channel; `problem`: why it would not arrive."""

    at: str
    whom: str
    occasion: str
    channel: str
    subject: str
    body: str
    problem: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial has shown."""

    axis: Axis
    stops: Sequence[Stop]
    place: int
    timeline: Sequence[tuple[Line, bool]]
    told: Sequence[Told]
    forms: Sequence[ActionForm]
    done: Sequence[tuple[int, str, str]]
    asked: Sequence[Option]
    tasks: Sequence[Option]
    actors: Sequence[Option]
    cursor: str
    cursor_iso: str
    cut: bool
    final: bool

    @property
    def now(self) -> Stop:
        """The issue at the moment that is looked at."""
        return self.stops[self.place]


def outcome(
    played: Played, events: Sequence[Any], words: Words, hidden: Collection[str] | None = None, origin: str = ""
) -> Outcome:
    """The trial in words. `hidden`: fields that the reader does not see, nor what messages say (None: he sees all);
    `origin`: what the axis calls its beginning (left out: the receipt)."""
    open_to, hidden = hidden is None, hidden or ()
    entries = [without(line, hidden) for line in played.lines]
    shown = explained(lines([printed(line, played.process) for line in entries], words), entries, played.causes, words)
    told = [_told(message, words, open_to) for message in played.messages]
    points = [(_moment(one["at"], words), worded.whom, worded.occasion)
              for one, worded in zip(played.messages, told, strict=True)]  # fmt: skip
    texts = [line.text for line in shown]
    drawn = drawing.axis(entries, points, played.start, played.cursor, words, texts, played.running, origin)
    stops, place = _stops(played, points, drawn, words)
    calendar = played.process.calendar
    return Outcome(
        axis=drawn,
        stops=stops,
        place=place,
        timeline=[(line, entry["at"] > played.cursor) for line, entry in zip(shown, played.lines, strict=True)],
        told=told,
        forms=trial.forms(played, words, hidden),
        done=[(index, _at(one.get("at")), _event_text(one, words)) for index, one in enumerate(events)],
        asked=[(name, words.of("notify", name)) for name in played.asked],
        tasks=[(name, words.of("notify", name)) for name in played.tasks],
        actors=[(SYSTEM, gettext("whoever may")), *people()],
        cursor=clock.told_text(calendar.show(played.cursor), "second"),
        cursor_iso=calendar.show(played.cursor)[:19],
        cut=played.cut,
        final=stops[place].stage != "" and played.process.is_final(played.case.stage),
    )


def _moment(text: str, words: Words) -> Moment:
    return words.process.calendar.parse(text)


def _at(text: Any) -> str:
    """When something was done, by what the page sent back; nothing for what is no time."""
    try:
        return clock.told(str(text))
    except ValueError:
        return ""


def _event_text(event: Any, words: Words) -> str:
    by = event.get("by")
    who = gettext("whoever may") if by in (SYSTEM, None) else words.who(by)
    if "do" in event:
        return f"{words.of('actions', event['do'])} · {who}"
    if "survey" in event:
        return words.of("surveys", event["survey"])
    name = event.get("confirm") or event.get("send") or ""
    title = words.of("notify", name)
    if "confirm" in event:
        return gettext("confirmed: %(notice)s", notice=title)
    return gettext("sent: %(notice)s", notice=title)


# -- states ---------------------------------------------------------------------------------------------------------


def _stops(
    played: Played, told: Sequence[tuple[Moment, str, str]], drawn: Axis, words: Words
) -> tuple[list[Stop], int]:
    """The states, the cursor's among them (a time between two of them has the earlier one's)."""
    states = played.states[:MOST_STATES]
    moments = [state.at for state in states]
    if played.cursor not in moments:
        before = max((place for place, at in enumerate(moments) if at < played.cursor), default=0)
        states = [*states[: before + 1], states[before], *states[before + 1 :]]
        moments.insert(before + 1, played.cursor)
    place = moments.index(played.cursor)
    return [
        _stop(state, at, at == played.cursor, told, drawn, words) for state, at in zip(states, moments, strict=True)
    ], place


def _stop(
    state: State, at: Moment, is_now: bool, told: Sequence[tuple[Moment, str, str]], drawn: Axis, words: Words
) -> Stop:
    counts: dict[str, int] = {}
    for moment, whom, _ in told:
        if moment <= at:
            counts[whom] = counts.get(whom, 0) + 1
    x = drawn.cursor if is_now else drawn.places.get(at, drawn.left)
    return Stop(
        at=at,
        iso=words.process.calendar.show(at)[:19],
        text=clock.told_text(words.process.calendar.show(at), "second"),
        x=x,
        is_now=is_now,
        stage=words.of("stages", state.stage),
        severity=words.severity(state.severity),
        team="" if state.team is None else words.who(f"team:{state.team}").removeprefix("team:"),
        owner=words.who(state.owner),
        clocks=[_clock(*run, at, words) for run in state.clocks],
        told=sorted(counts.items(), key=lambda one: -one[1]),
    )


def _clock(name: str, number: int, state: str, due: Moment | None, at: Moment, words: Words) -> ClockAt:
    title = words.of("clocks", name)
    if number > 1:
        title = gettext("%(clock)s, run %(number)s", clock=title, number=number)
    tones = {"running": "info", "met": "good", "breached": "bad", "finished_late": "warn"}
    return ClockAt(title, clock_text(state), tones.get(state, ""), "" if due is None else words.shown(due))


_CLOCKS: Final = {
    "running": lazy_gettext("running"),
    "paused": lazy_gettext("paused"),
    "breached": lazy_gettext("missed"),
    "met": lazy_gettext("met"),
    "stopped": lazy_gettext("stopped"),
    "cancelled": lazy_gettext("no longer applies"),
    "finished_late": lazy_gettext("done late"),
}


def clock_text(state: str) -> str:
    """The state of a run of a clock in words."""
    return str(_CLOCKS.get(state, state))


# -- who is told ----------------------------------------------------------------------------------------------------


def _told(message: Any, words: Words, open_to: bool) -> Told:
    known = snapshot().people
    people_ = [words.who(one["id"]) if one["id"] != one["name"] else str(one["name"]) for one in message["recipients"]]
    # An address that stands in a private field is private, too.
    if not open_to and any(one["id"] not in known and one["id"] != CUSTOMER for one in message["recipients"]):
        people_ = []
    written = [words.who(one) for one in message["to"]]
    return Told(
        at=clock.told(message["at"]),
        whom=say("words.list", words.language).join(people_ or written),
        occasion=_occasion(message["notice"], words),
        channel=words.channel(message["channel"]),
        subject=(message["subject"] or "") if open_to else "",
        body=(message["body"] or "") if open_to else "",
        problem=_problem(message),
    )


def _occasion(notice: str, words: Words) -> str:
    kind, _, rest = notice.partition(".")
    name, _, rung = rest.partition(".")
    if kind == "ladder":
        return gettext("%(ladder)s, rung %(rung)s", ladder=words.of("ladders", name), rung=rung)
    return words.of("surveys" if kind == "survey" else "notify", name)


def _problem(message: Any) -> str:
    reasons = {
        "nobody": gettext("nobody was found to tell"),
        "no_address": gettext("no address is known"),
        "not_configured": gettext("the channel is not set up"),
    }
    if message["problem"]:
        return str(message["problem"])
    return reasons.get(message["reason"], str(message["reason"] or ""))


# -- through time ----------------------------------------------------------------------------------------------------


def gone(played: Played, button: str) -> Moment:
    """The moment that a button leads to: the first, the one before, the one after, the last, at which something
    happens."""
    moments = [state.at for state in played.states]
    before = [at for at in moments if at < played.cursor]
    after = [at for at in moments if at > played.cursor]
    match button:
        case "first":
            return moments[0]
        case "before":
            return before[-1] if before else played.cursor
        case "after":
            return after[0] if after else played.cursor
        case "last":
            return moments[-1]
    return played.cursor
