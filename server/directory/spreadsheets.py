"""Reads the rows of a CSV or XLSX file: cells as text, each row with its number. Bounded, whatever the file."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

MAX_BYTES: Final = 10 * 1024 * 1024
UNPACKED: Final = 64 * 1024 * 1024
"""Bytes that a workbook may have when it is unpacked."""

MOST_ROWS: Final = 200_000
MOST_CELLS: Final = 2_000_000
_ZIP: Final = b"PK\x03\x04"
_PIECE: Final = 1 << 16

csv.field_size_limit(1 << 20)


class Unreadable(ValueError):
    """A file that is no table: the code of the finding."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its name (empty for a CSV file) and its rows that have something in them, each with its number."""

    name: str
    rows: list[tuple[int, list[str]]]


def sheets(data: bytes) -> list[Sheet]:
    """The tables of a file. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable("too-large", size=len(data), limit=MAX_BYTES)
    return _workbook(data) if data.startswith(_ZIP) else [Sheet("", _csv(data))]


# -- CSV ---


def _csv(data: bytes) -> list[tuple[int, list[str]]]:
    text = _decoded(data)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        begin = 1
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append((begin, row))
            if len(found) > MOST_ROWS:
                raise Unreadable("too-many-rows", limit=MOST_ROWS)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable("bad-csv", problem=str(error), row=reader.line_num) from error
    return found


def _decoded(data: bytes) -> str:
    """UTF-8, else what spreadsheets in China write (GB 18030)."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("not-a-table")


# -- XLSX ---


def _workbook(data: bytes) -> list[Sheet]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_unpacked(data)))
        return [Sheet(name, list(_rows(book, name))) for name in book.sheet_names]
    except (CalamineError, zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("not-a-table") from error


def _unpacked(data: bytes) -> bytes:
    """The same archive with nothing packed: what it says of its sizes is then true, and known to be bounded."""
    out = io.BytesIO()
    left = UNPACKED
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as plain:
        for info in packed.infolist()[:1_000]:
            if info.flag_bits & 1:
                raise Unreadable("encrypted-table")
            with packed.open(info) as part:
                content = part.read(left + 1)
            left -= len(content)
            if left < 0:
                raise Unreadable("too-large", size=info.file_size, limit=UNPACKED)
            plain.writestr(info.filename, content)
    return out.getvalue()


def _rows(book: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    sheet = book.get_sheet_by_name(name)
    if sheet.total_height > MOST_ROWS:
        raise Unreadable("too-many-rows", limit=MOST_ROWS)
    if sheet.total_height * sheet.total_width > MOST_CELLS:
        raise Unreadable("too-many-cells", limit=MOST_CELLS)
    for number, row in enumerate(sheet.to_python(skip_empty_area=False), 1):
        cells = [_text(value) for value in row]
        if any(cell.strip() for cell in cells):
            yield number, cells


def _text(value: Any) -> str:
    """A cell as text: numbers without the fraction that they do not have, times without an offset."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None else str(value)
