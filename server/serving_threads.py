"""gunicorn's threads, with a limit to how long a sender may take for a request.

gunicorn reads a request with a thread and without a time limit: eight senders who send a byte now and then would take
all threads of a worker. Here a request has `READ_WITHIN` seconds to arrive; then nothing more is read of it, and what
reads the body finds that it ended early.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

READ_WITHIN: Final = float(20)


class Deadlines:
    """Stops reading from sockets that had their time. One thread looks after all of them."""

    def __init__(self, seconds: float, look: float = 0.5) -> None:
        self._seconds = seconds
        self._look = look
        self._lock = threading.Lock()
        self._until: dict[int, tuple[float, socket.socket]] = {}
        self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def within(self, sock: socket.socket) -> Iterator[None]:
        """While the block runs, reading from the socket is stopped when its time is over."""
        key = id(sock)
        with self._lock:
            self._until[key] = (time.monotonic() + self._seconds, sock)
        try:
            yield
        finally:
            with self._lock:
                self._until.pop(key, None)

    def stop_late(self, now: float) -> int:
        """Stop reading from whatever is late; how many that were."""
        with self._lock:
            late = [key for key, (until, _) in self._until.items() if until <= now]
            for key in late:
                # Under the lock: a socket whose block was left is none of ours any more.
                with contextlib.suppress(OSError):
                    self._until.pop(key)[1].shutdown(socket.SHUT_RD)
        return len(late)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._look)
            self.stop_late(time.monotonic())


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker whose requests must arrive in time."""

    def init_process(self) -> None:
        """Begin in the new process."""
        self.deadlines = Deadlines(READ_WITHIN)
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Answer one request of a connection, in a thread."""
        with self.deadlines.within(conn.sock):
            return super().handle(conn)
