"""A PostgreSQL that says nothing more, seen from the pool: a proxy takes what both sides send and passes nothing on."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from server.store import database, pool, silence
from server.store.database import Store
from server.store.failures import Unavailable

PATIENCE = 30


class Proxy:
    """Stands between a pool and the server; while `swallows` is set, it goes on reading."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self.swallows = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def _begin(self, work: Callable[..., None], *given: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=given))
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._begin(self._pass, client, server)
                self._begin(self._pass, server, client)

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.swallows.is_set():
                    other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it, once nobody is connected any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "OVERDUE", 0.1)
    monkeypatch.setattr(silence, "ANSWERS_WITHIN", 2)  # psycopg waits no shorter for a connection
    monkeypatch.setattr(silence, "LOOK", 0.02)


@pytest.fixture
def between(migrated_postgres: str, quick: None) -> Iterator[tuple[Store, Proxy]]:
    """A store that speaks to the server through a proxy."""
    found = urlsplit(migrated_postgres)
    assert found.hostname is not None
    proxy = Proxy((found.hostname, found.port or 5432))
    store = database.open(found._replace(netloc=f"{found.username}@127.0.0.1:{proxy.port}").geturl())
    yield store, proxy
    store.close()
    gc.collect()  # psycopg leaves it to this to close what it could not connect in time
    proxy.close()


def ask(store: Store, statement: str = "SELECT 1") -> object:
    with store.session():
        return store.db.execute_sql(statement).fetchone()


def test_who_waits_is_cut_off_others_are_refused_at_once_and_then_it_goes_on(between: tuple[Store, Proxy]) -> None:
    store, proxy = between
    ask(store)
    proxy.swallows.set()
    begun = time.monotonic()
    with pytest.raises(Unavailable), store.transaction():
        store.db.execute_sql("SELECT 1")
    assert time.monotonic() - begun < PATIENCE
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        ask(store)
    assert time.monotonic() - begun < 1
    proxy.swallows.clear()
    until = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(Unavailable):
            assert ask(store) == (1,)
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    assert not store.db._in_use


def test_connections_of_the_pool_are_not_waited_for_in_turn(between: tuple[Store, Proxy]) -> None:
    store, proxy = between
    together = threading.Barrier(3)

    def hold() -> None:
        with store.session():
            together.wait(PATIENCE)

    holding = [threading.Thread(target=hold) for _ in range(3)]
    for thread in holding:
        thread.start()
    for thread in holding:
        thread.join()
    assert len(store.db._connections) >= 3
    for _, _, connection in store.db._connections:
        connection._duban_given_back -= pool.UNASKED
    proxy.swallows.set()
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        ask(store)
    assert time.monotonic() - begun < 2 * silence.ANSWERS_WITHIN


def test_a_statement_that_takes_long_is_left_alone_while_the_server_answers(
    migrated_postgres: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, really = [], silence.answers
    monkeypatch.setattr(silence, "answers", lambda connect: answered.append(really(connect)) or answered[-1])
    store = database.open(migrated_postgres)
    try:
        assert ask(store, "SELECT 1 FROM pg_sleep(1)") == (1,)
    finally:
        store.close()
    assert answered
    assert all(answered)
    assert len(answered) < 10, "it is asked now and then, not each time that somebody looks"


def test_a_connection_held_by_somebody_who_does_not_wait_asks_nothing(
    migrated_postgres: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "answers", lambda _: pytest.fail("it was asked"))
    store = database.open(migrated_postgres)
    try:
        with store.session():
            assert store.db.waiting_since() is None
            time.sleep(0.5)
    finally:
        store.close()


def test_only_the_connection_itself_is_cut_off_not_what_has_its_number_since() -> None:
    one, other = socket.socketpair()
    with one, other:
        silence._cut(SimpleNamespace(fileno=one.fileno, _duban_number=silence.number_of(other)))
        other.sendall(b"x")
        assert one.recv(1) == b"x"
        silence._cut(SimpleNamespace(fileno=one.fileno, _duban_number=silence.number_of(one)))
        assert one.recv(1) == b""


def test_a_connection_that_cannot_be_made_ready_takes_no_place_in_the_pool(
    migrated_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database.open(migrated_postgres)
    try:
        store.db.close_idle()
        monkeypatch.setattr(pool, "_SETTINGS", "SET no.such.thing TO TO")
        for _ in range(3):
            with pytest.raises(Exception, match="syntax"):
                ask(store)
        assert not store.db._in_use
    finally:
        store.close()
