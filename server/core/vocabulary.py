"""The words of a process in a language: labels of choices, titles of stages, clocks, notices … and the server's own.

Text in a document is a string, or a map by language (policy language, section 1); what a language lacks is given in the
other. The server's own sentences are in `schemas/wording.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from server.resources import texts_of

LANGUAGES: Final = ("zh", "en")


@cache
def catalogue() -> Mapping[str, Any]:
    """The server's own sentences, as in `schemas/wording.yaml`."""
    return texts_of("wording")


def in_language(text: object, language: str, default: str = "") -> str:
    """A Text of a document in a language: a string as it is, of a map the language's entry or else the first."""
    if isinstance(text, str):
        return text
    if isinstance(text, Mapping) and text:
        return str(text.get(language) or next(iter(text.values())))
    return default


def say(path: str, language: str, **values: object) -> str:
    """One of the server's own sentences, `path` such as `words.late`, with its values filled in."""
    found: Any = catalogue()
    for part in path.split("."):
        found = found[part]
    return in_language(found, language).format(**values)


def quoted(text: str, language: str) -> str:
    """In quotation marks: what somebody wrote, or a name that is no word."""
    return say("words.quoted", language, text=text)


@dataclass(frozen=True, slots=True)
class Names:
    """What others are called: `people` has persons, teams (`team:ID`) and roles (`role:NAME`), `channels` the channels
    by their ids, `documents` the other documents by name; `processes` what the processes say, for sources of theirs."""

    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    processes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


NOBODY_NAMED: Final = Names()
Naming = Callable[[str], Names]
"""What others are called, by language."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one process document, as read from YAML."""

    document: Mapping[str, Any]
    _fields: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for survey in _mapping(self.document.get("surveys")).values():
            self._fields.update(_mapping(_mapping(survey).get("questions")))
        self._fields.update(_mapping(self.document.get("fields")))

    @property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """Declared fields and the questions of surveys, which become facts under their ids."""
        return self._fields

    @property
    def classified(self) -> list[str]:
        """Every name that `classify` sets."""
        return list(_mapping(self.document.get("classify")))

    @property
    def clocks(self) -> list[str]:
        return list(_mapping(self.document.get("clocks")))

    def label(self, name: str, language: str) -> str:
        """A field's label, or its name."""
        own = _mapping(self._fields.get(name)).get("label")
        return in_language(own or catalogue()["names"].get(name), language, name)

    def option(self, name: str, value: str, language: str) -> str:
        """The label of a choice's value; of a severity or stage its title. What has no label is its id."""
        if name == "severity":
            return self.title("severities", value, language)
        if name == "stage":
            return self.title("stages", value, language)
        return in_language(_mapping(_mapping(self._fields.get(name)).get("options")).get(value), language, value)

    def title(self, kind: str, name: str, language: str) -> str:
        """The title of a stage, action, clock, notice, ladder, survey, check or watch; its id when it has none."""
        found = _mapping(_mapping(self.document.get(kind)).get(name)).get("title")
        if not found and kind == "actions":
            found = catalogue()["actions"].get(name)
        return in_language(found, language, name)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
