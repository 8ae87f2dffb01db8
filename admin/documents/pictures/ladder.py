"""A ladder as a picture: for each severity, or each case that its conditions tell apart, its rungs, one after the
other, on an axis of time that has run without anybody acting. The axis has a mark for each moment at which somebody
climbs; it is not to scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from admin.documents.pictures.measure import fitted
from admin.languages import gettext
from server.core.durations import BadDuration, Duration, parse_duration
from server.core.overview.voice import Voice, mapping, several

LABEL: Final = 96
COLUMN: Final = 132
ROW: Final = 46
TOP: Final = 26
BAR: Final = 34
MARGIN: Final = 6


class _Week:
    """A usual week, to put durations of several kinds in order."""

    def open_ms_per_week(self) -> int:
        return 40 * 3_600_000

    def working_days_per_week(self) -> int:
        return 5


@dataclass(frozen=True, slots=True)
class Bar:
    """The time that an issue is on a rung. `stays`: until somebody acts."""

    x: float
    y: float
    width: float
    text: str
    note: str
    rank: int
    stays: bool


@dataclass(frozen=True, slots=True)
class LadderPicture:
    """The picture of one ladder."""

    id: str
    title: str
    width: float
    height: float
    ticks: Sequence[tuple[float, str]]
    rows: Sequence[tuple[float, str, str]]  # (y, the severity, its whole title)
    bars: Sequence[Bar]
    sentences: Sequence[str]


def ladder_pictures(voice: Voice) -> dict[str, LadderPicture]:
    """The ladders that can be drawn, by their titles: those whose times go by severity, are the same for all, or go by
    the same conditions on every rung."""
    found = {}
    for name, one in voice.items("ladders"):
        rungs = [mapping(rung) for rung in several(one.get("rungs"))]
        cases = _cases(voice, rungs)
        if rungs and cases:
            picture = _picture(voice, name, rungs, cases)
            if picture is not None:
                found[picture.title] = picture
    return found


def _cases(voice: Voice, rungs: Sequence[Mapping[str, Any]]) -> dict[str, int | str]:
    """The rows of the picture by their titles: severities, or the places of the rules that all rungs share; none where
    rungs go by different conditions."""
    lists = [within for rung in rungs if isinstance(within := rung.get("within"), list)]
    if not lists:
        return {voice.severity(name) if name else "": name for name in voice.severities or [""]}
    conditions = [[mapping(rule).get("when") for rule in rules] for rules in lists]
    by_severity = any(isinstance(rung.get("within"), Mapping) for rung in rungs)
    if by_severity or any(one != conditions[0] for one in conditions):
        return {}
    found: dict[str, int | str] = {}
    for place, when in enumerate([*conditions[0], None]):
        found.setdefault(gettext("in all other cases") if when is None else voice.condition(when), place)
    return found


def _within(rung: Mapping[str, Any], case: int | str) -> Any:
    """How long the rung is stood on in that case; None: until somebody acts."""
    within = rung.get("within")
    if isinstance(within, Mapping):
        return within.get(case)
    if isinstance(within, list) and isinstance(case, int):
        return mapping(within[case]).get("is") if case < len(within) else None
    return within


def _picture(
    voice: Voice, name: str, rungs: Sequence[Mapping[str, Any]], cases: Mapping[str, int | str]
) -> LadderPicture | None:
    try:
        climbs = {title: _climbs(rungs, case) for title, case in cases.items()}
    except BadDuration:
        return None
    moments = sorted({about: parts for found in climbs.values() for about, parts in found}.items())
    place = {0: 0} | {about: number for number, (about, _) in enumerate(moments, 1)}
    ticks = [(LABEL, voice.phrases.duration("now"))]
    ticks += [(LABEL + COLUMN * place[about], _total(voice, parts)) for about, parts in moments]
    bars, rows, sentences = [], [], []
    for row, (title, found) in enumerate(climbs.items()):
        y = TOP + ROW * row
        rows.append((y + BAR / 2 + 4, fitted(title, 12.5, LABEL - 10), title))
        edges = [0, *(about for about, _ in found)]
        for number, begins in enumerate(edges[: len(rungs)]):
            stays = number == len(edges) - 1
            end = len(moments) + 1 if stays else place[edges[number + 1]]
            who = voice.who(rungs[number].get("to"))
            width = COLUMN * (end - place[begins])
            text = f"{number + 1} · {who}"
            bars.append(Bar(LABEL + COLUMN * place[begins], y, width - 4, fitted(text, 12, width - 18),
                            who, min(number, 4), stays))  # fmt: skip
        waits = [ticks[0][1], *(_total(voice, parts) for _, parts in found)]
        said = [f"{wait}: {voice.who(rung.get('to'))}" for wait, rung in zip(waits, rungs, strict=False)]
        says = voice.pairs(said)
        sentences.append(f"{title} {says}".strip())
    return LadderPicture(
        id=name,
        title=voice.title("ladders", name),
        width=LABEL + COLUMN * (len(moments) + 1) + MARGIN,
        height=TOP + ROW * len(climbs),
        ticks=ticks,
        rows=rows,
        bars=bars,
        sentences=sentences,
    )


def _climbs(rungs: Sequence[Mapping[str, Any]], case: int | str) -> list[tuple[int, list[Duration]]]:
    """When an issue of that severity or case leaves each rung, if nobody acts: about how long after the first, and the
    sum."""
    parts: list[Duration] = []
    about = 0
    found = []
    for rung in rungs[:-1]:
        within = _within(rung, case)
        if within is None:
            break
        duration = parse_duration(within)
        parts = [*parts, duration]
        about += max(duration.approximate_ms(_Week()), 1)
        found.append((about, parts))
    return found


def _total(voice: Voice, parts: Sequence[Duration]) -> str:
    """Several durations as one where their units allow it: 4 h and 24 h are 28 h."""
    units: dict[str, int] = {}
    rest = []
    for duration in parts:
        if duration.ending:
            rest.append(voice.phrases.duration(duration.text))
        for unit, number in () if duration.ending else duration.parts:
            units[unit] = units.get(unit, 0) + number
    sums = [voice.phrases.duration(f"{number}{unit}") for unit, number in units.items()]
    return " + ".join([*sums, *rest])
