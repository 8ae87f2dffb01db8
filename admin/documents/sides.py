"""Two texts side by side, line by line: what is alike is folded, and within a changed line the changed words show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

AROUND: Final = 3  # lines that are alike and shown, before and after a change
FOLDS_FROM: Final = 4  # fewer are shown
LARGE: Final = 4_000  # lines of both; beyond, lines that occur often are not looked for
LONGEST_LINE: Final = 2_000  # characters; the words of longer ones are not compared

_WORDS: Final = re.compile(r"\s+|[A-Za-z0-9_]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one side: its number and its text in pieces, each with whether it is another on the other side."""

    number: int
    pieces: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A row: a line of the older text, of the newer, or both. `kind`: same, changed, gone, new, or folded (`count`
    lines that are alike, of which none is shown)."""

    kind: str
    older: Line | None = None
    newer: Line | None = None
    count: int = 0


def sides(older: str, newer: str, whole: bool = False) -> list[Pair]:
    """The rows of the two texts; `whole`: nothing is folded."""
    before, after = older.splitlines(), newer.splitlines()
    pairs: list[Pair] = []
    head = _alike_at_the_start(before, after)
    tail = _alike_at_the_start(before[head:][::-1], after[head:][::-1])
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    opcodes: list[tuple[str, int, int, int, int]] = [("equal", 0, head, 0, head)]
    matcher = SequenceMatcher(None, *middle, autojunk=len(middle[0]) + len(middle[1]) > LARGE)
    opcodes += [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in matcher.get_opcodes()]
    opcodes.append(("equal", len(before) - tail, len(before), len(after) - tail, len(after)))
    for place, (tag, first, last, start, end) in enumerate(opcodes):
        if tag == "equal":
            same = [Pair("same", _line(before, first + n), _line(after, start + n)) for n in range(last - first)]
            begins, ends = place == 0, place == len(opcodes) - 1
            pairs += same if whole else _folded(same, 0 if begins else AROUND, 0 if ends else AROUND)
        else:
            pairs += _changed(before, after, first, last, start, end)
    return pairs


def _alike_at_the_start(before: Sequence[str], after: Sequence[str]) -> int:
    count = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        count += 1
    return count


def _folded(same: list[Pair], leading: int, trailing: int) -> list[Pair]:
    hidden = len(same) - leading - trailing
    if hidden < FOLDS_FROM:
        return same
    return [*same[:leading], Pair("folded", count=hidden), *same[len(same) - trailing :]]


def _line(lines: Sequence[str], place: int) -> Line:
    return Line(place + 1, [(lines[place], False)])


def _changed(
    before: Sequence[str], after: Sequence[str], first: int, last: int, start: int, end: int
) -> Iterator[Pair]:
    both = min(last - first, end - start)
    for offset in range(both):
        old, new = before[first + offset], after[start + offset]
        gone, added = _pieces(old, new)
        yield Pair("changed", Line(first + offset + 1, gone), Line(start + offset + 1, added))
    for place in range(first + both, last):
        yield Pair("gone", older=_line(before, place))
    for place in range(start + both, end):
        yield Pair("new", newer=_line(after, place))


def _pieces(old: str, new: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """The two lines in pieces; where they have little in common, each is one piece."""
    if len(old) + len(new) > LONGEST_LINE:
        return [(old, True)], [(new, True)]
    words, other = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, words, other, autojunk=False)
    if matcher.ratio() < 0.4:
        return [(old, True)], [(new, True)]
    gone: list[tuple[str, bool]] = []
    added: list[tuple[str, bool]] = []
    for tag, first, last, start, end in matcher.get_opcodes():
        if last > first:
            gone.append(("".join(words[first:last]), tag != "equal"))
        if end > start:
            added.append(("".join(other[start:end]), tag != "equal"))
    return gone, added
