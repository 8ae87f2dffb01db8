"""Back-tests that are asked for in the panel, computed by a worker, and kept for exactly the text that they are of.

The row is the truth: whoever computes it says in it how far it has come, and stops when it is cancelled there. One that
nobody works on any more (its worker died) is begun anew by another.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from server import audit, backtesting
from server.accounts import Caller, NotPermitted
from server.core.moments import MINUTE, Moment
from server.drafts.rights import may_change
from server.store import database
from server.store.models import Backtest

log = logging.getLogger("duban.backtesting")

OPEN: Final = (Backtest.WAITING, Backtest.RUNNING)
MAY_ASK: Final = ("policy.propose", "policy.approve", "system")
MOST_LISTED: Final = 1_000
"""Changed issues that are kept with a back-test."""

MOST_KEPT: Final = 50
"""Back-tests of one document that are kept, and those that wait besides."""

FORSAKEN: Final = 2 * MINUTE
"""After so long without a word of its worker, another one begins anew."""

LOST: Final = "lost"
"""Why one failed whose workers died twice."""

_AGAIN: Final = "again"

_TELL: Final = 0.5
"""Seconds between two words of how far it has come."""


class UnknownBacktest(LookupError):
    """There is no such back-test."""


class TooMany(ValueError):
    """So many of one document wait that another would only wait, too."""


class _Cancelled(Exception):
    """Somebody does not want it any more."""


MOST_WAITING: Final = 5


def may_ask(by: Caller, name: str) -> bool:
    """Whether somebody may ask for back-tests of that document: by a permission, or because it is his to change."""
    return any(by.may(permission) for permission in MAY_ASK) or may_change(by, name)


def ask(
    name: str,
    data: bytes,
    by: Caller,
    now: Moment,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    share: int | None = None,
    decisions: bool = False,
) -> Any:
    """Asks for a back-test of the text; gives its row. The same one that still waits or runs is not asked for twice.
    `share`: hundredths of a percent of the issues. Raises NotPermitted, TooMany."""
    if not may_ask(by, name):
        raise NotPermitted(MAY_ASK[0])
    sha256 = hashlib.sha256(data).hexdigest()
    wanted = {"name": name, "sha256": sha256, "from_at": start, "to_at": end, "share": share, "decisions": decisions}
    with database.transaction():
        open_ones = list(Backtest.select().where(Backtest.name == name, Backtest.state.in_(OPEN)))
        for row in open_ones:
            if all(getattr(row, key) == value for key, value in wanted.items()):
                return row
        if len(open_ones) >= MOST_WAITING:
            raise TooMany(name)
        _forget_old(name)
        row = Backtest.create(**wanted, data=data, asked_by=by.login, asked_at=now)
        audit.record("backtest.asked", now, {"backtest": row.id, "name": name, "sha256": sha256}, by=by.login)
    return row


def _forget_old(name: str) -> None:
    ended = (
        Backtest.select(Backtest.id)
        .where(Backtest.name == name, Backtest.state.not_in(OPEN))
        .order_by(Backtest.id.desc())
        .offset(MOST_KEPT)
        .limit(1_000)
    )
    Backtest.delete().where(Backtest.id.in_([row.id for row in ended])).execute()


def cancel(backtest: int, by: Caller, now: Moment) -> None:
    """Ends one that waits or runs; nothing happens to one that has ended. Raises NotPermitted, UnknownBacktest."""
    row = one(backtest)
    if not may_ask(by, row.name):
        raise NotPermitted(MAY_ASK[0])
    with database.transaction():
        ended = Backtest.update(state=Backtest.CANCELLED, ended_at=now).where(
            Backtest.id == row.id, Backtest.state.in_(OPEN)
        )
        if ended.execute():
            audit.record("backtest.cancelled", now, {"backtest": row.id, "name": row.name}, by=by.login)


_LIGHT: Final = tuple(
    getattr(Backtest, name) for name in Backtest._meta.sorted_field_names if name not in ("data", "summary", "issues")
)


def one(backtest: int) -> Any:
    """The row of that number. Raises UnknownBacktest."""
    found = Backtest.get_or_none(Backtest.id == backtest) if 0 < backtest < 2**63 else None
    if found is None:
        raise UnknownBacktest(backtest)
    return found


def newest(name: str, sha256: str) -> Any:
    """The newest back-test of that text that gave something; else one that waits or runs; None: there is none."""
    mine = Backtest.select().where(Backtest.name == name, Backtest.sha256 == sha256).order_by(Backtest.id.desc())
    done = mine.where(Backtest.state == Backtest.DONE).first()
    return done if done is not None else mine.where(Backtest.state.in_(OPEN)).first()


def listed(name: str, limit: int = 10) -> list[Any]:
    """The newest back-tests of a document, without what they gave."""
    return list(Backtest.select(*_LIGHT).where(Backtest.name == name).order_by(Backtest.id.desc()).limit(limit))


# -- the worker's part ---------------------------------------------------------------------------------------------


def waits(now: Moment) -> bool:
    """Whether there is something to compute."""
    with database.session():
        return _next(now) is not None


def _next(now: Moment) -> Any:
    forsaken = (Backtest.state == Backtest.RUNNING) & (Backtest.alive_at < now - FORSAKEN)
    waiting = (Backtest.state == Backtest.WAITING) | forsaken
    return Backtest.select(*_LIGHT).where(Backtest.state.in_(OPEN), waiting).order_by(Backtest.id).first()


def work(clock: Callable[[], Moment], processes: int = 1) -> bool:
    """Computes the one that has waited longest; gives False when there is none."""
    now = clock()
    with database.transaction():
        row = _next(now)
        if row is None:
            return False
        taken = Backtest.update(state=Backtest.RUNNING, begun_at=now, alive_at=now, done=0, total=None).where(
            Backtest.id == row.id, Backtest.state == row.state, Backtest.alive_at.is_null(row.alive_at is None)
        )
        if row.alive_at is not None:
            taken = taken.where(Backtest.alive_at == row.alive_at)
        if not taken.execute():
            return True
        if row.state == Backtest.RUNNING and row.why == _AGAIN:
            # Whatever takes its worker down would take down the next one, too.
            Backtest.update(state=Backtest.FAILED, why=LOST, ended_at=now).where(Backtest.id == row.id).execute()
            return True
        if row.state == Backtest.RUNNING:
            Backtest.update(why=_AGAIN).where(Backtest.id == row.id).execute()
        data = bytes(Backtest.get_by_id(row.id).data)
    running = _Running(row.id, now, clock)
    try:
        with backtesting.of_store(
            row.name,
            data,
            now,
            start=row.from_at,
            end=row.to_at,
            percent=None if row.share is None else row.share / 100,
            decisions=bool(row.decisions),
            processes=processes,
            progress=running.told,
        ) as outcome:
            issues = list(islice(outcome.issues(), MOST_LISTED))
            running.end(state=Backtest.DONE, why="", summary=dict(outcome.summary), issues=issues)
    except _Cancelled:
        log.info("back-test %s was cancelled", row.id)
    except (SystemExit, KeyboardInterrupt):
        running.put_back()
        raise
    except backtesting.UnusableDraft as unusable:
        running.end(state=Backtest.FAILED, why="; ".join(map(str, unusable.findings[:5])))
    except backtesting.WrongProcess as wrong:
        running.end(state=Backtest.FAILED, why=str(wrong))
    except Exception as error:
        log.exception("back-test %s failed", row.id)
        running.end(state=Backtest.FAILED, why=type(error).__name__)
    return True


class _Running:
    """The row of one that is being computed, as long as it is ours."""

    def __init__(self, row: int, begun: Moment, clock: Callable[[], Moment]) -> None:
        self._mine = (Backtest.id == row) & (Backtest.state == Backtest.RUNNING) & (Backtest.begun_at == begun)
        self._clock = clock
        self._told = 0.0

    def told(self, done: int, total: int | None) -> None:
        """Says how far it has come, now and then. Raises _Cancelled."""
        if time.monotonic() - self._told < _TELL:
            return
        self._told = time.monotonic()
        self._write(done=done, total=total, alive_at=self._clock())

    def end(self, **columns: Any) -> None:
        """Writes what became of it, unless it was cancelled meanwhile."""
        try:
            self._write(ended_at=self._clock(), **columns)
        except _Cancelled:
            log.info("a back-test that was cancelled came to its end")

    def put_back(self) -> None:
        """Lets another worker begin it anew at once: this one has to end."""
        with suppress(_Cancelled):
            self._write(state=Backtest.WAITING, why="", begun_at=None, alive_at=None, done=0, total=None)

    def _write(self, **columns: Any) -> None:
        with database.transaction():
            if not Backtest.update(**columns).where(self._mine).execute():
                raise _Cancelled
