"""A real worker whose machine's clock is set: an hour forward, and an hour back (faketime)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server import intake, issues, policies
from server.core.moments import HOUR, MINUTE, Moment
from server.store.database import Store
from server.store.models import AuditEntry, Lease, Meta
from tests.conftest import skip_or_fail
from tests.jobs.test_worker import TICKING
from tests.publishing import publish
from tests.serving import DUBAN, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def now() -> Moment:
    return time.time_ns() // 1_000_000


def until(holds: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.1)


class Machine:
    """Where the worker runs: what its clock shows is written in a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.set(0)

    def set(self, seconds: int) -> None:
        """Sets the clock that many seconds ahead of the true one."""
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{seconds:+d}\n")
        beside.rename(self.file)


@contextmanager
def working(store: Store, folder: Path, machine: Machine) -> Iterator[None]:
    library = subprocess.run(
        ["faketime", "-f", "+0", sys.executable, "-c", "import os; print(os.environ['LD_PRELOAD'])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    env = {
        "DUBAN_DATA": str(folder / "data"),
        "DUBAN_DATABASE": store.url,
        "DUBAN_QUEUE": f"sqlite:///{folder / 'queue.sqlite'}",
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(machine.file),
        "FAKETIME_NO_CACHE": "1",
        # The steady clock goes on as it is: nobody sets it.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen([DUBAN, "worker"], cwd=folder, env=environment(env), stdout=output, stderr=output)
    try:
        until(lambda: process.poll() is not None or Lease.select().exists())
        assert process.poll() is None, log.read_text()
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if shutil.which("faketime") is None:
        skip_or_fail("faketime is not installed")
    return Machine(tmp_path)


def breached(number: str) -> int:
    return sum(line["kind"] == "clock_breached" for line in issues.timeline(number))


def audited() -> list[str]:
    entries = AuditEntry.select().where(AuditEntry.kind.startswith("clock.")).order_by(AuditEntry.id)
    return [entry.kind for entry in entries]


def test_a_clock_that_is_set_fires_nothing_early_and_nothing_twice(
    sqlite_store: Store, tmp_path: Path, machine: Machine
) -> None:
    at = now() - 2 * HOUR
    policies.load_shipped(at)
    publish(TICKING, at)
    with working(sqlite_store, tmp_path, machine):
        overdue = intake.receive("ticking", {"subject": "overdue"}, now() - MINUTE).number
        until(lambda: breached(overdue) == 1)

        later = intake.receive("ticking", {"subject": "in half an hour"}, now() + 29 * MINUTE).number
        machine.set(3600)
        until(lambda: "clock.jumped" in audited())
        assert Meta.get_or_none(Meta.key == "clock-held") is not None
        assert breached(later) == 0
        machine.set(0)
        until(lambda: "clock.taken-back" in audited())
        assert breached(later) == 0, "a clock that was wrong for a moment counts for nothing"

        machine.set(3600)
        until(lambda: "clock.confirmed" in audited())
        until(lambda: breached(later) == 1)

        machine.set(0)
        until(lambda: "clock.back" in audited())
        again = intake.receive("ticking", {"subject": "overdue"}, now() - MINUTE).number
        until(lambda: breached(again) == 1)
        assert (breached(overdue), breached(later)) == (1, 1)
    jumps = [json.loads(row.body)["body"]["by_ms"] for row in AuditEntry.select() if row.kind == "clock.jumped"]
    assert all(abs(by - HOUR) < MINUTE for by in jumps)
    assert len(jumps) == 2
