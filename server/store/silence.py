"""A PostgreSQL that says nothing more: it was stopped, its disk stands still, or something in between takes what comes
and passes nothing on. The system goes on acknowledging bytes, so that no time limit of a connection ends the wait, and
a statement may rightly take long: how long one has taken says nothing.

One thread of a process looks after all its connections. When one of them has been out for a while, it asks the server,
over a connection of its own, to bring something to its disk. When the answer does not come, it cuts off whoever waits:
they get the error of a lost connection. Until an answer comes again, nobody is given a connection.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import psycopg

from server.store.failures import Unavailable

log = logging.getLogger("duban.store")

OVERDUE: Final = 2.0
"""Seconds after which it is asked whether the server answers at all, ..."""

ANSWERS_WITHIN: Final = 5
"""... and that it has to let somebody in, and to answer."""

LOOK: Final = 0.5


class Watched(Protocol):
    """A pool as it is looked after, without its locks: somebody may hold them while he waits."""

    def waiting_since(self) -> float | None:
        """When whoever has waited for the server the longest, if anybody does, got his connection, or began to wait for
        one (`time.monotonic`)."""

    def out(self) -> Sequence[Any]:
        """The connections over which somebody may be waiting."""


class Watch:
    """Looks after the connections of a pool; `answers` asks the server, within bounded time."""

    def __init__(self, pool: Watched, answers: Callable[[], bool]) -> None:
        self._pool = pool
        self._answers = answers
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_refused = False
        self._is_silent = False
        self._heard_at = -OVERDUE

    def begin(self) -> None:
        """See to it that somebody looks; after a fork nobody does."""
        if self._thread is None or not self._thread.is_alive():
            self._ended = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(self._ended,), name="silence", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Nobody need look any more."""
        self._ended.set()
        self._thread = None

    def refuse(self) -> None:
        """Raises Unavailable while the server says nothing."""
        if self._is_refused:
            self.begin()
            raise Unavailable("postgresql: it does not answer")

    def suspect(self) -> None:
        """It let somebody wait for `ANSWERS_WITHIN` seconds outside. Until it has been asked, others need not."""
        self._is_refused = True

    def look(self) -> None:
        """Ask, when somebody has waited long; cut everybody off when nothing is said."""
        if self._is_silent:
            self._cut_off()  # who was just being let in when the others were
        if not self._is_refused and not self._is_long(self._pool.waiting_since()):
            return
        if self._answers():
            if self._is_silent:
                log.warning("the database answers again")
            self._heard_at = time.monotonic()
            self._is_refused = self._is_silent = False
        else:
            if not self._is_silent:
                log.error("the database does not answer; whoever waits for it is cut off")
            self._is_refused = self._is_silent = True
            self._cut_off()

    def _is_long(self, since: float | None) -> bool:
        return since is not None and time.monotonic() >= max(since, self._heard_at) + OVERDUE

    def _cut_off(self) -> None:
        for connection in self._pool.out():
            _cut(connection)

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK):
            try:
                self.look()
            except Exception:
                log.exception("whether the database answers could not be found out")
                self._is_refused = self._is_silent = False


def number_of(connection: Any) -> int:
    """What the system knows the connection's socket by, which no other one has while it is open."""
    return os.fstat(connection.fileno()).st_ino


def _cut(connection: Any) -> None:
    """End it under whoever waits: only he may close it."""
    with contextlib.suppress(psycopg.Error, OSError, ValueError):
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            # He may have closed it just now, and another file have its number.
            if os.fstat(same.fileno()).st_ino == getattr(connection, "_duban_number", None):
                same.shutdown(socket.SHUT_RDWR)


def answers(connect: Callable[[], Any]) -> bool:
    """Whether the server brings something to its disk. An error is an answer, too."""
    try:
        with contextlib.closing(connect()) as connection:
            # Without this it might answer while every commit waits for a disk that stands still.
            connection.pgconn.send_query(b"SELECT pg_logical_emit_message(true, 'duban', '')")
            answer = select.poll()
            answer.register(connection.fileno(), select.POLLIN)
            return bool(answer.poll(ANSWERS_WITHIN * 1000))
    except psycopg.errors.ConnectionTimeout:
        return False
    except psycopg.Error:
        return True
