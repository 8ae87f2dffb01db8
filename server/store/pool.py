"""The connections of a process to PostgreSQL: they are used again, and give up instead of hanging."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from playhouse.pool import PooledPostgresqlDatabase
from psycopg.pq import TransactionStatus

from server.store import silence
from server.store.failures import BUSY_MS

MOST: Final = 40
"""More than a process has threads that use the store (server.wsgi.THREADS, and a few of its own)."""
UNASKED: Final = 2.0
"""Seconds for which a connection given back to the pool counts as good, unless it says otherwise."""

# Set here and not by `options`, which a pooler between us and the server may drop. A client that was cut off holds its
# locks until the server has noticed. Compiling a statement takes a tenth of a second, which none of ours gains by it.
_SETTINGS = (
    "SET jit = off; "
    f"SET lock_timeout = {BUSY_MS}; SET idle_in_transaction_session_timeout = 10000; "
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 2; "
    # Where the server was built with it: its own way takes a tenth of the time that a receipt costs it.
    "SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings "
    "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
)


class Pool(PooledPostgresqlDatabase):  # type: ignore[misc]
    """Connections that give up instead of hanging: a lock after 5 s, a peer that was cut off after 10 s, one that says
    nothing more as soon as that is sure."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._coming: float | None = None
        self._asked: Any = None
        self._watch = silence.Watch(self, lambda: silence.answers(self._connect_to_ask))
        super().__init__(*args, **options)

    def _connect(self) -> Any:
        # One thread at a time comes here, and keeps the others waiting for a lock.
        self._watch.refuse()
        self._coming = time.monotonic()
        try:
            connection = super()._connect()
            connection._duban_taken = self._coming
            if not getattr(connection, "_duban_ready", False):
                self._make_ready(connection)
        except psycopg.errors.ConnectionTimeout:
            self._watch.suspect()
            raise
        finally:
            self._coming = None
        return connection

    def _make_ready(self, connection: Any) -> None:
        self._watch.begin()
        try:
            connection._duban_number = silence.number_of(connection)
            connection.execute(_SETTINGS)
        except BaseException:
            self._close(connection, close_conn=True)  # or it would count as being used for ever
            raise
        connection._duban_ready = True

    def _can_reuse(self, connection: Any) -> bool:
        connection._duban_given_back = time.monotonic()
        return bool(super()._can_reuse(connection))

    def _is_closed(self, connection: Any) -> bool:
        """Whether a connection of the pool is of no use. The server is asked only where that is not plain: one that was
        ended can be read from, and one that was used a moment ago has not been cut off silently."""
        if not connection.closed and time.monotonic() - connection._duban_given_back < UNASKED:
            end = select.poll()
            end.register(connection.fileno(), select.POLLIN)
            if not end.poll(0):
                return False
        self._asked = connection
        try:
            closed = bool(super()._is_closed(connection))
        finally:
            self._asked = None
        if closed:
            self._watch.refuse()  # or every other one of the pool would be asked, and waited for, in turn
        return closed

    def close_all(self) -> None:
        """Close every connection, whoever uses it."""
        self._watch.end()
        super().close_all()

    # -- what is looked after ------------------------------------------------------------------------------------------

    def _connect_to_ask(self) -> Any:
        return psycopg.connect(self.database, **self.connect_params, autocommit=True)

    def waiting_since(self) -> float | None:
        """When whoever has waited for the server the longest got his connection, or began to wait for one."""
        coming = self._coming
        waiting = [one for one in self.out() if one.pgconn.transaction_status == TransactionStatus.ACTIVE]
        begun = [coming, *(getattr(one, "_duban_taken", None) for one in waiting)]
        return min((since for since in begun if since is not None), default=None)

    def out(self) -> Sequence[Any]:
        """The connections over which somebody may be waiting."""
        asked = self._asked
        used = [one.connection for one in list(self._in_use.values())]
        return used if asked is None else [asked, *used]


def pool(url: str) -> Pool:
    """The connections to the database at `url`."""
    return Pool(
        "postgresql://" + url.split("://", 1)[1],
        max_connections=MOST,
        timeout=BUSY_MS / 1000,
        stale_timeout=300,
        prefer_psycopg3=True,
        encoding="utf8",
        application_name="duban",
        connect_timeout=silence.ANSWERS_WITHIN,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=2,
        tcp_user_timeout=10000,
    )
