"""Who is on duty when: spans, gaps, a rotation worked out, somebody relieved for a time, two shifts swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from server.core.moments import DAY, HOUR, LAST, SECOND, BadTime, Moment, OutOfRange, at_wall, local, parse, show
from server.directory.content import Attributes, rota_id, stored
from server.directory.editing import NEW, Amendment, mark
from server.directory.exporting import as_written
from server.directory.snapshot import Shift, Snapshot

MOST: Final = 1_000
"""Shifts that one rotation may have."""

UNITS: Final = {"hours": HOUR, "days": DAY, "weeks": 7 * DAY}


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which the same people are on duty; the one that counts, who began last, is first. Nobody: a gap."""

    start: Moment
    end: Moment
    shifts: tuple[Shift, ...]


def spans(people: Snapshot, team: str, start: Moment, end: Moment) -> list[Span]:
    """Who is on duty for the team in [start, end), without a hole: gaps are spans with nobody."""
    shifts = [
        one
        for one in people.shifts.get(team, ())
        if one.start < end and one.end > start and people.active(one.person) is not None
    ]
    bounds = {start, end} | {at for one in shifts for at in (one.start, one.end) if start < at < end}
    ordered = sorted(bounds)
    found: list[Span] = []
    for begin, until in zip(ordered, ordered[1:], strict=False):
        on = tuple(one for one in reversed(shifts) if one.start <= begin and one.end >= until)
        if found and found[-1].shifts == on:
            found[-1] = Span(found[-1].start, until, on)
        else:
            found.append(Span(begin, until, on))
    return found


def gaps(people: Snapshot, team: str, start: Moment, end: Moment) -> list[tuple[Moment, Moment]]:
    """The times in [start, end) when nobody active is on duty."""
    return [(span.start, span.end) for span in spans(people, team, start, end) if not span.shifts]


# -- changes ---


def relieved(team: str, start: str, end: str, zone: ZoneInfo, *, but: str = "") -> list[Amendment]:
    """What becomes of the team's shifts when all of them are to leave [start, end) free, but for the shift of that id.
    Nothing for times that cannot be read: whoever takes the shift in is told why."""
    try:
        begin, until = (parse(text, zone) // SECOND * SECOND for text in (start, end))
    except (BadTime, OutOfRange):
        return []
    found: list[Amendment] = []
    for id_, shift in stored(["rotas"])["rotas"].items():
        if shift["team"] != team or id_ == but or shift["from"] >= until or shift["to"] <= begin:
            continue
        before = {**shift, "to": begin} if shift["from"] < begin else None
        found.append(Amendment("rotas", id_, None if before is None else _written(before), mark(shift)))
        if shift["to"] > until:
            found.append(Amendment("rotas", None, _written({**shift, "from": until}), NEW))
    return found


def swapped(first: str, second: str) -> list[Amendment] | None:
    """Two people take each other's shift; None when one of them is not there any more."""
    rotas = stored(["rotas"])["rotas"]
    if first not in rotas or second not in rotas:
        return None
    one, other = rotas[first], rotas[second]
    return [
        Amendment("rotas", first, _written({**one, "person": other["person"]}), mark(one)),
        Amendment("rotas", second, _written({**other, "person": one["person"]}), mark(other)),
    ]


def rotation(
    team: str, people: Sequence[str], start: Moment, end: Moment, every: int, unit: str, zone: ZoneInfo
) -> list[Attributes]:
    """The shifts in which these people take turns from start to end. Days and weeks go by the wall clock of the zone,
    so that a shift from 8 to 8 stays one when the clocks change; the last one ends with the time."""
    found: list[Attributes] = []
    begin = start
    for number in range(MOST + 1):
        if begin >= end:
            break
        until = min(_later(start, every * (number + 1), unit, zone), end)
        found.append({"team": team, "person": people[number % len(people)], "from": begin, "to": until})
        begin = until
    return found


def _later(start: Moment, count: int, unit: str, zone: ZoneInfo) -> Moment:
    length = count * UNITS[unit]
    try:
        return start + length if unit == "hours" else at_wall(local(start, zone) + length, zone)
    except OutOfRange:
        return LAST


def planned(shifts: Sequence[Attributes], relieve: Callable[[str, str], list[Amendment]] | None) -> list[Amendment]:
    """The amendments by which a rotation comes into being."""
    made = [Amendment("rotas", None, _written(one), NEW) for one in shifts]
    if relieve is None or not shifts:
        return made
    return [*made, *relieve(show(shifts[0]["from"]), show(shifts[-1]["to"]))]


def _written(shift: Attributes) -> Attributes:
    return as_written("rotas", rota_id(shift["team"], shift["person"], shift["from"]), shift)


def around(people: Snapshot, team: str, now: Moment, days: int) -> Iterator[Shift]:
    """The team's shifts that are under way or begin within so many days."""
    until = now + timedelta(days=days) // timedelta(milliseconds=1)
    return (one for one in people.shifts.get(team, ()) if one.end > now and one.start < until)
