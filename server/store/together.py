"""Group commit: what several threads write at the same time shares one transaction, and one wait for the disk.

Whoever comes while nobody leads, leads: he begins a transaction, waits in it for whoever else writes there, then writes
what he has and what has been waiting meanwhile, in order of arrival, in one go, commits once, and wakes the others.
Each gets what became of his own; and when any of it fails, each is written again in a transaction of its own, so that
nobody suffers from another's mistake; trouble of the store is nobody's mistake, and all get it. Writing must therefore
be such that it can be done again, and must not care in which thread of the process it is done.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from server.store.failures import as_unavailable

T = TypeVar("T")
V = TypeVar("V")

Write = Callable[[Sequence[V]], Sequence[T]]
"""Writes several values within a transaction; gives what became of each."""

MOST: Final = 32
"""Pieces of work that share a transaction at most, so that nobody waits long for those who came later."""


def _nothing(*_: object) -> None:
    """Nothing is to be done first."""


def _concerns_all(error: Exception) -> bool:
    """Whether it is the store that is in trouble, and no mistake of one of them. They must not be written again: each
    would wait as long, and what was sent may be there although no answer came."""
    trouble = as_unavailable(error)
    return trouble is not None and not trouble.undone


class _Work:
    """What one thread wants to be written, and what became of it."""

    __slots__ = ("write", "value", "first", "kind", "waits", "leads", "result", "error")

    def __init__(self, write: Write[Any, Any], value: Any, first: Callable[[], object], kind: Hashable) -> None:
        self.write = write
        self.value = value
        self.first = first
        self.kind = kind
        # Taken until the work is done, or leads. An Event, for which many may wait, costs several times as much.
        self.waits = threading.Lock()
        self.waits.acquire()
        self.leads = False
        self.result: Any = None
        self.error: BaseException | None = None

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


class Together:
    """Shares transactions among the threads of a process; `transaction` makes one."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[None]]) -> None:
        self._transaction = transaction
        self._lock = threading.Lock()
        self._waiting: deque[_Work] = deque()
        self._is_led = False

    def run(self, write: Write[V, T], value: V, kind: Hashable = None, first: Callable[[], object] = _nothing) -> T:
        """Write the value in a transaction and give what became of it, once that is on disk. Only values that are
        written alike and are of the same kind share a transaction, which begins with `first`. Raises what writing, or
        the transaction, raises."""
        work = _Work(write, value, first, (write, kind))
        with self._lock:
            if self._is_led:
                self._waiting.append(work)
            else:
                self._is_led = work.leads = True
        if not work.leads:
            work.waits.acquire()
        if work.leads:
            self._lead(work)
        return work.outcome()  # type: ignore[no-any-return]

    def _lead(self, first: _Work) -> None:
        batch = [first]
        try:
            self._write(batch, self._take)
        except BaseException as error:  # the thread is being ended: the others must not wait for ever
            for work in batch:
                work.error = work.error or error
            raise
        finally:
            with self._lock:
                following = self._waiting.popleft() if self._waiting else None
                self._is_led = following is not None
            if following is not None:
                following.leads = True
                following.waits.release()
            for work in batch[1:]:
                work.waits.release()

    def _take(self, batch: list[_Work]) -> None:
        """Add what waits and is of the same kind; the rest keeps its order."""
        with self._lock:
            others: deque[_Work] = deque()
            while self._waiting and len(batch) < MOST:
                work = self._waiting.popleft()
                (batch if work.kind == batch[0].kind else others).append(work)
            self._waiting = others + self._waiting

    def _write(self, batch: list[_Work], take: Callable[[list[_Work]], object] = _nothing) -> None:
        try:
            with self._transaction():
                batch[0].first()
                take(batch)
                results = batch[0].write([work.value for work in batch])
                found = list(zip(batch, results, strict=True))
            for work, result in found:
                work.result = result
        except Exception as error:  # noqa: BLE001 (each gets his own)
            if len(batch) == 1 or _concerns_all(error):
                for work in batch:
                    work.error = error
                return
            # Each by itself, so that each gets its own failure, and only that.
            for work in batch:
                self._write([work])
