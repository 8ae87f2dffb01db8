"""Why each line of a timeline came, in the reader's words (`server.core.causes`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from admin.lines import Line
from admin.reading import Words
from server.core.causes import Cause
from server.core.moments import Moment
from server.core.phrases import Phrases
from server.core.vocabulary import say

_SECTIONS: Final = {
    "mark": "clocks",
    "due": "clocks",
    "again": "clocks",
    "final": "stages",
    "stage": "stages",
    "entered": "stages",
    "rung": "ladders",
    "left": "ladders",
    "survey": "surveys",
    "unanswered": "surveys",
    "holds": "checks",
    "counted": "watches",
}


def explained(shown: Sequence[Line], entries: Sequence[Any], found: Sequence[Cause | None], words: Words) -> list[Line]:
    """The lines, each with why it came after the reasons that it has already."""
    return [
        line if cause is None else replace(line, reasons=[*line.reasons, cause_text(cause, entry, words)])
        for line, entry, cause in zip(shown, entries, found, strict=True)
    ]


def cause_text(cause: Cause, entry: Any, words: Words) -> str:
    """A cause as a clause."""
    language = words.language
    phrases = words.phrases
    kind = cause.kind
    if kind == "event" and cause.at != entry["at"]:
        kind = "event_then"
    section = _SECTIONS.get(kind, "")
    raw = words.process.raw.get("checks", {}).get(cause.id, {})
    return say(
        f"causes.{kind}",
        language,
        title=words.of(section, cause.id) if section else "",
        at=_moment(cause.at, words),
        event=_event(cause.event, phrases),
        events=say("causes.or", language).join(_event(one, phrases) for one in _in_order(cause, words))
        or say("causes.nothing_ends", language),
        rung=cause.rung,
        mark=phrases.mark(entry["mark"]) if "mark" in entry else "",
        condition=phrases.condition(raw.get("when")) if kind == "holds" else "",
    )


def _moment(at: Moment | None, words: Words) -> str:
    return "" if at is None else words.reader.moment(at)


def _event(name: str, phrases: Phrases) -> str:
    said = phrases.event(name)
    return said if "." in name or name == "received" else say("causes.action", phrases.language, title=said)


def _in_order(cause: Cause, words: Words) -> list[str]:
    """The events in the order of the document's actions, the others behind."""
    order = {name: place for place, name in enumerate(words.process.actions)}
    return sorted(cause.events, key=lambda name: (order.get(name, len(order)), name))
