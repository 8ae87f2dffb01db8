"""Noticing that a store is older than what its anchors have seen of it: a backup, or a file that was put back by hand.

What the server sent since cannot be known from such a store, so outgoing messages are held until somebody decides.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from server import audit, delivery, sealing
from server.backup.file import Manifest
from server.core.moments import Moment
from server.sealing import Checkpoint
from server.settings import Settings
from server.store import database
from server.store.models import Meta

log = logging.getLogger("duban.backup")

SEEN: Final = "seen-outside"
"""The checkpoint about which somebody was told; he is told once."""

MADE: Final = "backup-made"
"""When the last backup was made, and of how much."""


def made(manifest: Manifest, now: Moment) -> None:
    """Note in the store that a backup was made of it, so that somebody sees when the last one is too old. Raises
    Unavailable."""
    value = {"at": manifest.made_at, "rows": manifest.rows, "step": manifest.step}
    with database.transaction():
        Meta.insert(key=MADE, value=value).on_conflict(conflict_target=[Meta.key], preserve=[Meta.value]).execute()
        audit.record("store.backed-up", now, {"made_at": manifest.made_at, "rows": manifest.rows})


def last_made() -> dict[str, Any] | None:
    """When the last backup was made (`at`) and of how many `rows`; None: none is known of. Raises Unavailable."""
    with database.session():
        row = Meta.get_or_none(Meta.key == MADE)
        return None if row is None else dict(row.value)


def notice(settings: Settings, now: Moment) -> Checkpoint | None:
    """Hold outgoing messages when an anchor has a checkpoint of more than the store holds; gives that checkpoint when
    this is news. The database is up to date. Raises Unavailable."""
    try:
        # Before the store is looked at: another process may be adding to both.
        outside = sealing.newest_outside(settings)
    except OSError as error:
        log.warning("whether this store is an old one cannot be known: an anchor cannot be read (%s)", error)
        return None
    if outside is None or not sealing.is_behind(outside):
        return None
    seen = {"size": outside.size, "hash": outside.hash.hex()}
    with database.transaction():
        known = Meta.get_or_none(Meta.key == SEEN)
        if known is not None and known.value == seen:
            return None
        Meta.insert(key=SEEN, value=seen).on_conflict(conflict_target=[Meta.key], preserve=[Meta.value]).execute()
        audit.record("store.behind", now, {"size": outside.size, "at": outside.at})
        delivery.hold_outgoing(now, delivery.BEHIND)
    return outside
