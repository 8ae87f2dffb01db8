"""The schema of a kind of document as the editor takes it: one file, in the reader's language."""

from __future__ import annotations

from functools import cache
from typing import Any

from server.core.schema import Schema, bundled

_TEXTS = ("title", "description")


@cache
def schema_in(kind: str, language: str) -> Schema:
    """The schema with all that it refers to, its titles, descriptions and labels in that language."""
    found: Schema = _localised(bundled(kind), language)
    return found


def _localised(node: Any, language: str) -> Any:
    if isinstance(node, list):
        return [_localised(part, language) for part in node]
    if not isinstance(node, dict):
        return node
    texts = node.get(f"x-{language}")
    own = texts if isinstance(texts, dict) else {}
    made = {}
    for key, value in node.items():
        if key in ("x-zh", "x-en"):
            continue
        if key == "x-labels" and isinstance(value, dict):
            made[key] = value.get(language) or value.get("en")
        elif key in _TEXTS and isinstance(value, str):
            made[key] = own.get(key, value)
        else:
            made[key] = _localised(value, language)
    return made
