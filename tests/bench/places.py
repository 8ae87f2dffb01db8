"""Where benchmarks work: stores of their own on each database, and servers on them."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psycopg

from tests.bench.load import once, request
from tests.serving import DUBAN, environment, free_port

POSTGRES = os.environ.get("DUBAN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
SECRET = "whsec_" + "YmVuY2htYXJrYmVuY2htYXJrYmVuY2htYXJr"
ONLY = os.environ.get("DUBAN_BENCH_ON")  # one of the two
DATABASES = (ONLY,) if ONLY else ("SQLite", "PostgreSQL")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder and a database for one benchmark."""

    folder: Path
    database: str

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the processes that work here."""
        own = {
            "DUBAN_DATA": str(self.folder),
            "DUBAN_DATABASE": self.database,
            "COMPLAINT_INBOX_SECRET": SECRET,
            "PYTHONPATH": str(ROOT),
        }
        return environment(own)


def stop_in_order() -> None:
    """From now on a signal to end (SIGTERM, SIGINT) leaves every block, so that servers are ended and databases
    removed. Further ones are passed over meanwhile: `timeout` sends two, an impatient hand many."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for one in _ENDS:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for one in _ENDS:
        signal.signal(one, leave)


_ENDS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def place(kind: str) -> Iterator[Place | None]:
    """An empty place on SQLite or PostgreSQL; None where there is no such server. Removed at the end."""
    with tempfile.TemporaryDirectory(prefix="duban-bench-", dir=os.environ.get("DUBAN_BENCH_DIR")) as made:
        folder = Path(made)
        if kind == "SQLite":
            yield Place(folder, str(folder / "duban.sqlite"))
            return
        try:
            admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
        except psycopg.OperationalError:
            yield None
            return
        name = f"duban_bench_{secrets.token_hex(6)}"
        with admin:
            try:
                admin.execute(f'CREATE DATABASE "{name}"'.encode())
                yield Place(folder, f"{POSTGRES.rpartition('/')[0]}/{name}")
            finally:
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], environ: Mapping[str, str], folder: Path, ready: tuple[int, str] | None = None
) -> Iterator[int]:
    """Run a process until the block ends; wait until it answers GET at `ready` = (port, path); give its process id.
    Raises RuntimeError with what it printed when it ends too soon."""
    log = folder / f"{Path(command[0]).name}-{secrets.token_hex(4)}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=dict(environ), stdout=output, stderr=output)
        try:
            until = time.monotonic() + 60
            while ready is not None and not _answers(*ready):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command} did not come up:\n{log.read_text()}")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int, path: str) -> bool:
    try:
        return once(port, request("GET", path, {}))[0] < 500
    except OSError:
        return False


@contextlib.contextmanager
def web(where: Place, workers: int) -> Iterator[int]:
    """`duban web` of the place; gives its port."""
    port = free_port()
    command = [DUBAN, "web", "--port", str(port), "--workers", str(workers)]
    with running(command, where.environ, where.folder, (port, "/readyz")):
        yield port


@contextlib.contextmanager
def bare(where: Place, workers: int) -> Iterator[int]:
    """The bare route of the place, in a database file of its own; gives its port."""
    port = free_port()
    url = where.database if where.database.startswith("postgresql:") else str(where.folder / "bare.sqlite")
    command = [sys.executable, "-m", "tests.bench.bare", url, str(port), str(workers)]
    with running(command, where.environ, where.folder, (port, "/")):
        yield port
