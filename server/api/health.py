"""Health pages: is the process alive, and can it take work?"""

from __future__ import annotations

from flask import Response

from server import delivery, policies
from server.api.answers import answer
from server.core.moments import show


def alive() -> Response:
    """Alive, whatever the database does."""
    return answer({"status": "alive"})


def ready() -> Response:
    """Able to take work: the database answers and the documents in force are compiled; whether messages leave, and if
    not, why and since when. Raises Unavailable."""
    found = policies.in_force()
    return answer({"status": "ready", "processes": len(found.processes), **_outgoing()})


def _outgoing() -> dict[str, str]:
    hold = delivery.outgoing_hold()
    if hold is None:
        return {"outgoing": "leaving"}
    # Anybody may read this page: what an administrator wrote is not for everybody.
    reason = hold.reason if hold.reason in (delivery.RESTORED, delivery.BEHIND) else "administrator"
    return {"outgoing": "held", "reason": reason, "since": show(hold.at)}
