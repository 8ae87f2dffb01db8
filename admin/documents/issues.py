"""The issues that a version judges, as a list shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin import clock
from admin.reading import Words, words_of
from server import judged_by
from server.accounts import Caller
from server.policies import Unusable, process_for


@dataclass(frozen=True, slots=True)
class Row:
    """An issue. Its subject, and the way to it, are for those who may read issues."""

    number: str
    subject: str
    severity: dict[str, Any] | None
    stage: str
    final: bool
    overdue: bool
    received: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of issues; `next`: where the following one begins."""

    rows: Sequence[Row]
    count: int
    next: int | None
    is_first: bool
    opens: bool


def issues_of(version: int, before: int | None, caller: Caller) -> Listed:
    """A page of the issues that the version judges."""
    reads = caller.may("issue.read")
    found, following = judged_by.judged_by(version, before)
    words: dict[str, Words | None] = {}
    rows = [_row(row, words, reads) for row in found]
    return Listed(rows, judged_by.count(version), following, before is None, reads)


def _row(row: Any, known: dict[str, Words | None], reads: bool) -> Row:
    words = _words(row.pins, known)
    return Row(
        number=row.number,
        subject=row.subject if reads else "",
        severity=None if words is None else words.severity(row.severity),
        stage=row.stage if words is None else words.of("stages", row.stage),
        final=row.final,
        overdue=row.overdue,
        received=clock.shown(row.received_at) if words is None else words.shown(row.received_at),
    )


def _words(pins: Any, known: dict[str, Words | None]) -> Words | None:
    key = str(pins)
    if key not in known:
        try:
            known[key] = words_of(process_for(pins).process)
        except Unusable:
            known[key] = None  # its policy does not compile any more; the list shows it all the same
    return known[key]
