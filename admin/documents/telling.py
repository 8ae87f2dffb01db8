"""A version as its overview tells it, in the reader's words: with the names of teams, roles, channels, documents."""

from __future__ import annotations

from typing import Any

from admin import languages
from admin.documents import kept
from admin.reading import ZONED, PanelReader
from server import calling
from server.core.overview import Overview, overview


def told(row: Any) -> Overview:
    """The overview of a version."""
    language = languages.language()
    value = kept.value_of(row)
    names = calling.names(language, value)
    reader = PanelReader(language, ZONED, names.people, names.channels, names.documents)
    return overview(row.kind, value, language, names, reader)
