"""The connection: one store per process, SQLite in a file or PostgreSQL, opened once with `open`.

Models (server/store/models) are bound to `proxy`, so a query needs no handle. A request, a task or a command runs
inside `session()`; whatever must happen together runs inside `transaction()`. Both turn trouble of the database into
`Unavailable`. Peewee keeps one connection per thread; threads of gunicorn and of the worker may use the store freely.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import peewee

from server.store.failures import BUSY_MS, Unavailable, UnsafeStore, as_unavailable
from server.store.pool import pool
from server.store.together import Together, Write
from server.store.turns import Turns

log = logging.getLogger("duban.store")

proxy = peewee.DatabaseProxy()

T = TypeVar("T")
V = TypeVar("V")

# STRICT tables and RETURNING; Python brings its own SQLite on some systems.
_OLDEST_SQLITE = (3, 37, 0)


def _off(*_: object) -> None:
    """Nothing is waited for."""


class Store:
    """An open database."""

    def __init__(self, url: str, db: Any) -> None:
        self.url = url
        self.db = db
        self.is_postgresql = isinstance(db, peewee.PostgresqlDatabase)
        self._local = threading.local()
        self._is_made = False
        self._queue_anew()

    def _queue_anew(self) -> None:
        # SQLite has one writer. Threads of this process queue here, in order, and processes at the gates, instead of
        # in SQLite's busy handler, which sleeps longer and longer and may leave one of them waiting for seconds.
        self._writer = threading.RLock()
        self._turns = None if self.file is None else Turns(self.file)
        self._together = Together(self.transaction)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return None if self.is_postgresql else Path(self.db.database)

    # -- connections ---------------------------------------------------------------------------------------------

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold a connection for the block and give it back; raise `Unavailable` when the database is in trouble."""
        depth = getattr(self._local, "depth", 0)
        self._local.depth = depth + 1
        try:
            if depth == 0:
                self._keep_to_the_file()
            self.db.connect(reuse_if_open=True)
            yield
        except Exception as error:
            trouble = as_unavailable(error)
            if trouble is None:
                raise
            if depth == 0:
                self.discard()
            if trouble is error:
                raise
            raise trouble from error
        finally:
            self._local.depth = depth
            if depth == 0:
                self.release()

    def _keep_to_the_file(self) -> None:
        """Let a connection go whose file was moved away or has another one in its place: what is written to it would be
        found by nobody. Where there is none, SQLite would begin an empty one. Raises Unavailable."""
        if self.is_postgresql or not self._is_made:
            return
        there, known = _identity(self.db.database), getattr(self._local, "file", None)
        if there is None or known not in (None, there):
            self._local.file = None
            self.discard()
            raise Unavailable("sqlite: the file is gone, or another one is in its place", retry_after=5)
        self._local.file = there

    def release(self) -> None:
        """Give this thread's connection back to the pool. On SQLite it stays open: it is this thread's own."""
        if self.is_postgresql and not self.db.is_closed() and not self.db.transaction_depth():
            self.db.close()

    def discard(self) -> None:
        """Close this thread's connection for good, because it may be broken."""
        try:
            if self.db.is_closed():
                return
            if self.is_postgresql:
                self.db.manual_close()
            else:
                self.db.close()
        except peewee.PeeweeException:
            log.warning("a broken connection could not be closed", exc_info=True)

    def dispose(self) -> None:
        """Forget every inherited connection; the first thing a forked child does."""
        self.db.dispose()
        self._local = threading.local()
        self._queue_anew()

    def close(self) -> None:
        """Close this thread's connection and, on PostgreSQL, the pool."""
        if self.is_postgresql:
            self.db.close_all()
        elif not self.db.is_closed():
            self.db.close()

    # -- transactions --------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when the block is left without an exception (a savepoint when nested).

        On SQLite it is IMMEDIATE: the write lock is taken at once, so a long read does not belong in it.
        Raises `Unavailable` when the database is locked, full, read-only or gone.
        """
        nested = self.db.transaction_depth() > 0
        with self.session(), self._turn(nested), self.db.atomic():
            yield

    def together(self, write: Write[V, T], value: V, kind: Hashable = None, first: Callable[[], object] = _off) -> T:
        """Let `write` write a value in a transaction that it may share with those of other threads, all at once; give
        what became of it once that is on disk. It may be done twice, by another thread; within a transaction it is
        simply a part of that one.

        PostgreSQL locks rows: there only values of the same `kind`, which begin with the same row, share one, and
        `first` waits for that row: whoever comes meanwhile is written, too."""
        if self.db.transaction_depth():
            with self.transaction():
                return write([value])[0]
        if not self.is_postgresql:
            return self._together.run(write, value)
        return self._together.run(write, value, kind, first)

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Statements of a transaction that PostgreSQL is sent without waiting for the answers in between: what goes
        wrong with one of them is raised when an answer is asked for, or at the end of the block."""
        if not self.is_postgresql:
            yield
            return
        with peewee.__exception_wrapper__, self.db.connection().pipeline():  # type: ignore[attr-defined]
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads that see one state of the store. Takes no write lock."""
        if self.db.transaction_depth():
            yield
            return
        level = "REPEATABLE READ" if self.is_postgresql else "DEFERRED"
        with self.session(), self.db.transaction(level):
            yield

    @contextmanager
    def _turn(self, nested: bool) -> Iterator[None]:
        if self._turns is None or nested:
            yield
            return
        until = time.monotonic() + BUSY_MS / 1000
        if not self._writer.acquire(timeout=BUSY_MS / 1000):
            raise Unavailable("sqlite: another thread is writing for too long", retry_after=5)
        try:
            if not self._turns.take(until - time.monotonic()):
                raise Unavailable("sqlite: another process is writing for too long", retry_after=5)
            try:
                yield
            finally:
                self._turns.give()
        finally:
            self._writer.release()

    def after_commit(self, hint: Callable[[], object]) -> None:
        """Call `hint` once the outermost transaction is on disk. Only a hint: it may be lost, its failure is logged."""

        def safely() -> None:
            try:
                hint()
            except Exception:
                log.warning("a hint after a commit failed; the sweep makes up for it", exc_info=True)

        self.db.after_commit(safely)


def open(url: str) -> Store:
    """Open the database at `url` and bind the models to it.

    `sqlite:///relative.db`, `sqlite:////absolute.db`, a bare file name, or `postgresql://user:password@host:port/name`.
    Raises `UnsafeStore` where a confirmed write could be lost, `Unavailable` where the database cannot be reached.
    """
    store = Store(url, pool(url) if is_postgres_url(url) else _sqlite(url))
    try:
        with store.session():
            _refuse_unsafe(store)
        store._is_made = True
    except BaseException:
        store.close()
        raise
    proxy.initialize(store.db)
    global _current
    _current = store
    return store


_current: Store | None = None


def current() -> Store:
    """The store that `open` opened last."""
    if _current is None:
        raise RuntimeError("the store is not open; call server.store.database.open(url) first")
    return _current


def transaction() -> AbstractContextManager[None]:
    """`Store.transaction` of the current store."""
    return current().transaction()


def together(write: Write[V, T], value: V, kind: Hashable = None, first: Callable[[], object] = _off) -> T:
    """`Store.together` of the current store."""
    return current().together(write, value, kind, first)


def pipeline() -> AbstractContextManager[None]:
    """`Store.pipeline` of the current store."""
    return current().pipeline()


def session() -> AbstractContextManager[None]:
    """`Store.session` of the current store."""
    return current().session()


def snapshot() -> AbstractContextManager[None]:
    """`Store.snapshot` of the current store."""
    return current().snapshot()


def after_commit(hint: Callable[[], object]) -> None:
    """`Store.after_commit` of the current store."""
    current().after_commit(hint)


def is_postgres_url(url: str) -> bool:
    """Whether the address names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> Path:
    """The file that a SQLite address names."""
    if not url.startswith("sqlite:"):
        return Path(url)
    rest = unquote(urlsplit(url).path)
    return Path(rest.removeprefix("/"))


def _identity(path: str) -> tuple[int, int] | None:
    """Which file it is that lies there; None: none does."""
    try:
        found = os.stat(path)  # noqa: PTH116 (each session asks)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _sqlite(url: str) -> Any:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise UnsafeStore(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed")
    path = sqlite_path(url)
    return peewee.SqliteDatabase(
        str(path),
        pragmas={
            # First, so that setting journal_mode waits too.
            "busy_timeout": BUSY_MS,
            "journal_mode": "wal",
            "synchronous": "FULL",
            "foreign_keys": 1,
            # 16 MB of log between two checkpoints: a small transaction then costs half.
            "wal_autocheckpoint": 4000,
            "cache_size": -8000,
            "temp_store": "memory",
        },
        timeout=BUSY_MS / 1000,
        lock_type="IMMEDIATE",
        returning_clause=True,
        cached_statements=256,
    )


def _refuse_unsafe(store: Store) -> None:
    """A 2xx means on disk (architecture, What must hold, 1)."""
    if store.is_postgresql:
        for setting, allowed in (
            ("synchronous_commit", ("on", "remote_apply")),
            ("fsync", ("on",)),
            ("full_page_writes", ("on",)),
            ("server_encoding", ("UTF8",)),
        ):
            value = store.db.execute_sql(f"SHOW {setting}").fetchone()[0]
            if value not in allowed:
                raise UnsafeStore(f"PostgreSQL runs with {setting}={value}; Duban needs {setting}={allowed[0]}")
        return
    if store.db.journal_mode != "wal":
        raise UnsafeStore(f"SQLite cannot use its write-ahead log here (journal_mode={store.db.journal_mode})")
    if store.db.synchronous not in (2, 3):
        raise UnsafeStore(f"SQLite runs with synchronous={store.db.synchronous}; Duban needs FULL")
    if store.db.foreign_keys != 1:
        raise UnsafeStore("SQLite was built without foreign keys")
