"""The figures of the store: what all processes have counted, and how many there are of what now.

What is counted is a few hundred rows, read each time, so that no number ever falls. What must be looked for is bounded
by indexes and remembered for a few seconds: a page that anybody may ask for must not be a burden.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from server.core.moments import DAY, HOUR, MINUTE, SECOND, Moment
from server.metrics.counting import ENDLESS, SUM
from server.metrics.exposition import Family, Sample
from server.metrics.names import METRICS, Metric
from server.store import database, sql

FRESH: Final = 5.0
"""Seconds for which the figures that must be looked for are remembered; ..."""

REST: Final = 20
"""... or so many times what looking took: with millions of open issues it takes a twentieth of the time at most."""

MOST: Final = 100_000
"""Rows of one kind that are counted at most; beyond it the number stays there."""

AGES: Final = (("1s", SECOND), ("10s", 10 * SECOND), ("1m", MINUTE), ("10m", 10 * MINUTE), ("1h", HOUR), ("1d", DAY))
"""How long messages have been waiting: less than this; `older` are the others."""

OPEN_STATES: Final = ("dead", "held", "manual", "unsent")

_OPEN: Final = (
    'SELECT "process", "severity", "overdue", COUNT(*) FROM "issue" WHERE NOT "final" '
    'GROUP BY "process", "severity", "overdue"'
)
_APART: Final = 'SELECT COUNT(*) FROM (SELECT 1 FROM "issue" WHERE "problem" IS NOT NULL LIMIT ?) AS found'
_WAKE: Final = 'SELECT MIN("wake_at") FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL'
_SWEEPER: Final = 'SELECT COUNT(*) FROM "lease" WHERE "name" = \'sweep\' AND "until" > ?'
_PENDING: Final = 'SELECT "created_at" FROM "message" WHERE "state" = \'pending\' ORDER BY "next_at", "id" LIMIT ?'
_MESSAGES: Final = (
    'SELECT COUNT(*) FROM (SELECT 1 FROM "message" WHERE "state" = ? '
    "AND \"state\" NOT IN ('sent', 'folded', 'pending') LIMIT ?) AS found"
)
_KEPT: Final = 'SELECT COUNT(*) FROM (SELECT 1 FROM "kept" WHERE "state" = \'kept\' LIMIT ?) AS found'
_HELD: Final = 'SELECT COUNT(*) FROM "meta" WHERE "key" = \'outgoing-held\''
_SCHEDULES: Final = 'SELECT COUNT(*) FROM "schedule" WHERE "problem" IS NOT NULL'


# -- counted -------------------------------------------------------------------------------------------------------


def counted() -> list[Family]:
    """What every process has counted since the store was made. Raises Unavailable."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    with database.session():
        for name, labels, value in sql.run('SELECT "name", "labels", "value" FROM "tally"').fetchall():
            found[name][labels] = value
    return [_histogram(one, found) if one.buckets else _counter(one, found[one.name]) for one in METRICS]


def _counter(metric: Metric, found: dict[str, float]) -> Family:
    samples = tuple(Sample(value, _labels(metric, labels)) for labels, value in sorted(found.items()))
    return Family(metric.name, "counter", metric.help, samples)


def _histogram(metric: Metric, found: dict[str, dict[str, float]]) -> Family:
    bounds = [*(f"{bound:g}" for bound in metric.buckets), ENDLESS]
    samples: list[Sample] = []
    for labels, total in sorted(found[f"{metric.name}:{SUM}"].items()):
        named = _labels(metric, labels)
        so_far = 0.0
        for bound in bounds:
            so_far += found[f"{metric.name}:{bound}"].get(labels, 0.0)
            samples.append(Sample(so_far, {**named, "le": bound}, "_bucket"))
        samples += [Sample(total, named, "_sum"), Sample(so_far, named, "_count")]
    return Family(metric.name, "histogram", metric.help, tuple(samples))


def _labels(metric: Metric, labels: str) -> dict[str, str]:
    return dict(zip(metric.labels, json.loads(labels), strict=True))


def figure(families: Iterable[Family], name: str, **labels: str) -> float:
    """The sum of the numbers of that name which have these labels."""
    return sum(
        sample.value
        for family in families
        if family.name == name
        for sample in family.samples
        if not sample.suffix and labels.items() <= sample.labels.items()
    )


# -- so many now ---------------------------------------------------------------------------------------------------


class Remembered:
    """The figures of a few seconds ago. While one thread looks, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._store: Any = None
        self._until = 0.0
        self._found: Sequence[Family] = ()

    def of(self, now: Moment) -> Sequence[Family]:
        """The figures, at most `FRESH` seconds old. Raises Unavailable."""
        with self._lock:
            store, began = database.current(), time.monotonic()
            if self._store is not store or began >= self._until:
                self._found = looked_for(now)
                ended = time.monotonic()
                self._store, self._until = store, ended + max(FRESH, REST * (ended - began))
            return self._found


_remembered = Remembered()


def so_many_now(now: Moment) -> Sequence[Family]:
    """How many there are of what: issues, messages, deliveries kept. Raises Unavailable."""
    return _remembered.of(now)


def looked_for(now: Moment) -> list[Family]:
    """The figures as they are at this moment."""
    with database.session():
        return [*_issues(), *_sweep(now), *_queue(now), *_troubles()]


def _issues() -> Iterator[Family]:
    rows = sql.run(_OPEN).fetchall()
    every: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for process, severity, overdue, number in rows:
        both = every[process, severity or ""]
        both[0] += number
        both[1] += number if overdue else 0

    def samples(which: int) -> tuple[Sample, ...]:
        return tuple(
            Sample(both[which], {"process": process, "severity": severity})
            for (process, severity), both in sorted(every.items())
        )

    yield Family("duban_issues_open", "gauge", "Issues that are in no final stage.", samples(0))
    yield Family("duban_issues_overdue", "gauge", "Open issues of which a clock is breached.", samples(1))
    yield _one("duban_issues_set_apart", "Issues set apart because something failed on them.", _number(_APART, MOST))


def _sweep(now: Moment) -> Iterator[Family]:
    wake = sql.run(_WAKE).fetchone()[0]
    behind = 0.0 if wake is None else max(0, now - int(wake)) / 1000
    yield _one("duban_sweep_behind_seconds", "Seconds since the first moment that is due and has not happened.", behind)
    yield _one("duban_sweeper_active", "1 while a worker holds the sweeper's lease.", _number(_SWEEPER, now))


def _queue(now: Moment) -> Iterator[Family]:
    ages = [now - int(row[0]) for row in sql.run(_PENDING, MOST).fetchall()]
    counts = dict.fromkeys([*(name for name, _ in AGES), "older"], 0)
    for age in ages:
        counts[next((name for name, limit in AGES if age < limit), "older")] += 1
    waiting = tuple(Sample(number, {"age": name}) for name, number in counts.items())
    said = "Messages that wait to be sent, by age: less than that, and not less than the one before."
    yield Family("duban_messages_pending", "gauge", said, waiting)
    oldest = max(0, max(ages, default=0)) / 1000
    yield _one("duban_messages_pending_oldest_seconds", "Age of the oldest message that waits to be sent.", oldest)
    states = tuple(Sample(_number(_MESSAGES, state, MOST), {"state": state}) for state in OPEN_STATES)
    yield Family("duban_messages_open", "gauge", "Messages that somebody has to look at, by state.", states)
    yield _one("duban_outgoing_held", "1 while an administrator has to let messages go.", _number(_HELD))


def _troubles() -> Iterator[Family]:
    yield _one("duban_intake_kept", "Deliveries kept because they could not be taken.", _number(_KEPT, MOST))
    yield _one("duban_schedules_set_apart", "Schedules set apart because they failed.", _number(_SCHEDULES))


def _number(statement: str, *values: Any) -> int:
    return int(sql.run(statement, *values).fetchone()[0])


def _one(name: str, said: str, value: float) -> Family:
    return Family(name, "gauge", said, (Sample(value),))
