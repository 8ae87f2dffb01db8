"""The worker as a whole, in this process: it begins while the database is away, and never stays without its main
thread."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import worker
from server import settings, working
from server.store.database import Store
from server.store.failures import Unavailable
from server.store.models import Worker


@pytest.fixture
def switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_since_when_it_is_there_is_said_once_the_database_can_be_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> int:
        raise Unavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(worker, "now", away)
        assert worker._say_that_it_is_there(None) is None
    began = worker._say_that_it_is_there(None)
    assert worker._say_that_it_is_there(began) == began
    with store.session():
        assert [row.started_at for row in Worker.select()] == [began]


@pytest.mark.usefixtures("switching")
def test_when_its_main_thread_fails_the_loops_end_with_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("planned")

    monkeypatch.setattr(working, "seen", failing)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="planned"):
        worker.run(settings.read({"DUBAN_DATA": str(tmp_path), "DUBAN_DATABASE": store.url}), alone=False)
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert left.isdisjoint({"sweeper", "deliverer", "scheduler", "sealer", "anchorer", "verifier", "listener"}), left
