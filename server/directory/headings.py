"""What the tables of the directory and their columns are called: by their keys, or in a language that has words of its
own for them (`schemas/wording.yaml`, `tables`). Both are read, whatever the language of whoever reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from server.core.vocabulary import catalogue
from server.directory.content import SECTIONS


def heading(section: str, column: str, language: str) -> str:
    """A column's name in the language: its key where the language has no word for it."""
    return str(_words(language).get(section, {}).get("columns", {}).get(column, column))


def sheet_name(section: str, language: str) -> str:
    """A table's name in the language: its key where the language has no word for it."""
    return str(_words(language).get(section, {}).get("sheet", section))


def column_key(section: str, text: str) -> str:
    """The key of the column that is called so, in whichever language; what no column is called stays as it is."""
    return _columns(section).get(text.strip().casefold(), text.strip())


def section_key(text: str) -> str | None:
    """The section whose table is called so, in whichever language."""
    named = text.strip().casefold()
    return next((one for one in SECTIONS if named == one or named in _sheets(one)), None)


def spoken(section: str, head: Iterable[str]) -> str:
    """The language whose names a table's first row has; empty: it has keys."""
    cells = {cell.strip().casefold() for cell in head}
    for language, words in catalogue()["tables"].items():
        if not cells.isdisjoint(title.casefold() for title in words.get(section, {}).get("columns", {}).values()):
            return str(language)
    return ""


def _words(language: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = catalogue()["tables"].get(language, {})
    return found


@cache
def _columns(section: str) -> Mapping[str, str]:
    return {
        title.casefold(): key
        for words in catalogue()["tables"].values()
        for key, title in words.get(section, {}).get("columns", {}).items()
    }


@cache
def _sheets(section: str) -> frozenset[str]:
    return frozenset(words[section]["sheet"].casefold() for words in catalogue()["tables"].values() if section in words)
