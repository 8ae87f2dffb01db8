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
    reading = _Reading()
    try:
        value = json.loads(
            text,
            object_pairs_hook=reading.object,
            parse_int=reading.integer,
            parse_float=reading.float,
            parse_constant=reading.constant,
        )
    except json.JSONDecodeError as error:
        raise BadPayload("payload-not-json", line=error.lineno, column=error.colno) from error
    # In UTF-8 there are no halves of a character, in JSON there is no NUL: only an escape makes either.
    if reading.met_bad or "\\u" in text:
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


class _Reading:
    """What makes values of the parts of one text; `met_bad`: one of them cannot be taken."""

    def __init__(self) -> None:
        self.met_bad = False

    def object(self, pairs: list[tuple[str, Any]]) -> Any:
        if len(pairs) > MOST_KEYS:
            return self._bad("payload-too-many-keys", count=len(pairs), limit=MOST_KEYS)
        made = dict(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            return self._bad("payload-key-twice", name=_shown(twice))
        return made

    def integer(self, text: str) -> Any:
        # int() of 5,000 digits raises ValueError; of many more it takes its time.
        value = int(text) if len(text) <= 20 else None
        return value if value is not None and abs(value) < 2**63 else self._bad("payload-number", number=text[:24])

    def float(self, text: str) -> Any:
        value = float(text) if len(text) <= LONGEST_NUMBER else math.inf
        return value if math.isfinite(value) else self._bad("payload-number", number=text[:24])

    def constant(self, text: str) -> Any:
        return self._bad("payload-number", number=text)

    def _bad(self, code: str, **params: str | int) -> _Bad:
        self.met_bad = True
        return _Bad(code, **params)


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
