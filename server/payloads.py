"""Strict JSON from outside: what is read can be stored in every database and hashed (reliability, pitfalls).

RFC 8259 without its ambiguities: UTF-8, no key twice, numbers that fit, texts without NUL and lone surrogates, bounded.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
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


class _Bad(Exception):
    """Something that cannot be taken. It stands in the tree until its place is known."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
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
        try:
            value = _DECODER.decode(text)
        except _Bad:
            value = _NOTING_DECODER.decode(text)
            _require_sound(value)
    except json.JSONDecodeError as error:
        raise BadPayload("payload-not-json", line=error.lineno, column=error.colno) from error
    # In UTF-8 there are no halves of a character, in JSON there is no NUL: only an escape makes either.
    if "\\" in text and "\\u" in text:
        _require_sound(value)
    return value


def _require_shallow(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
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
        raise _Bad("payload-too-many-keys", count=len(pairs), limit=MOST_KEYS)
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Bad("payload-key-twice", name=_shown(twice))
    return made


def _integer(text: str) -> int:
    # int() of 5,000 digits raises ValueError; of many more it takes its time.
    value = int(text) if len(text) <= 20 else None
    if value is None or abs(value) >= 2**63:
        raise _Bad("payload-number", number=text[:24])
    return value


def _float(text: str) -> float:
    value = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    if not math.isfinite(value):
        raise _Bad("payload-number", number=text[:24])
    return value


def _constant(text: str) -> Any:
    raise _Bad("payload-number", number=text)


def _noted(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, but what cannot be taken is given in place of the value."""

    def made(part: Any) -> Any:
        try:
            return make(part)
        except _Bad as bad:
            return bad.with_traceback(None)  # there may be hundreds of thousands

    return made


# Made once: to make a decoder takes as long as to read a body with it.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
_NOTING_DECODER = json.JSONDecoder(
    object_pairs_hook=_noted(_object),
    parse_int=_noted(_integer),
    parse_float=_noted(_float),
    parse_constant=_noted(_constant),
)


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
