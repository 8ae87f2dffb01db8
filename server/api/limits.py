"""Who may try how often: what is answered with 429 and `Retry-After` (contract, "HTTP").

This keeps guessing slow, floods from strangers out of the tables, and one busy integrator from taking the server from
the others; it is no accounting, and forgotten at a restart. What concerns strangers is counted in each process by
itself; what a token does, once for all processes of a machine. Who shows the right token or signature is never held
back by the mistakes of others.
"""

from __future__ import annotations

import math
import mmap
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import request

from server.api.problems import Failed

MOST_KEYS = 10_000
MEMORY = 1 << 19
"""Bytes that the allowance of tokens takes."""


class Allowance:
    """A bucket for each key: `most` at once, filled again within `seconds`."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._rate = most / seconds
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> int:
        """Take one of the key's; 0, or the seconds after which there will be one again."""
        with self._lock:
            now = self._clock()
            left, since = self._buckets.pop(key, (float(self._most), now))
            left = min(self._most, left + (now - since) * self._rate)
            wait = 0 if left >= 1 else math.ceil((1 - left) / self._rate)
            self._buckets[key] = (left - 1 if wait == 0 else left, now)
            while len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        return wait

    def require(self, key: str) -> None:
        """Take one of the key's. Raises Failed (429) when there is none."""
        wait = self.take(key)
        if wait:
            raise Failed(429, "too-many-requests", headers={"Retry-After": str(wait)})


class SharedAllowance:
    """What each token may do, counted once for all processes that share the memory.

    A token has a slot of it with the moment at which its allowance is whole again (generic cell rate algorithm). Nobody
    locks: two requests at the same instant may cost one. Where there are more tokens than slots, some share one.
    """

    _SLOT = struct.Struct("=d")

    def __init__(
        self, per_minute: int, memory: mmap.mmap | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute`: how many at once, earned again within a minute; 0: any number."""
        # The clock is the machine's, not the process's.
        self._clock = clock
        self._cost = 60 / per_minute if per_minute else 0.0
        self._whole_at = memory or mmap.mmap(-1, MEMORY)
        self._slots = len(self._whole_at) // self._SLOT.size

    def take(self, token: int) -> int:
        """Take one of the token's; 0, or the seconds after which there will be one again."""
        if not self._cost:
            return 0
        at = token % self._slots * self._SLOT.size
        now = self._clock()
        whole_at: float = self._SLOT.unpack_from(self._whole_at, at)[0]
        after = max(whole_at, now) + self._cost
        if after - now > 60 + self._cost / 2:  # half of one: sums of fractions are not exact
            return math.ceil(after - now - 60)
        self._SLOT.pack_into(self._whole_at, at, after)
        return 0

    def require(self, token: int) -> None:
        """Take one of the token's. Raises Failed (429) when there is none."""
        wait = self.take(token)
        if wait:
            raise Failed(429, "too-many-requests", headers={"Retry-After": str(wait)})


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""
