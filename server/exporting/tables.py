"""Tables for spreadsheets: CSV (issues, each followed by its events) and XLSX (a sheet of each).

A spreadsheet takes a text that begins with one of = + - @ for a formula, which may run programs or send what stands
beside it elsewhere: such a text gets a ' before it, in both formats (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from server.exporting.reading import Export, Exported
from server.exporting.xlsx import Workbook

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

ISSUE: Final = (
    "number", "process", "version", "received", "recorded", "closed", "stage", "final", "severity", "team", "owner",
    "receiver", "times_reopened",
)  # fmt: skip
EVENT: Final = ("number", "at", "kind", "what", "by", "stage", "details")
_WHAT: Final = ("action", "clock", "notice", "ladder", "survey", "check", "watch", "name", "process", "team")
"""Keys that say what a line is about; the first that it has."""

Cell = str | int | float | bool | None


def cell(value: Any) -> Cell:
    """A value as a cell: numbers and booleans as they are, lists joined, no text that is a formula."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def write_csv(export: Export, to: BinaryIO) -> None:
    """Write one table in UTF-8 (RFC 4180): `record` says whether a line is an issue or one of its events."""
    heads = issue_columns(export)
    more = [name for name in EVENT if name not in heads]
    text = io.TextIOWrapper(to, encoding="utf-8", newline="", write_through=True)
    try:
        table = csv.writer(text)
        table.writerow(map(_csv, ["record", *heads, *more]))
        for one in export.issues():
            table.writerow(map(_csv, ["issue", *issue_row(one, heads), *[None] * len(more)]))
            for line in one.lines:
                event = event_row(line)
                table.writerow(map(_csv, ["event", *(event.get(name) for name in [*heads, *more])]))
    finally:
        text.detach()


def _csv(value: Any) -> str:
    shown = cell(value)
    return "" if shown is None else str(shown).lower() if isinstance(shown, bool) else str(shown)


def write_xlsx(export: Export, to: BinaryIO) -> None:
    """Write a workbook: a sheet of issues, then a sheet of events (more, when one is full)."""
    heads = issue_columns(export)
    with Workbook(to) as book:
        book.sheet("Issues", heads, ([cell(value) for value in issue_row(one, heads)] for one in export.issues()))
        book.sheet("Events", list(EVENT), _event_rows(export))


def _event_rows(export: Export) -> Iterator[list[Cell]]:
    for one in export.issues(say=False):
        for line in one.lines:
            row = event_row(line)
            yield [cell(row.get(name)) for name in EVENT]


def issue_columns(export: Export) -> list[str]:
    """The columns of an issue: what every one has, what its tables gave, its fields."""
    values = [name for process in export.processes for name in (item.name for item in process.classify)]
    return list(dict.fromkeys([*ISSUE, *(name for name in values if name != "severity"), *export.fields, "problem"]))


def issue_row(one: Exported, columns: list[str]) -> list[Any]:
    """The issue in these columns."""
    flat = {**one.issue.get("facts", {}), **one.issue.get("values", {}), **one.issue}
    return [flat.get(name) for name in columns]


def event_row(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a timeline by column; what has none is in `details`, as JSON."""
    what = next((name for name in _WHAT if line.get(name) is not None), None)
    row = {name: line.get(name) for name in ("number", "at", "kind", "by", "stage")}
    row["what"] = None if what is None else line[what]
    details = {name: value for name, value in line.items() if name not in row and name != what}
    row["details"] = json.dumps(details, ensure_ascii=False) if details else None
    return row
