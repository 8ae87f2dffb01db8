"""What somebody who is known tried without the permission for it, for the audit trail."""

from __future__ import annotations

from collections.abc import Sequence

from server import audit
from server.core.moments import Moment
from server.store.database import transaction


def note_refusal(login: str, method: str, place: str, needs: Sequence[str], now: Moment) -> None:
    """Note that `login` was refused: what was asked for (`place`: a route, nothing that the caller wrote), and which
    permissions would have done."""
    with transaction():
        audit.record("access.refused", now, {"method": method, "place": place, "needs": sorted(needs)}, by=login)
