"""The runner of the benchmarks says met or MISSED, and its exit code follows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from tests.bench import __main__ as runner
from tests.bench.places import ROOT
from tests.bench.result import Result, side_by_side
from tests.stores import database_url


@pytest.fixture
def benchmarks(monkeypatch):
    """Stand in for the benchmarks: a fast one and a slow one."""
    met = {"fast": True, "slow": False}
    monkeypatch.setattr(runner, "names", lambda: sorted(met))
    for name, holds in met.items():
        module = ModuleType(name)
        module.run = lambda name=name, holds=holds: [Result(name, "3 ms", "≤ 2 ms", holds)]
        monkeypatch.setitem(sys.modules, f"tests.bench.bench_{name}", module)


def test_a_missed_target_is_named_and_fails_the_run(benchmarks, capsys):
    assert runner.main([]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["met     fast: 3 ms (target ≤ 2 ms)", "MISSED  slow: 3 ms (target ≤ 2 ms)"]
    assert "1 target(s) MISSED" in printed.err


def test_one_benchmark_can_be_run_alone(benchmarks, capsys):
    assert runner.main(["fast"]) == 0
    assert "slow" not in capsys.readouterr().out


def test_an_unknown_benchmark_is_wrong_use(benchmarks, capsys):
    assert runner.main(["swift"]) == 2
    assert "there are: fast, slow" in capsys.readouterr().err


def test_calls_are_timed_in_turns():
    order = []
    first, second = side_by_side(lambda: order.append(1), lambda: order.append(2), rounds=3, repeat=2)
    assert order == [1, 1, 2, 2] * 3
    assert first > 0
    assert second > 0


WORK = """
import sys, time
from pathlib import Path
from tests.bench.places import place, running, stop_in_order

stop_in_order()
with place(sys.argv[1]) as where, running(["sleep", "300"], where.environ, where.folder) as server:
    print(where.database, where.folder, server, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_a_benchmark_that_is_ended_leaves_no_server_and_no_database(kind, number, request):
    if kind == "PostgreSQL":
        request.getfixturevalue("postgres_url")
    with subprocess.Popen([sys.executable, "-c", WORK, kind], cwd=ROOT, stdout=subprocess.PIPE, text=True) as work:
        database, folder, server = work.stdout.readline().split()
        os.kill(int(server), 0)
        assert Path(folder).exists()
        for _ in range(2):  # as `timeout` sends it
            work.send_signal(number)
            time.sleep(0.05)
        assert work.wait(60) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(server), 0)
    assert not Path(folder).exists()
    if kind == "PostgreSQL":
        with psycopg.connect(database_url("postgres")) as admin:
            name = database.rpartition("/")[2]
            assert not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchall()
