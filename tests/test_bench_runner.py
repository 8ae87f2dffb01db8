"""The runner of the benchmarks says met or MISSED, and its exit code follows."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.bench import __main__ as runner
from tests.bench.result import Result, side_by_side


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
