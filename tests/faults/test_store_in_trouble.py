"""A database that is full, locked, read-only or gone: 503 with Retry-After, no false 2xx, a page that a person
understands, and recovery without a restart. Driven through a real server, as integrators and people see it."""

from __future__ import annotations

import contextlib
import glob
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from server.store.failures import BUSY_MS
from tests.conftest import skip_or_fail
from tests.serving import free_port, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOKEN = "alertmanagers-own-token"
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class Outside:
    """Whoever speaks to the server over HTTP; keeps what was acknowledged."""

    def __init__(self, address: str) -> None:
        self._at = address.removeprefix("http://")
        self._sent = 0
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self._at, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)

    def alert(self) -> Answer:
        """A new alert, as a webhook."""
        self._sent += 1
        alert = {
            "status": "firing",
            "fingerprint": f"f{self._sent}",
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "labels": {"alertname": f"Disk {self._sent}", "severity": "critical"},
            "annotations": {"summary": "x" * 15_000},
        }
        body = json.dumps({"alerts": [alert]}).encode()
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        answer = self.ask("POST", "/hooks/alertmanager", body, **sent)
        (self.acknowledged if answer.status < 300 else self.refused).add(f"f{self._sent}/{alert['startsAt']}")
        return answer

    def refuses(self) -> None:
        """Whatever is asked for now is refused in the way that the contract names."""
        for _ in range(2):
            unavailable(self.alert())
        until(lambda: self.ask("GET", "/readyz").status != 200, 15)  # it looks once a second
        unavailable(self.ask("GET", "/readyz"))
        assert self.ask("GET", "/healthz").status == 200

    def shows_a_page(self) -> None:
        """A person is told what is the matter, in his language."""
        for language, words in (("en", "The database cannot be used now"), ("zh-CN", "数据库暂时")):
            page = self.ask("GET", "/admin/issues/", **{"Accept-Language": language})
            assert page.status == 503, page
            assert int(page.headers["retry-after"]) > 0
            assert page.headers["content-type"].startswith("text/html")
            assert words in page.body

    def recovers(self) -> None:
        """Without a restart."""
        until(lambda: self.ask("GET", "/readyz").status == 200)
        until(lambda: self.alert().status == 201)


def unavailable(answer: Answer) -> None:
    assert answer.status == 503, answer
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(answer.json()["type"]).endswith("#unavailable")


def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.2)


# -- SQLite --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of a few MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, 12):
        yield folder


@contextmanager
def mounted(folder: Path, mebibytes: int) -> Iterator[None]:
    made = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)], capture_output=True
    )
    if not made or made.returncode != 0:
        skip_or_fail("a small disk needs root, and mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Leave no room on the disk."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(65536)):
            pass
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(512)):
            pass


def stored(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in store.execute('SELECT "external_id" FROM "issue" WHERE "source" = \'alertmanager\'')]


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    data = small_disk / "data"
    with serving(tmp_path, env={"DUBAN_DATA": str(data), "ALERT_TOKEN": TOKEN}) as address:
        outside = Outside(address)
        assert outside.alert().status == 201
        ballast = small_disk / "ballast"
        fill(ballast)
        # The log of the database has room of its own for a while.
        assert any(outside.alert().status == 503 for _ in range(500))
        outside.refuses()
        ballast.unlink()
        outside.recovers()
    found = stored(data / "duban.sqlite")
    assert len(found) == len(set(found))
    assert set(found) == outside.acknowledged
    assert len(outside.refused) >= 3


def test_a_locked_database_refuses_after_its_patience_and_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(tmp_path, env={"DUBAN_DATA": str(data), "ALERT_TOKEN": TOKEN}) as address:
        outside = Outside(address)
        assert outside.alert().status == 201
        locked_at = time.monotonic()
        with contextlib.closing(sqlite3.connect(data / "duban.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            unavailable(outside.alert())
            assert time.monotonic() - locked_at > BUSY_MS / 1000 - 0.5
            unavailable(outside.ask("GET", "/readyz"))
            assert outside.ask("GET", "/admin/sign-in/").status == 200, "what only reads goes on"
            time.sleep(max(0.0, locked_at + 12 - time.monotonic()))
            other.execute("ROLLBACK")
        outside.recovers()
    assert set(stored(data / "duban.sqlite")) == outside.acknowledged


@contextmanager
def nobody_may_write(files: list[Path]) -> Iterator[None]:
    """As on a disk that the system has made read-only: also who has the files open already may not."""
    with files[0].open("ab", buffering=0) as open_already:
        done = subprocess.run(["chattr", "+i", *files], capture_output=True)
        try:
            if done.returncode == 0:
                with contextlib.suppress(PermissionError):
                    open_already.write(b"")
                    done.returncode = 1 if open_already.write(b"x") else 0
            if done.returncode != 0:
                skip_or_fail("a file that is read-only for everybody needs root, chattr and ext4")
            yield
        finally:
            subprocess.run(["chattr", "-i", *files], capture_output=True)


def test_a_file_that_is_read_only_or_gone_refuses_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    data, away = tmp_path / "data", tmp_path / "away"
    with serving(tmp_path, env={"DUBAN_DATA": str(data), "ALERT_TOKEN": TOKEN}) as address:
        outside = Outside(address)
        assert outside.alert().status == 201
        with nobody_may_write([data / "probe", data / "duban.sqlite", data / "duban.sqlite-wal"]):
            outside.refuses()
        outside.recovers()
        away.mkdir()
        files = list(data.glob("duban.sqlite*"))
        for file in files:
            file.rename(away / file.name)
        outside.refuses()
        outside.shows_a_page()
        assert not (data / "duban.sqlite").exists(), "nobody begins an empty one"
        for file in files:
            (away / file.name).rename(file)
        outside.recovers()
        # Whichever thread answers, and whatever it had open before.
        assert [outside.alert().status for _ in range(40)] == [201] * 40
    assert set(stored(data / "duban.sqlite")) == outside.acknowledged


# -- PostgreSQL ----------------------------------------------------------------------------------------------------


class Cluster:
    """A PostgreSQL of this test's own, which is started and stopped."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        self._tools = tools
        self._port = free_port()
        shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def _run(self, tool: str, *options: str) -> None:
        command = ["runuser", "-u", "postgres", "--", str(self._tools / tool), *options]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, timeout=120)

    def start(self) -> None:
        said = f"-p {self._port} -k {self.folder} -c listen_addresses=127.0.0.1 -c shared_buffers=16MB"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-o", said, "-l", log, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def execute(self, *statements: str, database: str = "postgres") -> list[str]:
        """Run statements; the first column of what the last one gives."""
        with psycopg.connect(self.url, dbname=database, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def writes(self, may: bool) -> None:
        """Whether transactions may write, as on a primary that became a standby."""
        self.execute(
            "SET default_transaction_read_only = off",
            f"ALTER DATABASE postgres SET default_transaction_read_only = {'off' if may else 'on'}",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = 'postgres'",
        )


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found or os.geteuid() != 0 or shutil.which("runuser") is None:
        skip_or_fail("a PostgreSQL of one's own needs its tools, and root to become its user")
    folder = Path("/tmp") / f"duban-pg-{os.getpid()}"
    folder.mkdir(mode=0o700)
    made = Cluster(folder, Path(found[-1]).parent)
    try:
        made.start()
        yield made
        with contextlib.suppress(subprocess.CalledProcessError):
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_database_that_is_gone_or_read_only_refuses_and_goes_on_when_it_is_back(
    tmp_path: Path, cluster: Cluster
) -> None:
    env = {"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_DATABASE": cluster.url, "ALERT_TOKEN": TOKEN}
    with serving(tmp_path, env=env) as address:
        outside = Outside(address)
        assert outside.alert().status == 201
        cluster.stop()
        outside.refuses()
        outside.shows_a_page()
        cluster.start()
        outside.recovers()
        cluster.writes(False)
        until(lambda: outside.alert().status == 503)
        outside.refuses()
        cluster.writes(True)
        outside.recovers()
        # The worker is back, too.
        until(lambda: cluster.execute("SELECT 1 FROM lease WHERE until > extract(epoch from clock_timestamp()) * 1000"))
    found = cluster.execute("SELECT external_id FROM issue WHERE source = 'alertmanager'")
    assert len(found) == len(set(found))
    # What was cut off in the middle of a commit may be there though nobody was told so; never the other way round.
    assert outside.acknowledged <= set(found)


def test_locks_that_others_hold_refuse_after_their_patience_and_it_goes_on(tmp_path: Path, cluster: Cluster) -> None:
    env = {"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_DATABASE": cluster.url, "ALERT_TOKEN": TOKEN}
    with serving(tmp_path, env=env) as address:
        outside = Outside(address)
        assert outside.alert().status == 201
        tables = cluster.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        with psycopg.connect(cluster.url) as other:
            other.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
            locked_at = time.monotonic()
            unavailable(outside.alert())
            assert time.monotonic() - locked_at > BUSY_MS / 1000 - 0.5
            outside.refuses()
            time.sleep(max(0.0, locked_at + 12 - time.monotonic()))
            other.rollback()
        outside.recovers()
    found = cluster.execute("SELECT external_id FROM issue WHERE source = 'alertmanager'")
    assert sorted(found) == sorted(outside.acknowledged)


def test_a_full_disk_of_the_database_server_refuses_and_loses_nothing(tmp_path: Path, cluster: Cluster) -> None:
    small = Path(f"{cluster.folder}-small")
    small.mkdir()
    try:
        with mounted(small, 40):
            shutil.chown(small, "postgres", "postgres")
            cluster.execute(f"CREATE TABLESPACE small LOCATION '{small}'", "CREATE DATABASE small TABLESPACE small")
            url = cluster.url.removesuffix("postgres") + "small"
            env = {"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_DATABASE": url, "ALERT_TOKEN": TOKEN}
            with serving(tmp_path, env=env) as address:
                outside = Outside(address)
                assert outside.alert().status == 201
                ballast = small / "ballast"
                fill(ballast)
                # Pages that are there already have room of their own for a while.
                until(lambda: outside.alert().status == 503)
                for _ in range(20):
                    answer = outside.alert()
                    if answer.status != 201:
                        unavailable(answer)
                assert outside.ask("GET", "/healthz").status == 200
                ballast.unlink()
                outside.recovers()
            found = cluster.execute("SELECT external_id FROM issue WHERE source = 'alertmanager'", database="small")
            assert sorted(found) == sorted(outside.acknowledged)
            assert len(outside.refused) >= 2
            cluster.stop()
    finally:
        small.rmdir()
