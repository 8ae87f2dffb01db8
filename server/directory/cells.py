"""A directory's items as rows of a table: each attribute a cell, written so that it reads back as what it was.

A spreadsheet takes a text that begins with one of = + - @ for a formula: such a text gets a ' before it, which is taken
off again when the table is read (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server.directory.content import Attributes

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "roles": ("name", "title", "title.zh", "title.en", "permissions"),
    "people": (
        "login", "name", "email", "phone", "channel_ids", "language", "supervisor", "deputy", "roles", "away",
        "disabled",
    ),
    "teams": ("id", "title", "title.zh", "title.en", "lead", "members"),
    "rotas": ("team", "person", "from", "to"),
    "customers": ("id", "names", "email", "phone", "preferred", "products"),
}  # fmt: skip
"""The columns of each section, as they are written. A column `title.fr` is read, too."""

LISTS: Final = frozenset({"roles", "members", "permissions", "names", "products"})
PAIRS: Final = frozenset({"channel_ids"})
AWAY: Final = "away"
DISABLED: Final = "disabled"
TITLE: Final = "title"
_YES: Final = frozenset({"yes", "true", "1", "x", "是"})
_NO: Final = frozenset({"no", "false", "0", "否"})
# What a name of something else is never meant to have at its ends.
_NAMES: Final = frozenset(
    {"login", "id", "email", "language", "supervisor", "deputy", "lead", "team", "person", "from", "to", "preferred"}
)
MANGLED: Final = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.ASCII)


class BadCell(ValueError):
    """A cell that cannot be read: the code of the finding."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def safe(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULAS) else text


def plain(text: str) -> str:
    """The text that `safe` made this of."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULAS) else text


def row(section: str, written: Mapping[str, Any]) -> dict[str, str]:
    """An item, as a file has it, as cells by column."""
    cells: dict[str, str] = {}
    for key, value in written.items():
        if key == TITLE and isinstance(value, Mapping):
            cells.update({f"{TITLE}.{language}": safe(text) for language, text in value.items()})
        elif key in PAIRS:
            cells[key] = safe(joined([f"{name}={one}" for name, one in value.items()]))
        elif key == AWAY:
            listed = [value] if isinstance(value, Mapping) else value
            cells[key] = safe(joined(["/".join(_absence(one)) for one in listed]))
        elif key in LISTS:
            cells[key] = safe(joined(value))
        elif isinstance(value, bool):
            cells[key] = "yes" if value else ""
        else:
            cells[key] = safe(str(value))
    return cells


def _absence(absence: Mapping[str, str]) -> list[str]:
    parts = [absence["from"], absence.get("until", ""), absence.get("deputy", "")]
    while not parts[-1]:
        parts.pop()
    return parts


def item(cells: Mapping[str, str]) -> tuple[Attributes, list[tuple[str, BadCell]]]:
    """What a file would have for these cells, and the columns whose cells cannot be read; empty ones are left out."""
    found: Attributes = {}
    bad: list[tuple[str, BadCell]] = []
    for column, cell in cells.items():
        text = plain(cell)
        if not text.strip():
            continue
        try:
            key, value = _value(column, text)
        except BadCell as problem:
            bad.append((column, problem))
            continue
        if key == TITLE and isinstance(value, dict):
            value = {**(found.get(TITLE) or {}), **value} if isinstance(found.get(TITLE), dict) else value
        found[key] = value
    return found, bad


def _value(column: str, text: str) -> tuple[str, Any]:
    if column.startswith(f"{TITLE}."):
        return TITLE, {column.removeprefix(f"{TITLE}."): text}
    if column in LISTS:
        return column, parted(text) if column in ("names", "products") else [one.strip() for one in parted(text)]
    if column in PAIRS:
        return column, _pairs(text)
    if column == AWAY:
        return column, [_away(one) for one in parted(text)]
    if column == DISABLED:
        if text.strip().casefold() in _YES:
            return column, True
        if text.strip().casefold() in _NO:
            return column, False
        raise BadCell("not-one-of", value=text, allowed="yes, no", near="")
    if MANGLED.fullmatch(text.strip()):
        raise BadCell("mangled-number", value=text.strip())
    return column, text.strip() if column in _NAMES else text


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for one in parted(text):
        name, sign, value = one.partition("=")
        if not sign:
            raise BadCell("bad-form", value=one, expected="pair")
        found[name.strip()] = value.strip()
    return found


def _away(text: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split("/")]
    if len(parts) > 3:
        raise BadCell("bad-form", value=text, expected="absence")
    return {key: part for key, part in zip(("from", "until", "deputy"), parts, strict=False) if part}


def joined(texts: Sequence[str]) -> str:
    """Several texts in one cell, separated by semicolons; those that have one in them are in quotes."""
    if not any(map(_odd, texts)):
        return "; ".join(texts)
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="", quoting=csv.QUOTE_ALL).writerow(texts)
    return out.getvalue()


def _odd(text: str) -> bool:
    """Whether a text needs quotes to be read again as it is."""
    return text != text.strip() or any(letter in text for letter in ';"\r\n')


def parted(text: str) -> list[str]:
    """The texts of a cell. Raises BadCell."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";", skipinitialspace=True))
    except csv.Error as error:
        raise BadCell("bad-form", value=text[:80], expected="cell_list") from error
    return [one for row in rows for one in row if one.strip()]
