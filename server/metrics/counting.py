"""Counting: in memory first, and added to the store every few seconds.

gunicorn has several processes and there are several machines; whichever of them is asked, the sum must be there, and it
must never fall. So each adds what it has counted to rows that all share. What a process had not added when it was
killed is lost: these are figures, no accounting.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final

from server.metrics.names import Metric
from server.store import database, sql
from server.store.failures import Unavailable
from server.store.fields import canonical

log = logging.getLogger("duban.metrics")

EVERY: Final = 5.0
"""Seconds between two additions to the store."""

SUM: Final = "sum"
ENDLESS: Final = "+Inf"

_ADD: Final = (
    'INSERT INTO "tally" ("name", "labels", "value") VALUES (?, ?, ?) '
    'ON CONFLICT ("name", "labels") DO UPDATE SET "value" = "tally"."value" + excluded."value"'
)

Labels = tuple[str | None, ...]

_lock = threading.Lock()
_counted: dict[tuple[str, tuple[str, ...]], float] = {}


def count(metric: Metric, *labels: str | None, by: float = 1.0) -> None:
    """Count one more, for these values of the metric's labels."""
    _add([(metric.name, _texts(metric, labels), by)])


def observe(metric: Metric, value: float, *labels: str | None) -> None:
    """Count a value in its bucket: the first whose bound it does not exceed."""
    texts = _texts(metric, labels)
    found = bisect_left(metric.buckets, value)
    bound = f"{metric.buckets[found]:g}" if found < len(metric.buckets) else ENDLESS
    _add([(f"{metric.name}:{bound}", texts, 1.0), (f"{metric.name}:{SUM}", texts, value)])


def after_commit(metric: Metric, *labels: str | None) -> None:
    """Count one more once what is being written is on disk; nothing is counted that is rolled back."""
    each_after_commit(metric, [labels])


def each_after_commit(metric: Metric, several: Iterable[Labels]) -> None:
    """`after_commit` for each of these labels."""
    numbers = [(metric.name, _texts(metric, labels), float(times)) for labels, times in Counter(several).items()]
    if numbers:
        database.after_commit(lambda: _add(numbers))


def _texts(metric: Metric, labels: Labels) -> tuple[str, ...]:
    if len(labels) != len(metric.labels):
        raise ValueError(f"{metric.name} has the labels {metric.labels}")
    return tuple(label or "" for label in labels)


def _add(numbers: Iterable[tuple[str, tuple[str, ...], float]]) -> None:
    with _lock:
        for name, labels, by in numbers:
            _counted[name, labels] = _counted.get((name, labels), 0.0) + by


def write() -> None:
    """Add what this process has counted to the store. Raises Unavailable; nothing is lost then."""
    with _lock:
        taken = sorted(_counted.items())
        _counted.clear()
    if not taken:
        return
    try:
        with database.transaction():
            # In one order everywhere, so that no two processes wait for each other.
            for (name, labels), by in taken:
                sql.run(_ADD, name, canonical(list(labels)), by)
    except Exception:
        _add((name, labels, by) for (name, labels), by in taken)
        raise


class Counting:
    """The thread of a process that adds what is counted to the store."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Add what is left, and end."""
        self._ended.set()
        self._thread.join()
        _tried()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            _tried()


def _tried() -> None:
    try:
        write()
    except Unavailable as error:
        log.warning("what was counted could not be written: %s", error)
    except Exception:
        log.exception("what was counted could not be written")
