"""What time it is for this process.

All processes of a store go by one clock: on PostgreSQL by the database's, since the machines of several workers may
differ; on SQLite by that of the machine. Between two looks at the database the steady clock counts on, so that a moment
is never ahead of the database's. A clock that jumps forward is held (server.clock_guard): until it is confirmed, time
goes on as if it had not jumped, for intake and acting as for the sweep.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from server import audit
from server.clock_guard import DRIFT, JUMP, ClockGuard, Hold, Reading, Verdict
from server.core.moments import MINUTE, SECOND, Moment
from server.store import database, sql
from server.store.database import Store
from server.store.models import Meta

log = logging.getLogger("duban.clock")

HELD: Final = "clock-held"
CONFIRMED: Final = "clock-confirmed"
LOOK_EVERY: Final = SECOND
"""Milliseconds after which the database is asked anew."""

FRESH: Final = 10 * MINUTE
"""Milliseconds for which an administrator's confirmation holds good for processes that have not looked since."""

_DATABASE_CLOCK: Final = "SELECT FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"


@dataclass(frozen=True, slots=True)
class Held:
    """The clock is held: since when (by the time that is believed), by how many milliseconds it jumped, and who
    noticed."""

    since: Moment
    by: int
    holder: str


def steady() -> int:
    """Milliseconds of a clock that nobody sets and that counts on while the machine sleeps."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(source) // 1_000_000


def machine_clock() -> Moment:
    """What this machine's clock shows."""
    return time.time_ns() // 1_000_000


@cache
def boot() -> str:
    """What tells apart two starts of a machine, whose steady clocks cannot be compared; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


class Clock:
    """The clock of one store in this process, for all of its threads."""

    def __init__(
        self, store: Store, wall: Callable[[], Moment] = machine_clock, steady: Callable[[], int] = steady
    ) -> None:
        self._store = store
        self._wall = wall
        self._steady = steady
        self._last: Reading | None = None
        self._lock = threading.Lock()
        self.guard = ClockGuard(_begun(steady()))

    def read(self) -> Reading:
        """What both clocks show. Raises Unavailable when the database does not say what time it is."""
        if not self._store.is_postgresql:
            return Reading(self._wall(), self._steady())
        with self._lock:
            now = self._steady()
            last = self._last
            fresh = last is not None and -1 <= now - last.steady < LOOK_EVERY
            if last is None or not (fresh or self._store.db.transaction_depth()):
                with self._store.session():
                    wall = int(sql.run(_DATABASE_CLOCK).fetchone()[0])
                # After the answer, and the broken millisecond rounded up: what it took is not counted, so that the
                # moment is never ahead.
                self._last = last = Reading(wall, self._steady() + 1)
            now = max(self._steady(), last.steady)
            return Reading(last.wall + now - last.steady, now)

    def now(self) -> Moment:
        """What time it is. Raises Unavailable."""
        reading = self.read()
        verdict = look(self.guard, reading.wall, reading.steady)
        return self.guard.believed(reading.wall, reading.steady) if verdict.now is None else verdict.now


_clocks: WeakKeyDictionary[Store, Clock] = WeakKeyDictionary()


def current() -> Clock:
    """The clock of the store that is open. Raises Unavailable."""
    store = database.current()
    found = _clocks.get(store)
    if found is None:
        found = _clocks.setdefault(store, Clock(store))
    return found


def now() -> Moment:
    """What time it is for this process. Raises Unavailable."""
    return current().now()


def look(guard: ClockGuard, wall: Moment, steady: int) -> Verdict:
    """What to make of a reading; a jump that an administrator has confirmed is believed at once. Raises Unavailable."""
    verdict = guard.look(wall, steady)
    if verdict.now is not None:
        return verdict
    confirmed = _row(CONFIRMED)
    if confirmed is None:
        return verdict
    jumped_from = guard.believed(wall, steady)
    by_then = int(confirmed["wall"])
    # The confirmation was of a clock that had jumped, and is of this one.
    if by_then > jumped_from + JUMP and by_then - DRIFT <= wall <= by_then + FRESH:
        return guard.confirm(wall, steady)
    return verdict


# -- what the store knows ------------------------------------------------------------------------------------------


def note(guard: ClockGuard, reading: Reading, holder: str) -> list[Verdict]:
    """Write down what happened to the clock, in the audit trail and where every process sees it; give it."""
    news = list(guard.news)
    if not news:
        return []
    with database.transaction():
        for one in news:
            log.warning("the clock: %s by %s ms", one.event, one.by)
            audit.record(f"clock.{one.event}", reading.wall, {"by_ms": one.by, "holder": holder})
        hold = guard.hold()
        if hold is None:
            Meta.delete().where(Meta.key == HELD).execute()
        else:
            _put(HELD, {**_as_row(hold), "since": guard.believed(reading.wall, reading.steady), "holder": holder})
    del guard.news[: len(news)]
    return news


def held() -> Held | None:
    """Whether a worker, or this process, does not believe the clock. Raises Unavailable."""
    row = _row(HELD)
    if row is not None:
        return Held(int(row["since"]), int(row["by"]), str(row["holder"]))
    guard = current().guard
    hold = guard.hold()
    if hold is None:
        return None
    return Held(guard.believed(hold.jumped.wall, hold.jumped.steady), hold.by, "")


def confirm(by: str) -> bool:
    """An administrator says that the clock is right as it stands: every process believes it at its next look. False
    when it was not held. Raises Unavailable."""
    found = held()
    if found is None:
        return False
    reading = current().read()
    with database.transaction():
        _put(CONFIRMED, {"wall": reading.wall, "by": by})
        Meta.delete().where(Meta.key == HELD).execute()
        audit.record("clock.confirmed-by-hand", reading.wall, {"by_ms": found.by}, by=by)
    return True


def _as_row(hold: Hold) -> dict[str, Any]:
    last = None if hold.last is None else [hold.last.wall, hold.last.steady]
    return {"by": hold.by, "boot": boot(), "last": last, "jumped": [hold.jumped.wall, hold.jumped.steady]}


def _begun(steady: int) -> Hold | None:
    """The hold that another process has begun. On another machine its steady clock means nothing: the hold begins
    anew."""
    row = _row(HELD)
    if row is None:
        return None
    jumped = Reading(*row["jumped"])
    if row["boot"] and row["boot"] == boot():
        return Hold(None if row["last"] is None else Reading(*row["last"]), jumped, int(row["by"]))
    return Hold(None, Reading(jumped.wall, steady), int(row["by"]))


def _row(key: str) -> Any:
    with database.session():
        found = Meta.get_or_none(Meta.key == key)
    return None if found is None else found.value


def _put(key: str, value: Any) -> None:
    Meta.insert(key=key, value=value).on_conflict(conflict_target=[Meta.key], preserve=[Meta.value]).execute()
