"""What intake is measured against: a Flask route in the same gunicorn that verifies the same signature and commits one
row of 1 KiB, on disk before it answers.

    python -m tests.bench.bare DATABASE PORT WORKERS
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, request

from server import settings, verification, wsgi
from server.core.sources import Verify
from server.store import database

ROW = "x" * 1024
TABLE = "CREATE TABLE IF NOT EXISTS bare (id {} PRIMARY KEY, body TEXT NOT NULL)"
VERIFY = Verify("standard-webhooks", "env:COMPLAINT_INBOX_SECRET")


def application(url: str) -> Flask:
    """The application with its one route."""
    app = Flask("bare", static_folder=None)
    keep = _postgres(url) if database.is_postgres_url(url) else _sqlite(url)

    @app.post("/bare")
    def bare() -> Any:
        secret = os.environ["COMPLAINT_INBOX_SECRET"]
        verification.verify(VERIFY, secret, dict(request.headers), request.get_data(), time.time_ns() // 1_000_000)
        return {"id": keep(ROW)}, 201

    return app


def _sqlite(path: str) -> Callable[[str], int]:
    local = threading.local()
    # As in the product: threads queue here, in order, and not in SQLite's busy handler, which would slow them down.
    writer = threading.Lock()

    def keep(row: str) -> int:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            local.connection.execute("PRAGMA journal_mode=wal")
            local.connection.execute("PRAGMA synchronous=full")
            local.connection.execute("PRAGMA wal_autocheckpoint=4000")
        with writer:
            return int(local.connection.execute("INSERT INTO bare (body) VALUES (?)", (row,)).lastrowid)

    return keep


def _postgres(url: str) -> Callable[[str], int]:
    import psycopg

    local = threading.local()

    def keep(row: str) -> int:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(url, autocommit=True)
        found = local.connection.execute("INSERT INTO bare (body) VALUES (%s) RETURNING id", (row,), prepare=True)
        return int(found.fetchone()[0])

    return keep


class _Bare(wsgi._Server):
    """The product's gunicorn, with this application in it."""

    def load(self) -> Flask:
        app = application(self._settings.database)
        wsgi.collect_less()
        return app


def main(url: str, port: int, workers: int) -> None:
    """Make the table, then serve."""
    if database.is_postgres_url(url):
        import psycopg

        with psycopg.connect(url) as connection:
            connection.execute(TABLE.format("BIGSERIAL").encode())
    else:
        with sqlite3.connect(url) as connection:
            connection.execute(TABLE.format("INTEGER"))
    _Bare(settings.read({"DUBAN_DATABASE": url, "DUBAN_DATA": str(Path.cwd())}), "127.0.0.1", port, workers).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
