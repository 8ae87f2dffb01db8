"""Who may try how often: what is answered with 429 and `Retry-After` (contract, "HTTP").

Counted in each process by itself and forgotten with it: this keeps guessing slow and floods from strangers out of the
tables; it is no accounting. Who shows the right token or signature is never held back by the mistakes of others.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from flask import request

from server.api.problems import Failed

MOST_KEYS = 10_000


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


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""
