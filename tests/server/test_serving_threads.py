"""How long a request may take to arrive, by a clock of the test's own; tests/api/test_real_server.py speaks to a server
for which it is less."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from server import serving_threads
from server.serving_threads import Worker

WITHIN = 30
"""Seconds, as docs/operations.md says."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(serving_threads, "time", made)
    return made


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that has begun, but for its threads and its loop."""
    monkeypatch.setattr(ThreadWorker, "init_process", lambda _: None)
    monkeypatch.setattr(serving_threads.sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(serving_threads.util, "write_error", None)  # as it was, afterwards
    made = Worker.__new__(Worker)
    made.cfg, made.pending_conns, made.nr_conns = Config(), deque(), 0
    made.poller = selectors.DefaultSelector()
    made.init_process()
    return made


@pytest.fixture
def sender(worker: Worker) -> Iterator[socket.socket]:
    """Somebody who is connected to the worker and has sent the beginning of a request."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as sock:
        worker.accept(listener)
        sock.sendall(b"POST /hooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        sock.settimeout(10)
        arrive(worker)
        yield sock
    worker.poller.close()


def arrive(worker: Worker) -> None:
    """What was sent is read."""
    found = worker.poller.select(10)
    assert found
    for key, _ in found:
        key.data(key.fileobj)


def test_who_has_not_sent_his_request_within_thirty_seconds_is_told_so_and_let_go(
    clock: Clock, worker: Worker, sender: socket.socket
) -> None:
    clock.now += WITHIN - 1
    worker.murder_pending()
    sender.sendall(b" ")
    arrive(worker)
    assert worker.nr_conns == 1
    clock.now += 2  # the byte meanwhile gives him no more time
    worker.murder_pending()
    assert sender.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert worker.nr_conns == 0


def test_the_next_request_of_a_connection_that_has_begun_already_has_as_long(
    clock: Clock, worker: Worker, sender: socket.socket
) -> None:
    (conn,) = worker.pending_conns
    beginning = worker._forget(conn)
    conn.initialized, conn.parser = True, SimpleNamespace(unreader=SimpleNamespace(take_buffered=lambda: beginning))
    worker.enqueue_req(conn)
    clock.now += WITHIN - 1
    worker.murder_pending()
    assert worker.nr_conns == 1
    clock.now += 2
    worker.murder_pending()
    assert sender.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_what_is_read_in_a_thread_has_as_long(clock: Clock, worker: Worker, sender: socket.socket) -> None:
    (conn,) = worker.pending_conns
    with worker.deadlines.within(conn.sock):
        assert worker.deadlines.stop_late(clock.now + WITHIN - 1) == 0
        assert worker.deadlines.stop_late(clock.now + WITHIN + 1) == 1
    worker._forget(conn)
    conn.close()
