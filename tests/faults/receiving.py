"""Whoever receives messages: often well, sometimes not, and it remembers everything."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from dataclasses import dataclass

from tests.faults.keeper import SEND_WITHIN
from tests.receivers import Receiver, Reply, Request

FAILS = 0.10
TOO_SLOW = 0.03

HELD = 30.0
"""Seconds for which a message is held up that a worker is to stand still on."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that arrived: its id, when (ms), whether it was taken, the digest of its bytes, and whether the answer
    is held up on purpose."""

    id: str
    at: int
    taken: bool
    digest: str
    held: bool


class Memory(Receiver):
    """A receiver that answers 500 now and then, and now and then takes a message but says so too late."""

    def __init__(self, seed: int) -> None:
        self.arrivals: list[Arrival] = []
        self.is_good = False
        self._random = random.Random(seed)
        self._next_ones: list[tuple[str | None, Reply]] = []
        self._ids = threading.Condition()
        super().__init__()

    def then(self, id: str | None, reply: Reply) -> None:
        """Give this reply to the next message of that id (None: to the next of any)."""
        with self._ids:
            self._next_ones.append((id, reply))

    def wait_for_id(self, id: str | None, count: int, seconds: float) -> str | None:
        """Wait until that many messages of the id (None: of any) have arrived; give the last one's id."""
        end = time.monotonic() + seconds
        with self._ids:
            while len(found := [one for one in self.arrivals if id is None or one.id == id]) < count:
                if not self._ids.wait(max(end - time.monotonic(), 0)):
                    return None
        return found[-1].id

    def _next(self, request: Request) -> Reply:
        now = time.time_ns() // 1_000_000
        if len(request.body) != int(request.headers.get("content-length", -1)):
            return Reply(400)  # whoever sent it was killed while he did
        id = request.headers.get("webhook-id") or str(json.loads(request.body).get("id"))
        with self._ids:
            reply = self._reply(id)
            digest = hashlib.sha256(request.body).hexdigest()
            self.arrivals.append(Arrival(id, now, reply.status == 200, digest, reply.delay == HELD))
            self._ids.notify_all()
        return reply

    def _reply(self, id: str) -> Reply:
        for index, (wanted, reply) in enumerate(self._next_ones):
            if wanted in (None, id):
                del self._next_ones[index]
                return reply
        chance = 1.0 if self.is_good else self._random.random()
        if chance < FAILS:
            return Reply(500)
        return Reply(200, delay=SEND_WITHIN + 1) if chance < FAILS + TOO_SLOW else Reply(200)
