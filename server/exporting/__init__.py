"""Issues and events of a process for other programs (contract, `duban export`): JSON Lines, CSV, XLSX, OCEL 2.0.

Written piece by piece, of one state of the store: memory does not grow with the number of issues.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from server import audit
from server.core.moments import Moment
from server.exporting import jsonl, ocel, tables
from server.exporting.reading import Export, UnknownProcess
from server.store import database

Write = Callable[[Export, BinaryIO], None]

FORMATS: Final[Mapping[str, Write]] = {
    "jsonl": jsonl.write,
    "csv": tables.write_csv,
    "xlsx": tables.write_xlsx,
    "ocel": ocel.write,
}

__all__ = ["FORMATS", "Export", "UnknownProcess", "export"]


def export(
    process: str,
    format: str,
    to: BinaryIO,
    now: Moment,
    *,
    private: bool = False,
    by: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> int:
    """Write the issues of a process with their events; give how many issues. `private`: with private fields; `by`: who
    takes them out (None: whoever has the shell), which stands in the audit trail before the first byte is written;
    `since`, `until`: only those received from then on, and before then.
    `progress` hears how many of how many are written. Raises UnknownProcess, Unavailable, OSError of `to`."""
    with database.transaction():
        found = Export(process, private, progress, since, until)
        body: dict[str, object] = {"process": process, "format": format, "private": private, "issues": found.count}
        body |= {name: at for name, at in (("since", since), ("until", until)) if at is not None}
        audit.record("export", now, body, by=by)
    with database.current().snapshot():
        FORMATS[format](found, to)
    return found.count
