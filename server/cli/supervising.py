"""Running several processes as one: started together, ended together, and started again when one dies."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

from server.cli.words import tell

AGAIN = 1.0
"""Seconds before a process that died is started again."""

PATIENCE = 35.0
"""Seconds that the processes have to finish what is under way."""

HASTY = 5.0
"""A process that dies sooner than these seconds after its start cannot work, ..."""

ATTEMPTS = 5
"""... and is not started again after so many times in a row."""

LOOK = 0.1
_PR_SET_PDEATHSIG = 1

Part = Callable[[], None]


class Supervisor:
    """Forks a process for each part and watches over them. SIGTERM and SIGINT end them all."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts
        self._running: dict[int, tuple[str, float]] = {}
        self._hasty = dict.fromkeys(parts, 0)
        self._ending = False

    def run(self, started: Callable[[], bool] | None = None) -> int:
        """Works until it is told to end; gives the exit code: 0 when all parts have ended by themselves then.
        `started` is asked again and again until it says True, that is, until it has said that all is ready."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        for name in self._parts:
            self._start(name)
        failed = False
        while not self._ending:
            if started is not None and started():
                started = None
            for name, lived in self._reap():
                if not self._may_try_again(name, lived):
                    tell("given-up", part=name)
                    failed = self._ending = True
                    break
                tell("died", part=name)
                self._pause(AGAIN)
                if not self._ending:
                    self._start(name)
            self._pause(LOOK)
        clean = self._stop()
        return 0 if clean and not failed else 1

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _pause(self, seconds: float) -> None:
        """Sleeps, but not on when the end has come: a signal does not interrupt `sleep` by itself."""
        until = time.monotonic() + seconds
        while not self._ending and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK))

    def _may_try_again(self, name: str, lived: float) -> bool:
        self._hasty[name] = self._hasty[name] + 1 if lived < HASTY else 0
        return self._hasty[name] < ATTEMPTS

    def _start(self, name: str) -> None:
        self._running[fork(self._parts[name])] = (name, time.monotonic())

    def _reap(self) -> list[tuple[str, float]]:
        """The parts that have ended since, and how long each lived."""
        ended = []
        for pid in list(self._running):
            done, _ = os.waitpid(pid, os.WNOHANG)
            if done:
                name, since = self._running.pop(pid)
                ended.append((name, time.monotonic() - since))
        return ended

    def _stop(self) -> bool:
        """Ends every part; False when one had to be killed."""
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)
        patience = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < patience:
            self._reap()
            time.sleep(LOOK / 2)
        late = dict(self._running)
        for pid, (name, _) in late.items():
            tell("killed", part=name)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return not late


def fork(part: Part) -> int:
    """Runs `part` in a process of its own; gives its id. It ends with this one, and leaves Ctrl-C to it."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # A signal that came between the fork and the next lines would be taken for the parent's, and be lost.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Ctrl-C reaches every process of the group; the one that watches passes it on as SIGTERM, once.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _end_with(parent)
        part()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 (shown, and the exit code says it)
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def apart(work: Part) -> int:
    """Does a piece of work in a process of its own, so that this one stays small; gives its exit code."""
    _, status = os.waitpid(fork(work), 0)
    return os.waitstatus_to_exitcode(status)


def _end_with(parent: int) -> None:
    """Has the system end this process when its parent dies (where the system can: Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
