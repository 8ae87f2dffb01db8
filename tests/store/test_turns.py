"""Processes take turns at a SQLite file: one that writes without pause does not keep the others out."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.store.database import Store
from server.store.models import Meta
from server.store.turns import Turns

HOG = """
import sys, time
from server.store import database
store = database.open(sys.argv[1])
print("writing", flush=True)
while True:
    with store.transaction():
        store.db.execute_sql("UPDATE meta SET value = value")
        time.sleep(0.05)
"""
HOLDER = """
import sys, time
from pathlib import Path
from server.store.turns import Turns
turns = Turns(Path(sys.argv[1]))
assert turns.take(5)
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def another_process(program: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_process_that_writes_without_pause_lets_others_write(sqlite_store: Store) -> None:
    assert sqlite_store.file is not None
    with another_process(HOG, sqlite_store.file):
        for number in range(20):
            with sqlite_store.transaction():  # Unavailable after five seconds without a turn
                Meta.insert(key=f"t-{number}", value="x").execute()


def test_a_turn_that_does_not_come_is_not_waited_for_longer_than_said(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite"
    with another_process(HOLDER, path) as holder:
        turns = Turns(path)
        begin = time.monotonic()
        assert not turns.take(0.2)
        assert time.monotonic() - begin >= 0.2
        holder.kill()
        holder.wait()
        assert turns.take(30), "the turn of a process that was killed is over"
        turns.give()


def test_where_there_is_no_place_for_the_gates_nobody_waits_at_them(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "not there" / "some.sqlite")
    assert turns.take(0.1)
    turns.give()
