"""Look-up tables: one level of keys per field (policy language, "classify").

Keys are text in the document; they become values of the field's kind when the table is compiled, so that looking up
is one dictionary access per field, and `1` is found for 1 and 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.core.judged import Decision, View
from server.core.kinds import TEXT, Kind, Unfit, constant, described
from server.core.reading import Path, Reader

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "date": (str,),
    "datetime": (int,),
    "boolean": (bool,),
    "number": (int, float),
    "list": (),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a complete row of keys gives."""

    value: Any
    keys: tuple[str, ...]


Level = dict[Any, Any]  # from a key to the next level, or to a Row


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up as it is judged: fields with the types that their values must have, and nested rows."""

    fields: tuple[str, ...]
    kinds: tuple[Kind, ...]
    types: tuple[tuple[type, ...], ...]
    rows: Level
    has_else: bool
    otherwise: Any

    def decide(self, view: View) -> Decision | None:
        """The row's value, else that of `else`; fields are looked at in order until the outcome is sure."""
        facts: dict[str, Any] = {}
        found: Any = self.rows
        for field, types in zip(self.fields, self.types, strict=True):
            value = facts[field] = view.now if field == "now" else view.facts.get(field)
            found = found.get(value) if type(value) in types else None
            if found is None:
                return Decision(self.otherwise, None, facts) if self.has_else else None
        return Decision(found.value, list(found.keys), facts)

    def values(self) -> Iterator[Any]:
        """The values of the rows in document order, then that of `else`."""
        yield from _values(self.rows)
        if self.has_else:
            yield self.otherwise


def _values(level: Level) -> Iterator[Any]:
    for found in level.values():
        if isinstance(found, Row):
            yield found.value
        else:
            yield from _values(found)


def read_lookup(name: str, raw: dict[str, Any], reader: Reader) -> Lookup:
    """Reads `{from, table, else}`; what is wrong goes to the reader's problems, and never fits."""
    source = raw.get("from")
    named = source if isinstance(source, list) else [source]
    fields: list[str] = []
    kinds: list[Kind] = []
    for index, field in enumerate(named):
        path: Path = ("from", index) if isinstance(source, list) else ("from",)
        if not isinstance(field, str):
            reader.problem(path, "bad-table", name=name)
            continue
        kind = reader.kind(field, path) or Kind("list")
        if kind.name == "list" and field in reader.scope.names:
            reader.problem(path, "table-from-list", field=field)
        fields.append(field)
        kinds.append(kind)
    rows: Level = {}
    if fields and len(fields) == len(named):
        rows = _level(raw.get("table"), list(zip(fields, kinds, strict=True)), (), reader)
    types = tuple(_TYPES[kind.name] for kind in kinds)
    return Lookup(tuple(fields), tuple(kinds), types, rows, "else" in raw, raw.get("else"))


def _level(raw: Any, left: list[tuple[str, Kind]], keys: tuple[str, ...], reader: Reader) -> Level:
    path: Path = ("table", *keys)
    field, kind = left[0]
    if not isinstance(raw, dict):
        reader.problem(path, "table-level", field=field, found=described(raw))
        return {}
    level: Level = {}
    for written, below in raw.items():
        text = described(written)
        key = _key(text, field, kind, (*path, written), reader)
        if len(left) > 1:
            found: Any = _level(below, left[1:], (*keys, written), reader)
        elif isinstance(below, dict | list):
            reader.problem((*path, written), "table-too-deep", field=field, found=described(below))
            continue
        else:
            found = Row(below, tuple(described(key) for key in (*keys, written)))
        if key in level:
            reader.problem((*path, written), "table-key-twice", field=field, value=text)
        elif key is not None:
            level[key] = found
    return level


def _key(text: str, field: str, kind: Kind, path: Path, reader: Reader) -> Any:
    """The value of the field's kind that a key stands for; None when it can be none."""
    raw: Any = text
    if kind.name == "boolean":
        raw = {"true": True, "false": False}.get(text.lower(), text)
    elif kind.name == "number":
        raw = _number(text)
    elif kind.name == "list":
        return None
    try:
        value = constant(raw, kind, reader.scope.calendar)
    except Unfit:
        reader.problem(path, "table-key", field=field, value=text, wanted=kind.name)
        return None
    if kind.name == TEXT.name:
        reader.check_option(field, kind, value, path)
    return value


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
