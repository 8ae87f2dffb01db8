"""Places where a test may kill the process in the middle of its work, to see that nothing is lost (tests/faults).

Off, `crash_point` does nothing. Nothing but two deliberate acts switches it on: DUBAN_CRASH_POINTS names a folder, and
that folder has been marked with a file `kill-these-processes`. The variable without the mark is a mistake, and the
process refuses to start. On, a process that comes to a point whose name is that of a file in the folder removes the
file and kills itself with SIGKILL: each file kills one process, once. `killed/NAME` then counts its bytes.

A new point is a line in POINTS and a `crash_point("…")` in the code; the fault run then fails until its load comes by.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "DUBAN_CRASH_POINTS"
MARK: Final = "kill-these-processes"
KILLED: Final = "killed"

POINTS: Final = (
    "intake.verified",  # a delivery's signature fits; nothing is written
    "intake.issue_written",  # in the transaction: the row, not yet its event
    "intake.before_commit",
    "intake.after_commit",  # between two items of a delivery, too
    "intake.before_answer",  # all items are on disk, and the sender does not know it
    "intake.repeated",  # a further delivery is in the audit trail, what it does is not done
    "idempotency.before_commit",  # the issue, its key and the answer are written
    "idempotency.before_answer",
    "acting.issue_written",  # in the transaction: the row, not yet the event
    "acting.before_commit",
    "acting.before_answer",
    "sweep.lease_taken",
    "sweep.issue_written",
    "sweep.before_commit",
    "sweep.after_commit",  # others that were due at the same time are not done
    "schedules.came_round",  # what a schedule does is done, its next time is not set
    "schedules.moved",
    "drafts.approved",  # in the transaction: the approval, not yet what it sets off
    "drafts.before_commit",
    "drafts.after_commit",
    "drafts.activated",  # in the transaction that puts a scheduled one in force
    "migration.issue_written",  # in the transaction: the issue has migrated, its plan does not know
    "migration.before_commit",
    "migration.after_commit",  # other issues of the plan wait
    "folding.batch_written",  # in the transaction: the batch, not yet what is folded into it
    "folding.after_commit",
    "delivery.claimed",  # nothing is sent
    "delivery.sent",  # the receiver has it, the store does not know
    "delivery.before_commit",  # the outcomes are written
    "delivery.settled",
    "sealing.before_commit",
    "sealing.after_commit",  # a block is sealed, its checkpoint is not signed
)

log = logging.getLogger("duban.crash_points")


class NotMarked(RuntimeError):
    """The environment names a folder for crash points that no test has marked."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"{VARIABLE}={folder} is for tests that kill this server; unset it ({MARK} is not there)")


def switch(environ: Mapping[str, str] = os.environ) -> Callable[[str], None]:
    """What `crash_point` is in a process with this environment. Raises NotMarked."""
    named = environ.get(VARIABLE)
    if not named:
        return _off
    folder = Path(named)
    if not (folder / MARK).is_file():
        raise NotMarked(named)
    log.warning("this process kills itself at the points that %s names", folder)

    def come_by(name: str) -> None:
        if name not in POINTS:
            raise ValueError(f"no crash point: {name}")
        try:
            (folder / name).unlink()
        except FileNotFoundError:
            return
        with (folder / KILLED / name).open("ab") as count:
            count.write(b".")
        os.kill(os.getpid(), signal.SIGKILL)

    return come_by


def _off(name: str) -> None:
    """Nothing: no test is to kill this process."""


crash_point: Final = switch()
"""Comes by a point of that name; does nothing in a process that no test has prepared."""
