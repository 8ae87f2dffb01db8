"""Health pages: is the process alive, and can it take work?"""

from __future__ import annotations

from flask import Response

from server import policies
from server.api.answers import answer


def alive() -> Response:
    """Alive, whatever the database does."""
    return answer({"status": "alive"})


def ready() -> Response:
    """Able to take work: the database answers and the documents in force are compiled. Raises Unavailable."""
    found = policies.in_force()
    return answer({"status": "ready", "processes": len(found.processes)})
