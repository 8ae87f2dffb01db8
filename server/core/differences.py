"""What is another in a newer text of a document: in its meaning, not in its lines.

Layout, comments, the order of keys where order means nothing, `[x]` for `x`, `60m` for `1h` and a default that is
written out are no differences. Both texts are walked along the schema of their kind, so that a key which the schema
gains is compared, and has its sentence, by itself (`server.core.difference_words`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from server.core.normal_forms import Normal, canonical
from server.core.renames import Renames, renamed, renames_of
from server.core.schema_nodes import ORDERED, Form, Node, children, root_of

Path = tuple[str | int, ...]


class _Nothing:
    """What is not there; None is a value that a policy may write."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is another. `kind`: `added`, `removed`, `changed`, `moved` (an item of a list: `before` and
    `after` are its places, from 1), `reordered` (a map whose order counts), `renamed` (`before`, `after`: the ids).
    `path` leads to it in the newer document; of what was removed, in the older one."""

    kind: str
    path: Path
    before: Any = NOTHING
    after: Any = NOTHING

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)


def differences(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every difference in meaning between two sound documents of a kind, in the order of the schema; `[]`: none."""
    renames = renames_of(before, after) if kind == "process" else Renames({})
    found = [
        Difference("renamed", (section, new), old, new)
        for section, pairs in renames.of.items()
        for old, new in pairs.items()
    ]
    older = renamed(kind, before, renames)
    comparing = _Comparing(older, after)
    return [*found, *comparing.compare(older, after, root_of(kind), ())]


class _Comparing:
    """The comparison of one pair of documents."""

    def __init__(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self._before = Normal(tuple(before.get("severities", ())))
        self._after = Normal(tuple(after.get("severities", ())))

    def compare(self, before: Any, after: Any, node: Node, path: Path) -> Iterator[Difference]:
        """The differences between two values of a node."""
        if before is not NOTHING and after is not NOTHING and json.dumps(before) == json.dumps(after):
            return  # most of a document: not looked into, which takes a hundred times as long
        if isinstance(before, Mapping) and isinstance(after, Mapping) and node.form is Form.OTHER:
            yield from self._keys(before, after, node, path)
            return
        if self._same(before, after, node):
            return
        if before is NOTHING or after is NOTHING:
            yield Difference("added" if before is NOTHING else "removed", path, before, after)
            return
        if node.form is Form.SEVERAL:
            yield Difference("changed", path, before, after)
        elif node.form is Form.BY_CASE:
            yield from self._by_case(before, after, node, path)
        elif isinstance(before, list) and isinstance(after, list) and (items := node.items_for(after)) is not None:
            yield from self._items(before, after, items, path)
        else:
            yield Difference("changed", path, before, after)

    def _same(self, before: Any, after: Any, node: Node) -> bool:
        if before is NOTHING or after is NOTHING:
            return before is after
        if canonical(before) == canonical(after):
            return True
        return self._before.of(before, node) == self._after.of(after, node)

    def _by_case(self, before: Any, after: Any, node: Node, path: Path) -> Iterator[Difference]:
        """Severity by severity, also where one text gives a value to each and the other one to all."""
        older, newer = self._before.by_severity(before, node), self._after.by_severity(after, node)
        if isinstance(before, Mapping) or isinstance(after, Mapping):
            if older is not None and newer is not None:
                for severity in (*newer, *(name for name in older if name not in newer)):
                    child = node.for_severity()
                    yield from self.compare(
                        older.get(severity, NOTHING), newer.get(severity, NOTHING), child, (*path, severity)
                    )
                return
        elif isinstance(before, list) and isinstance(after, list) and (items := node.items_for(after)) is not None:
            yield from self._items(before, after, items, path)
            return
        yield Difference("changed", path, before, after)

    def _keys(
        self, before: Mapping[str, Any], after: Mapping[str, Any], node: Node, path: Path
    ) -> Iterator[Difference]:
        for key in children(node, (before, after)):
            child = node.child(key)
            yield from self.compare(
                before.get(key, child.default_or(NOTHING)),
                after.get(key, child.default_or(NOTHING)),
                child,
                (*path, key),
            )
        if path and path[-1] in ORDERED:
            common = [key for key in before if key in after]
            order = [key for key in after if key in before]
            if common != order:
                yield Difference("reordered", path, common, order)

    def _items(self, before: Sequence[Any], after: Sequence[Any], items: Node, path: Path) -> Iterator[Difference]:
        """Rules, steps, rungs …: what stays is aligned, and of what does not, an item that is in both was moved."""
        older = [canonical(self._before.of(item, items)) for item in before]
        newer = [canonical(self._after.of(item, items)) for item in after]
        gone: list[int] = []
        new: list[int] = []
        for tag, first, last, start, end in SequenceMatcher(None, older, newer, autojunk=False).get_opcodes():
            if tag == "equal":
                continue
            paired = min(last - first, end - start) if items.form is not Form.LEAF else 0
            for offset in range(paired):
                pair = older[first + offset], newer[start + offset]
                if pair[0] in newer or pair[1] in older:
                    gone.append(first + offset)
                    new.append(start + offset)
                else:
                    there = (*path, start + offset)
                    yield from self.compare(before[first + offset], after[start + offset], items, there)
            gone += range(first + paired, last)
            new += range(start + paired, end)
        for place in list(gone):
            target = next((other for other in new if newer[other] == older[place]), None)
            if target is not None:
                gone.remove(place)
                new.remove(target)
                yield Difference("moved", (*path, target), place + 1, target + 1)
        for place in new:
            yield Difference("added", (*path, place), NOTHING, after[place])
        for place in gone:
            yield Difference("removed", (*path, place), before[place], NOTHING)
