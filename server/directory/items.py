"""Reads the items of a directory, wherever they come from: every problem at its place.

Whether what they name exists is looked at when they are compared with the store (server.directory.checking).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from server.core.findings import Finding, Path
from server.core.kinds import near
from server.core.moments import SECOND, BadTime, OutOfRange, parse, show
from server.directory.addresses import folded
from server.directory.content import SECTIONS, Attributes, Content, given, rota_id
from server.permissions import PERMISSIONS

MAX_TEXT: Final = 400
LANGUAGES: Final = ("zh", "en")

# `system`, `customer` and `rules` stand for no person in timelines, `anyone` and `nobody` neither.
NOT_LOGINS: Final = frozenset({"system", "customer", "rules", "anyone", "nobody"})
LOGIN = re.compile(r"[a-z][a-z0-9._-]{0,63}", re.ASCII)
EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_UNSAYABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]"
)  # PostgreSQL holds no NUL, spreadsheets none of them
ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


class Places(Protocol):
    """Knows where an item's attributes stand: in a file, a table, a form."""

    def placed(self, found: Finding, key: bool = False) -> Finding:
        """The finding with the place of its path."""

    def finding(self, code: str, path: Path, key: bool = False, level: str = "error", **params: str | int) -> Finding:
        """A finding at that path."""


Check = Callable[["Reader", Any, Path], Any]


class Reader:
    """Reads items into attributes, and collects what is wrong with them."""

    def __init__(self, document: Places, zone: ZoneInfo | None = None) -> None:
        self.document = document
        self.zone = zone  # of moments that are written without an offset
        self.findings: list[Finding] = []
        self.places: dict[tuple[str, str], Path] = {}
        self.unread: set[tuple[str, str]] = set()  # (section, id) of items that are there and cannot be read
        self.whole = True  # whether every section could be read
        self._names: dict[str, str] = {}  # a customer's folded name -> the customer

    def found(self, code: str, path: Path, /, **params: str | int) -> None:
        self.findings.append(self.document.placed(Finding(code, path, params)))

    def unknown_key(self, path: Path, key: str, allowed: Iterable[str]) -> None:
        params = {"key": key, "near": near(key, allowed), "allowed": _all(allowed)}
        self.findings.append(self.document.placed(Finding("unknown-key", (*path, key), params), key=True))

    def sections(self, value: Mapping[str, Any]) -> Content:
        """The sections of a file."""
        content: Content = {}
        for name, items in value.items():
            if name not in SECTIONS:
                self.unknown_key((), name, SECTIONS)
                self.whole = False
            elif not self.of_type(items, list, (name,)):
                self.whole = False
            else:
                content[name] = {}
                for index, item in enumerate(items):
                    self.item(name, item, (name, index), content[name])
        return content

    def item(self, section: str, raw: Any, path: Path, items: dict[str, Attributes]) -> None:
        """Read one item and put it with the others of its section."""
        if not self.of_type(raw, dict, path):
            return
        keys, required = KEYS[section], REQUIRED[section]
        for key in raw:
            if key not in keys:
                self.unknown_key(path, key, keys)
        missing = [key for key in required if key not in raw]
        for key in missing:
            self.found("missing-key", path, key=key)
        values = {key: check(self, raw[key], (*path, key)) for key, check in keys.items() if key in raw}
        if missing or any(values[key] is None for key in required):
            self.unread.add((section, str(raw.get(required[0]))))
            return
        id_ = self._id(section, values)
        if id_ in items:
            self.found("repeated-item", path, value=id_)
            return
        if section == "rotas" and values["to"] <= values["from"]:
            self.found("rota-order", (*path, "to"))
        if section == "customers":
            self._customer_names(id_, [id_, *values["names"]], (*path, "names"))
        self.places[(section, id_)] = path
        items[id_] = given(values)

    def _id(self, section: str, values: Attributes) -> str:
        if section == "rotas":
            return rota_id(values["team"], values["person"], values["from"])
        id_ = values.pop(REQUIRED[section][0])
        if section == "people":
            values.setdefault("language", LANGUAGES[0])
        return str(id_)

    def _customer_names(self, id_: str, names: list[str], path: Path) -> None:
        for name in dict.fromkeys(folded(name) for name in names):
            other = self._names.setdefault(name, id_)
            if other != id_:
                self.found("shared-name", path, value=name, other=other)

    # -- values ------------------------------------------------------------------------------------------------

    def of_type(self, value: Any, expected: type, path: Path) -> bool:
        if isinstance(value, expected) and not (expected is int and isinstance(value, bool)):
            return True
        self.found("wrong-type", path, expected=_WORDS[expected], found=_WORDS.get(type(value), "null"))
        return False

    def text(self, value: Any, path: Path) -> str | None:
        if not self.of_type(value, str, path):
            return None
        if not value.strip():
            self.found("empty-text", path)
            return None
        if found := _UNSAYABLE.search(value):
            self.found("control-character", path, character=f"U+{ord(found[0]):04X}")
            return None
        if len(value) > MAX_TEXT:
            self.found("too-long", path, length=len(value), limit=MAX_TEXT)
            return None
        return str(value)

    def texts(self, value: Any, path: Path) -> list[str] | None:
        if not self.of_type(value, list, path):
            return None
        found = [self.text(item, (*path, index)) for index, item in enumerate(value)]
        for index, text in enumerate(found):
            if text is not None and text in found[:index]:
                self.found("repeated-item", (*path, index), value=text)
        return [text for text in found if text is not None]

    def one_of(self, value: Any, path: Path, allowed: tuple[str, ...]) -> str | None:
        text = self.text(value, path)
        if text is not None and text not in allowed:
            self.found("not-one-of", path, value=text, near=near(text, allowed), allowed=_all(allowed))
            return None
        return text

    def moment(self, value: Any, path: Path) -> int | None:
        text = self.text(value, path)
        if text is None:
            return None
        try:
            return parse(text, self.zone) // SECOND * SECOND
        except (BadTime, OutOfRange):
            self.found("bad-form", path, value=text, expected="moment")
            return None


def _login(reader: Reader, value: Any, path: Path) -> str | None:
    text = reader.text(value, path)
    if text is not None and (not LOGIN.fullmatch(text) or text in NOT_LOGINS):
        reader.found("bad-form", path, value=text, expected="login")
        return None
    return text


def _email(reader: Reader, value: Any, path: Path) -> str | None:
    text = reader.text(value, path)
    if text is not None and not EMAIL.fullmatch(text.strip()):
        reader.found("bad-form", path, value=text, expected="email")
        return None
    return None if text is None else text.strip()


def _name(reader: Reader, value: Any, path: Path) -> str | None:
    text = reader.text(value, path)
    if text is not None and not ID.fullmatch(text):
        reader.found("bad-form", path, value=text, expected="id")
        return None
    return text


def _title(reader: Reader, value: Any, path: Path) -> str | dict[str, str] | None:
    if isinstance(value, str):
        return reader.text(value, path)
    if not isinstance(value, dict):
        reader.found("wrong-type", path, expected="text", found=_WORDS.get(type(value), "null"))
        return None
    return _text_map(reader, value, path)


def _text_map(reader: Reader, value: Any, path: Path) -> dict[str, str] | None:
    if not reader.of_type(value, dict, path):
        return None
    found = {key: reader.text(text, (*path, key)) for key, text in value.items()}
    return {key: text for key, text in found.items() if text is not None}


def _permissions(reader: Reader, value: Any, path: Path) -> list[str] | None:
    if not reader.of_type(value, list, path):
        return None
    found = [reader.one_of(item, (*path, index), PERMISSIONS) for index, item in enumerate(value)]
    return sorted({permission for permission in found if permission is not None})


def _roles(reader: Reader, value: Any, path: Path) -> list[str] | None:
    found = reader.texts(value, path)
    return None if found is None else sorted(found)


def _language(reader: Reader, value: Any, path: Path) -> str | None:
    return reader.one_of(value, path, LANGUAGES)


def _boolean(reader: Reader, value: Any, path: Path) -> bool | None:
    return value if reader.of_type(value, bool, path) else None


def _away(reader: Reader, value: Any, path: Path) -> list[Attributes] | None:
    """One absence, or a list of them, by their beginnings."""
    if isinstance(value, dict):
        found = [_absence(reader, value, path)]
    elif reader.of_type(value, list, path):
        found = [_absence(reader, one, (*path, index)) for index, one in enumerate(value)]
    else:
        return None
    absences = sorted((one for one in found if "from" in one), key=lambda one: one["from"])
    for before, after in zip(absences, absences[1:], strict=False):
        if before.get("until") is None or after["from"] < before["until"]:
            reader.found("absences-overlap", path, value=show(after["from"]))
    return absences


def _absence(reader: Reader, value: Any, path: Path) -> Attributes:
    if not reader.of_type(value, dict, path):
        return {}
    for key in value.keys() - _ABSENCE.keys():
        reader.unknown_key(path, key, _ABSENCE)
    if "from" not in value:
        reader.found("missing-key", path, key="from")
    found = {key: check(reader, value[key], (*path, key)) for key, check in _ABSENCE.items() if key in value}
    start, end = found.get("from"), found.get("until")
    if start is not None and end is not None and end <= start:
        reader.found("rota-order", (*path, "until"))
    return given(found)


def _all(names: Iterable[str]) -> str:
    return ", ".join(names)


_WORDS: Mapping[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}

_ABSENCE: Final[Mapping[str, Check]] = {"from": Reader.moment, "until": Reader.moment, "deputy": Reader.text}
KEYS: Mapping[str, Mapping[str, Check]] = {
    "roles": {"name": _name, "title": _title, "permissions": _permissions},
    "people": {
        "login": _login,
        "name": Reader.text,
        "email": _email,
        "phone": Reader.text,
        "channel_ids": _text_map,
        "language": _language,
        "supervisor": Reader.text,
        "deputy": Reader.text,
        "away": _away,
        "roles": _roles,
        "disabled": _boolean,
    },
    "teams": {"id": _name, "title": _title, "lead": Reader.text, "members": Reader.texts},
    "rotas": {"team": Reader.text, "person": Reader.text, "from": Reader.moment, "to": Reader.moment},
    "customers": {
        "id": Reader.text,
        "names": Reader.texts,
        "email": _email,
        "phone": Reader.text,
        "preferred": Reader.text,
        "products": Reader.texts,
    },
}
# What must be there; the first one is the id, except for rotas, which are told apart by team, person and start.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "roles": ("name",),
    "people": ("login", "name"),
    "teams": ("id",),
    "rotas": ("team", "person", "from", "to"),
    "customers": ("id", "names"),
}
