"""How the panel is seen: in which language, how wide, light or dark. Walks through the panel are tests over views:
`make test` walks each once; `make test-browser` (DUBAN_TEST_VIEWS=crossed) in each language at each width, light and
dark in turns; DUBAN_TEST_VIEWS=all in every view."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from babel.messages.catalog import Catalog

from admin.editing.schemas import schema_in
from admin.languages import LOCALES, read_catalogue

WIDTHS: Final = {1280: 900, 390: 844}
"""Widths of windows, and how high they are then."""


@dataclass(frozen=True)
class View:
    """A way to see the panel, and its words."""

    language: str
    width: int
    scheme: str

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}"

    @property
    def is_narrow(self) -> bool:
        """Whether the menu is behind a button."""
        return self.width < 860

    def t(self, text: str, **values: object) -> str:
        """A message of the panel as this view shows it. Raises KeyError for what the panel never says."""
        return _translated(text, self.language) % values if values else _translated(text, self.language)

    def one_of(self, one: str, many: str, num: int, **values: object) -> str:
        """The message for that many."""
        found = _catalogue("zh").get((one, many)) or _catalogue("zh").get(one)
        if found is None:
            raise KeyError(one)
        text = found.string[0] if self.language == "zh" else one if num == 1 else many
        return str(text) % {"num": num, **values}

    def title(self, *keys: str, kind: str = "process") -> str:
        """What the editor calls a part of a document: `title("clocks")`, `title("$defs", "clock", "within")`."""
        node: Any = schema_in(kind, self.language)
        for key in keys:
            node = node[key] if key.startswith("$") or "properties" not in node else node["properties"][key]
            while "$ref" in node:
                own = {key: value for key, value in node.items() if key != "$ref"}
                node = {**schema_in(kind, self.language)["$defs"][node["$ref"].rsplit("/", 1)[1]], **own}
        return str(node["title"])


ALL: Final = [View(language, width, scheme) for language in LOCALES for width in WIDTHS for scheme in ("light", "dark")]

CROSSED: Final = [view for view in ALL if (view.language == "zh") == ((view.width == 1280) == (view.scheme == "light"))]
"""Every two of language, width and scheme are met in one of these."""

MORE: Final = {"all": ALL, "crossed": CROSSED}


def seen(*firsts: str) -> Callable[[Any], Any]:
    """The test walks a path of users: its parameter `view` is one of those named, or what DUBAN_TEST_VIEWS asks for."""
    by_name = {str(view): view for view in ALL}
    asked = os.environ.get("DUBAN_TEST_VIEWS")
    views = MORE[asked] if asked else [by_name[name] for name in firsts]

    def mark(test: Any) -> Any:
        return pytest.mark.walk(pytest.mark.parametrize("view", views, ids=str)(test))

    return mark


@cache
def _catalogue(language: str) -> Catalog:
    return read_catalogue(LOCALES[language])


def _translated(text: str, language: str) -> str:
    found = _catalogue("zh").get(text)
    if found is None:
        raise KeyError(text)
    return text if language == "en" else str(found.string)
