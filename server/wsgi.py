"""The web process: the HTTP interface and the panel in one application, served by gunicorn.

The process that starts and ends the workers stays small: each of them loads the application by itself.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication

from server import serving_threads
from server.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

    from server.metrics import Counting

log = logging.getLogger("duban.web")

THREADS: Final = 32
"""Requests that a process answers at the same time. Receipts among them share a transaction; connections are not
spread evenly, and of 32 senders one of two processes often has 20."""

AGAIN: Final = 1.0
"""Seconds after which a worker is begun again for which the database was not there."""

GRACE: Final = 30
"""Seconds that requests under way have to be finished when the process is told to end."""


def create_app(settings: Settings, memory: mmap.mmap | None = None) -> Flask:
    """The application. The store is open, or will be before the first request. `memory`: shared with other
    processes (server.api.limits)."""
    import admin
    from server.api import application

    app = application.build(settings, memory)
    admin.register(app)
    return app


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way; leaves by SystemExit."""
    _Server(settings, host, port, workers).run()


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings; nothing of it can be changed from outside."""

    def __init__(self, settings: Settings, host: str, port: int, workers: int) -> None:
        self._settings = settings
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._workers = workers
        self._counting: Counting | None = None  # in a worker that has begun
        self._memory = mmap.mmap(-1, 1 << 19)  # before the fork: what tokens do is counted together
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Opens the store and builds the application; called in each worker after the fork."""
        from jobs.queue import open_queue
        from jobs.tasks import Nudger
        from server import metrics, nudging
        from server.store import database
        from server.store.failures import Unavailable

        try:
            database.open(self._settings.database)
        except Unavailable as error:
            # gunicorn ends the whole server when a worker fails to begin, but begins another one for one that ends.
            log.warning("the database cannot be used; another worker tries in a second: %s", error)
            time.sleep(AGAIN)
            sys.exit(1)
        nudging.on_nudge(Nudger(open_queue(self._settings.queue)).nudge)
        self._counting = metrics.Counting()
        self._counting.start()
        app = create_app(self._settings, self._memory)
        make_ready(app)
        log.info("a web process has started on %s", self._address)
        return app

    def _close(self, _server: Any, _worker: Any) -> None:
        from server.store import database

        if self._counting is None:
            return  # it never began
        self._counting.end()
        database.current().close()

    def _options(self) -> Mapping[str, Any]:
        return {
            "bind": [self._address],
            "workers": self._workers,
            "worker_class": serving_threads.Worker,
            "threads": THREADS,
            "worker_connections": 1000,
            "graceful_timeout": GRACE,
            "timeout": 60,
            "keepalive": 5,
            "limit_request_line": 8190,
            "limit_request_fields": 100,
            "limit_request_field_size": 8190,
            # No peer is a proxy to gunicorn; DUBAN_PROXY_HOPS says how many are, and the application looks.
            "forwarded_allow_ips": "",
            "proxy_allow_ips": "",
            "forwarder_headers": "",
            "accesslog": None,
            "errorlog": "-",
            # Warnings of gunicorn quote what was wrong with a request, which may be a secret.
            "loglevel": "error",
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,
            "proc_name": "duban-web",
            "when_ready": _end_gently,
            "post_worker_init": _leave_interrupts_to_the_server,
            "worker_exit": self._close,
        }


def make_ready(app: Flask) -> None:
    """Make what nearly every request needs before the first one comes."""
    from admin.warming import warm

    try:
        warm(app)
    except Exception:
        # Whatever the database or a document does: the server begins, and whoever needs something makes it.
        log.warning("what the first requests need could not be made before them", exc_info=True)
    collect_less()


def collect_less() -> None:
    """Look for circles of objects that nobody uses less often, from now on, and not among those that there are."""
    # What there is now stays. Looking through it again and again for garbage would hold up a request for 0.1 s.
    gc.collect()
    gc.freeze()
    # Receipts that share a commit hold some thousand objects until it is done. Python, which looks for circles at every
    # 700 new ones, would go through them several times, and find none.
    gc.set_threshold(10_000)


def _end_gently(_server: Any) -> None:
    """Ctrl-C would end gunicorn at once, with whatever is under way; it ends as by SIGTERM instead."""

    def end(_number: int, _frame: FrameType | None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGINT, end)


def _leave_interrupts_to_the_server(_worker: Any) -> None:
    """Ctrl-C reaches every process of the terminal; the server tells its workers when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
