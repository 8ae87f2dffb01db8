"""gunicorn's threads, with limits to how long a peer may hold one.

gunicorn reads a request with a thread and without a time limit: eight senders who send a byte now and then would take
all threads of a worker. Here a request has `READ_WITHIN` seconds to arrive; then nothing more is read of it, and what
reads the body finds that it ended early. Before anything has come, and after the answer has gone, a connection has no
thread at all: gunicorn would wait for five seconds in one for the first byte, and for two in the very loop that accepts
connections until the peer has closed.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker

READ_WITHIN: Final = float(20)

LINGER: Final = 2.0
"""Seconds that a peer has to take the last answer and close, ..."""

MOST_DRAINED: Final = 8 << 20
"""... and bytes that he may still send meanwhile: closing before would make his system throw the answer away."""

DRAIN_WITHIN: Final = 0.1
"""Seconds for the rest of a body that nobody wanted, before the connection is closed rather than used again."""

_NOBODY_THERE: Final = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


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


@dataclass(slots=True)
class Leaving:
    """A connection whose last answer has gone."""

    sock: socket.socket
    until: float
    drained: int = 0


class Connection(TConn):  # type: ignore[misc]
    """A connection that is not waited for when it is closed."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, leave: Callable[[socket.socket], None]) -> None:
        super().__init__(cfg, sock, client, sock.getsockname())
        self._leave = leave

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully: once the peer has taken what was sent."""
        if graceful:
            self._leave(self.sock)
        else:
            super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker whose requests must arrive in time, and whose threads and loop wait for no peer."""

    def init_process(self) -> None:
        """Begin in the new process."""
        self.deadlines = Deadlines(READ_WITHIN)
        self.leaving: deque[Leaving] = deque()  # first come, first over
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection; it gets a thread when something comes."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in _NOBODY_THERE:
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, sock, client, self.leave)
        connection.set_timeout()
        self.pending_conns.append(connection)
        ready = partial(self.on_pending_socket_readable, connection)
        self.poller.register(sock, selectors.EVENT_READ, ready)

    def handle(self, conn: Any) -> Any:
        """Answer one request of a connection, in a thread."""
        with self.deadlines.within(conn.sock):
            return super().handle(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_WITHIN))

    # -- the end of a connection -----------------------------------------------------------------------------------

    def leave(self, sock: socket.socket) -> None:
        """Say that nothing more comes from here, and close when the peer has closed or had his time."""
        try:
            sock.setblocking(False)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            return
        self.nr_conns += 1
        leaving = Leaving(sock, time.monotonic() + LINGER)
        self.leaving.append(leaving)
        self.poller.register(sock, selectors.EVENT_READ, partial(self._drain, leaving))

    def _drain(self, leaving: Leaving, _sock: socket.socket) -> None:
        try:
            data = leaving.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        leaving.drained += len(data)
        if not data or leaving.drained > MOST_DRAINED:
            self.leaving.remove(leaving)
            self._let_go(leaving)

    def _let_go(self, leaving: Leaving) -> None:
        self.poller.unregister(leaving.sock)
        leaving.sock.close()
        self.nr_conns -= 1

    def murder_pending(self) -> None:
        """Close what had its time: connections on which nothing has come, and those that are over."""
        super().murder_pending()
        now = time.monotonic()
        while self.leaving and self.leaving[0].until <= now:
            self._let_go(self.leaving.popleft())
