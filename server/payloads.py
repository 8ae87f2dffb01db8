"""Strict JSON from outside: what is read can be stored in every database and hashed (reliability, pitfalls).

RFC 8259 without its ambiguities: UTF-8, no key twice, numbers that fit, texts without NUL and lone surrogates, bounded.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

LARGEST = 1024 * 1024  # bytes
DEEPEST = 32
MOST_KEYS = 1_000  # of one object
LONGEST_NUMBER = 400  # characters

# A string, closed or not, or a bracket. Nothing here goes back: each character is looked at once.
_SHAPE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class BadPayload(ValueError):
    """A body that is refused: `code` and `params` of its text in the catalogue, `pointer` the place (RFC 6901)."""

    def __init__(self, code: str, pointer: str = "", **params: str | int) -> None:
        super().__init__(f"{code} at {pointer or '/'}")
        self.code = code
        self.pointer = pointer
        self.params = params


class _Bad:
    """Stands in the tree for what cannot be taken, until its place is known."""

    def __init__(self, code: str, **params: str | int) -> None:
        self.code = code
        self.params = params


def read_json(body: bytes) -> Any:
    """The value of a JSON body. Raises BadPayload for the first thing that cannot be taken, with its place."""
    if len(body) > LARGEST:
        raise BadPayload("payload-too-large", size=len(body), limit=LARGEST)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPayload("payload-not-utf-8", byte=error.start) from error
    _require_shallow(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise BadPayload("payload-not-json", line=error.lineno, column=error.colno) from error
    _require_sound(value)
    return value


def _require_shallow(text: str) -> None:
    depth = 0
    for found in _SHAPE.finditer(text):
        if found[0] in ("[", "{"):
            depth += 1
            if depth > DEEPEST:
                raise BadPayload("payload-too-deep", limit=DEEPEST)
        elif found[0] in ("]", "}"):
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) > MOST_KEYS:
        return _Bad("payload-too-many-keys", count=len(pairs), limit=MOST_KEYS)
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return _Bad("payload-key-twice", name=_shown(twice))
    return made


def _integer(text: str) -> Any:
    # int() of 5,000 digits raises ValueError; of many more it takes its time.
    value = int(text) if len(text) <= 20 else None
    return value if value is not None and abs(value) < 2**63 else _Bad("payload-number", number=text[:24])


def _float(text: str) -> Any:
    value = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    return value if math.isfinite(value) else _Bad("payload-number", number=text[:24])


def _constant(text: str) -> Any:
    return _Bad("payload-number", number=text)


def _require_sound(root: Any) -> None:
    """Walk the tree in the order of the text and refuse the first thing in it that cannot be stored."""
    waiting: list[tuple[Any, str]] = [(root, "")]
    while waiting:
        value, pointer = waiting.pop()
        if isinstance(value, _Bad):
            raise BadPayload(value.code, pointer, **value.params)
        if isinstance(value, str):
            _require_text(value, pointer)
        elif isinstance(value, dict):
            for key in value:
                _require_text(key, pointer)
            waiting.extend((one, f"{pointer}/{_step(key)}") for key, one in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend((one, f"{pointer}/{index}") for index, one in reversed(list(enumerate(value))))


def _require_text(text: str, pointer: str) -> None:
    if "\x00" in text:
        raise BadPayload("payload-nul", pointer)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadPayload("payload-surrogate", pointer) from error


def _step(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shown(key: str) -> str:
    return key.encode("utf-8", "backslashreplace").decode()[:80]
