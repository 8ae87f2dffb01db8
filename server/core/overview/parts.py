"""What an overview is made of: sections of paragraphs, points, tables and quoted texts. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences that stand beside each other."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its lines; `numbered`: they happen in this order; `span`: over so many columns."""

    lines: Sequence[str]
    span: int = 1
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first cell of a row names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    matrix: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """A text of the document as it is written, under a title."""

    title: str
    notes: Sequence[str]
    text: str


@dataclass(frozen=True, slots=True)
class Folded:
    """Points that most readers pass over, under a title."""

    title: str
    items: Sequence[str]


Block = Paragraph | Points | Grid | Quote | Folded


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an overview."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Overview:
    """A document told for reading, in one language."""

    title: str
    sections: Sequence[Section]


def words_of(overview: Overview) -> str:
    """Everything that an overview says, line by line."""
    lines = (line for section in overview.sections for block in section.blocks for line in _lines(block))
    return "\n".join([overview.title, *lines])


def _lines(block: Block) -> list[str]:
    match block:
        case Paragraph(text):
            return [text]
        case Points(items):
            return list(items)
        case Folded(title, items):
            return [title, *items]
        case Quote(title, notes, text):
            return [title, *notes, text]
        case Grid(caption, head, rows):
            return [caption, " | ".join(head), *(" | ".join("; ".join(cell.lines) for cell in row) for row in rows)]
