"""How the trail stands: which verification was the last, what it found, and the one that is under way. A page asks for
one; a worker does it, and one each day by itself, so that what was touched does not wait for somebody to look.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from server import audit, leases, sealing
from server.core.moments import DAY, SECOND, Moment
from server.evidence.verifying import Outside, Verified, verify
from server.sealing import blocks, checkpoints
from server.settings import Settings
from server.store import database
from server.store.failures import Unavailable
from server.store.models import Verification

log = logging.getLogger("duban.evidence")

LEASE: Final = "verify"

EVERY: Final = DAY
"""A verification that nobody asked for is done when the last one is so old."""

SILENT: Final = 30 * SECOND
"""After which a verification whose worker is not heard of is begun anew."""

KEPT: Final = 100
"""Verifications that are kept; the trail has an entry of each."""

NAMED: Final = 200
"""Findings that are kept by name; the rest is counted."""

_BREATH: Final = 0.005
_UNFINISHED: Final = (Verification.WAITING, Verification.RUNNING)
_FINISHED: Final = (Verification.SOUND, Verification.TAMPERED, Verification.FAILED)


def ask(by: str | None, now: Moment) -> int:
    """Ask for a verification; gives its number, or that of the one that waits or runs already. Raises Unavailable."""
    with database.transaction():
        waits = Verification.select().where(Verification.state.in_(_UNFINISHED)).order_by(Verification.id).first()
        if waits is not None:
            return int(waits.id)
        return int(Verification.create(asked_at=now, asked_by=by).id)


def latest() -> Any:
    """The last verification that came to a result; None: there was none."""
    return _newest(Verification.SOUND, Verification.TAMPERED)


def last_failed() -> Any:
    """The last one if it could not be done; None otherwise."""
    row = _newest(*_FINISHED)
    return row if row is not None and row.state == Verification.FAILED else None


def under_way() -> Any:
    """The verification that waits for a worker, or is being done; None: none is."""
    return _newest(*_UNFINISHED)


def _newest(*states: str) -> Any:
    return Verification.select().where(Verification.state.in_(states)).order_by(Verification.id.desc()).first()


# -- doing ---------------------------------------------------------------------------------------------------------


class _Stopped(Exception):
    """The process ends."""


def work(settings: Settings, now: Callable[[], Moment], is_ending: Callable[[], bool] = lambda: False) -> bool:
    """Do the verification that waits, or the daily one; whether there was one to do. When `is_ending` it is left for
    another worker. Raises Unavailable."""
    holder = f"{socket.gethostname()}/{os.getpid()}"
    row = _taken(holder, now())
    if row is None:
        return False
    log.info("the audit trail is being verified")
    with _Reporter(row.id, now, is_ending) as reporter:
        try:
            result, state = _verified(settings, reporter), ""
        except Unavailable:
            raise
        except _Stopped:
            again = {"state": Verification.WAITING, "holder": None, "read": 0}
            with database.transaction():
                Verification.update(**again).where(Verification.id == row.id, Verification.holder == holder).execute()
            return False
        except Exception as error:
            log.exception("the audit trail could not be verified")
            result, state = {"error": f"{type(error).__name__}: {error}"[:500]}, Verification.FAILED
    _settle(row, result, state or (Verification.SOUND if result["ok"] else Verification.TAMPERED), now())
    return True


def _taken(holder: str, now: Moment) -> Any:
    with database.session():
        row = under_way()
        if row is None:
            last = _newest(*_FINISHED)
            # A store without entries has nothing to verify; one whose clock was wrong does not wait for ever.
            if blocks.newest() is None or (last is not None and abs(now - last.asked_at) < EVERY):
                return None
    if leases.take(LEASE, holder, now) is None:
        return None
    try:
        with database.transaction():
            row = under_way() or Verification.create(asked_at=now)
            free = (Verification.state == Verification.WAITING) | (Verification.seen_at < now - SILENT)
            taken = (
                Verification.update(state=Verification.RUNNING, begun_at=now, seen_at=now, holder=holder, read=0)
                .where(Verification.id == row.id, Verification.state.in_(_UNFINISHED), free)
                .execute()
            )
            newest = blocks.newest()
            if taken:
                total = 0 if newest is None else newest.last
                Verification.update(total=total).where(Verification.id == row.id).execute()
    finally:
        # Only the beginning is a matter of one at a time; from then on the row says who verifies.
        leases.give_back(LEASE, holder)
    return Verification.get_by_id(row.id) if taken else None


def _verified(settings: Settings, reporter: _Reporter) -> dict[str, Any]:
    # The anchors first: what is added to both meanwhile is in the store, too.
    places, missing = outside(settings)
    found = verify(sealing.keys(settings), places, reporter.hear)
    return {**as_result(found), "anchors_missing": missing}


def outside(settings: Settings) -> tuple[list[Outside], list[str]]:
    """The checkpoints that the file anchors have; and those files that are not there, or cannot be read."""
    found, missing = [], []
    for path in dict.fromkeys(anchor.target for anchor in settings.anchors if anchor.kind == "file"):
        try:
            text = Path(path).read_bytes().decode("utf-8", "replace")
        except OSError as error:
            log.warning("the anchor %s cannot be read: %s", path, error)
            missing.append(path)
            continue
        found.append(Outside(path, list(checkpoints.read(text))))
    return found, missing


def as_result(found: Verified) -> dict[str, Any]:
    """What a verification found, as JSON."""
    return {
        "ok": found.is_sound,
        "entries": found.entries,
        "unsealed": found.unsealed,
        "blocks": found.blocks,
        "events": found.events,
        "hash": found.hash.hex(),
        "checkpoints": found.checkpoints,
        "foreign": found.foreign,
        "findings": [one.as_dict() for one in found.findings[:NAMED]],
        "more": found.more + max(len(found.findings) - NAMED, 0),
    }


def _settle(row: Any, result: dict[str, Any], state: str, now: Moment) -> None:
    with database.transaction():
        done = {"state": state, "result": result, "ended_at": now, "read": result.get("entries", 0)}
        if (
            not Verification.update(**done)
            .where(Verification.id == row.id, Verification.holder == row.holder)
            .execute()
        ):
            return
        Verification.delete().where(Verification.id <= row.id - KEPT).execute()
        said = {"verification": row.id, "state": state, "entries": result.get("entries", 0)}
        findings = result.get("findings") or []
        if findings:
            said |= {"findings": len(findings) + result["more"], "first": findings[0]}
        audit.record("audit.verified", now, said, by=row.asked_by)
    if state == Verification.TAMPERED:
        log.error("the audit trail was tampered with: %s", findings[0])


class _Reporter:
    """Says in the store, each second, how far the verification is: what reads the trail may not write."""

    def __init__(self, row: int, now: Callable[[], Moment], is_ending: Callable[[], bool]) -> None:
        self._row, self._now, self._is_ending = row, now, is_ending
        self._read = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="verifying", daemon=True)

    def __enter__(self) -> _Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def hear(self, read: int) -> None:
        """Note how many entries were read, and let others compute for a moment. Raises _Stopped."""
        if self._is_ending():
            raise _Stopped
        self._read = read
        time.sleep(_BREATH)

    def _run(self) -> None:
        while not self._ended.wait(1):
            try:
                with database.transaction():
                    Verification.update(read=self._read, seen_at=self._now()).where(
                        Verification.id == self._row
                    ).execute()
            except Unavailable as error:
                log.warning("how far the verification is could not be written: %s", error)
        database.current().discard()
