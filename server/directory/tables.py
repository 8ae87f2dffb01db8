"""The directory as tables: a CSV file holds one section, a workbook a sheet for each. The same rules as for YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from server.core.findings import Finding, Path
from server.core.kinds import near
from server.directory.cells import COLUMNS, TITLE, item, row
from server.directory.content import SECTIONS, Content, stored
from server.directory.exporting import as_written
from server.directory.headings import column_key, heading, section_key, sheet_name, spoken
from server.directory.items import REQUIRED, Reader
from server.directory.reading import DirectoryFile
from server.directory.spreadsheets import Sheet, Unreadable, sheets
from server.exporting.xlsx import Workbook

MOST_FINDINGS: Final = 500


class _Table:
    """Where an attribute stands: file, row and column."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rows: dict[tuple[str, int], tuple[str, int]] = {}  # (section, index) -> sheet, row
        self.columns: dict[str, dict[str, int]] = {}  # section -> column -> its number

    def placed(self, found: Finding, key: bool = False) -> Finding:
        section, *rest = found.path or ("",)
        file = self.file
        if not rest or (section, rest[0]) not in self.rows:
            return replace(found, file=file)
        sheet, line = self.rows[str(section), int(rest[0])]
        column = self._column(str(section), str(rest[1])) if len(rest) > 1 else 1
        file = f"{file}[{sheet}]" if sheet else file
        return replace(found, path=tuple(rest[1:2]), file=file, line=line, column=column)

    def _column(self, section: str, key: str) -> int:
        columns = self.columns.get(section, {})
        return columns.get(key) or next((number for name, number in columns.items() if name.startswith(f"{key}.")), 1)

    def finding(self, code: str, path: Path, key: bool = False, level: str = "error", **params: str | int) -> Finding:
        return self.placed(Finding(code, path, params, level))


def read_tables(data: bytes, file: str, zone: ZoneInfo) -> tuple[DirectoryFile | None, list[Finding]]:
    """Read a CSV or XLSX file; times without an offset are in `zone`. None: a table could not be read at all."""
    try:
        found = sheets(data)
    except Unreadable as unreadable:
        return None, [Finding(unreadable.code, (), unreadable.params, file=file)]
    table = _Table(file)
    reader = Reader(table, zone)
    content: Content = {}
    open_to: dict[tuple[str, str], frozenset[str]] = {}
    for sheet in found:
        if not sheet.rows:
            continue
        section = _section(sheet, table, reader)
        if section is None:
            reader.whole = False
            continue
        if section in content:
            reader.found("repeated-item", (), value=section)
            reader.whole = False
            continue
        content[section] = {}
        left = _read(sheet, section, table, reader, content)
        if left is None:
            reader.whole = False
            continue
        open_to.update({(section, id_): left for id_ in content[section]})
    if not content and not reader.findings:
        reader.found("no-table", ())
    findings = _bounded(reader.findings, file)
    if not reader.whole or not content:
        return None, findings
    return DirectoryFile(table, content, reader.places, open_to, reader.unread), findings


def _bounded(findings: list[Finding], file: str) -> list[Finding]:
    if len(findings) <= MOST_FINDINGS:
        return findings
    return [*findings[:MOST_FINDINGS], Finding("too-many-findings", (), {"limit": MOST_FINDINGS}, file=file)]


def _section(sheet: Sheet, table: _Table, reader: Reader) -> str | None:
    """What a table holds: by its sheet's name, else by its columns."""
    if named := section_key(sheet.name):
        return named
    heads = {name: {column_key(name, cell) for cell in sheet.rows[0][1]} for name in SECTIONS}
    complete = [name for name, head in heads.items() if head.issuperset(REQUIRED[name])]
    fits = [name for name in complete if all(_known(name, one) for one in heads[name])]
    if not fits:
        fits = [name for name in complete if name in ("people", "rotas", "customers")]
    if len(fits) == 1:
        return fits[0]
    if heads["teams"] & {"members", "lead"}:
        return "teams"
    if "permissions" in heads["roles"]:
        return "roles"
    file = f"{table.file}[{sheet.name}]" if sheet.name else table.file
    reader.findings.append(Finding("unknown-sheet", (), {"sections": ", ".join(SECTIONS)}, file=file))
    return None


def _known(section: str, column: str) -> bool:
    return column in ("", *COLUMNS[section]) or (section in ("teams", "roles") and column.startswith(f"{TITLE}."))


def _read(sheet: Sheet, section: str, table: _Table, reader: Reader, content: Content) -> frozenset[str] | None:
    """Read a table's rows into the section; gives the attributes that it has no column for. None: a column is missing,
    and no row was read."""
    line, head = sheet.rows[0]
    columns = table.columns[section] = {}
    table.rows[section, -1] = (sheet.name, line)
    language = spoken(section, head)
    for number, cell in enumerate(head, 1):
        name = column_key(section, cell)
        if name in columns:
            _at(reader, table, sheet, line, number, "repeated-item", value=cell.strip())
        elif name and not _known(section, name):
            allowed = [heading(section, one, language) for one in COLUMNS[section]]
            params = {"key": name, "near": near(name, allowed), "allowed": ", ".join(allowed)}
            _at(reader, table, sheet, line, number, "unknown-column", **params)
        elif name:
            columns[name] = number
    missing = [name for name in REQUIRED[section] if name not in columns]
    for name in missing:
        _at(reader, table, sheet, line, 1, "missing-column", key=heading(section, name, language))
    if missing:
        return None
    for index, (line, cells) in enumerate(sheet.rows[1:]):
        table.rows[section, index] = (sheet.name, line)
        texts = {name: cells[number - 1] for name, number in columns.items() if number <= len(cells)}
        raw, bad = item(texts)
        for column, problem in bad:
            reader.findings.append(table.placed(Finding(problem.code, (section, index, column), problem.params)))
        reader.item(section, raw, (section, index), content[section])
    given = {name.partition(".")[0] for name in columns}
    return frozenset(name for name in COLUMNS[section] if name.partition(".")[0] not in given)


def _at(reader: Reader, table: _Table, sheet: Sheet, line: int, column: int, code: str, **params: str | int) -> None:
    file = f"{table.file}[{sheet.name}]" if sheet.name else table.file
    reader.findings.append(Finding(code, (), params, "error", file, line, column))


# -- writing ---


def write_csv(section: str, to: BinaryIO, language: str = "") -> None:
    """Write a section as CSV, with the mark by which spreadsheets know UTF-8; columns are called by their keys, or as
    the language calls them."""
    head, rows = _rows(section, stored([section]), language)
    text = io.TextIOWrapper(to, encoding="utf-8-sig", newline="", write_through=True)
    try:
        table = csv.writer(text)
        table.writerow(head)
        table.writerows(rows)
    finally:
        text.detach()


def write_xlsx(to: BinaryIO, language: str = "") -> None:
    """Write the directory as a workbook, a sheet for each section; names as for CSV."""
    content = stored()
    with Workbook(to) as book:
        for section in SECTIONS:
            head, rows = _rows(section, content, language)
            book.sheet(sheet_name(section, language), head, (list(one) for one in rows))


def _rows(section: str, content: Content, language: str) -> tuple[list[str], Iterator[Sequence[str]]]:
    cells: list[Mapping[str, str]] = [
        row(section, as_written(section, id_, attributes)) for id_, attributes in content[section].items()
    ]
    more = sorted({name for one in cells for name in one if name not in COLUMNS[section]})
    keys = [*COLUMNS[section], *more]
    head = [heading(section, key, language) for key in keys]
    return head, ([one.get(key, "") for key in keys] for one in cells)
