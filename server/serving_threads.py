"""gunicorn's threads, given to requests that have arrived.

gunicorn gives a thread to every connection, which then waits for what the sender has to say, and after the answer its
loop waits until the peer has closed: a few senders who say nothing, or a byte now and then, or do not close, would keep
out everybody else. Here the loop collects what arrives, a thread gets a request once it is whole, and nobody is waited
for at the end. A request that is not whole after `READ_WITHIN` seconds is answered with 408.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import selectors
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

READ_WITHIN = 30.0
"""Seconds that a request may take to arrive."""

SWITCH: Final = 0.002
"""Seconds for which a thread may compute while others want to, too. Whoever asks the database gives up the interpreter
at every statement and gets it back only after this long from one that computes: with Python's 5 ms receipts of ten
statements would take 50 ms, under the lock. Much shorter, and every waiting thread wakes so often, only to find that it
must wait on, that a tenth of the work is that."""

LONGEST_HEAD: Final = 128 * 1024
LONGEST_BODY: Final = 1 << 20
"""A longer body is not collected: it is refused, or read in a thread, within the same time."""

MOST_COLLECTED: Final = 32 << 20
"""Bytes that one process collects for all senders together."""


def problem(status: int, reason: str, detail: str = "") -> bytes:
    """The whole answer to what is no request, so that nobody knows what was wanted, or in which language."""
    said = {"type": "about:blank", "title": reason, "status": status} | ({"detail": detail} if detail else {})
    body = json.dumps(said)
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("ascii")


def _refuse(sock: socket.socket, status: int, reason: str, detail: str) -> None:
    util.write_nonblock(sock, problem(status, reason, detail))


_LATE: Final = problem(408, "Request Timeout")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
# Of the one nobody knows how long it is, the other waits to be asked for its body.
_NOT_TO_WAIT_FOR = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)

LINGER: Final = 2.0
"""Seconds that a peer has to take the last answer and close, ..."""

MOST_DRAINED: Final = 8 << 20
"""... and bytes that he may still send meanwhile: closing before would make his system throw the answer away."""

DRAIN_WITHIN: Final = 0.1
"""Seconds for the rest of a body that nobody wanted, before the connection is closed rather than used again."""

_NOBODY_THERE: Final = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class Arriving:
    """The bytes of a request so far."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self._looked = 0
        self._whole: int | None = None

    def is_enough(self) -> bool:
        """Whether a thread can begin: the request is whole, or cannot be waited for."""
        if self._whole is None:
            end = self.data.find(b"\r\n\r\n", self._looked)
            if end < 0:
                # Lines that end wrongly end no head; gunicorn refuses them at once.
                ended = self.data.find(b"\n\n", self._looked) >= 0
                self._looked = max(0, len(self.data) - 3)
                return ended or len(self.data) > LONGEST_HEAD
            self._whole = _whole(bytes(self.data[: end + 2]))
        return len(self.data) >= self._whole


def _whole(head: bytes) -> int:
    """How many bytes there are to collect of a request with this head: all, or none more."""
    length = _LENGTH.search(head)
    body = int(length[1]) if length else 0
    if body > LONGEST_BODY or _NOT_TO_WAIT_FOR.search(head):
        return 0
    return len(head) + 2 + body


class Deadlines:
    """Stops reading from sockets that had their time, for what is read in threads after all."""

    def __init__(self, seconds: float, look: float = 0.5) -> None:
        self._seconds = seconds
        self._look = look
        self._lock = threading.Lock()
        self._until: dict[int, tuple[float, socket.socket]] = {}
        threading.Thread(target=self._run, name="deadlines", daemon=True).start()

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
        """Stop reading from whatever is late; give how many that were."""
        with self._lock:
            late = [key for key, (until, _) in self._until.items() if until <= now]
            for key in late:
                # Under the lock: a socket whose block was left is none of ours any more.
                with contextlib.suppress(OSError):
                    self._until.pop(key)[1].shutdown(socket.SHUT_RD)
        return len(late)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(self._look):
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
    """A worker whose requests must arrive in time, and whose threads and loop wait for no peer. All but `handle` runs
    in the loop."""

    def init_process(self) -> None:
        """Begin in the new process."""
        sys.setswitchinterval(SWITCH)
        self.deadlines = Deadlines(READ_WITHIN)
        self._collected = 0
        self.leaving: deque[Leaving] = deque()  # first come, first over
        util.write_error = _refuse  # gunicorn would answer with a page
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in _NOBODY_THERE:
                raise
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, sock, client, self.leave))

    # -- the beginning of a request --------------------------------------------------------------------------------

    def enqueue_req(self, conn: Any) -> None:
        """A connection from which a request is expected."""
        conn.arriving = Arriving(conn.parser.unreader.take_buffered() if conn.initialized else b"")
        self._collected += len(conn.arriving.data)
        conn.sock.setblocking(False)
        # Who has not begun to speak is let go sooner; nothing of his is lost.
        conn.timeout = time.monotonic() + (READ_WITHIN if conn.arriving.data else self.cfg.keepalive)
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._arrived, conn))
        if conn.arriving.data and conn.arriving.is_enough():
            self._begin(conn)

    def _arrived(self, conn: Any, _sock: Any) -> None:
        try:
            piece = conn.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not conn.arriving.data:
            conn.timeout = time.monotonic() + READ_WITHIN
        conn.arriving.data += piece
        self._collected += len(piece)
        if not piece and not conn.arriving.data:
            self._forget(conn)
            self.nr_conns -= 1
            conn.close()
        elif not piece or conn.arriving.is_enough() or self._collected > MOST_COLLECTED:
            self._begin(conn)

    def _begin(self, conn: Any) -> None:
        """Give the request to a thread."""
        data = self._forget(conn)
        conn.init()
        conn.parser.unreader.unread(data)
        conn.data_ready = True
        super().enqueue_req(conn)

    def _forget(self, conn: Any) -> bytes:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)
        data = bytes(conn.arriving.data)
        self._collected -= len(data)
        conn.arriving = None
        return data

    def _cap_keepalive(self, deadline: float) -> None:
        """When the server ends: who has said nothing yet is waited for no longer than who might ask again."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            if not conn.arriving.data:
                conn.timeout = min(conn.timeout, deadline)

    # -- in a thread ---------------------------------------------------------------------------------------------------

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
        """Close what had its time: what did not arrive, and connections that are over."""
        now = time.monotonic()
        for conn in [one for one in self.pending_conns if one.timeout <= now]:
            if self._forget(conn):
                with contextlib.suppress(OSError):
                    conn.sock.send(_LATE)
            self.nr_conns -= 1
            conn.close()
        while self.leaving and self.leaving[0].until <= now:
            self._let_go(self.leaving.popleft())
