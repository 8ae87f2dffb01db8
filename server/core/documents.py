"""Documents read strictly: YAML 1.2 core scalars, nothing that surprises, and the place of every value.

Policy language, "YAML". PyYAML reads YAML 1.1 (`on` is true, `12:30` is 750), so only its parser is used here and
scalars are resolved by `server.core.scalars`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import yaml

from server.core.findings import Finding, Path, in_order
from server.core.scalars import BadNumber, plain
from server.core.yaml_errors import MAX_LEVELS, syntax_finding
from server.core.yaml_values import PARSER, first_of, values_of

MAX_BYTES: Final = 256 * 1024
MAX_FINDINGS: Final = 100  # of reading; whoever has more has sent something that is no document

# What YAML does not allow unescaped, and the line breaks of YAML 1.1 that 1.2 no longer knows (NEL, LS, PS).
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LINE_BREAK = re.compile("\r\n|\r|\n")
_PLAIN = re.compile(r"[^\s,\[\]{}]+")


class Spot:
    """Where a value stands, and where what is in it stands: by key (with the key's own place), or in order."""

    __slots__ = ("column", "items", "keys", "line")

    def __init__(self, line: int, column: int, value: Any = None) -> None:
        self.line = line
        self.column = column
        self.keys: dict[str, tuple[int, int, Spot]] | None = {} if isinstance(value, dict) else None
        self.items: list[Spot] | None = [] if isinstance(value, list) else None


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read: its bytes, its values as plain data; and, when asked, where each of them stands."""

    file: str
    data: bytes
    text: str
    value: dict[str, Any]
    sha256: str

    @property
    def kind(self) -> str:
        """`process`, `calendar`, `source` or `channels`; whatever is written there, or an empty text."""
        return _text(self.value.get("kind"))

    @property
    def name(self) -> str:
        """The document's name, or an empty text."""
        return _text(self.value.get("name"))

    def place(self, path: Sequence[str | int], key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at the path, or of its key; of the nearest one above if absent."""
        spot = _spots(self.text)
        at = (spot.line, spot.column)
        for step in path:
            if spot.keys is not None and isinstance(step, str) and step in spot.keys:
                line, column, spot = spot.keys[step]
                at = (line, column) if key else (spot.line, spot.column)
            elif spot.items is not None and isinstance(step, int) and 0 <= step < len(spot.items):
                spot = spot.items[step]
                at = (spot.line, spot.column)
            else:
                break
        return at

    def written(self, path: Sequence[str | int]) -> str:
        """The number or truth value at the path as it is written, such as `0777` or `1e3`."""
        line, column = self.place(path)
        found = _PLAIN.match(_LINE_BREAK.split(self.text)[line - 1], column - 1)
        return found.group() if found else ""

    def finding(self, code: str, path: Path, key: bool = False, level: str = "error", **params: str | int) -> Finding:
        """A finding on this document, at the value (or key) of that path."""
        line, column = self.place(path, key)
        return Finding(code, path, params, level, self.file, line, column)

    def placed(self, found: Finding, key: bool = False) -> Finding:
        """The same finding, with this document's file and the place of its path."""
        line, column = self.place(found.path, key)
        return Finding(found.code, found.path, found.params, found.level, self.file, line, column)


def read(data: bytes, file: str = "", limit: int = MAX_BYTES) -> tuple[Document | None, list[Finding]]:
    """Read a document, strictly. Everything wrong with it is found at once, and then there is no document.

    Never raises, whatever the bytes. What its keys mean is not looked at (`server.core.schema`). Whoever reads the same
    bytes again may get the same values: nobody changes them.
    """
    if len(data) > limit:
        return None, [Finding("too-large", params={"size": len(data), "limit": limit}, file=file)]
    if len(data) > LONGEST_KEPT:
        return _read(data, file)
    document, findings = _kept(data)
    return None if document is None else replace(document, file=file), [replace(one, file=file) for one in findings]


LONGEST_KEPT: Final = 64 * 1024
"""Bytes of a text that is kept as it was read, which takes some ten times as much memory."""


@lru_cache(maxsize=64)
def _kept(data: bytes) -> tuple[Document | None, list[Finding]]:
    """What most readings are of is in force, again and again."""
    return _read(data, "")


def _read(data: bytes, file: str) -> tuple[Document | None, list[Finding]]:
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(data[: error.start].decode("utf-8"), error.start)
        return None, [Finding("not-utf-8", (), {"byte": f"0x{data[error.start]:02X}"}, "error", file, line, column)]
    if control := list(_control_characters(text, file)):
        return None, control
    value = values_of(text)
    if value is None:
        builder = _Builder(file)
        try:
            _parse(text, builder)
        except yaml.YAMLError as error:
            builder.findings.append(syntax_finding(error, text, builder.path(), file))
        except _Enough:
            pass  # the findings say why it was not read to its end
        if builder.findings:
            return None, in_order(builder.findings)
        value = builder.value
    return Document(file, data, text, value, hashlib.sha256(data).hexdigest()), []


@lru_cache(maxsize=8)
def _spots(text: str) -> Spot:
    """Where the values of a text that can be read stand. Few are kept: they are as many objects as the values, and
    whoever asks for one place asks for all of the same text."""
    builder = _Builder("")
    _parse(text, builder)
    assert builder.spots is not None
    return builder.spots


def title_of(data: bytes) -> Any:
    """What stands as the `title` of a document: a text, a map by language, or None where none is found. It is mostly
    among the first lines, and nothing behind it is read."""
    return first_of(data.decode("utf-8", "replace").removeprefix("\ufeff"), "title")


class _Enough(Exception):
    """Reading on would be of no use."""


class _Frame:
    """A map or list that is being read."""

    __slots__ = ("dropped", "key", "key_at", "spot", "value")

    def __init__(self, value: Any, spot: Spot) -> None:
        self.value = value
        self.spot = spot
        self.key: str | None = None  # the key whose value comes next
        self.key_at = (1, 1)
        self.dropped = 0  # so many of the values that come next cannot be kept: their key is none, or a second one


class _Builder:
    """Builds values and their places from parser events. An explicit stack: depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.stack: list[_Frame] = []
        self.value: Any = None
        self.spots: Spot | None = None
        self.documents = 0

    def path(self) -> Path:
        """The place of what is being read."""
        steps: list[str | int] = []
        for frame in self.stack:
            if isinstance(frame.value, list):
                steps.append(len(frame.value))
            elif frame.key is not None and frame.dropped < 2:
                steps.append(frame.key)
            else:
                break
        return tuple(steps)

    def found(self, code: str, at: tuple[int, int], path: Path | None = None, **params: str | int) -> None:
        """Note what is wrong; give up when there is too much of it."""
        place = self.path() if path is None else path
        self.findings.append(Finding(code, place, params, "error", self.file, *at))
        if len(self.findings) == MAX_FINDINGS:
            self.findings.append(Finding("too-many-findings", (), {"limit": MAX_FINDINGS}, "error", self.file, *at))
            raise _Enough

    def begin_document(self, event: Any) -> None:
        """Only one document, without directives but `%YAML 1.2`."""
        self.documents += 1
        if self.documents > 1:
            self.found("several-documents", _at(event), ())
            raise _Enough
        if event.tags or event.version not in (None, (1, 2)):
            self.found("yaml-directive", _at(event), ())

    def scalar(self, event: Any) -> None:
        """A text, number, boolean or null: a value, or a key, which is always text as written."""
        if event.tag or event.anchor:
            self._check_properties(event)
        if self._expects_key():
            self._key(event)
            return
        value = event.value
        if event.style in (None, "") and not event.tag:
            try:
                value = plain(event.value)
            except BadNumber as error:
                self.found(error.code, _at(event), None, value=event.value)
        self._attach(value, Spot(*_at(event)))

    def begin(self, event: Any, value: dict[str, Any] | list[Any]) -> None:
        """A map or list begins."""
        if event.tag or event.anchor:
            self._check_properties(event)
        if self._expects_key():
            self.found("key-not-text", _at(event))
            self._drop_pair()
        if len(self.stack) == MAX_LEVELS:
            self.found("too-deep", _at(event), None, limit=MAX_LEVELS)
            raise _Enough
        self.stack.append(_Frame(value, Spot(*_at(event), value)))

    def end(self) -> None:
        """A map or list ends."""
        frame = self.stack.pop()
        self._attach(frame.value, frame.spot)

    def alias(self, event: Any) -> None:
        """Aliases are refused: what a document says must stand where it is read."""
        self.found("yaml-alias", _at(event), None, name=event.anchor)
        if self._expects_key():
            self._drop_pair()
        self._attach(None, Spot(*_at(event)))

    def _expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].key is None and self.stack[-1].spot.keys is not None

    def _drop_pair(self) -> None:
        """What stands in the place of a key cannot be one: it is read as a value and dropped, and so is its value."""
        self.stack[-1].key = ""
        self.stack[-1].dropped = 2

    def _key(self, event: Any) -> None:
        frame, key, at = self.stack[-1], event.value, _at(event)
        if key == "<<" and event.style in (None, ""):
            self.found("yaml-merge", at)
            frame.dropped = 1
        elif frame.spot.keys is not None and (first := frame.spot.keys.get(key)):
            self.found("duplicate-key", at, (*self.path(), key), key=key, first=first[0])
            frame.dropped = 1
        frame.key, frame.key_at = key, at

    def _attach(self, value: Any, spot: Spot) -> None:
        if not self.stack:
            self.value, self.spots = value, spot
            return
        frame = self.stack[-1]
        if frame.spot.items is not None:
            frame.value.append(value)
            frame.spot.items.append(spot)
        elif frame.dropped:
            frame.dropped -= 1
            frame.key = frame.key if frame.dropped else None
        elif frame.spot.keys is not None:
            frame.value[frame.key] = value
            frame.spot.keys[frame.key or ""] = (*frame.key_at, spot)
            frame.key = None

    def _check_properties(self, event: Any) -> None:
        if event.tag:
            self.found("yaml-tag", _at(event), None, tag=event.tag)
        if event.anchor:
            self.found("yaml-anchor", _at(event), None, name=event.anchor)


def _parse(text: str, builder: _Builder) -> None:
    parser = PARSER(text)
    try:
        for event in iter(parser.get_event, None):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                builder.scalar(event)
            elif kind is yaml.MappingStartEvent:
                builder.begin(event, {})
            elif kind is yaml.SequenceStartEvent:
                builder.begin(event, [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                builder.end()
            elif kind is yaml.AliasEvent:
                builder.alias(event)
            elif kind is yaml.DocumentStartEvent:
                builder.begin_document(event)
            elif kind is yaml.StreamEndEvent:
                break
    finally:
        parser.dispose()
    if builder.value is None and not builder.findings:
        builder.found("empty-document", (1, 1), ())
    elif not isinstance(builder.value, dict) and builder.spots is not None:
        builder.found("not-a-map", (builder.spots.line, builder.spots.column), ())


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _control_characters(text: str, file: str) -> Iterator[Finding]:
    for number, character in enumerate(_CONTROL.finditer(text)):
        line, column = _line_and_column(text, character.start())
        if number == MAX_FINDINGS:
            yield Finding("too-many-findings", (), {"limit": MAX_FINDINGS}, "error", file, line, column)
            return
        params = {"character": f"U+{ord(character[0]):04X}"}
        yield Finding("control-character", (), params, "error", file, line, column)


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = _LINE_BREAK.split(text[:offset])
    return len(before), len(before[-1]) + 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
