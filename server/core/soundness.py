"""Whether a value fits a schema, told as fast as can be: the schema is turned into functions once.

A document is looked through whenever it is loaded, and nearly always nothing is wrong with it; jsonschema, which says
what is wrong and where, takes ten times as long. `tests/core/test_soundness.py` compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Fits = Callable[[Any], bool]
Schema = Mapping[str, Any]

_SAYS_NOTHING: Final = {"title", "description", "default", "examples", "$schema", "$id", "$defs", "$comment"}
_IN_OTHERS: Final = {"then", "else", "additionalProperties"}  # looked at with `if` and with `properties`

_TYPES: Final[Mapping[str, Fits]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "number": lambda value: _is_number(value),
}


def compiled(schema: Schema, expression: Callable[[str], re.Pattern[str]]) -> Fits:
    """What says whether a value fits the schema, all of whose `$ref` are local. `expression`: how a pattern is read.
    Raises ValueError for a keyword that is not known here."""
    return _Compiler(schema, expression).all_of(schema)


class _Compiler:
    def __init__(self, root: Schema, expression: Callable[[str], re.Pattern[str]]) -> None:
        self._root = root
        self._expression = expression
        self._named: dict[str, Fits] = {}

    def all_of(self, schema: Schema | bool) -> Fits:
        """A value must fit every keyword."""
        if isinstance(schema, bool):
            return lambda _: bool(schema)
        known = [key for key in schema if key not in _SAYS_NOTHING and key not in _IN_OTHERS]
        if "additionalProperties" in schema and "properties" not in schema:
            known.append("properties")
        checks = [self._keyword(key, schema) for key in known if key == "x-only-with" or not key.startswith("x-")]

        def fits(value: Any) -> bool:
            for check in checks:  # noqa: SIM110 (a generator would double the time)
                if not check(value):
                    return False
            return True

        return checks[0] if len(checks) == 1 else fits

    def _keyword(self, key: str, schema: Schema) -> Fits:
        """What a keyword asks for."""
        asks = schema.get(key)
        match key:
            case "$ref":
                return self._reference(str(asks))
            case "properties":
                return self._properties(schema)
            case "if":
                return self._condition(schema)
            case "oneOf" | "anyOf":
                parts = [self.all_of(part) for part in schema[key]]
                if key == "anyOf":
                    return lambda value: any(part(value) for part in parts)
                return lambda value: sum(part(value) for part in parts) == 1
            case "items":
                part = self.all_of(schema[key])
                return lambda value: not isinstance(value, list) or all(map(part, value))
            case "propertyNames":
                part = self.all_of(schema[key])
                return lambda value: not isinstance(value, dict) or all(map(part, value))
            case "not":
                part = self.all_of(schema[key])
                return lambda value: not part(value)
            case "pattern":
                found = self._expression(str(asks)).search
                return lambda value: not isinstance(value, str) or found(value) is not None
        return _simple(key, asks)

    def _reference(self, reference: str) -> Fits:
        if reference not in self._named:
            # A definition may refer to itself: until it is made, whoever needs it asks for it when a value comes.
            self._named[reference] = lambda value: self._named[reference](value)
            name = reference.removeprefix("#/$defs/")
            self._named[reference] = self.all_of(self._root["$defs"][name])
        return self._named[reference]

    def _properties(self, schema: Schema) -> Fits:
        known = {name: self.all_of(part) for name, part in schema.get("properties", {}).items()}
        others = self.all_of(schema.get("additionalProperties", True))

        def fits(value: Any) -> bool:
            if isinstance(value, dict):
                for name, part in value.items():
                    if not known.get(name, others)(part):
                        return False
            return True

        return fits

    def _condition(self, schema: Schema) -> Fits:
        condition = self.all_of(schema["if"])
        then, otherwise = self.all_of(schema.get("then", True)), self.all_of(schema.get("else", True))
        return lambda value: then(value) if condition(value) else otherwise(value)


def _simple(key: str, asks: Any) -> Fits:
    """What a keyword asks for that looks at no schema below it. Raises ValueError for one that is not known."""
    match key:
        case "type":
            kinds = [_TYPES[one] for one in ([asks] if isinstance(asks, str) else asks)]
            return kinds[0] if len(kinds) == 1 else lambda value: any(kind(value) for kind in kinds)
        case "enum" | "const":
            return _one_of([asks] if key == "const" else asks)
        case "required":
            return lambda value: not isinstance(value, dict) or all(name in value for name in asks)
        case "minLength" | "maxLength":
            return _bounded(str, key, asks)
        case "minItems" | "maxItems":
            return _bounded(list, key, asks)
        case "minProperties" | "maxProperties":
            return _bounded(dict, key, asks)
        case "minimum":
            return lambda value: not (_is_number(value) and value < asks)
        case "maximum":
            return lambda value: not (_is_number(value) and value > asks)
        case "uniqueItems":
            return lambda value: (
                not (asks and isinstance(value, list)) or len(set(map(_told_apart, value))) == len(value)
            )
        case "dependentRequired":
            return lambda value: (
                not isinstance(value, dict)
                or all(other in value for name, others in asks.items() if name in value for other in others)
            )
        case "x-only-with":
            return lambda value: (
                not isinstance(value, dict)
                or all(
                    value[other] in values
                    for name, needs in asks.items()
                    if name in value
                    for other, values in needs.items()
                    if isinstance(value.get(other), str)
                )
            )
    raise ValueError(f"schema keyword {key!r} is not known here")


def _bounded(kind: type[str] | type[list[Any]] | type[dict[str, Any]], key: str, limit: int) -> Fits:
    if key.startswith("min"):
        return lambda value: not isinstance(value, kind) or len(value) >= limit
    return lambda value: not isinstance(value, kind) or len(value) <= limit


def _one_of(values: list[Any]) -> Fits:
    known = set(map(_told_apart, values))
    return lambda value: _told_apart(value) in known


def _are_unique(values: list[Any]) -> bool:
    return len(set(map(_told_apart, values))) == len(values)


def _told_apart(value: Any) -> Any:
    """What is the same for values that are the same in JSON: 1 and 1.0, but not 1 and true."""
    if isinstance(value, dict):
        return dict, frozenset((name, _told_apart(part)) for name, part in value.items())
    if isinstance(value, list):
        return list, tuple(map(_told_apart, value))
    return isinstance(value, bool), value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
