"""Reading what a period's measures look at: a few hundred issues at a time, so that memory does not grow with them."""

from __future__ import annotations

import json
import logging
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from server import policies
from server.core import case as cases
from server.core.moments import Moment
from server.core.process import Process
from server.core.records import Record, record
from server.core.tallies import Tallies
from server.policies import Unusable
from server.store import sql

log = logging.getLogger("duban.reports")

AT_ONCE: Final = 200

# Received since then; open at the end or closed later; with events in the period (an answer long after closing).
_IDS: Final = """
    SELECT "id", "received_at" FROM "issue" WHERE "process" = ? AND "received_at" >= ? AND "received_at" < ?
    UNION
    SELECT "id", "received_at" FROM "issue" WHERE "process" = ? AND "closed_at" IS NULL AND "received_at" < ?
    UNION
    SELECT "id", "received_at" FROM "issue" WHERE "process" = ? AND "closed_at" >= ? AND "received_at" < ?
    UNION
    SELECT "issue"."id", "issue"."received_at" FROM "event" JOIN "issue" ON "issue"."id" = "event"."issue_id"
    WHERE "event"."at" >= ? AND "event"."at" < ? AND "issue"."process" = ? AND "issue"."received_at" < ?
    ORDER BY 2, 1
"""
_ISSUES: Final = 'SELECT "id", "number", "pins", "case" FROM "issue" WHERE "id" IN ({places})'
_EVENTS: Final = 'SELECT "issue_id", "entries" FROM "event" WHERE "issue_id" IN ({places}) ORDER BY "issue_id", "seq"'


def read(process: Process, tallies: Tallies, now: Moment) -> int:
    """Feed the tallies with every issue of the process that may matter, in order of receipt; give how many could not
    be read (they are logged). Call it in a snapshot, so that all figures are of one state of the store."""
    unreadable = 0
    ids = _ids(process.name, tallies)
    for start in range(0, len(ids), AT_ONCE):
        some = list(ids[start : start + AT_ONCE])
        found = dict(_records(process, some, tallies.needs_history, now))
        for id_ in some:
            if id_ in found:
                tallies.add(found[id_])
            else:
                unreadable += 1
    return unreadable


def _ids(process: str, tallies: Tallies) -> array[int]:
    start, end = tallies.window.period.start, tallies.window.period.end
    received = (process, tallies.since, end)
    events = (start, end, process, end)
    rows = sql.run(_IDS, *received, process, end, process, start, end, *events)
    return array("q", (row[0] for row in rows))


def _records(process: Process, ids: Sequence[int], history: bool, now: Moment) -> Iterator[tuple[int, Record]]:
    places = ", ".join("?" * len(ids))
    rows = {row[0]: row[1:] for row in sql.run(_ISSUES.format(places=places), *ids)}
    if not history:
        for id_, row in rows.items():
            yield from _record(process, id_, row, (), now)
        return
    events = sql.run(_EVENTS.format(places=places), *ids)
    for id_, some in groupby(events, key=lambda row: int(row[0])):
        yield from _record(process, id_, rows[id_], [entry for row in some for entry in json.loads(row[1])], now)


def _record(
    process: Process, id_: int, row: Sequence[Any], entries: Sequence[Mapping[str, Any]], now: Moment
) -> Iterator[tuple[int, Record]]:
    """The issue's record; nothing when its case cannot be read. Its own version of the process says what its clocks
    and stages mean, as long as that compiles."""
    number, pins, text = row
    try:
        found = cases.load(text)
    except (ValueError, TypeError):
        log.exception("issue %s is left out of a report", number)
        return
    try:
        process = policies.process_for(json.loads(pins)).process
    except Unusable:
        log.warning("issue %s is measured by the process in force: its own version does not compile", number)
    yield id_, record(process, found, entries, now)
