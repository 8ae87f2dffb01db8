"""Which channel a message means now: channels documents by name, as they are in force."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server import policies, subscriptions
from server.channels import way_of
from server.channels.outgoing import Way
from server.core.channels import Channel, Channels
from server.core.moments import Moment


def in_force(name: str) -> Channels | None:
    """The channels document of that name that a process in force uses; None: there is none (any more)."""
    processes = policies.in_force().processes.values()
    return next((pinned.channels for pinned in processes if pinned.channels.name == name), None)


@dataclass(frozen=True, slots=True)
class Channelling:
    """Looks up channels and how they are set. A message keeps names only: a mended address serves old messages, too."""

    documents: Callable[[str], Channels | None] = in_force
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    now: Moment = 0

    def channel(self, document: str, name: str) -> Channel | None:
        """The channel of that name in the document, or the subscription; None when there is none."""
        if document == subscriptions.DOCUMENT:
            return subscriptions.channel(name, self.now)
        found = self.documents(document)
        return None if found is None else found.channels.get(name)

    def way(self, channel: Channel) -> Way | None:
        """The channel as it is set now; None when its address is not."""
        return way_of(channel, self.environ)

    def following(self, document: str, name: str) -> list[Channel]:
        """The channels that take over, one after the other."""
        found = self.documents(document)
        return [] if found is None or name not in found.channels else found.chain(name)[1:]

    def all(self, document: str) -> list[Channel]:
        """Every channel of the document, in its order."""
        found = self.documents(document)
        return [] if found is None else list(found.channels.values())
