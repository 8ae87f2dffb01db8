"""Every key of the schemas, with a value for it and the smallest document that has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server.core.schema import KINDS
from server.core.schema_nodes import Form, Node, root_of

WORDS = {
    "duration": ("1h", "2h"), "due": ("1h", "2h"), "event": ("received", "comment"), "who": ("owner", "lead"),
    "schedule": ("daily 09:00", "monday 09:00"), "percent": ("10%", "20%"), "warn_mark": ("50%", "15m"),
    "team": ("team:a", "team:b"), "route_target": ("team:a", "team:b"), "assignee": ("owner", "route"),
    "environment": ("env:A", "env:B"), "moment": ("2026-03-02", "2026-03-03"), "threshold": ("50%", "60%"),
}  # fmt: skip


def sample(node: Node, variant: int) -> Any:
    """A value that the node may have; two variants differ wherever the schema lets them."""
    schema = node.schema
    if node.name in ("condition", "conditions"):
        return {"field": "subject", "is": f"v{variant}"}
    if node.name == "measure":
        return ("count", "open")[variant]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][min(variant, len(schema["enum"]) - 1)]
    if node.word in WORDS and node.form in (Form.LEAF, Form.SEVERAL):
        return WORDS[node.word][variant]
    if node.branches:
        return sample(node.branches[0], variant)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "boolean":
        return bool(variant) is not bool(schema.get("default", False))
    if kind in ("integer", "number"):
        return 2 + variant
    if kind == "array":
        items = node.items_for([])
        return [f"v{variant}" if items is None else sample(items, variant)]
    if kind == "object" or "properties" in schema:
        required = schema.get("required", ())
        found = {key: sample(node.child(key), variant) for key in required}
        if not found and isinstance(schema.get("additionalProperties"), dict):
            found["some_key"] = sample(node.child("some_key"), variant)
        return found
    return f"v{variant}"


def places(node: Node, path: tuple[Any, ...], seen: tuple[str, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Node]]:
    """Every key that the schema names, as a path through maps (`some_key`), lists (0) and alternatives."""
    if node.name in ("condition", "conditions", "measure", "rows", "text") or (node.name and seen.count(node.name) > 1):
        return
    seen = (*seen, node.name) if node.name else seen
    for key in node.schema.get("properties", {}):
        child = node.child(key)
        yield (*path, key), child
        yield from places(child, (*path, key), seen)
    if isinstance(node.schema.get("additionalProperties"), dict):
        yield from places(node.child("some_key"), (*path, "some_key"), seen)
    for branch in node.branches:
        yield from places(branch, path, seen)
    if isinstance(node.schema.get("items"), dict):
        items = node.items_for([])
        assert items is not None
        yield from places(items, (*path, 0), seen)


def document_with(path: tuple[Any, ...], value: Any) -> Any:
    """The smallest document that has this value at the path."""
    for step in reversed(path):
        value = [value] if step == 0 and isinstance(step, int) else {step: value}
    return value


KEYS = [
    pytest.param(kind, path, node, id=f"{kind}:{'.'.join(map(str, path))}")
    for kind in KINDS
    for path, node in places(root_of(kind), ())
]
