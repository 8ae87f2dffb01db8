"""A PostgreSQL cluster and a Redis of one test alone, at an address of its own; both can be restarted."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.conftest import skip_or_fail

CONNECTIONS = 200


class Postgres:
    """A cluster in a folder of its own, run by the user `postgres`."""

    def __init__(self, folder: Path, programs: Path, address: str, port: int, network: str) -> None:
        self.url = f"postgresql://postgres@{address}:{port}/duban"
        self._folder, self._programs = folder / "cluster", programs
        self._run("initdb", "-D", self._folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        with (self._folder / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")
        with (self._folder / "postgresql.conf").open("a") as options:
            options.write(
                f"listen_addresses = '{address}'\nport = {port}\nunix_socket_directories = '{folder}'\n"
                f"max_connections = {CONNECTIONS}\nshared_buffers = 32MB\n"
                "track_commit_timestamp = on\n"
            )
        self._control("start")
        self._run("createdb", "-h", address, "-p", port, "-U", "postgres", "duban")

    def restart(self) -> None:
        """End at once, as by a power cut of its processes, and start again."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", self._folder, "-l", self._folder.parent / "log", "-w", "-t", "40", *words)

    def _run(self, program: str, *words: object) -> None:
        command = ["runuser", "-u", "postgres", "--", self._programs / program, *words]
        # Its output goes nowhere: the server would keep a pipe open.
        subprocess.run([*map(str, command)], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)


class Redis:
    """A Redis that keeps nothing."""

    def __init__(self, address: str, port: int, folder: Path) -> None:
        self.url = f"redis://{address}:{port}/0"
        self._command = [
            "redis-server", "--bind", address, "--port", str(port), "--protected-mode", "no",
            "--save", "", "--appendonly", "no", "--dir", str(folder),
        ]  # fmt: skip
        self._start()

    def restart(self) -> None:
        """Die, and come back without anything."""
        self.stop()
        self._start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < end, "Redis does not start"
                    time.sleep(0.05)


@contextmanager
def postgres(address: str, port: int, network: str) -> Iterator[Postgres]:
    """A PostgreSQL that hosts of the network may use."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found or shutil.which("runuser") is None:
        skip_or_fail("PostgreSQL's programs are not installed")
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        skip_or_fail("there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="duban-pg-"))
    try:
        shutil.chown(folder, owner.pw_uid, owner.pw_gid)
        server = Postgres(folder, found[-1], address, port, network)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_at(address: str, port: int, folder: Path) -> Iterator[Redis]:
    """A Redis that hosts of the network may use."""
    if shutil.which("redis-server") is None:
        skip_or_fail("redis-server is not installed")
    server = Redis(address, port, folder)
    try:
        yield server
    finally:
        server.stop()
