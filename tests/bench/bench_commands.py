"""How long commands take from their start to their end, and what a server at rest keeps in memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.result import Result
from tests.serving import DUBAN, environment, serving

CHECK = 4.0
HELP = 0.4
MEMORY = 250


def run() -> list[Result]:
    """Measure `duban check` of all shipped documents, `duban --help`, and `duban serve` at rest."""
    python = _median([sys.executable, "-c", "pass"])
    checked = _median([str(DUBAN), "check"], rounds=3)
    helped = _median([str(DUBAN), "--help"])
    beside = f"starting Python alone: {python:.2f} s"
    found = [
        Result("duban check, all shipped documents", f"{checked:.2f} s", f"< {CHECK} s", checked < CHECK, beside),
        Result("duban --help", f"{helped:.2f} s", f"< {HELP} s", helped < HELP, beside),
    ]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)):
        time.sleep(3)
        shared, resident, number = _memory(Path(folder))
    detail = f"{number} processes, proportional set size; resident, shared pages counted each time: {resident:.0f} MB"
    found.append(Result("duban serve at rest", f"{shared:.0f} MB", f"< {MEMORY} MB", shared < MEMORY, detail))
    return found


def _median(command: list[str], rounds: int = 7) -> float:
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment({}))
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def _memory(folder: Path) -> tuple[float, float, int]:
    """Proportional and resident memory in MB of every process that works in the folder, and how many there are."""
    shared = resident = 0
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit() and _works_in(path, folder)]
    for process in processes:
        for line in (process / "smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Pss":
                shared += int(rest.split()[0])
            elif name == "Rss":
                resident += int(rest.split()[0])
    return shared / 1024, resident / 1024, len(processes)


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").resolve() == folder.resolve()
    except OSError:
        return False
