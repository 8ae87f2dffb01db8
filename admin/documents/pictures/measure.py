"""How wide a text is, about: SVG breaks no lines by itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator


def width(text: str, size: float) -> float:
    """About how many pixels a text of that font size takes."""
    wide = sum(1 for letter in text if unicodedata.east_asian_width(letter) in "WF")
    return size * (wide + 0.56 * (len(text) - wide))


def fitted(text: str, size: float, room: float) -> str:
    """The text, cut with … where it does not fit."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(pieces: list[str], separator: str, size: float, room: float) -> Iterator[str]:
    """Pieces in lines; one that is too long for a line is cut."""
    line = ""
    for place, piece in enumerate(pieces):
        text = piece + (separator if place < len(pieces) - 1 else "")
        if line and width(line + text, size) > room:
            yield line.rstrip()
            line = ""
        line += fitted(text, size, room)
    if line:
        yield line.rstrip()
