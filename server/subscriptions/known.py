"""The subscriptions that are active, read once and kept: every event asks for them, most servers have none.

Whoever changes one changes the revision in the same transaction; every reader compares it, one look-up by primary key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from server.core.channels import Channel
from server.core.moments import Moment
from server.directory import snapshot
from server.store import database, revisions
from server.store.database import Store
from server.store.models import Subscription

DOCUMENT: Final = ":subscriptions"
"""Stands in a message where others name their channels document; no document has such a name."""

READ_PRIVATE: Final = "private.read"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An active subscription. Empty `events` or `processes`: all of them."""

    id: str
    url: str
    events: frozenset[str]
    processes: frozenset[str]
    private_by: str | None
    secret: str = field(repr=False)
    former_secret: str | None = field(repr=False)
    former_until: Moment

    def wants_process(self, process: str) -> bool:
        """Whether events of this process are wanted."""
        return not self.processes or process in self.processes

    def wants(self, kind: str, names: frozenset[str]) -> bool:
        """Whether a line of this kind, which is these events, is wanted."""
        return not self.events or kind in self.events or not self.events.isdisjoint(names)

    @property
    def sees_private(self) -> bool:
        """Whether private fields are sent: they were asked for, by somebody who may still read them."""
        return self.private_by is not None and READ_PRIVATE in snapshot().permissions_of(self.private_by)

    def channel(self, now: Moment) -> Channel:
        """Where it is sent to, and the secrets that sign now."""
        former = f" {self.former_secret}" if self.former_secret and now < self.former_until else ""
        return Channel(self.id, "webhook", self.url, self.secret + former)


_latest: WeakKeyDictionary[Store, tuple[Any, Sequence[Wanted]]] = WeakKeyDictionary()


def active() -> Sequence[Wanted]:
    """Every active subscription, oldest first."""
    store = database.current()
    with store.session():
        revision = revisions.revision(revisions.SUBSCRIPTIONS)
        if not revision:
            return ()
        known = _latest.get(store)
        if known is None or known[0] != revision:
            rows = Subscription.select().where(Subscription.active).order_by(Subscription.created_at, Subscription.id)
            known = _latest[store] = (revision, tuple(map(wanted, rows)))
    return known[1]


def wanted(row: Any) -> Wanted:
    """A row as events ask for it."""
    return Wanted(
        row.id,
        row.url,
        frozenset(row.events),
        frozenset(row.processes),
        row.private_by,
        row.secret,
        row.former_secret,
        row.former_until or 0,
    )


def channel(id: str, now: Moment) -> Channel | None:
    """Where messages of this subscription are sent to now; None when it is not active (any more)."""
    return next((one.channel(now) for one in active() if one.id == id), None)


def changed() -> None:
    """Within the caller's transaction: every process reads the subscriptions anew."""
    revisions.renew(revisions.SUBSCRIPTIONS)
