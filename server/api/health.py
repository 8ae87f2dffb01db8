"""Health pages: is the process alive, and can it take work?"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from flask import Response

from server import clock, delivery, policies, sealing, settings
from server.api.answers import answer
from server.api.problems import said
from server.core.moments import show
from server.store import database
from server.store.failures import Unavailable
from server.store.models import Meta


def alive() -> Response:
    """Alive, whatever the database does."""
    return answer({"status": "alive"})


def ready() -> Response:
    """Able to take work: the database takes writes and the documents in force are compiled; whether messages leave, and
    if not, why and since when; whether the clock is held, which keeps nobody from working. What
    somebody should look after stands in `warnings`. Raises Unavailable."""
    found = policies.in_force()
    _writable.look()
    said_of = {**_outgoing(), **_clock(), "warnings": _warnings()}
    return answer({"status": "ready", "processes": len(found.processes), **said_of})


def _clock() -> dict[str, Any]:
    held = clock.held()
    return {} if held is None else {"clock": {"held_since": show(held.since), "jumped_ms": held.by}}


def _outgoing() -> dict[str, str]:
    hold = delivery.outgoing_hold()
    if hold is None:
        return {"outgoing": "leaving"}
    # Anybody may read this page: what an administrator wrote is not for everybody.
    reason = hold.reason if hold.reason in (delivery.RESTORED, delivery.BEHIND) else "administrator"
    return {"outgoing": "held", "reason": reason, "since": show(hold.at)}


def _warnings() -> list[dict[str, str]]:
    """Anybody may read this: where the anchors are is not said."""
    known = settings.current()
    if not known.anchors:
        return [{"code": "no-anchor", "message": said("no-anchor")}]
    return [
        {"code": "anchor-failed", "message": said("anchor-failed", kind=anchor.kind, since=show(since))}
        for anchor, since in sealing.failing(known)
    ]


class _Writable:
    """Whether the database takes writes: a disk may be full, or read-only, while it still reads. Tried once a second
    at most, however often it is asked."""

    EVERY: Final = 1.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tried_at = -self.EVERY
        self._trouble: Unavailable | None = None

    def look(self) -> None:
        """Raises Unavailable."""
        with self._lock:
            if time.monotonic() - self._tried_at >= self.EVERY:
                self._trouble = self._try()
                self._tried_at = time.monotonic()
            if self._trouble is not None:
                raise self._trouble

    def _try(self) -> Unavailable | None:
        try:
            with database.transaction():
                Meta.insert(key="written", value={"at": clock.now()}).on_conflict(
                    conflict_target=[Meta.key], preserve=[Meta.value]
                ).execute()
        except Unavailable as trouble:
            return trouble
        return None


_writable = _Writable()
