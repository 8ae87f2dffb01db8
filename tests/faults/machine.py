"""The machine of a fault run: a folder, a database, a queue, and the processes of the server, which can be killed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg

from server import crash_points, sealing, settings
from server.sealing.checkpoints import Verifier
from tests.faults import keeper
from tests.serving import environment, free_port, ready
from tests.stores import SERVER, database_url

HERE: Final = Path(__file__).parent
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Missing(Exception):
    """This machine lacks something that the run needs."""


class NotInTime(Exception):
    """Something did not come to pass in the time that it may take."""


def wait_until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until it holds. Raises NotInTime."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise NotInTime(what)
        time.sleep(0.02)


# -- PostgreSQL and Redis of the run's own ---------------------------------------------------------------------------


def postgres_programs() -> Path | None:
    """The folder of initdb and postgres; None where they are not installed."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


class Cluster:
    """A PostgreSQL server of this run alone, whose backends may be killed."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="duban-faults-pg-"))
        # It refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        data, port = self.folder / "data", free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        made = subprocess.run(initdb, user=self._user, cwd=self.folder, capture_output=True, text=True)
        if made.returncode:
            raise Missing(made.stderr)
        options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        options += ["shared_buffers=64MB", "max_connections=100", "fsync=on", "restart_after_crash=on"]
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [programs / "postgres", "-D", data, *(word for one in options for word in ("-c", one))],
                user=self._user, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._answers, 60, f"PostgreSQL did not start; see {self.folder}/log")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill_backend(self) -> bool:
        """SIGKILL to a process that serves a connection of the server: PostgreSQL then starts all of them again."""
        chosen = "SELECT pid FROM pg_stat_activity WHERE application_name = 'duban' ORDER BY random() LIMIT 1"
        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                found = connection.execute(chosen).fetchone()
            if found is not None:
                os.kill(found[0], signal.SIGKILL)
        except (psycopg.OperationalError, ProcessLookupError):
            return False  # it is just starting again
        return found is not None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While the block runs none of its processes does anything; the system goes on taking what they are sent."""
        # The first one first, so that no more come.
        os.kill(self._server.pid, signal.SIGSTOP)
        stopped = [self._server.pid, *(pid for pid, parent in _parents() if parent == self._server.pid)]
        try:
            for pid in stopped[1:]:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """End the server and remove what it kept."""
        self._server.send_signal(signal.SIGINT)  # fast shutdown
        try:
            self._server.wait(30)
        except subprocess.TimeoutExpired:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis:
    """A Redis of this run alone, which keeps nothing."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        self._command = [program, "--port", str(self.port), *options]
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        self._server = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it by SIGKILL, with all that it held."""
        self._server.kill()
        self._server.wait()


# -- the processes ---------------------------------------------------------------------------------------------------


class Machine:
    """The processes of a server on a store of their own, kept running by tests/faults/keeper.py."""

    def __init__(self, folder: Path, database: str, queue: str, hooks: dict[str, str], without: str | None) -> None:
        self.folder = folder
        self.points = folder / "crash"
        (self.points / crash_points.KILLED).mkdir(parents=True)
        (self.points / crash_points.MARK).touch()
        shutil.copytree(HERE / "documents", folder / "policies")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = database
        self._environ = environment(
            {
                "DUBAN_DATA": str(folder / "data"),
                "DUBAN_DATABASE": database,
                "DUBAN_QUEUE": queue,
                "DUBAN_URL": self.url,
                "DUBAN_ALLOW_NETS": "127.0.0.0/8",
                "DUBAN_ADMIN_PASSWORD": secrets.token_urlsafe(16),
                "DUBAN_LANGUAGE": "en",
                crash_points.VARIABLE: str(self.points),
                "FAULTS_SECRET": SECRET,
                "PYTHONPATH": str(HERE.parents[1]),
                **hooks,
                **({"FAULTS_WITHOUT": without} if without else {}),
            }
        )
        keeper.write(folder / keeper.WANTED, [])
        with (folder / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.keeper"],
                cwd=folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    @property
    def apart(self) -> tuple[str, ...]:
        """A web server and two workers."""
        return (f"web --port {self.port} --workers 2", "worker", "worker")

    @property
    def together(self) -> tuple[str, ...]:
        """`duban serve`."""
        return (f"serve --port {self.port} --workers 2",)

    def run(self, *parts: str) -> None:
        """Have these commands running from now on, again and again."""
        keeper.write(self.folder / keeper.WANTED, parts)

    def keys(self) -> Sequence[Verifier]:
        """The keys that checkpoints are signed with."""
        return sealing.keys(settings.read(self._environ))

    def is_ready(self) -> bool:
        """Whether the web server answers that it can work."""
        return ready(self.url)

    def crash(self) -> None:
        """Everything is killed at once, as when the machine stops."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """End everything as an operator would; give the exit code."""
        self._keeper.send_signal(signal.SIGTERM)
        return self._keeper.wait(90)

    def close(self) -> None:
        """End what is left."""
        with suppress(ProcessLookupError):
            os.killpg(self._keeper.pid, signal.SIGKILL)
        self._keeper.wait()

    def is_down(self) -> bool:
        """Whether nothing of the server runs any more."""
        return not self.processes() and self._port_is_free()

    def _port_is_free(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
        return True

    def processes(self) -> dict[int, str]:
        """The server's processes by id, each with what it is: `web`, `web child`, `worker`, `serve`, `serve child`."""
        try:
            parts = {int(pid): name for pid, name in json.loads((self.folder / keeper.PARTS).read_text()).items()}
        except FileNotFoundError:
            return {}
        parents = dict(_parents())
        children: dict[int, list[int]] = {}
        for pid, parent in parents.items():
            children.setdefault(parent, []).append(pid)
        found: dict[int, str] = {}
        for pid, name in parts.items():
            if pid not in parents:
                continue
            found[pid] = name
            for child in children.get(pid, ()):
                found[child] = f"{name} child"
                found |= dict.fromkeys(children.get(child, ()), f"{name} grandchild")
        return found


def _parents() -> Iterator[tuple[int, int]]:
    """Every process of this machine that is no zombie, with its parent."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z":
                yield int(path.name), int(parent)


# -- databases -------------------------------------------------------------------------------------------------------


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[tuple[str, Cluster | None]]:
    """The address of an empty database; with PostgreSQL, the cluster that may be hurt, where one can be made. Raises
    Missing."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'data' / 'duban.sqlite'}", None
        return
    programs = postgres_programs()
    if programs is not None:
        cluster = Cluster(programs)
        try:
            yield cluster.url, cluster
        finally:
            cluster.close()
        return
    try:
        administrator = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        raise Missing(f"no PostgreSQL at {SERVER}: {error}") from error
    name = f"duban_faults_{secrets.token_hex(6)}"
    with administrator:
        administrator.execute(f'CREATE DATABASE "{name}"')
        try:
            yield database_url(name), None
        finally:
            administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def queue_of(kind: str, folder: Path) -> Iterator[tuple[str, Redis | None]]:
    """The address of a queue: with PostgreSQL a Redis, where it is installed."""
    program = shutil.which("redis-server")
    if kind == "sqlite" or program is None:
        yield f"sqlite:///{folder / 'data' / 'queue.sqlite'}", None
        return
    redis = Redis(program, folder)
    try:
        yield redis.url, redis
    finally:
        redis.kill()
