"""What is counted across issues: serial numbers, turns, watches. Each call belongs into its cause's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from server.core.moments import Moment
from server.store.database import current
from server.store.fields import canonical

_SERIAL = (
    'INSERT INTO "serial" ("process", "date", "last") VALUES ({0}, {0}, {0}) '
    'ON CONFLICT ("process", "date") DO UPDATE SET "last" = "serial"."last" + excluded."last" RETURNING "last"'
)
_HOLD = 'SELECT 1 FROM "serial" WHERE "process" = {0} AND "date" = {0} FOR UPDATE'
_WINDOW = (
    'INSERT INTO "watch_window" ("process", "watch", "key", "moments", "raised") VALUES ({0}, {0}, {0}, {0}, {0}) '
    # Touched so that the row is locked, and read as it is after whoever held it.
    'ON CONFLICT ("process", "watch", "key") DO UPDATE SET "watch" = "watch_window"."watch" RETURNING "moments"'
)
_KEEP = 'UPDATE "watch_window" SET "moments" = {0} WHERE "process" = {0} AND "watch" = {0} AND "key" = {0}'
_TURN = (
    'INSERT INTO "turn" ("process", "team", "last", "count") VALUES ({0}, {0}, {0}, 0) '
    'ON CONFLICT ("process", "team") DO UPDATE SET "count" = "turn"."count" + 1 RETURNING "last"'
)
_TAKE = 'UPDATE "turn" SET "last" = {0} WHERE "process" = {0} AND "team" = {0}'


def _run(sql: str, *values: Any) -> Any:
    store = current()
    return store.db.execute_sql(sql.format("%s" if store.is_postgresql else "?"), values)


def next_serial(process: str, date: str) -> int:
    """The next serial number of the process on that local date (any text that names it), from 1.

    Two receipts on PostgreSQL wait for one another here, so that no number is given twice or left out.
    """
    return int(take_serials(process, date, 1).fetchone()[0])


def hold_serials(process: str, date: str) -> None:
    """Wait until nobody else takes serial numbers there, and let nobody until the transaction ends."""
    _run(_HOLD, process, date)


def take_serials(process: str, date: str, count: int) -> Any:
    """So many serial numbers one after the other, for issues that are received together; gives the cursor whose one row
    is the last of them."""
    return _run(_SERIAL, process, date, count)


def take_turn(process: str, team: str, members: Sequence[str]) -> str | None:
    """Round robin: whoever comes after the last one among `members` (in their order); None when there is nobody."""
    if not members:
        return None
    last = _run(_TURN, process, team, "").fetchone()[0]
    chosen = after(last, members)
    _run(_TAKE, chosen, process, team)
    return chosen


def after(last: str, members: Sequence[str]) -> str:
    """Who comes after `last` among members, of whom there is one at least."""
    # Somebody who has left the team is found nowhere: the first one is next.
    return members[(members.index(last) + 1) % len(members)] if last in members else members[0]


def last_turn(process: str, team: str) -> str:
    """Whose turn was taken last; empty: nobody's yet. Nothing is written."""
    row = _run('SELECT "last" FROM "turn" WHERE "process" = {0} AND "team" = {0}', process, team).fetchone()
    return "" if row is None else str(row[0])


def in_window(process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
    """Count an issue received at `now` in a watch's window and give how many there are since `since`, that instant
    and this issue included. No more than `count` + 1 are kept: whether there are more decides nothing."""
    window = Window(process, watch, canonical(list(values)))
    moments = counted(locked_window(window), count, since, now)
    keep_window(window, moments)
    return len(moments)


class Window(NamedTuple):
    """The window of a watch for one combination of values; `key` is their canonical JSON."""

    process: str
    watch: str
    key: str


def locked_window(window: Window) -> Sequence[Moment]:
    """The moments that a window holds. Until the transaction ends nobody else counts in it."""
    found: Sequence[Moment] = json.loads(_run(_WINDOW, *window, "[]", False).fetchone()[0])
    return found


def counted(moments: Sequence[Moment], count: int, since: Moment, now: Moment) -> Sequence[Moment]:
    """What a window holds once an issue received at `now` is counted, too."""
    return sorted([moment for moment in moments if moment >= since] + [now])[-(count + 1) :]


def keep_window(window: Window, moments: Sequence[Moment]) -> None:
    """Write what a window holds that this transaction has locked."""
    _run(_KEEP, canonical(moments), *window)
