"""`python -m tests.faults.keeper`: keeps commands of the server running, and starts one again when it dies.

Which ones, is said by `wanted.json` in its folder: command lines of `duban`. Each runs in a process of its own, forked
from this one, which has imported everything: what was killed is back within a second even on a busy machine. What the
server waits for is shortened here, so that a run of a minute sees what takes ten of them elsewhere.

FAULTS_WITHOUT takes a safeguard away, so that a test can see a run fail.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Final

# Everything that a part needs, so that it is there when one is forked.
import admin
import jobs.worker
import server.api.application
import server.demo
import server.starting
import server.wsgi
from server import leases, receipts
from server.cli import main as duban
from server.cli import serving, supervising
from server.delivery import breaker, claiming, outcomes
from server.egress import Egress
from server.store import writing

IMPORTED: Final = (admin, jobs.worker, server.api.application, server.demo, server.starting, server.wsgi, serving)
WANTED: Final = "wanted.json"
PARTS: Final = "parts.json"

SEND_WITHIN: Final = 3.0
"""Seconds that a receiver has; CLAIM is longer, as it is in production."""

CLAIM: Final = 6_000


def hurry() -> None:
    """Shorten what the server waits for."""
    claiming.LEASE = CLAIM
    Egress.request.__defaults__ = (b"", SEND_WITHIN)
    outcomes.SECOND = 100
    breaker.FIRST_PAUSE, breaker.LONGEST_PAUSE = 500, 2_000
    leases.LENGTH = 1_000
    leases.take.__defaults__ = (leases.LENGTH,)
    supervising.AGAIN = 0.2
    supervising.HASTY = 0.0  # to be killed soon after the start is the rule here


def without_unique_index() -> None:
    """Let an id of a source have several issues: nobody looks for them, and the run has dropped the index."""
    receipts._new_ones = lambda found, _known: list(found)


def without_seq() -> None:
    """Let whoever writes an issue last win, whatever he had read."""
    compared = writing._update

    def uncompared(names: tuple[str, ...], param: str) -> writing._Update:
        found = compared(names, param)
        found.sql = found.sql.replace(f' AND "seq" = {param}', f" AND {param} > 0")
        found.many = found.many.replace(' AND "issue"."seq" = r."former_seq"::int', "")
        return found

    writing._update = uncompared


def without_fence() -> None:
    """Let a slow worker write what became of a message that another one has claimed since."""
    from server.delivery import settling

    fenced = claiming.settle
    settling.settle = lambda all_: fenced(
        [
            claiming.Settlement(one.message, claiming.Message.get_by_id(one.message).fence, one.delivered, one.columns)
            for one in all_
        ]
    )


SAFEGUARDS: Final[Mapping[str, Callable[[], None]]] = {
    "unique-index": without_unique_index,
    "seq": without_seq,
    "fence": without_fence,
}


class Keeper:
    """Forks the parts that are wanted, and forks one again that has ended."""

    def __init__(self) -> None:
        self._running: dict[int, str] = {}
        self._ending = False

    def run(self) -> None:
        """Keep them running until SIGTERM; then have them end, and leave with 1 if one did not end well."""
        signal.signal(signal.SIGTERM, self._end)
        while not self._ending:
            self._reap()
            missing = Counter(json.loads(Path(WANTED).read_text())) - Counter(self._running.values())
            for line in missing.elements():
                self._running[supervising.fork(lambda: duban.main(line.split(), prog_name="duban"))] = line  # noqa: B023
            self._tell()
            time.sleep(0.05)
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)
        codes = []
        while self._running:
            codes += self._reap()
            time.sleep(0.02)
        sys.exit(1 if any(codes) else 0)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _tell(self) -> None:
        write(Path(PARTS), {pid: line.split()[0] for pid, line in self._running.items()})

    def _reap(self) -> list[int]:
        codes = []
        for pid in list(self._running):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                codes.append(os.waitstatus_to_exitcode(status))
                del self._running[pid]
        return codes


def write(path: Path, value: object) -> None:
    """Write JSON so that whoever reads it reads all of it."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(value))
    beside.rename(path)


if __name__ == "__main__":
    hurry()
    if lacking := os.environ.get("FAULTS_WITHOUT"):
        SAFEGUARDS[lacking]()
    Keeper().run()
