"""Commands that can take long say on a terminal how far they are, and nothing when piped."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from server.cli.progress import counted
from tests.serving import DUBAN, environment

SUM = {"op": "add", "calendar": "cn-office", "start": "2026-03-02T09:00:00+08:00", "duration": "8wh"}
SCRIPT = """\
process: complaint-monitoring
start: 2026-03-02T09:00:00+08:00
issue: {subject: 系统无法登录}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "sums.jsonl").write_text((json.dumps(SUM) + "\n") * 3)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check",), "documents checked"),
        (("simulate", "script.yaml", "script.yaml"), "1 of 2 scripts played"),
        (("calendar", "batch", "sums.jsonl"), "1 lines computed"),
    ],
)
def test_it_is_shown_on_a_terminal_and_not_when_piped(here: Path, words: tuple[str, ...], said: str) -> None:
    command, env = [DUBAN, *words], environment({"DUBAN_LANGUAGE": "en"})
    piped = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, check=True)
    assert said not in piped.stderr
    screen, terminal = pty.openpty()
    try:
        shown = subprocess.run(command, cwd=here, env=env, stdout=subprocess.PIPE, stderr=terminal, check=True)
        assert shown.stdout.decode() == piped.stdout
        assert said in os.read(screen, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(screen)


def test_a_terminal_that_has_the_results_is_told_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(counted("ab", "lines-progress")) == ["a", "b"]
    assert "1" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert list(counted("ab", "lines-progress")) == ["a", "b"]
    assert capsys.readouterr().err == ""
