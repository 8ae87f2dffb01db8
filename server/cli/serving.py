"""`duban serve`, `duban web`, `duban worker`: the long-running processes (contract, "Command line").

Whoever waits for the others stays small: what a first start needs is loaded in a process that ends before the long
ones begin, and each of these loads what it needs by itself.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import IO, Final, TypeVar

import click

from server import settings as environment
from server.cli.configured import read_settings
from server.cli.supervising import Supervisor, apart
from server.cli.words import fail, say, tell
from server.settings import Settings

log = logging.getLogger("duban.starting")

T = TypeVar("T")

AGAIN: Final = 1.0
"""Seconds before a database that is away is tried again, ..."""

LONGEST_PAUSE: Final = 15.0
"""... and after many times."""

host_option = click.option("--host", default="127.0.0.1", show_default=True, help=say("option-host"))
port_option = click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help=say("option-port")
)
workers_option = click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help=say("option-workers")
)


@click.command(help=say("help-serve"))
@host_option
@port_option
@workers_option
@click.option("--demo", is_flag=True, help=say("option-demo"))
def serve(host: str, port: int, workers: int, demo: bool) -> None:
    """The main job on one machine, nothing else needed."""
    if not os.environ.get("DUBAN_URL"):
        os.environ["DUBAN_URL"] = f"http://{_shown_host(host)}:{port}"
    settings = read_settings()
    environment.make_data_folder(settings)
    lock = _alone(settings)
    _refuse_taken(host, port)
    settings = environment.with_secrets(settings)
    _set_up(settings, demo)
    supervisor = Supervisor(
        {
            "web": lambda: _web(settings, host, port, workers),
            "worker": lambda: _worker(settings, alone=True),
        }
    )
    code = supervisor.run(started=_said_when_ready(settings, host, port))
    lock.close()
    sys.exit(code)


@click.command(help=say("help-web"))
@host_option
@port_option
@workers_option
def web(host: str, port: int, workers: int) -> None:
    """The web server alone."""
    settings = read_settings()
    _refuse_taken(host, port)
    settings = environment.with_secrets(settings)
    _set_up(settings, demo=False)
    _web(settings, host, port, workers)


@click.command(help=say("help-worker"))
def worker() -> None:
    """The worker alone. It waits for a database that is away: whoever starts it need not care which comes first."""
    settings = environment.with_secrets(read_settings())
    _set_up(settings, demo=False, patient=True)
    _worker(settings, alone=False, patient=True)


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _alone(settings: Settings) -> IO[str]:
    """Takes the lock of the data folder; ends with 2 when another `serve` has it."""
    file = (settings.data / "serve.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        fail("already-serving", folder=str(settings.data), pid=file.read().strip() or "?")
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _refuse_taken(host: str, port: int) -> None:
    """Ends with 2 when nobody can listen there, before anything is set up."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        fail("cannot-listen", host=host, port=port, why=error.strerror or str(error))


def _said_when_ready(settings: Settings, host: str, port: int) -> Callable[[], bool]:
    """Says once, when the web server answers, where it is."""

    address = (_shown_host(host).strip("[]"), port)

    def ready() -> bool:
        try:
            with socket.create_connection(address, timeout=0.5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if not connection.recv(12).startswith(b"HTTP/"):
                    return False
        except OSError:
            return False
        tell("serving", url=settings.url)
        return True

    return ready


def _set_up(settings: Settings, demo: bool, patient: bool = False) -> None:
    code = apart(lambda: _prepare(settings, demo, patient))
    if code:
        sys.exit(code)


def _prepare(settings: Settings, demo: bool, patient: bool) -> None:
    """What a first start needs; says the passwords that it makes. Ends with 2 when the store cannot be used; `patient`:
    waits for one that is away."""
    from server.accounts import Refused
    from server.starting import prepare
    from server.store.failures import Unavailable, UnsafeStore
    from server.store.migrating import TooNew

    environment.use(settings)
    _log()
    try:
        started = _once_there(lambda: prepare(settings, _now(), demo=demo), patient)
    except (Unavailable, UnsafeStore, TooNew) as error:
        fail("cannot-open", why=str(error))
    except Refused as error:
        fail("cannot-prepare", why=error.text(settings.language))
    if started.is_behind:
        tell("store-behind")
    if started.password is not None:
        tell("first-password", login=started.login, password=started.password)
    if started.demo is not None:
        for login in started.demo.logins:
            tell("demo-login", login=login.login, password=login.password, roles=", ".join(login.roles))
        tell("demo-loaded", people=started.demo.people, issues=started.demo.issues)
    elif started.demo_refused:
        tell("demo-refused")


def _web(settings: Settings, host: str, port: int, workers: int) -> None:
    from server.wsgi import run

    environment.use(settings)
    _log()
    run(settings, host, port, workers)


def _once_there(work: Callable[[], T], patient: bool) -> T:
    """What `work` gives, tried again and again while the database is away, until the process is told to end. Raises
    Unavailable at once unless `patient`."""
    from server.store.failures import Unavailable

    pause = AGAIN
    while True:
        try:
            return work()
        except Unavailable as error:
            if not patient:
                raise
            log.warning("the database cannot be used; trying again in %.0f s: %s", pause, error)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _worker(settings: Settings, *, alone: bool, patient: bool = False) -> None:
    from jobs.worker import run
    from server.store import database

    environment.use(settings)
    _log()
    store = _once_there(lambda: database.open(settings.database), patient)
    try:
        run(settings, alone=alone and not store.is_postgresql)
    finally:
        store.close()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _log() -> None:
    """What the processes report goes to standard error, one line each."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # It reports every task; ours is a wake-up, many times a minute.
    logging.getLogger("huey").setLevel(logging.WARNING)
