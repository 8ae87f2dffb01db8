"""Crash points: nothing in production, one process for each file in a test."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from server import crash_points
from server.crash_points import KILLED, MARK, POINTS, VARIABLE, NotMarked, crash_point, switch

ROOT = Path(__file__).resolve().parent.parent


def named_in(tree: ast.AST) -> list[str]:
    """Every text within the arguments of a call of `crash_point`."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "crash_point"
    ]
    found = []
    for call in calls:
        chosen = [call.args[0].body, call.args[0].orelse] if isinstance(call.args[0], ast.IfExp) else call.args
        found += [ast.literal_eval(one) for one in chosen]
    return found


def test_each_point_stands_in_the_code_once():
    files = [path for room in ("server", "jobs", "admin") for path in (ROOT / room).rglob("*.py")]
    found = Counter(name for path in files for name in named_in(ast.parse(path.read_text("utf-8"))))
    assert found == Counter(POINTS)


def test_it_does_nothing_here():
    assert VARIABLE not in os.environ
    assert crash_point is crash_points._off
    assert crash_point("delivery.sent") is None
    assert switch({VARIABLE: ""}) is crash_points._off


def test_a_folder_that_no_test_has_marked_is_refused(tmp_path):
    with pytest.raises(NotMarked, match="is for tests"):
        switch({VARIABLE: str(tmp_path)})


def test_a_server_with_a_left_over_variable_does_not_start(tmp_path):
    environ = {**os.environ, VARIABLE: str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", "import server.sweep"], env=environ, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "unset it" in ended.stderr


def test_a_name_that_is_no_point_is_a_mistake(tmp_path):
    (tmp_path / MARK).touch()
    with pytest.raises(ValueError, match="no crash point"):
        switch({VARIABLE: str(tmp_path)})("nowhere")


def test_each_file_kills_one_process_once(tmp_path):
    (tmp_path / MARK).touch()
    (tmp_path / KILLED).mkdir()
    (tmp_path / "delivery.sent").touch()
    script = 'from server.crash_points import crash_point as p; p("delivery.claimed"); p("delivery.sent"); print("on")'
    environ = {**os.environ, VARIABLE: str(tmp_path)}
    ended = [
        subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, cwd=ROOT)
        for _ in range(2)
    ]
    assert [one.returncode for one in ended] == [-signal.SIGKILL, 0]
    assert [one.stdout for one in ended] == ["", "on\n"]
    assert (tmp_path / KILLED / "delivery.sent").read_bytes() == b"."
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARK, KILLED]
