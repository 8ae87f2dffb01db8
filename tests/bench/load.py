"""Load from one process, over bare sockets, so that the client takes little of the cores that the server works on.

The requests are made before: a client that signed while it measured would measure itself. Only for 127.0.0.1.
"""

from __future__ import annotations

import itertools
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds without any answer after which a run has failed."""


@dataclass(slots=True)
class Load:
    """What a run saw: how long it took, how long each answer took (both in seconds), how many had which status."""

    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.taken) / self.seconds

    def percentile(self, share: float) -> float:
        """The time in milliseconds within which this share of the answers came."""
        ordered = sorted(self.taken)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def require(self, status: int) -> Load:
        """The same; raises RuntimeError when an answer had another status."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"answers other than {status}: {dict(self.statuses)}")
        return self


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(port: int, requests: Sequence[bytes], connections: int) -> Load:
    """Send all requests over so many connections, each with the next one as soon as it has its answer."""
    found = Load()
    waiting = iter(requests)
    with selectors.DefaultSelector() as selector:
        for first in itertools.islice(waiting, connections):
            one = _Connection(port)
            selector.register(one.sock, selectors.EVENT_READ, one)
            one.send(first)
        begin = time.perf_counter()
        left = len(requests)
        while left:
            ready = selector.select(PATIENCE)
            if not ready:
                raise TimeoutError(f"no answer within {PATIENCE:.0f} s; {left} of {len(requests)} are missing")
            for key, _ in ready:
                one = key.data
                status = one.answer()
                if status is None:
                    continue
                found.taken.append(time.perf_counter() - one.since)
                found.statuses[status] += 1
                left -= 1
                following = next(waiting, None)
                if following is None or one.closes:
                    selector.unregister(one.sock)
                    one.sock.close()
                if following is not None:
                    if one.closes:
                        one.open(port)
                        selector.register(one.sock, selectors.EVENT_READ, one)
                    one.send(following)
        found.seconds = time.perf_counter() - begin
    return found


class _Connection:
    """A connection that asks one thing after the other."""

    def __init__(self, port: int) -> None:
        self.open(port)

    def open(self, port: int) -> None:
        self.sock = socket.create_connection((HOST, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.closes = False

    def send(self, data: bytes) -> None:
        self._got = b""
        self.since = time.perf_counter()
        self.sock.sendall(data)

    def answer(self) -> int | None:
        """The status once the whole answer is there. Raises ConnectionError."""
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError(f"cut off after {self._got[:200]!r}")
        self._got += piece
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._got[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._got) < end + 4 + length:
            return None
        self.closes = b"connection: close" in head
        return int(self._got[9:12])

    @property
    def body(self) -> bytes:
        return self._got.partition(b"\r\n\r\n")[2]


def once(port: int, data: bytes) -> tuple[int, bytes]:
    """Send one request; give the answer's status and body."""
    one = _Connection(port)
    one.sock.settimeout(PATIENCE)
    one.send(data)
    while (status := one.answer()) is None:
        pass
    body = one.body
    one.sock.close()
    return status, body


class Beside:
    """Requests at a steady rate while something else happens: each is sent at its time, however long others take, and
    its answer counts from that time on."""

    def __init__(self, port: int, requests: Iterable[bytes], per_second: float, connections: int = 16) -> None:
        self._port = port
        self._requests: Iterator[bytes] = iter(requests)
        self._pause = 1 / per_second
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._next = time.perf_counter()
        self._begin = self._next
        self.load = Load()
        self._failed: list[Exception] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def end(self) -> Load:
        """Stop, and give what was seen. Raises what went wrong."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        self.load.seconds = time.perf_counter() - self._begin
        if self._failed:
            raise self._failed[0]
        return self.load

    def _run(self) -> None:
        try:
            one = _Connection(self._port)
            one.sock.settimeout(PATIENCE)
            while (due := self._take()) is not None:
                at, data = due
                self._stopped.wait(max(0.0, at - time.perf_counter()))
                if self._stopped.is_set():
                    break
                if one.closes or at - one_since(one) > 3:  # the server closes what is idle for five seconds
                    one.sock.close()
                    one.open(self._port)
                one.send(data)
                while (status := one.answer()) is None:
                    pass
                with self._lock:
                    self.load.taken.append(time.perf_counter() - at)
                    self.load.statuses[status] += 1
        except Exception as error:
            self._failed.append(error)

    def _take(self) -> tuple[float, bytes] | None:
        with self._lock:
            data = next(self._requests, None)
            if data is None:
                return None
            at, self._next = self._next, self._next + self._pause
            return at, data


def one_since(one: _Connection) -> float:
    """When the connection last sent something; now, when it never did."""
    return getattr(one, "since", time.perf_counter())
