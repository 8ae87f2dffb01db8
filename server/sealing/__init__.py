"""The audit trail sealed into a chain of Merkle blocks, signed checkpoints of it, and the anchors that keep them
(docs/evidence.md)."""

from __future__ import annotations

from server.core.moments import Moment
from server.sealing import blocks, checkpoints
from server.sealing.anchors import Anchoring, newest_anchored
from server.sealing.checkpoints import Checkpoint, Signer, Verifier
from server.sealing.sealer import Sealer
from server.settings import Anchor, Settings
from server.store import database
from server.store.models import AuditAnchor

__all__ = [
    "Anchoring",
    "Checkpoint",
    "Sealer",
    "Signer",
    "Verifier",
    "failing",
    "is_behind",
    "keys",
    "newest",
    "newest_outside",
]


def keys(settings: Settings) -> tuple[Verifier, ...]:
    """The public key of this server; none when it has no signing key."""
    return () if settings.signing_key is None else (Signer(settings.signing_key).verifier,)


def newest() -> Checkpoint | None:
    """The newest checkpoint in the store; None: nothing has been signed."""
    with database.session():
        return checkpoints.newest()


def newest_outside(settings: Settings) -> Checkpoint | None:
    """The newest checkpoint of this server in the file anchors; None: there is none, or no such anchor.

    Raises OSError when a file cannot be read.
    """
    return newest_anchored(settings, keys(settings))


def failing(settings: Settings) -> list[tuple[Anchor, Moment]]:
    """The anchors that do not take checkpoints, and since when."""
    with database.session():
        since = {row.url: row.failed_at for row in AuditAnchor.select() if row.failed_at is not None}
    return [(anchor, since[anchor.url]) for anchor in settings.anchors if anchor.url in since]


def is_behind(checkpoint: Checkpoint) -> bool:
    """Whether the store lacks what the checkpoint states: it ends earlier, as an old backup does, or has gone another
    way since then."""
    with database.session():
        block = blocks.covering(checkpoint.size)
        return block is None or block.last != checkpoint.size or block.hash != checkpoint.hash
