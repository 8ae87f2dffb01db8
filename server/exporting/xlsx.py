"""A workbook of plain tables, written row by row (ECMA-376, SpreadsheetML): a zip file of XML.

Nothing of it is a formula, every text stands in its cell, and memory holds one row.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from xml.sax.saxutils import escape, quoteattr

MOST_ROWS: Final = 1_048_576
"""Rows of a sheet, the head included (Excel's specification)."""

LONGEST: Final = 32_767
"""Characters of a cell."""

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What XML cannot say, and what would be read as such an escape (ECMA-376, 22.9.2.19).
_UNSAYABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


class Workbook:
    """A workbook that is written to a stream as its sheets are given."""

    def __init__(self, to: BinaryIO, most_rows: int = MOST_ROWS) -> None:
        self._zip = zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED)
        self._most = most_rows
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._write_parts()
        self._zip.close()

    def sheet(self, name: str, head: list[str], rows: Iterable[list[Any]]) -> None:
        """Write a sheet; another one with a number behind the name when it is full."""
        rest = iter(rows)
        number = 1
        while True:
            more = self._one(name if number == 1 else f"{name} {number}", head, rest)
            if more is None:
                return
            rest = _with_first(more, rest)
            number += 1

    def _one(self, name: str, head: list[str], rows: Iterator[list[Any]]) -> list[Any] | None:
        """Write a sheet until it is full, and give the row that has no room in it."""
        self._names.append(name)
        with self._zip.open(f"xl/worksheets/sheet{len(self._names)}.xml", "w", force_zip64=True) as file:
            file.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_row(head)}'.encode())
            for row in islice(rows, self._most - 1):
                file.write(_row(row).encode())
            file.write(b"</sheetData></worksheet>")
        return next(rows, None)

    def _write_parts(self) -> None:
        numbers = range(1, len(self._names) + 1)
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        sheets = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>' for n in numbers
        )
        self._part(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{sheets}</Types>',
        )
        self._part("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        listed = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
            for n, name in zip(numbers, self._names, strict=True)
        )
        self._part(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        )
        self._part(
            "xl/_rels/workbook.xml.rels", _relations([("worksheet", f"worksheets/sheet{n}.xml") for n in numbers])
        )

    def _part(self, name: str, content: str) -> None:
        self._zip.writestr(name, _HEAD + content)


def _relations(targets: list[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _with_first(first: list[Any], rest: Iterator[list[Any]]) -> Iterator[list[Any]]:
    yield first
    yield from rest


def _row(cells: Iterable[Any]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float) and abs(value) < 10**15:  # what a spreadsheet holds exactly
        return f"<c><v>{value!r}</v></c>"
    text = str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    said = escape(_UNSAYABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{said}</t></is></c>'
