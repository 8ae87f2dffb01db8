"""What a newer release ships is offered to the owners of the documents: as drafts, never in the place of what is in
force."""

from __future__ import annotations

import hashlib
import logging
from importlib.metadata import version

from server.core import documents
from server.core.moments import Moment
from server.drafts.keeping import begin
from server.drafts.standing import one_at_a_time
from server.resources import policy_dir
from server.store import database
from server.store.models import Draft, Version

log = logging.getLogger("duban.drafts")


def offer_shipped(now: Moment) -> list[str]:
    """Begin a draft of every shipped document whose text the store has never seen, neither as a version nor as a draft;
    give their names. A text that was rejected once is not offered again."""
    offered = []
    for path in sorted(policy_dir().glob("*.y*ml")):
        data = path.read_bytes()
        document, _ = documents.read(data, path.name)
        if document is None or not document.name or not _is_new(document.name, data):
            continue  # `load_shipped` says what cannot be read
        with database.transaction():
            one_at_a_time()
            if _is_new(document.name, data):  # another process may start, too
                begin(document.name, data, None, now, f"Duban {version('duban')}", Draft.SHIPPED)
                offered.append(document.name)
    if offered:
        log.info("this release ships newer documents, offered as drafts: %s", ", ".join(offered))
    return offered


def _is_new(name: str, data: bytes) -> bool:
    digest = hashlib.sha256(data).hexdigest()
    return all(table.get_or_none(table.name == name, table.sha256 == digest) is None for table in (Version, Draft))
