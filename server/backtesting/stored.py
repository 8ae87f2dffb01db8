"""Past issues of the store, read in chunks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Any, Final, NamedTuple

from server import policies
from server.backtesting.comparing import Given
from server.core.moments import Moment
from server.core.process import Process
from server.core.replaying import Happened, Past, Recalled
from server.core.surveys import is_drawn
from server.recording import UnknownIssue
from server.store import database, sql

log = logging.getLogger("duban.backtesting")

PAGE: Final = 5_000

_IDS = """
    SELECT "id", "number" FROM "issue"
    WHERE "process" = ? AND "received_at" >= ? AND "received_at" < ? AND "id" > ? ORDER BY "id" LIMIT ?
"""
_COUNT = 'SELECT COUNT(*) FROM "issue" WHERE "process" = ? AND "received_at" >= ? AND "received_at" < ?'
# One statement, so that an issue and its events are of one moment while the server goes on.
_EVENTS = """
    SELECT "issue"."id", "issue"."number", "issue"."pins", "issue"."final", "issue"."wake_at", "issue"."erased_at",
        "issue"."problem", "event"."at", "event"."body", "event"."entries"
    FROM "issue" JOIN "event" ON "event"."issue_id" = "issue"."id"
    WHERE "issue"."id" IN ({places}) {only} ORDER BY "issue"."id", "event"."seq"
"""
_FIRST: Final = 'AND "event"."seq" = 1'


class Unreadable(ValueError):
    """An issue that cannot be played: its private fields are erased (`erased`), or it cannot be read any more."""


class Chosen(NamedTuple):
    """Which issues: received in [`start`, `end`), `percent` of them, drawn as a survey's customers are (None: all)."""

    process: str
    start: Moment
    end: Moment
    percent: float | None


def count(chosen: Chosen) -> int:
    """How many issues there are to look at, drawn or not."""
    with database.session():
        return int(sql.run(_COUNT, chosen.process, chosen.start, chosen.end).fetchone()[0])


def chunks(chosen: Chosen, size: int) -> Iterator[tuple[list[int], int]]:
    """The ids of the chosen issues in the order of receipt, so many at a time; and how many were looked at for them."""
    last, waiting, seen = 0, [], 0
    while True:
        with database.session():
            rows = sql.run(_IDS, chosen.process, chosen.start, chosen.end, last, PAGE).fetchall()
        for id, number in rows:
            last = id
            seen += 1
            if chosen.percent is None or is_drawn(number, "backtest", chosen.percent):
                waiting.append(id)
                if len(waiting) == size:
                    yield waiting, seen
                    waiting, seen = [], 0
        if len(rows) < PAGE:
            if seen:
                yield waiting, seen
            return


def issues(ids: Sequence[int], now: Moment, decisions: bool, binding: bool = True) -> Iterator[tuple[int, Given]]:
    """These issues with what was recorded of them up to `now`, each with its id. `decisions`: their receipt alone."""
    if not ids:
        return
    statement = _EVENTS.format(places=", ".join("?" * len(ids)), only=_FIRST if decisions else "")

    @cache
    def pinned(pins: str) -> Process:
        return policies.process_for(json.loads(pins)).process

    with database.session():
        rows = sql.run(statement, *ids).fetchall()
        for id, events in groupby(rows, key=lambda row: row[0]):
            yield int(id), _given(list(events), now, binding, pinned)


def _given(rows: list[Any], now: Moment, binding: bool, pinned: Callable[[str], Process]) -> Given:
    _, number, pins, final, wake_at, erased_at, problem, *_ = rows[0]
    if erased_at is not None:
        return Given(number, None, why="erased")
    try:
        process = pinned(pins)
        events = [_happened(body, entries) for *_, body, entries in rows]
    except Exception as error:
        log.exception("issue %s cannot be read", number)
        return Given(number, None, why="unreadable", problem=type(error).__name__)
    # What is due, but not recorded yet, would be in the draft's world only.
    last = int(rows[-1][7])
    until = last if final or problem is not None else max(now, last)
    if wake_at is not None:
        until = min(until, max(int(wake_at) - 1, last))
    return Given(number, Past(number, process, events, until), Recalled(binding))


def _happened(body: str, entries: str) -> Happened:
    found = json.loads(body)
    return Happened(found["event"], found["now"], found["answers"], json.loads(entries))


def one(number: str, now: Moment) -> Past:
    """What was recorded of one issue. Raises UnknownIssue, Unreadable."""
    with database.session():
        row = sql.run('SELECT "id" FROM "issue" WHERE "number" = ?', number).fetchone()
    if row is None:
        raise UnknownIssue(number)
    _, given = next(issues([int(row[0])], now, False))
    if given.past is None:
        raise Unreadable(given.why)
    return given.past
