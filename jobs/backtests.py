"""Back-tests in a process of their own: they compute for minutes, on every core, and must not hold up what is due.

The worker starts it when somebody has asked for one (`Backtesting`), and it ends when nothing waits any more.
`python -m jobs.backtests` is that process.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
from types import FrameType

from server import clock
from server import settings as environment
from server.backtesting import all_cores, kept
from server.store import database

log = logging.getLogger("duban.backtesting")

LOOK = 1.0
"""Seconds between two looks at what was asked for."""

PATIENCE = 10.0
"""Seconds that the process has to put back what it was computing."""

NICE = 10
"""By how much it stands back behind whatever else wants the cores."""

_PR_SET_PDEATHSIG = 1


class Backtesting:
    """The worker's part: looks whether a back-test waits, and has it computed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def work(self) -> float:
        """Starts the process when there is something to do and it does not run; gives the seconds to the next look."""
        if self._process is not None:
            if self._process.poll() is None:
                return LOOK
            if self._process.returncode:
                log.warning("the process of the back-tests ended with %s", self._process.returncode)
            self._process = None
        if kept.waits(clock.now()):
            self._process = subprocess.Popen([sys.executable, "-m", "jobs.backtests"])
        return LOOK

    def end(self) -> None:
        """Ends the process; what it was computing waits for the next worker."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def main() -> None:
    """Computes what waits, one back-test after the other, until nothing does."""
    _end_with(os.getppid())
    os.nice(NICE)
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = environment.with_secrets(environment.read())
    environment.use(settings)
    store = database.open(settings.database)
    try:
        while kept.work(clock.now, all_cores()):
            pass
    finally:
        store.close()


def _ended(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _end_with(parent: int) -> None:
    """A worker that is killed takes this process with it, as far as the system can do that."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(0)


if __name__ == "__main__":
    main()
