"""Ids as ranges: `1-200,203` stands for 1 to 200 and 203, always growing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

Ranges: TypeAlias = list[tuple[int, int]]
"""First and last of each, both included; growing, and not touching one another."""

_TEXT = re.compile(r"(?:\d{1,19}(?:-\d{1,19})?(?:,\d{1,19}(?:-\d{1,19})?)*)?", re.ASCII)


def of(ids: Iterable[int]) -> Ranges:
    """The ranges of ids, which come in growing order."""
    found: Ranges = []
    for one in ids:
        if found and one <= found[-1][1]:
            raise ValueError(f"ids do not grow at {one}")
        if found and one == found[-1][1] + 1:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return found


def show(ranges: Ranges) -> str:
    """The ranges as text."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def read(text: str) -> Ranges:
    """The ranges that a text stands for. Raises ValueError when it is none that `show` gives."""
    if not _TEXT.fullmatch(text):
        raise ValueError("no ranges of ids")
    found: Ranges = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found.append((int(first), int(last or first)))
    if show(found) != text or any(first > last for first, last in found):
        raise ValueError("no ranges of ids")
    if any(following[0] <= one[1] + 1 for one, following in zip(found, found[1:], strict=False)):
        raise ValueError("ranges of ids that do not grow, or touch")
    return found


def read_or_none(text: str) -> Ranges:
    """The ranges that a text stands for; none for a text that somebody has changed so that it is none of ours."""
    try:
        return read(text)
    except ValueError:
        return []


def ids(ranges: Ranges) -> Iterator[int]:
    """Every id in them."""
    return chain.from_iterable(range(first, last + 1) for first, last in ranges)


def count(ranges: Ranges) -> int:
    """How many ids they are."""
    return sum(last - first + 1 for first, last in ranges)


def without(ranges: Ranges, taken: Sequence[int], upto: int = 0) -> Ranges:
    """The ranges without these ids (growing), and without everything up to `upto`."""
    left: Ranges = []
    rest = iter(taken)
    one = next(rest, None)
    for first, last in ranges:
        start = max(first, upto + 1)
        while one is not None and one < start:
            one = next(rest, None)
        while one is not None and one <= last:
            if one > start:
                left.append((start, one - 1))
            start = one + 1
            one = next(rest, None)
        if start <= last:
            left.append((start, last))
    return left
