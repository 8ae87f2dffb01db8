"""The schema of a kind as a tree to walk beside a document: what a value at a place may be, and what it is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any, Final

from server.core.schema import Schema, bundled

ORDERED: Final = frozenset(
    ["severities", "classify", "stages", "clocks", "notify", "ladders", "checks", "fields", "questions", "channels"]
)
"""Maps whose order means something (policy language, section 1), those of fields and channels included: the customer is
reached at the first field, by the first channel."""

DEFINING: Final = (
    "fields", "severities", "classify", "stages", "actions", "clocks", "notify", "ladders", "surveys", "checks",
    "watches", "targets", "reports", "templates",
)  # fmt: skip
"""The parts of a process whose keys are ids that the owner chose."""

_WHOLE: Final = frozenset(
    ["condition", "conditions", "measure", "text", "value", "valueOrNone", "scalar", "threshold", "hours", "scriptTime"]
)
"""Definitions whose values are one thing to a reader, however they are written."""


_UNKNOWN: Final[Schema] = {}


class Form(Enum):
    """How a value of a node is compared."""

    LEAF = "leaf"  # as a whole
    SEVERAL = "several"  # one value or a list
    BY_CASE = "by case"
    OTHER = "other"  # by keys, by items, or by the branch that fits


@dataclass(frozen=True, eq=False)
class Node:
    """A place of the schema, references followed, made once. `name`: of the definition, if it is one."""

    schema: Schema
    root: Schema
    name: str = ""

    @cached_property
    def form(self) -> Form:
        """How its values are compared."""
        if self.name in _WHOLE:
            return Form.LEAF
        branches = self.branches
        if any(_is_by_severity(branch) for branch in branches):
            return Form.BY_CASE
        if not branches and not self.schema.get("properties") and not self._map and "items" not in self.schema:
            return Form.LEAF
        if len(branches) == 2 and branches[1].schema.get("type") == "array":
            items = branches[1].items_for([])
            if items is not None and items.form is Form.LEAF and branches[0].form is Form.LEAF:
                return Form.SEVERAL if "const" not in branches[0].schema else Form.LEAF
        return Form.OTHER

    @cached_property
    def branches(self) -> tuple[Node, ...]:
        """The alternatives of `oneOf`; empty when it only says which keys go together."""
        found = tuple(self._of(one) for one in self.schema.get("oneOf", ()))
        return tuple(one for one in found if one.schema.keys() - {"required", "not", "properties"} or one.name)

    @property
    def word(self) -> str:
        """What kind of text its values are (`x-word`), of an item if it may hold several."""
        own = str(self.schema.get("x-word") or "")
        if self.form is Form.SEVERAL:
            return self.branches[0].word or own
        return own

    @property
    def _map(self) -> Schema | None:
        found = self.schema.get("additionalProperties")
        return found if isinstance(found, dict) else None

    def fitting(self, value: Any) -> Node:
        """The alternative that a value of this kind belongs to; itself when there is none."""
        found = [branch for branch in self.branches if _fits(value, branch)]
        if len(found) > 1 and isinstance(value, Mapping):
            found = [branch for branch in found if all(branch.has(key) for key in value)] or found
        return found[0].fitting(value) if found else self

    def has(self, key: str) -> bool:
        """Whether a value of it may have the key."""
        return key in self.schema.get("properties", {}) or self._map is not None

    def child(self, key: str) -> Node:
        """The node of a key, through the alternatives that have it; a leaf without a name when the schema has none."""
        own = self.schema.get("properties", {}).get(key)
        if own is None:
            own = self._map
        if own is not None:
            return self._of(own)
        for branch in self.branches:
            if branch.has(key):
                return branch.child(key)
        return self._of(_UNKNOWN)

    def is_of_map(self, key: str) -> bool:
        """Whether the key is an entry of a map, not one that the schema names."""
        if key in self.schema.get("properties", {}) and not self._map:
            return False
        if self._map is not None:
            return True
        found = [branch for branch in self.branches if branch.has(key)]
        return bool(found) and found[0].is_of_map(key)

    def items_for(self, value: Any) -> Node | None:
        """The node of the items of a list; None when it may be none."""
        if isinstance(self.schema.get("items"), dict):
            return self._of(self.schema["items"])
        for branch in self.branches:
            if branch.schema.get("type") == "array" and (found := branch.items_for(value)) is not None:
                return found
        return None

    def for_severity(self) -> Node:
        """Of a value by case: the node of what one severity has."""
        branch = next(one for one in self.branches if _is_by_severity(one))
        return branch._of(branch.schema["additionalProperties"])

    def default_or(self, otherwise: Any) -> Any:
        """What counts when the key is left out."""
        return self.schema.get("default", otherwise)

    def title(self, language: str) -> str:
        """What the place is called; empty when the schema gives it no name."""
        if language == "zh":
            return str(self.schema.get("x-zh", {}).get("title") or self.schema.get("title") or "")
        return str(self.schema.get("title") or "")

    def label(self, value: Any, language: str) -> str | None:
        """The label of one of its listed values."""
        found = self.schema.get("x-labels", {}).get(language, {}).get(value)
        return None if found is None else str(found)

    def _of(self, schema: Schema) -> Node:
        known = _NODES.get(id(schema))
        if known is None or known[0] is not schema:
            known = _NODES[id(schema)] = (schema, _resolved(schema, self.root))
        return known[1]


_NODES: dict[int, tuple[Schema, Node]] = {}
"""The node of each part of the shipped schemas, which stay as long as the process does."""


def _resolved(schema: Schema, root: Schema, name: str = "") -> Node:
    reference = schema.get("$ref")
    if reference is None:
        return Node(schema, root, name)
    key = str(reference).removeprefix("#/$defs/")
    found = _resolved(root["$defs"][key], root, key)
    own = {name: value for name, value in schema.items() if name != "$ref"}
    # A key's own title, default … win over those of the definition that it names.
    return Node({**found.schema, **own}, root, found.name)


def _is_by_severity(node: Node) -> bool:
    names = node.schema.get("propertyNames")
    return isinstance(names, dict) and names.get("$ref") == "#/$defs/severityId" and "properties" not in node.schema


def _fits(value: Any, node: Node) -> bool:
    type_ = node.schema.get("type")
    if node.branches:
        return any(_fits(value, branch) for branch in node.branches)
    if isinstance(value, Mapping):
        return type_ == "object" or "properties" in node.schema or "additionalProperties" in node.schema
    if isinstance(value, list):
        return type_ == "array" or (isinstance(type_, list) and "array" in type_)
    return type_ not in ("object", "array") and "properties" not in node.schema


def children(node: Node, values: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys that the values have, in the order of the schema, then in their own."""
    values = list(values)
    there = dict.fromkeys(key for value in reversed(values) for key in value)
    fitting = node.fitting(values[-1]) if node.branches and values else node
    named = [key for key in fitting.schema.get("properties", {}) if key in there]
    return [*named, *(key for key in there if key not in named)]


@cache
def root_of(kind: str) -> Node:
    """The root of a kind's schema."""
    whole = bundled(kind)
    return Node({key: value for key, value in whole.items() if key not in ("$defs", "oneOf")}, whole)
