"""Why each line of a timeline came: what set it off, as far as the policy and the lines before it say.

A line that somebody caused has no cause here: he stands on it. What judging decided has its reasons with it already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from server.core.moments import Moment
from server.core.process import SYSTEM, Process

Entry = Mapping[str, Any]


class Cause(NamedTuple):
    """Why a line came. `kind` is a key of the words (`causes` in `schemas/wording.yaml`); `event` the event that set it
    off, at the moment `at`; `id` and `rung` what it is about; `events` what did not happen in time."""

    kind: str
    event: str = ""
    at: Moment | None = None
    id: str = ""
    rung: int = 0
    events: frozenset[str] = frozenset()


def causes(
    process: Process,
    entries: Sequence[Entry],
    earlier: Iterable[Entry] = (),
    by_hand: Collection[tuple[Moment, str]] = (),
) -> list[Cause | None]:
    """For each of the lines, of one issue or several, why it came. `earlier`: the lines before them; `by_hand`: (when,
    what) was done for whoever may, and so stands on the timeline as done by the system."""
    histories: defaultdict[str, _History] = defaultdict(lambda: _History(process, by_hand))
    for entry in earlier:
        histories[entry["number"]].note(entry)
    found = []
    for entry in entries:
        history, tell = histories[entry["number"]], _TOLD.get(entry["kind"])
        found.append(None if tell is None else tell(history, entry))
        history.note(entry)
    return found


class _History:
    """What has happened so far: the last moment of each event, the stage and since when, how each clock's run ended."""

    def __init__(self, process: Process, by_hand: Collection[tuple[Moment, str]]) -> None:
        self.process = process
        self.by_hand = by_hand
        self.happened: dict[str, tuple[Moment, int]] = {}
        self.stage = process.first_stage
        self.since: Moment = 0
        self.judged_at: Moment | None = None
        self.ended: dict[str, Moment] = {}
        self._lines = 0

    def note(self, entry: Entry) -> None:
        """A line is written."""
        self._lines += 1
        for name in self._events(entry):
            self.happened[name] = (entry["at"], self._lines)
        kind = entry["kind"]
        if kind in ("received", "action", "migrated") and entry.get("stage") not in (None, self.stage):
            self.stage, self.since = entry["stage"], entry["at"]
        elif kind == "received":
            self.since = entry["at"]
        if kind in ("classified", "action", "answered", "migrated"):
            self.judged_at = entry["at"]
        if kind in ("clock_met", "clock_breached"):
            self.ended[entry["clock"]] = entry["at"]

    def _events(self, entry: Entry) -> list[str]:
        """The events that a line is."""
        match entry["kind"]:
            case "received":
                return ["received", f"stage.{entry['stage']}"]
            case "action":
                entered = [f"stage.{entry['stage']}"] if entry["stage"] != self.stage else []
                return [entry["action"], *entered]
            case "clock_warned":
                name = f"clock.{entry['clock']}.warned"
                return [name, f"{name}.{entry['mark']}"]
            case kind:
                found = _RAISED.get(kind)
                return [] if found is None else [found.format(**entry)]

    def last(self, names: Collection[str]) -> Cause | None:
        """The last of these events that has happened."""
        found = [(*self.happened[name], name) for name in names if name in self.happened]
        if not found:
            return None
        at, _, name = max(found, key=lambda one: one[1])
        return Cause("event", name, at)

    def just(self, names: Collection[str], now: Moment) -> Cause | None:
        """The last of these events, if it happened at this instant."""
        found = self.last(names)
        return found if found is not None and found.at == now else None


_RAISED: Final[Mapping[str, str]] = {
    "classified": "classified.{name}",
    "clock_met": "clock.{clock}.met",
    "clock_breached": "clock.{clock}.breached",
    "confirmed": "notice.{notice}.confirmed",
    "escalated": "ladder.{ladder}.climbed",
    "exhausted": "ladder.{ladder}.exhausted",
    "answered": "survey.{survey}.answered",
    "expired": "survey.{survey}.expired",
    "check_failed": "check.{check}.failed",
    "raised": "watch.{watch}.raised",
}


# -- kinds of lines --------------------------------------------------------------------------------------------------


def _action(history: _History, entry: Entry) -> Cause | None:
    """What was done by itself: an automation on an event, or after some time in the stage."""
    if entry["by"] != SYSTEM or (entry["at"], entry["action"]) in history.by_hand:
        return None
    mine = [one for one in history.process.automations if one.do == entry["action"]]
    for one in mine:
        found = history.just(one.on, entry["at"])
        if found is not None:
            return found
    if any(one.stage == history.stage for one in mine):
        return Cause("stage", at=history.since, id=history.stage)
    return None


def _started(history: _History, entry: Entry) -> Cause | None:
    clock = history.process.clocks.get(entry["clock"])
    if clock is None:
        return None
    found = history.just(clock.on, entry["at"])
    if found is None and clock.recurring and history.ended.get(clock.id) == entry["at"]:
        return Cause("again", id=clock.id)
    if found is None and history.judged_at == entry["at"]:
        return Cause("changed")
    return found or history.last(clock.on)


def _time_is_up(kind: str) -> Callable[[_History, Entry], Cause | None]:
    def tell(history: _History, entry: Entry) -> Cause | None:
        clock = history.process.clocks.get(entry["clock"])
        if clock is None:
            return None
        return Cause(kind, at=entry.get("due"), id=clock.id, events=clock.met_by if clock.recurring else clock.until)

    return tell


def _ended(history: _History, entry: Entry) -> Cause | None:
    clock = history.process.clocks.get(entry["clock"])
    names = frozenset[str]() if clock is None else clock.until | clock.met_by
    found = history.just(names, entry["at"])
    if found is None and history.process.is_final(history.stage):
        return Cause("final", id=history.stage)
    return found


def _changed(history: _History, entry: Entry) -> Cause | None:
    return Cause("changed")


def _stage(history: _History, entry: Entry) -> Cause | None:
    return Cause("entered", id=history.stage)


def _told(history: _History, entry: Entry) -> Cause | None:
    """A notice on its event; a step that waited, on that of its notice."""
    if "ladder" in entry:
        return Cause("rung", id=entry["ladder"], rung=entry["rung"])
    if "survey" in entry:
        return Cause("survey", id=entry["survey"])
    notice = history.process.notices.get(entry["notice"])
    found = None if notice is None else history.last(notice.on)
    if found is None or found.at == entry["at"]:
        return found
    return found._replace(kind="waited")


def _escalated(history: _History, entry: Entry) -> Cause | None:
    ladder = history.process.ladders.get(entry["ladder"])
    if ladder is None:
        return None
    rung = entry.get("rung", len(ladder.rungs) + 1)
    found = history.just(ladder.climb_on | (ladder.on if rung == 1 else frozenset()), entry["at"])
    return found or Cause("left", id=ladder.id, rung=(rung - 1) or len(ladder.rungs), events=ladder.until)


def _surveyed(history: _History, entry: Entry) -> Cause | None:
    survey = history.process.surveys.get(entry["survey"])
    return None if survey is None else history.last(survey.on)


def _expired(history: _History, entry: Entry) -> Cause | None:
    return Cause("unanswered", id=entry["survey"])


def _holds(history: _History, entry: Entry) -> Cause | None:
    return None if entry.get("check") is None else Cause("holds", id=entry["check"])


def _raised(history: _History, entry: Entry) -> Cause | None:
    return Cause("counted", id=entry["watch"])


_TOLD: Final[Mapping[str, Callable[[_History, Entry], Cause | None]]] = {
    "action": _action,
    "routed": _changed,
    "clock_started": _started,
    "clock_warned": _time_is_up("mark"),
    "clock_breached": _time_is_up("due"),
    "clock_met": _ended,
    "clock_finished_late": _ended,
    "clock_stopped": _ended,
    "clock_moved": _changed,
    "clock_cancelled": _changed,
    "clock_paused": _stage,
    "clock_resumed": _stage,
    "asked": _told,
    "notified": _told,
    "escalated": _escalated,
    "exhausted": _escalated,
    "surveyed": _surveyed,
    "expired": _expired,
    "check_failed": _holds,
    "set_aside": _holds,
    "raised": _raised,
}
