"""The tasks of the queue: one, to wake whoever sweeps and delivers."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable

from huey.api import Huey
from redis.exceptions import RedisError

log = logging.getLogger("duban.queue")

PAUSE = 0.05
"""Seconds between two wake-ups of one web process: many requests share one."""


class Nudger:
    """Sends wake-ups to the queue from a thread of its own, so that no request waits for it."""

    def __init__(self, queue: Huey) -> None:
        self._wake = register(queue, lambda: None)
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def nudge(self) -> None:
        """Wakes the workers soon. Never raises: the sweep finds what there is all the same."""
        self._wanted.set()
        with self._lock:
            # Started late, so that a process may fork before.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while self._wanted.wait():
            self._wanted.clear()
            try:
                self._wake()
            except (RedisError, sqlite3.Error, OSError) as error:
                log.warning("no wake-up could be queued (%s); the workers look by themselves each second", error)
            pause.wait(PAUSE)


def register(queue: Huey, wake: Callable[[], object]) -> Callable[[], object]:
    """Makes `wake` the task `wake` of this queue; gives what queues it."""
    return queue.task(name="wake")(lambda: wake() and None)  # type: ignore[no-any-return]
