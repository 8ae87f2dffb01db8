"""The workflow as a picture: a card for each stage, from top to bottom as the document lists them.

What leads to another stage is a line in the card of the stage that it leaves, with who may do it. What leads on to the
next stage goes down by an arrow between the cards; what leads further ahead goes around on the right, what leads back
on the left, and all that leads to one stage shares a lane: so no two lines of text and no two arrows lie on each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from admin.documents.pictures.measure import fitted, wrapped
from server.core.overview.voice import Voice, mapping, several
from server.core.process import BUILT_IN

CARD: Final = 276
PADDING: Final = 12
HEADER: Final = 34
ROW: Final = 38
LINE: Final = 17
GAP: Final = 30
LANE: Final = 14
MARGIN: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """An action that leads to another stage: `way` is next, ahead or back; `y` its middle within the picture."""

    text: str
    note: str
    way: str
    y: float


@dataclass(frozen=True, slots=True)
class Card:
    """A stage, or (`kind` any) what can be done in every stage that is not final."""

    title: str
    kind: str
    x: float
    y: float
    height: float
    rows: Sequence[Row]
    stays: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way from one stage to another."""

    way: str
    path: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """The picture: its size, what is in it, and the same in sentences."""

    width: float
    height: float
    card: float
    cards: Sequence[Card]
    arrows: Sequence[Arrow]
    sentences: Sequence[str]


@dataclass
class _Place:
    """A card while it is laid out."""

    id: str
    title: str
    kind: str
    leads: list[tuple[str, str, str]] = field(default_factory=list)  # (text, note, target)
    stays: list[str] = field(default_factory=list)
    y: float = 0
    height: float = 0
    stay_lines: list[str] = field(default_factory=list)


def workflow(voice: Voice, any_stage: str, stays: str) -> Workflow | None:
    """The picture of a process; None when it has no stages. `any_stage`, `stays`: the words for what can be done in
    every stage that is not final, and for what leaves the stage as it is."""
    places = _places(voice, any_stage)
    if not places:
        return None
    y: float = MARGIN
    for place in places:
        separator = "、" if voice.language == "zh" else ", "
        room = CARD - 2 * PADDING
        place.stay_lines = list(wrapped([stays, *place.stays], separator, 12, room)) if place.stays else []
        if place.stay_lines:  # the words before the list are not part of it
            place.stay_lines[0] = place.stay_lines[0].replace(stays + separator.rstrip(), stays, 1)
        place.y = y
        place.height = HEADER + ROW * len(place.leads) + LINE * len(place.stay_lines) + (8 if place.stay_lines else 0)
        y += place.height + GAP
    order = {place.id: number for number, place in enumerate(places)}
    lanes = _lanes(places, order)
    left = MARGIN + LANE * (1 + max(lanes["back"].values(), default=-1)) + (8 if lanes["back"] else 0)
    right = LANE * (1 + max(lanes["ahead"].values(), default=-1)) + (8 if lanes["ahead"] else 0)
    return Workflow(
        width=left + CARD + right + MARGIN,
        height=y - GAP + MARGIN,
        card=CARD,
        cards=[_card(place, order, left) for place in places],
        arrows=_arrows(places, order, lanes, left),
        sentences=_sentences(places, order),
    )


def _places(voice: Voice, any_stage: str) -> list[_Place]:
    found: dict[str, _Place] = {}
    for number, (name, one) in enumerate(voice.items("stages")):
        kind = "final" if one.get("final") else "plain" if number else "first"
        found[name] = _Place(name, voice.title("stages", name), kind)
    everywhere = _Place("", any_stage, "any")
    automatic = _automatic(voice)
    for name, one in voice.items("actions"):
        if name in BUILT_IN:
            continue
        title = voice.title("actions", name)
        by = voice.who(one["by"]) if "by" in one else voice.say("flow.default_by")
        to = str(one.get("to", ""))
        sources = [str(source) for source in several(one.get("from"))] if "from" in one else [""]
        for source in sources:
            place = found.get(source) if source else everywhere
            if place is None:
                continue
            if to in found and to != source:
                notes = [by, automatic[name]] if name in automatic else [by]
                place.leads.append((title, " · ".join(notes), to))
            else:
                place.stays.append(title)
    places = list(found.values())
    return [*places, everywhere] if places and (everywhere.leads or everywhere.stays) else places


def _automatic(voice: Voice) -> Mapping[str, str]:
    """Actions that happen by themselves, with when."""
    found = {}
    for one in map(mapping, several(voice.value.get("automate"))):
        if "after" in one:
            when = voice.by_case(one["after"], voice.duration)
        elif "at" in one:
            when = voice.listed([voice.phrases.schedule(str(text)) for text in several(one["at"])])
        else:
            when = voice.events(one.get("on"))
        found[str(one.get("do"))] = voice.say("flow.by_itself", when=when)
    return found


def _way(source: str, target: str, order: Mapping[str, int]) -> str:
    step = order[target] - order[source]
    return "next" if step == 1 else "ahead" if step > 1 else "back"


def _row_y(place: _Place, number: int) -> float:
    return place.y + HEADER + ROW * number + ROW / 2


def _lanes(places: Sequence[_Place], order: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """For each side the lane of each stage that something leads to: the innermost that is free all along."""
    by_id = {place.id: place for place in places}
    spans: dict[str, dict[str, list[float]]] = {"ahead": {}, "back": {}}
    for place in places:
        for number, (_, _, target) in enumerate(place.leads):
            way = _way(place.id, target, order)
            if way != "next":
                ys = spans[way].setdefault(target, [by_id[target].y + HEADER / 2])
                ys.append(_row_y(place, number))
    return {way: _packed(found) for way, found in spans.items()}


def _packed(spans: Mapping[str, list[float]]) -> dict[str, int]:
    taken: list[list[tuple[float, float]]] = []
    lanes = {}
    for target, ys in sorted(spans.items(), key=lambda one: max(one[1]) - min(one[1])):
        low, high = min(ys) - 4, max(ys) + 4
        free = (n for n, others in enumerate(taken) if all(high < a or b < low for a, b in others))
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((low, high))
        lanes[target] = lane
    return lanes


def _arrows(
    places: Sequence[_Place], order: Mapping[str, int], lanes: Mapping[str, Mapping[str, int]], left: float
) -> list[Arrow]:
    by_id = {place.id: place for place in places}
    arrows: dict[str, Arrow] = {}
    for place in places:
        for number, (_, _, target) in enumerate(place.leads):
            way, goal = _way(place.id, target, order), by_id[target]
            if way == "next":
                x = left + CARD / 2
                path = f"M{x:g} {place.y + place.height:g}V{goal.y - 2:g}"
            else:
                side, sign = (left + CARD, 1) if way == "ahead" else (left, -1)
                lane = side + sign * (LANE * (lanes[way][target] + 1) + 2)
                start, end = _row_y(place, number), goal.y + HEADER / 2
                turn = 6 if end > start else -6
                path = (
                    f"M{side:g} {start:g}H{lane - 6 * sign:g}Q{lane:g} {start:g} {lane:g} {start + turn:g}"
                    f"V{end - turn:g}Q{lane:g} {end:g} {lane - 6 * sign:g} {end:g}H{side + 3 * sign:g}"
                )
            arrows.setdefault(path, Arrow(way, path))
    return list(arrows.values())


def _card(place: _Place, order: Mapping[str, int], left: float) -> Card:
    room = CARD - 2 * PADDING - 14
    rows = []
    for number, (text, note, target) in enumerate(place.leads):
        rows.append(Row(fitted(text, 13, room), fitted(note, 11.5, room), _way(place.id, target, order),
                        _row_y(place, number)))  # fmt: skip
    top = place.y + HEADER + ROW * len(place.leads) + 14
    stays = [(top + LINE * number, line) for number, line in enumerate(place.stay_lines)]
    title = fitted(place.title, 14, CARD - 2 * PADDING)
    return Card(title, place.kind, left, place.y, place.height, rows, stays)


def _sentences(places: Sequence[_Place], order: Mapping[str, int]) -> list[str]:
    by_id = {place.id: place.title for place in places}
    return [
        f"{place.title} → {by_id[target]}: {text} ({note})" for place in places for text, note, target in place.leads
    ]
