"""Processes whose database is away when they begin, and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving import DUBAN, environment, free_port, ready

pytestmark = pytest.mark.timeout(300)


def until(holds: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_begins_while_the_database_is_away_does_not_end_the_server(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    env = environment({"DUBAN_DATA": str(data), "DUBAN_ADMIN_PASSWORD": "correct horse battery staple"})
    log = tmp_path / "log"
    with log.open("wb") as output:
        web = subprocess.Popen(
            [DUBAN, "web", "--port", str(port)], cwd=tmp_path, env=env, stdout=output, stderr=output
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: ready(address) or web.poll() is not None)
        assert web.poll() is None, log.read_text()
        assert f"a web process has started on 127.0.0.1:{port}" in log.read_text()
        away = [path.rename(tmp_path / path.name) for path in data.glob("duban.sqlite*")]
        (data / "duban.sqlite").mkdir()  # what stands there is no database
        os.kill(children(web.pid)[0], signal.SIGKILL)
        until(lambda: log.read_text().count("another worker tries") >= 2 or web.poll() is not None)
        assert web.poll() is None, log.read_text()
        (data / "duban.sqlite").rmdir()
        for path in away:
            path.rename(data / path.name)
        until(lambda: ready(address) or web.poll() is not None)
        assert web.poll() is None, log.read_text()
        web.send_signal(signal.SIGTERM)
        assert web.wait(60) == 0, log.read_text()
    finally:
        if web.poll() is None:
            web.kill()
            web.wait()


def test_the_worker_waits_for_its_database_and_works_once_it_is_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "duban.sqlite").mkdir(parents=True)  # what stands there is no database
    env = environment({"DUBAN_DATA": str(data), "DUBAN_ADMIN_PASSWORD": "correct horse battery staple"})
    log = tmp_path / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen([DUBAN, "worker"], cwd=tmp_path, env=env, stdout=output, stderr=output)
    try:
        until(
            lambda: log.read_text().count("the database cannot be used; trying again") >= 2 or worker.poll() is not None
        )
        assert worker.poll() is None, log.read_text()
        (data / "duban.sqlite").rmdir()
        until(lambda: "the worker has started" in log.read_text() or worker.poll() is not None)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0, log.read_text()
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()


def test_a_worker_that_waits_for_its_database_ends_when_it_is_told(tmp_path: Path) -> None:
    env = environment({"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_DATABASE": "postgresql://127.0.0.1:9/nowhere"})
    log = tmp_path / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen([DUBAN, "worker"], cwd=tmp_path, env=env, stdout=output, stderr=output)
    try:
        until(lambda: "the database cannot be used; trying again" in log.read_text() or worker.poll() is not None)
        assert worker.poll() is None, log.read_text()
        waiting = children(worker.pid)
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in waiting), 20)
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
