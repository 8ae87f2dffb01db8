"""Workers that are seen: each says every few seconds that it is there, and which destinations it leaves alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from server.core.moments import DAY, SECOND, Moment
from server.delivery import faring
from server.store import database
from server.store.models import Worker

EVERY: Final = 10
"""Seconds between two signs of life."""

SILENT: Final = 60 * SECOND
"""After which a worker is believed to be gone."""


def name() -> str:
    """What this process is called."""
    return f"{socket.gethostname()}/{os.getpid()}"


def seen(started_at: Moment, left_alone: Mapping[str, Moment], now: Moment) -> None:
    """Say that this worker is there. Raises Unavailable."""
    row = {"release": version("duban"), "started_at": started_at, "seen_at": now, "left_alone": dict(left_alone)}
    with database.transaction():
        Worker.insert(holder=name(), **row).on_conflict(
            conflict_target=[Worker.holder], preserve=[Worker._meta.fields[key] for key in row]
        ).execute()
        Worker.delete().where(Worker.seen_at < now - DAY).execute()
        faring.forget(now)


def gone() -> None:
    """This worker ends. Raises Unavailable."""
    with database.transaction():
        Worker.delete().where(Worker.holder == name()).execute()


def workers(now: Moment) -> list[Any]:
    """The workers of the last day; `seen_at` says which are there. Raises Unavailable."""
    with database.session():
        return list(Worker.select().where(Worker.seen_at >= now - DAY).order_by(Worker.holder))


def left_alone(now: Moment) -> dict[str, Moment]:
    """The destinations that a worker leaves alone now, and until when. Raises Unavailable."""
    found: dict[str, Moment] = {}
    for row in workers(now):
        if row.seen_at >= now - SILENT:
            for destination, until in row.left_alone.items():
                if until > now:
                    found[destination] = max(until, found.get(destination, 0))
    return found
