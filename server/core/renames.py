"""An id that has another name in the newer text: recognised by what it stands for, so that a renamed stage is not told
as one that is gone, one that is new, and a change wherever it is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.core.normal_forms import canonical
from server.core.schema_nodes import DEFINING, Form, Node, root_of

_ALIKE: Final = 0.6
"""Share of equal keys from which two entries are taken for one."""

_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "field": ("fields", "classify"),
    "severity": ("severities",),
    "stage": ("stages",),
    "action": ("actions",),
    "template": ("templates",),
    "survey": ("surveys",),
    "notice": ("notify",),
}
"""Where what a schema's `x-names` speaks of is defined."""

_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "stage": ("stages",),
    "classified": ("classify",),
    "clock": ("clocks",),
    "ladder": ("ladders",),
    "notice": ("notify",),
    "survey": ("surveys",),
    "check": ("checks",),
    "watch": ("watches",),
}


@dataclass(frozen=True, slots=True)
class Renames:
    """The new id of each renamed one, by part of the document."""

    of: Mapping[str, Mapping[str, str]]

    def new(self, name: Any, sections: tuple[str, ...]) -> Any:
        """The name by which the newer text calls it."""
        if isinstance(name, str):
            for section in sections:
                if name in self.of.get(section, {}):
                    return self.of[section][name]
        return name


def renames_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Renames:
    """The ids of a process that were renamed."""
    found = {}
    for section in DEFINING:
        older, newer = before.get(section), after.get(section)
        if isinstance(older, Mapping) and isinstance(newer, Mapping) and (pairs := _pairs(older, newer)):
            found[section] = pairs
    return Renames(found)


def _pairs(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, str]:
    gone = [name for name in older if name not in newer]
    new = [name for name in newer if name not in older]
    scored = sorted(
        ((_alike(older[old], newer[name]), -new.index(name), old, name) for old in gone for name in new), reverse=True
    )
    pairs: dict[str, str] = {}
    for score, _, old, name in scored:
        if score >= _ALIKE and old not in pairs and name not in pairs.values():
            pairs[old] = name
    return pairs


def _alike(older: Any, newer: Any) -> float:
    """How much two entries have in common, from 0 to 1. Entries that say next to nothing have nothing in common."""
    if not isinstance(older, Mapping) or not isinstance(newer, Mapping):
        return float(canonical(older) == canonical(newer) and isinstance(older, list))
    title = older.get("title") or older.get("label")
    if title and title == (newer.get("title") or newer.get("label")):
        return 1.0
    keys = older.keys() | newer.keys()
    equal = sum(key in older and key in newer and canonical(older[key]) == canonical(newer[key]) for key in keys)
    return equal / len(keys) if len(keys) > 1 else 0.0


def renamed(kind: str, document: Mapping[str, Any], renames: Renames) -> dict[str, Any]:
    """The document with its new ids, in definitions and wherever they are named."""
    if not renames.of:
        return dict(document)
    found: dict[str, Any] = _Renaming(renames).value(document, root_of(kind), ())
    return found


class _Renaming:
    """Writes a document anew with other ids."""

    def __init__(self, renames: Renames) -> None:
        self._renames = renames

    def value(self, value: Any, node: Node, path: tuple[str, ...]) -> Any:
        if node.name in ("condition", "conditions"):
            return self._condition(value)
        if isinstance(value, Mapping):
            return self._map(value, node.fitting(value), path)
        if isinstance(value, list):
            items = node.items_for(value)
            return [self.value(item, node if items is None else items, path) for item in value]
        return self._text(value, node, path) if isinstance(value, str) else value

    def _map(self, value: Mapping[str, Any], node: Node, path: tuple[str, ...]) -> dict[str, Any]:
        names = node.schema.get("propertyNames", {})
        kind = names.get("x-names") or node._of(names).schema.get("x-names") if names else None
        sections = _SECTIONS.get(str(kind), ())
        if len(path) == 1 and path[0] in DEFINING:
            sections = (path[0],)
        return {
            self._renames.new(key, sections): self.value(item, node.child(key), (*path, key))
            for key, item in value.items()
        }

    def _text(self, value: str, node: Node, path: tuple[str, ...]) -> str:
        if path[:2] == ("classify", "severity") and path[-1] != "from":
            return str(self._renames.new(value, ("severities",)))
        fitting = node.branches[0] if node.form is Form.SEVERAL else node
        word = str(fitting.schema.get("x-names") or "")
        if word == "event":
            return self._event(value)
        if word == "who" or value.startswith("field:"):
            return self._who(value)
        if word in _SECTIONS:
            return str(self._renames.new(value, _SECTIONS[word]))
        if path[0] in ("targets", "reports") and node.word in ("id", ""):
            return str(self._renames.new(value, ("clocks", "surveys", "fields")))
        return value

    def _event(self, value: str) -> str:
        head, dot, rest = value.partition(".")
        if not dot:
            return str(self._renames.new(value, ("actions",)))
        name, dot, tail = rest.partition(".")
        return f"{head}.{self._renames.new(name, _EVENTS[head])}{dot}{tail}"

    def _who(self, value: str) -> str:
        head, _, rest = value.partition(":")
        sections = {"did": ("actions",), "rung": ("ladders",), "field": ("fields", "classify")}.get(head)
        if sections is None:
            return value
        name = re.match(r"\w*", rest)
        assert name is not None
        return f"{head}:{self._renames.new(name[0], sections)}{rest[name.end() :]}"

    def _condition(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._condition(part) for part in value]
        if not isinstance(value, Mapping):
            return value
        if "field" in value:
            return self._test(value)
        found = {}
        for key, part in value.items():
            found[key] = self._event(part) if key in ("happened", "since") else self._condition(part)
        return found

    def _test(self, value: Mapping[str, Any]) -> dict[str, Any]:
        field = value["field"]
        sections = {"severity": ("severities",), "stage": ("stages",)}.get(str(field), ())

        def operand(part: Any) -> Any:
            if isinstance(part, list):
                return [operand(item) for item in part]
            if isinstance(part, str) and part.startswith("field:"):
                return self._who(part)
            return self._renames.new(part, sections)

        return {
            key: self._renames.new(part, ("fields", "classify")) if key == "field" else operand(part)
            for key, part in value.items()
        }
