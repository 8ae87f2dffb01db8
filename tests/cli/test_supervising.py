"""Several processes as one: started together, started again when one dies, ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PREFACE = """
import os, signal, sys, time
from pathlib import Path
from server.cli import supervising
from server.cli.supervising import Supervisor, apart

supervising.AGAIN = 0.1

def note(line):
    with open("notes", "a") as file:
        file.write(f"{line}\\n")

def until_told(name, after=0.0):
    def part():
        def end(number, frame):
            time.sleep(after)
            note(f"{name} ended")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        note(f"{name} began {os.getpid()}")
        while True:
            time.sleep(60)
    return part
"""


class Watched:
    """A process that supervises parts, and what these noted."""

    def __init__(self, folder: Path, script: str) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "DUBAN_LANGUAGE": "en"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PREFACE + script],
            cwd=folder, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def lines(self, start: str = "") -> list[str]:
        return [line for line in self.notes.read_text().splitlines() if line.startswith(start)]

    def until(self, holds: Callable[[], object], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.notes.read_text()
            time.sleep(0.02)

    def ended(self, seconds: float = 30) -> tuple[int, str]:
        """The exit code and what was told."""
        _, told = self.process.communicate(timeout=seconds)
        return self.process.returncode, told

    def parts(self) -> list[int]:
        """Ids of the processes that began."""
        return [int(line.split()[2]) for line in self.lines() if line.split()[1] == "began"]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


TWO = 'sys.exit(Supervisor({"web": until_told("web", 0.3), "worker": until_told("worker")}).run())'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_are_told_to_end_and_waited_for(tmp_path: Path, number: int) -> None:
    watched = Watched(tmp_path, TWO)
    watched.until(lambda: len(watched.parts()) == 2)
    watched.process.send_signal(number)
    assert watched.ended() == (0, "")
    assert sorted(watched.lines()[2:]) == ["web ended", "worker ended"]


def test_ctrl_c_of_a_terminal_is_passed_on_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path, TWO)
    watched.until(lambda: len(watched.parts()) == 2)
    os.killpg(watched.process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    assert watched.ended() == (0, "")
    assert sorted(watched.lines()[2:]) == ["web ended", "worker ended"]


def test_one_that_dies_is_started_again_and_the_other_goes_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path, TWO)
    watched.until(lambda: len(watched.parts()) == 2)
    victim = next(int(line.split()[2]) for line in watched.lines("web began"))
    os.kill(victim, signal.SIGKILL)
    watched.until(lambda: len(watched.lines("web began")) == 2)
    watched.process.send_signal(signal.SIGTERM)
    code, told = watched.ended()
    assert code == 0
    assert told == "The web process ended unexpectedly; starting it again.\n"
    assert len(watched.lines("worker began")) == 1


def test_one_that_cannot_start_is_given_up_and_the_other_ended(tmp_path: Path) -> None:
    script = """
def fails():
    note("web fails")
    raise RuntimeError("no port")
sys.exit(Supervisor({"web": fails, "worker": until_told("worker")}).run())
"""
    watched = Watched(tmp_path, script)
    code, told = watched.ended()
    assert code == 1
    assert len(watched.lines("web fails")) == 5
    assert "RuntimeError: no port" in told
    assert "giving up" in told
    assert watched.lines("worker ended") == ["worker ended"]


def test_one_that_lives_for_a_while_is_started_again_however_often_it_dies(tmp_path: Path) -> None:
    script = """
supervising.HASTY = 0.05
def dies():
    note("web lives")
    time.sleep(0.1)
sys.exit(Supervisor({"web": dies}).run())
"""
    watched = Watched(tmp_path, script)
    watched.until(lambda: len(watched.lines("web lives")) > 6)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.ended()[0] == 0


def test_one_that_does_not_end_is_killed_and_the_exit_code_says_so(tmp_path: Path) -> None:
    script = """
supervising.PATIENCE = 0.5
sys.exit(Supervisor({"web": until_told("web", 60), "worker": until_told("worker")}).run())
"""
    watched = Watched(tmp_path, script)
    watched.until(lambda: len(watched.parts()) == 2)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.ended() == (1, "The web process did not end in time and was killed.\n")
    assert watched.lines("worker ended") == ["worker ended"]
    assert not any(is_alive(pid) for pid in watched.parts())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_when_the_one_that_watches_is_killed_its_parts_end_in_order(tmp_path: Path) -> None:
    watched = Watched(tmp_path, TWO)
    watched.until(lambda: len(watched.parts()) == 2)
    watched.process.kill()
    watched.until(lambda: sorted(watched.lines()[2:]) == ["web ended", "worker ended"])
    watched.ended()


def test_readiness_is_asked_until_it_is_there_and_not_again(tmp_path: Path) -> None:
    script = """
asked = []
def ready():
    asked.append(1)
    note(f"asked {len(asked)}")
    return len(asked) == 3
sys.exit(Supervisor({"web": until_told("web")}).run(ready))
"""
    watched = Watched(tmp_path, script)
    watched.until(lambda: len(watched.lines("asked")) == 3)
    time.sleep(0.5)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.ended()[0] == 0
    assert len(watched.lines("asked")) == 3


@pytest.mark.parametrize(("work", "code"), [("pass", 0), ("sys.exit(2)", 2), ("sys.exit('said')", 1), ("1 / 0", 1)])
def test_work_done_apart_gives_its_exit_code_and_leaves_nothing_here(tmp_path: Path, work: str, code: int) -> None:
    script = f"""
def work():
    sys.modules["left"] = sys
    {work}
code = apart(work)
assert "left" not in sys.modules
sys.exit(code)
"""
    assert Watched(tmp_path, script).ended()[0] == code
