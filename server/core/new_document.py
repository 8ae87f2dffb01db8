"""The first text of a new document: next to nothing, or another document's under a name and a title of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from server.core import documents
from server.core.example_text import flow
from server.core.schema import KINDS


class NoCopy(ValueError):
    """A text whose name and title cannot be replaced as it is written."""


def empty(kind: str, name: str, title: Mapping[str, str]) -> str:
    """A document that says no more than what it is called; the check then says what it lacks."""
    assert kind in KINDS, kind
    return f"kind: {kind}\nname: {name}\ntitle: {flow(title)}\n"


def copy(text: str, name: str, title: Mapping[str, str]) -> str:
    """The text under that name and title, all else, comments included, as it is written. Raises NoCopy."""
    before, _ = documents.read(text.encode())
    root = None if before is None else yaml.compose(text, Loader=yaml.SafeLoader)
    if before is None or not isinstance(root, yaml.MappingNode):
        raise NoCopy("the text cannot be read")
    spans = {key.value: (value.start_mark.index, _end(text, value)) for key, value in root.value}
    made = text
    wanted: dict[str, Any] = {"name": name, "title": dict(title)}
    if not wanted.keys() <= spans.keys():
        raise NoCopy("it has no name and title")
    for key, value in sorted(wanted.items(), key=lambda one: -spans[one[0]][0]):
        start, end = spans[key]
        made = f"{made[:start].rstrip()} {flow(value)}{made[end:]}"
    after, _ = documents.read(made.encode())
    if after is None or after.value != {**before.value, **wanted}:
        raise NoCopy("its name and title cannot be replaced as they are written")
    return made


def _end(text: str, node: Any) -> int:
    """Where a value ends: a block takes in the comments and empty lines below it."""
    while isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        node = node.value[-1][1]
    end = int(node.end_mark.index)
    return len(text[:end].rstrip()) if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") else end
