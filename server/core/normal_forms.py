"""Two ways to write the same thing have one normal form: what `server.core.differences` compares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.core.durations import BadDuration, parse_duration
from server.core.schema_nodes import ORDERED, Form, Node

_UNORDERED: Final = frozenset({"event", "stage_id", "who"})
"""Of these, one or a list, the order means nothing."""

_DURATIONS: Final = frozenset({"duration", "due", "warn_mark", "threshold"})


def canonical(value: Any) -> str:
    """A value as text that is equal for equal values: keys sorted, 1.0 as 1, and 1 not as true."""
    return json.dumps(_numbers(value), sort_keys=True, ensure_ascii=False)


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal forms of the values of one document, whose severities these are."""

    severities: tuple[str, ...]

    def of(self, value: Any, node: Node, key: str = "") -> str:
        """The normal form of a value of a node, as text."""
        return canonical(self._form(value, node, key))

    def by_severity(self, value: Any, node: Node) -> dict[str, Any] | None:
        """A value by case as a map from severity to value; None for a decision list."""
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, list) and node.name != "steps":
            return None
        return dict.fromkeys(self.severities, value)

    def _form(self, value: Any, node: Node, key: str) -> Any:
        if node.name in ("condition", "conditions"):
            return condition(value)
        if node.form is Form.BY_CASE:
            return self._by_case(value, node)
        if node.form is Form.SEVERAL:
            items = [self._leaf(item, node.word) for item in (value if isinstance(value, list) else [value])]
            return sorted(items, key=canonical) if node.word in _UNORDERED else items
        if isinstance(value, Mapping) and node.form is not Form.LEAF:
            return self._map(value, node, key)
        if isinstance(value, list) and (items_node := node.items_for(value)) is not None:
            return [self._form(item, items_node, "") for item in value]
        return self._leaf(value, node.word)

    def _by_case(self, value: Any, node: Node) -> Any:
        if node.name != "steps" and isinstance(value, list):
            items = node.items_for(value)
            return value if items is None else [self._form(item, items, "") for item in value]
        one = node.for_severity()
        if not self.severities and not isinstance(value, Mapping):
            return self._form(value, node.fitting(value), "")
        found = self.by_severity(value, node) or {}
        return {severity: self._form(item, one, "") for severity, item in found.items()}

    def _map(self, value: Mapping[str, Any], node: Node, key: str) -> Any:
        pairs = []
        for name, item in value.items():
            child = node.child(name)
            form = self._form(item, child, name)
            missing = object()
            default = child.default_or(missing)
            if default is missing or canonical(form) != canonical(self._form(default, child, name)):
                pairs.append([name, form])
        return pairs if key in ORDERED else dict(pairs)

    def _leaf(self, value: Any, word: str) -> Any:
        if word in _DURATIONS and isinstance(value, str):
            try:
                found = parse_duration(value, allow_zero=True)
            except BadDuration:
                return value
            parts = (found.months, found.days, found.clock_ms, found.open_ms, found.working_days, found.ending)
            return {"duration": parts}
        return value


def condition(value: Any) -> Any:
    """A condition without what joins nothing: a list is `all`, and `all` or `any` of one is that one."""
    if isinstance(value, list):
        value = {"all": value}
    if not isinstance(value, Mapping):
        return value
    for join in ("all", "any"):
        if isinstance(value.get(join), list):
            parts = [condition(part) for part in value[join]]
            return parts[0] if len(parts) == 1 else {join: parts}
    if "not" in value:
        return {"not": condition(value["not"])}
    return dict(value)
