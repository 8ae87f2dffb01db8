"""How many messages a destination may have under way, and when it is left alone: a slow or dead receiver must not
delay others (architecture, "What must hold"; notes on reliability: P14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.core.moments import Moment

SLOTS: Final = 4
"""Messages that one destination has under way at once, in one process."""

TRIPS_AT: Final = 5
"""Failures in a row after which a destination is left alone."""

FIRST_PAUSE: Final = 10_000
LONGEST_PAUSE: Final = 300_000


@dataclass(slots=True)
class Breaker:
    """The state of one destination: closed (all slots), open (none) until a moment, then one probe at a time."""

    under_way: int = 0
    failures: int = 0
    pause: Moment = 0
    open_until: Moment = 0

    def free(self, now: Moment) -> int:
        """How many messages may be begun now."""
        if self.is_open(now):
            return 0
        return max((1 if self.failures >= TRIPS_AT else SLOTS) - self.under_way, 0)

    def is_open(self, now: Moment) -> bool:
        """Whether the destination is left alone now."""
        return now < self.open_until

    def succeeded(self) -> None:
        """A message was taken, or refused in so many words: somebody is there."""
        self.failures, self.pause, self.open_until = 0, 0, 0

    def failed(self, now: Moment) -> None:
        """No answer, or one that says to come back: after some in a row it is left alone, longer after each probe that
        fails. Those that were under way when it was left alone are no probes."""
        self.failures += 1
        if self.failures >= TRIPS_AT and not self.is_open(now):
            self.pause = min(self.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
            self.open_until = now + self.pause
