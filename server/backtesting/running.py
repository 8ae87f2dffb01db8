"""A back-test: chunks of past issues handed to processes, their results put together in order.

However many processes work, the outcome is the same, and only a few chunks are held at a time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final, Protocol, TextIO

from server.backtesting.comparing import Comparer, Part, keep
from server.core.backtest_report import totals

CHUNK: Final = 100
"""Issues with all their events that are read at a time."""

CHUNK_OF_DECISIONS: Final = 1_000

Progress = Callable[[int, int | None], None]
"""Told how many issues are done, and of how many (None: not known)."""


class Work(Protocol):
    """What the processes do: `begin` is called once in each, `do` compares a chunk."""

    def begin(self) -> object: ...

    def do(self, comparer: Comparer, chunk: Any) -> Part: ...


@dataclass
class Outcome:
    """What a back-test gave: `summary` as JSON gives it, without the issues that changed; these are in `issues`, one
    after the other in the order of receipt, until it is closed (it is a context manager)."""

    summary: Mapping[str, Any]
    lines: TextIO

    def __enter__(self) -> Outcome:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forgets the issues."""
        self.lines.close()

    def issues(self) -> Iterator[dict[str, Any]]:
        """The issues that changed."""
        return (json.loads(line) for line in self.texts())

    def texts(self) -> Iterator[str]:
        """The issues that changed, as JSON."""
        self.lines.seek(0)
        return (line.rstrip("\n") for line in self.lines)


def run(
    work: Work,
    chunks: Iterable[tuple[Any, int]],
    head: Mapping[str, Any],
    comparer: Comparer,
    processes: int = 1,
    progress: Progress | None = None,
    total: int | None = None,
) -> Outcome:
    """Compare every chunk (each comes with how many issues were looked at for it), by `comparer` when one process is
    enough. `head` begins the summary."""
    lines = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (the outcome keeps it)
    whole = Part()
    done = 0
    try:
        for part, seen in _parts(work, chunks, comparer, processes):
            whole.tally.add(part.tally)
            lines.writelines(f"{line}\n" for line in part.lines)
            for one in part.most:
                keep(whole.most, one)
            done += seen
            if progress is not None:
                progress(done, total)
    except BaseException:
        lines.close()
        raise
    most = [issue for _, _, issue in sorted(whole.most, key=lambda one: (-one[0], -one[1]))]
    return Outcome({**head, **totals(whole.tally), "most_changed": most}, lines)


def all_cores() -> int:
    """How many processes have a core of their own."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parts(
    work: Work, chunks: Iterable[tuple[Any, int]], comparer: Comparer, processes: int
) -> Iterator[tuple[Part, int]]:
    """What the chunks gave, in their order."""
    left = iter(chunks)
    first = list(islice(left, 2))
    if processes <= 1 or len(first) < 2:  # a process takes longer to begin than one chunk does
        for chunk, seen in chain(first, left):
            yield work.do(comparer, chunk), seen
        return
    with _pool(work, comparer, processes) as pool:
        waiting: deque[tuple[Future[Part], int]] = deque()
        for chunk, seen in chain(first, left):
            waiting.append((pool.submit(_do, chunk), seen))
            if len(waiting) > 2 * processes:  # what is far behind the slowest one would only fill memory
                future, before = waiting.popleft()
                yield future.result(), before
        while waiting:
            future, before = waiting.popleft()
            yield future.result(), before


@contextmanager
def _pool(work: Work, comparer: Comparer, processes: int) -> Iterator[ProcessPoolExecutor]:
    # Forked, so that nothing is compiled again. Only commands ask for several processes: they have one thread.
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(work, comparer))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


_working: tuple[Work, Comparer] | None = None


def _begin(work: Work, comparer: Comparer) -> None:
    global _working
    work.begin()
    _working = (work, comparer)


def _do(chunk: Any) -> Part:
    assert _working is not None
    work, comparer = _working
    return work.do(comparer, chunk)
