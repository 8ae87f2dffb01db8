"""Two changes of one text put side by side: what only one side changed, and where somebody has to choose.

Lines are put together as three-way merges do. What the two changes mean (`policies.changes`) then says in words what
stands in each place, and which places touch the same although their lines are apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final

from server import policies
from server.core import documents
from server.core.vocabulary import Naming
from server.drafts.problems import NotDone
from server.drafts.returning import conflicts
from server.drafts.standing import base_of, in_force
from server.store.models import Draft

BASE, MINE, THEIRS, BOTH = CHOICES = ("base", "mine", "theirs", "both")
"""What can be chosen for a place: the lines of the base, of the draft, of what is in force, or theirs and then mine."""

SAME: Final = "same"

Lines = Sequence[str]


@dataclass(slots=True)
class Place:
    """Lines that belong together. `kind`: `same`, `mine` or `theirs` (one side changed them), `conflict`. `said`: the
    changes in it in words, by side and language. `line` is that of the first one in what is in force, from 1."""

    kind: str
    base: Lines
    mine: Lines
    theirs: Lines
    line: int
    said: dict[str, list[Mapping[str, str]]] = field(default_factory=lambda: {MINE: [], THEIRS: []})

    def chosen(self, choice: str) -> Lines:
        """The lines of a choice."""
        match choice:
            case "mine":
                return self.mine
            case "theirs":
                return self.theirs
            case "both":
                return [*self.theirs, *self.mine]
        return self.base


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """A draft, its base and what is in force: the places of the text, and in words what each side changes and where
    they touch the same. `unreadable`: a text that cannot be read, of which only the lines are compared."""

    base: Any
    theirs: Any
    places: Sequence[Place]
    mine_said: Sequence[Mapping[str, Any]]
    theirs_said: Sequence[Mapping[str, Any]]
    touching: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
    unreadable: bool

    @property
    def open(self) -> list[Place]:
        """The places where somebody has to choose."""
        return [place for place in self.places if place.kind == "conflict"]


def three_way(draft: Draft, names: Naming | None = None) -> ThreeWay:
    """The draft beside its base and what is in force. Raises NotDone where there is nothing to put together."""
    base, standing = base_of(draft), in_force(draft.name)
    if base is None or standing is None or base.id == standing.id:
        raise NotDone(409, "rebase-not-needed", draft=draft.id)
    texts = [bytes(row.data).decode("utf-8", "replace") for row in (base, draft, standing)]
    found = places(*texts)
    try:
        mine, theirs = (policies.changes(base, row, names) for row in (draft, standing))
    except policies.Unusable:
        return ThreeWay(base, standing, found, [], [], [], True)
    touching = conflicts(mine, theirs)
    _name(found, MINE, bytes(draft.data), mine)
    _name(found, THEIRS, bytes(standing.data), theirs)
    _part(found, touching, bytes(draft.data), bytes(standing.data))
    return ThreeWay(base, standing, found, mine, theirs, touching, False)


def joined(found: ThreeWay, choices: Sequence[str]) -> str:
    """The text with a choice for each place that is open. Raises ValueError for another number of choices."""
    left = iter(choices)
    lines: list[str] = []
    for place in found.places:
        match place.kind:
            case "conflict":
                lines += place.chosen(next(left))
            case "mine":
                lines += place.mine
            case _:
                lines += place.theirs
    return "".join(lines)


# -- lines ----------------------------------------------------------------------------------------------------------


def places(base: str, mine: str, theirs: str) -> list[Place]:
    """The three texts, cut into places."""
    lines = [text.splitlines(keepends=True) for text in (base, mine, theirs)]
    found = []
    for span in _spans(*lines):
        one, other, third = (side[start:end] for side, (start, end) in zip(lines, span, strict=True))
        found.append(Place(_kind(one, other, third), one, other, third, span[2][0] + 1))
    return [place for place in found if place.base or place.mine or place.theirs]


def _kind(base: Lines, mine: Lines, theirs: Lines) -> str:
    if mine == theirs:
        return SAME
    if mine == base:
        return THEIRS
    return MINE if theirs == base else "conflict"


Span = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def _spans(base: Lines, mine: Lines, theirs: Lines) -> Iterator[Span]:
    """The texts cut where all three agree: each run that all have alike, and what stands between two of them."""
    at = (0, 0, 0)
    for start, end, in_mine, in_theirs in _agreed(base, mine, theirs):
        if (start, in_mine, in_theirs) != at:
            yield (at[0], start), (at[1], in_mine), (at[2], in_theirs)
        size = end - start
        yield (start, end), (in_mine, in_mine + size), (in_theirs, in_theirs + size)
        at = (end, in_mine + size, in_theirs + size)
    if at != (len(base), len(mine), len(theirs)):
        yield (at[0], len(base)), (at[1], len(mine)), (at[2], len(theirs))


def _agreed(base: Lines, mine: Lines, theirs: Lines) -> Iterator[tuple[int, int, int, int]]:
    """The runs of the base that both others have: from, to, where in mine, where in theirs."""
    first = SequenceMatcher(None, base, mine, autojunk=False).get_matching_blocks()
    second = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    one, other = 0, 0
    while one < len(first) and other < len(second):
        here, there = first[one], second[other]
        start, end = max(here.a, there.a), min(here.a + here.size, there.a + there.size)
        if start < end:
            yield start, end, here.b + start - here.a, there.b + start - there.a
        if here.a + here.size < there.a + there.size:
            one += 1
        else:
            other += 1


# -- words ----------------------------------------------------------------------------------------------------------


def _name(found: Sequence[Place], side: str, data: bytes, said: Sequence[Mapping[str, Any]]) -> None:
    """Put each change where its lines are."""
    for one in said:
        place = _at(found, side, data, one["at"])
        if place is not None:
            place.said[side].append(one["text"])


def _part(
    found: Sequence[Place], touching: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], mine: bytes, theirs: bytes
) -> None:
    """Where two changes touch the same in lines that are apart, both places are to be chosen."""
    for one, other in touching:
        for side, data, said in ((MINE, mine, one), (THEIRS, theirs, other)):
            place = _at(found, side, data, said["at"])
            if place is not None and place.kind == side:
                place.kind = "conflict"


def _at(found: Sequence[Place], side: str, data: bytes, pointer: str) -> Place | None:
    """The changed place of that side in which, or nearest to which, the value of the pointer stands."""
    document, _ = documents.read(data)
    if document is None:
        return None
    line, _ = document.place(_steps(pointer), key=True)
    start, best, least = 1, None, 1 << 30
    for place in found:
        size = len(place.mine if side == MINE else place.theirs)
        far = max(start - line, line - (start + size - 1), 0)
        if place.kind in (side, "conflict") and far < least:
            best, least = place, far
        start += size
    return best


def _steps(pointer: str) -> list[str | int]:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return [int(step) if step.isdigit() else step for step in steps]
