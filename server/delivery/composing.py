"""The words of a batch: several messages to one reader as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from server.channels.outgoing import shortened
from server.core.vocabulary import say
from server.core.wording import late_text

IN_FULL: Final = 20
"""Messages that stand in a batch as they are; of more, each has a line."""

LINES: Final = 200
_BETWEEN: Final = "\n\n――――――\n\n"


@dataclass(frozen=True, slots=True)
class Part:
    """A message that becomes part of a batch: its words, its line in a list, and by how much it is late (ms)."""

    subject: str
    body: str
    line: str
    late: int


def folded(parts: Sequence[Part], language: str, brief: bool) -> tuple[str, str]:
    """Subject and body for messages of one instant. `brief`: the channel has room for little."""
    different = {part.body: part for part in parts}
    if len(different) == 1:
        return parts[0].subject, parts[0].body
    subject = say("messages.folded", language, count=len(different), subject=parts[0].subject)
    if brief:
        return subject, f"{subject}\n" + _lines(list(different.values()), language)
    if len(different) <= IN_FULL:
        return subject, _BETWEEN.join(different)
    return subject, _lines(list(different.values()), language)


def summary(parts: Sequence[Part], language: str, brief: bool) -> tuple[str, str]:
    """Subject and body of what a person gets after a downtime instead of many messages: a line for each, in order of
    time, each with by how much it is late."""
    subject = say("messages.summary", language, count=len(parts))
    body = _lines(parts, language)
    return subject, f"{subject}\n{body}" if brief else body


def with_lateness(body: str, late: int, language: str) -> str:
    """A text that says first by how much it is late."""
    lateness = late_text(late, language)
    return f"{say('messages.late', language, late=lateness)}\n{body}" if lateness else body


def _lines(parts: Sequence[Part], language: str) -> str:
    lines = [shortened(_line(part, language), 300) for part in parts[:LINES]]
    if len(parts) > LINES:
        lines.append(say("messages.more", language, count=len(parts) - LINES))
    return "\n".join(lines)


def _line(part: Part, language: str) -> str:
    lateness = late_text(part.late, language)
    line = part.line or part.subject
    return f"{line} {say('messages.late', language, late=lateness)}" if lateness else line


def merged(recipients: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Everyone whom the parts name, each once."""
    found: dict[str, dict[str, Any]] = {}
    for some in recipients:
        for one in some:
            found.setdefault(str(one["id"]), one)
    return list(found.values())
