"""A policy document told for reading: sentences and tables that a manager can print, in either language.

Pure, and made of the document's text alone (with the names that others have): what it says is what the server does.
No key of the language is left untold; a test walks the schemas (tests/core/test_overview.py). The sentences are in
`schemas/overview.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from server.core.overview import flow, judging, others, quality, telling, timing
from server.core.overview.parts import (
    Block,
    Cell,
    Folded,
    Grid,
    Overview,
    Paragraph,
    Points,
    Quote,
    Section,
    words_of,
)
from server.core.overview.voice import Voice
from server.core.vocabulary import Names
from server.core.wording import Reader

__all__ = [
    "Block",
    "Cell",
    "Folded",
    "Grid",
    "Names",
    "Overview",
    "Paragraph",
    "Points",
    "Quote",
    "Section",
    "overview",
    "words_of",
]

_SECTIONS: Final[Mapping[str, Mapping[str, Callable[[Voice], list[Block]]]]] = {
    "process": {
        "about": judging.about,
        "fields": judging.fields,
        "judging": judging.judging,
        "route": judging.route,
        "flow": flow.flow,
        "clocks": timing.clocks,
        "nobody": timing.nobody,
        "notices": telling.notices,
        "ladders": telling.ladders,
        "automatic": timing.automatic,
        "checking": flow.checking,
        "surveys": telling.surveys,
        "quality": quality.quality,
        "figures": quality.figures,
        "templates": quality.templates,
        "examples": quality.examples,
    },
    "calendar": {"about": others.about, "hours": others.hours, "dates": others.dates},
    "source": {"about": others.about, "deliveries": others.deliveries, "mapping": others.filling},
    "channels": {"about": others.about, "ways": others.ways},
}


def overview(
    kind: str, value: Mapping[str, Any], language: str, names: Names | None = None, reader: Reader | None = None
) -> Overview:
    """The document in words. What is not in it (no surveys, no ladders) has no section. `reader`: who writes moments in
    a way of his own."""
    voice = Voice(kind, value, language, Names() if names is None else names, reader)
    sections = []
    for id_, tell in _SECTIONS[kind].items():
        blocks = tell(voice)
        if blocks:
            sections.append(Section(id_, voice.say(f"sections.{id_}"), blocks))
    return Overview(voice.text(value.get("title"), str(value.get("name", ""))), sections)
