"""What happens to an issue on one axis of time, as figures for a drawing: a lane for the issue, one for each clock, and
one for each of those who are told.

What matters at first are minutes, later days: the axis is logarithmic from the receipt on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from admin.languages import gettext
from admin.reading import Words
from server.core.moments import DAY, HOUR, MINUTE, Moment
from server.core.wording import duration_text

WIDTH: Final = 1000
LEFT: Final = 190
RIGHT: Final = 24
TOP: Final = 34
LANE: Final = 30
MOST_LANES: Final = 40
_SOFT: Final = 10 * MINUTE
"""Around this distance from the receipt the axis goes over from even to logarithmic."""

_DAYS: Final = (1, 3, 7, 14, 30, 60, 120, 365)
_TICKS: Final = (0, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, *(days * DAY for days in _DAYS))
_APART: Final = 52


@dataclass(frozen=True, slots=True)
class Dot:
    """Something that happens at a moment."""

    x: float
    at: Moment
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A run of a clock: from its start to its end, and when it is due."""

    x: float
    width: float
    tone: str
    due: float | None
    title: str


@dataclass(slots=True)
class Lane:
    """A row of the drawing."""

    kind: str
    title: str
    y: int = 0
    dots: list[Dot] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Axis:
    """The drawing: its size, lanes, ticks as (x, text), the cursor's place, and the places of all moments."""

    width: int
    height: int
    left: int
    lanes: Sequence[Lane]
    ticks: Sequence[tuple[float, str]]
    cursor: float
    more: int
    places: Mapping[Moment, float]


class _Scale:
    def __init__(self, start: Moment, end: Moment) -> None:
        self.start = start
        self._whole = math.log1p(max(end - start, MINUTE) / _SOFT)

    def x(self, at: Moment) -> float:
        """Where a moment lies."""
        share = math.log1p(max(at - self.start, 0) / _SOFT) / self._whole
        return round(LEFT + min(share, 1) * (WIDTH - LEFT - RIGHT), 1)


def axis(
    lines: Sequence[Mapping[str, Any]],
    told: Iterable[tuple[Moment, str, str]],
    start: Moment,
    cursor: Moment,
    words: Words,
    texts: Sequence[str],
    running: Iterable[tuple[str, int, Moment]] = (),
    origin: str = "",
) -> Axis:
    """The drawing of a timeline. `told`: (when, whom, what) for each recipient of each message; `texts`: the lines in
    words; `running`: clocks that run at the start already, as (name, run, due); `origin`: what the start is called
    (left out: the receipt)."""
    end = max([start + HOUR, cursor, *(line["at"] for line in lines)])
    scale = _Scale(start, end)
    lanes = [_issue(lines, texts, scale), *_clocks(lines, running, scale, words, end), *_people(told, scale)]
    shown = lanes[:MOST_LANES]
    for place, lane in enumerate(shown):
        lane.y = TOP + place * LANE
    return Axis(
        width=WIDTH,
        height=TOP + len(shown) * LANE + 8,
        left=LEFT,
        lanes=shown,
        ticks=list(_ticks(scale, end, words.language, origin or gettext("receipt"))),
        cursor=scale.x(cursor),
        more=len(lanes) - len(shown),
        places={moment: scale.x(moment) for moment in sorted({line["at"] for line in lines})},
    )


def _ticks(scale: _Scale, end: Moment, language: str, origin: str) -> Iterable[tuple[float, str]]:
    last = -1e9
    for distance in _TICKS:
        x = scale.x(scale.start + distance)
        if distance <= end - scale.start and x - last >= _APART:
            last = x
            yield x, origin if not distance else "+" + duration_text(distance, language)


_TONES: Final[Mapping[str, str]] = {
    "received": "info",
    "action": "info",
    "refused": "warn",
    "classified": "info",
    "routed": "info",
    "opened": "info",
    "escalated": "bad",
    "exhausted": "bad",
    "surveyed": "plain",
    "answered": "good",
    "expired": "warn",
    "check_failed": "warn",
    "set_aside": "warn",
    "put_back": "plain",
    "raised": "bad",
    "confirmed": "good",
    "asked": "warn",
}


def _issue(lines: Sequence[Mapping[str, Any]], texts: Sequence[str], scale: _Scale) -> Lane:
    lane = Lane("issue", gettext("The issue"))
    for line, text in zip(lines, texts, strict=True):
        if line["kind"] in _TONES:
            lane.dots.append(Dot(scale.x(line["at"]), line["at"], _TONES[line["kind"]], text))
    return lane


_ENDS: Final[Mapping[str, str]] = {
    "clock_met": "good",
    "clock_breached": "bad",
    "clock_finished_late": "bad",
    "clock_stopped": "plain",
    "clock_cancelled": "plain",
}


def _clocks(
    lines: Sequence[Mapping[str, Any]],
    running: Iterable[tuple[str, int, Moment]],
    scale: _Scale,
    words: Words,
    end: Moment,
) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    begun: dict[tuple[str, int], Moment] = {}
    due: dict[tuple[str, int], Moment | None] = {}
    for name, number, ends in running:
        lanes[name] = Lane("clock", words.of("clocks", name))
        begun[(name, number)], due[(name, number)] = scale.start, ends

    def bar(run: tuple[str, int], until: Moment, tone: str, ends: bool = True) -> None:
        start = begun.pop(run, None)
        if start is not None:
            lane = lanes[run[0]]
            x, last = scale.x(start), due.get(run) if ends else None
            width = max(scale.x(until) - x, 2)
            lane.bars.append(Bar(x, round(width, 1), tone, None if last is None else scale.x(last), lane.title))

    for line in lines:
        if not str(line["kind"]).startswith("clock_"):
            continue
        name, run = line["clock"], (line["clock"], line["run"])
        lane = lanes.setdefault(name, Lane("clock", words.of("clocks", name)))
        if "due" in line:
            due[run] = line["due"]
        if line["kind"] in ("clock_started", "clock_resumed"):
            begun[run] = line["at"]
        elif line["kind"] == "clock_warned":
            lane.dots.append(Dot(scale.x(line["at"]), line["at"], "warn", gettext("warning")))
        elif line["kind"] == "clock_paused":
            bar(run, line["at"], "info", False)
        elif line["kind"] in _ENDS:
            bar(run, line["at"], _ENDS[line["kind"]])
    for run in list(begun):
        last = due.get(run)
        bar(run, end if last is None else min(end, max(last, begun[run])), "info")
    return list(lanes.values())


def _people(told: Iterable[tuple[Moment, str, str]], scale: _Scale) -> list[Lane]:
    lanes: dict[str, Lane] = {}
    for at, whom, what in told:
        lanes.setdefault(whom, Lane("person", whom)).dots.append(Dot(scale.x(at), at, "main", what))
    return list(lanes.values())
