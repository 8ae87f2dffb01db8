"""Sends messages: a few threads per destination, so that a slow receiver delays nobody else.

The threads do nothing but send; whoever called `deliver` settles what they did, several messages in a transaction.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Final

from server import channels
from server.channels.outgoing import Outcome, Outgoing, Recipient, Way
from server.core.channels import Channels
from server.core.moments import Moment
from server.crash_points import crash_point
from server.delivery import faring
from server.delivery.breaker import SLOTS, Breaker
from server.delivery.claiming import claim, is_any_due
from server.delivery.folding import fold
from server.delivery.holding import is_outgoing_held
from server.delivery.settling import Attempt, give_up_waiting, write_outcome
from server.delivery.ways import Channelling, in_force
from server.egress import Egress
from server.settings import Settings
from server.store import database
from server.store.failures import Unavailable
from server.store.models import Message

log = logging.getLogger("duban.delivery")

PATIENCE: Final = 0.5
"""Seconds that one call waits for slow receivers."""

MOST_UNDER_WAY: Final = 64
"""Attempts under way at once, in one process; those that take longer than SLOW seconds do not count, or a few receivers
that hang would take the room of all others. What is slow is bounded by its destination's slots."""

SLOW: Final = 0.5
_SETTLED_AT_ONCE: Final = 50


class Courier:
    """Delivers for one process. `documents` looks up channels documents by name, `environ` holds `env:` names."""

    def __init__(
        self,
        settings: Settings,
        documents: Callable[[str], Channels | None] = in_force,
        environ: Mapping[str, str] = os.environ,
        egress: Egress | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._documents = documents
        self._environ = environ
        self._egress = egress or Egress(settings.allow_nets)
        self._breakers: dict[str, Breaker] = {}
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._ended: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self._unsettled: list[Attempt] = []  # while the database was in trouble
        self._begun: dict[int, float] = {}  # attempts under way: message id -> when it was begun

    @property
    def under_way(self) -> int:
        """Attempts that have begun and are not settled."""
        return sum(breaker.under_way for breaker in self._breakers.values())

    def deliver(self, now: Moment, limit: int = 200, patience: float = PATIENCE) -> int:
        """Fold, claim, send and settle up to `limit` messages; give how many attempts were settled. Not for several
        threads at once. Raises Unavailable; what was sent is then settled by a later call, as long as its lease lasts.
        """
        began = time.monotonic()
        channelling = Channelling(cache(self._documents), self._environ, now)

        def moment() -> Moment:
            return now + int((time.monotonic() - began) * 1000)

        with database.session():
            settled = self._settle(moment(), channelling)
            if is_outgoing_held():
                return settled
            fold(now, channelling)
            for destination, breaker in self._breakers.items():
                if breaker.is_open(now):
                    give_up_waiting(destination, now, channelling)
            begun = 0
            while True:
                new = self._begin(moment(), limit - begun, channelling)
                begun += new
                left = patience - (time.monotonic() - began)
                if not self.under_way or left <= 0:
                    return settled + self._settle(moment(), channelling)
                # Only what others sent before is under way: no reason to wait for long.
                self._wait(left if begun else min(left, 0.05))
                finished = self._settle(moment(), channelling)
                settled += finished
                if not finished and not begun:
                    return settled

    def left_alone(self, now: Moment) -> dict[str, Moment]:
        """The destinations that are left alone now, and until when."""
        return {name: one.open_until for name, one in list(self._breakers.items()) if one.is_open(now)}

    def close(self, now: Moment) -> int:
        """Wait for what is under way, settle it, and end the threads; give how many attempts that were."""
        for threads in self._threads.values():
            threads.shutdown(wait=True)
        self._threads.clear()
        with database.session():
            return self._settle(now, Channelling(cache(self._documents), self._environ, now))

    # -- sending ---------------------------------------------------------------------------------------------------

    def _begin(self, now: Moment, most: int, channelling: Channelling) -> int:
        since = time.monotonic() - SLOW
        most = min(most, MOST_UNDER_WAY - sum(begun > since for begun in self._begun.values()))
        if most <= 0 or not is_any_due(now):
            return 0
        free = {destination: breaker.free(now) for destination, breaker in self._breakers.items()}
        claimed = claim(now, self.name, free, most, SLOTS)
        if claimed:
            crash_point("delivery.claimed")
        for message in claimed:
            self._breaker(message.destination).under_way += 1
            self._begun[message.id] = time.monotonic()
            channel = channelling.channel(message.channels, message.channel)
            way = None if channel is None else channelling.way(channel)
            if way is None:
                self._ended.put(Attempt(message, "", []))
            else:
                self._pool(message.destination).submit(self._send, message, way, now)
        return len(claimed)

    def _send(self, message: Message, way: Way, now: Moment) -> None:
        try:
            outcomes = channels.send(way, outgoing(message), self._egress, now)
            crash_point("delivery.sent")
        except Exception as error:
            # One message that a channel stumbles over must neither stop the others nor be lost unseen.
            log.exception("channel %s failed on message %s", message.channel, message.key)
            outcomes = [
                Outcome(str(one["id"]), "failed", f"{type(error).__name__}: {error}"[:200])
                for one in (message.payload or {}).get("to") or [{"id": ""}]
            ]
        self._ended.put(Attempt(message, way.type, outcomes))

    def _breaker(self, destination: str) -> Breaker:
        return self._breakers.setdefault(destination, Breaker())

    def _pool(self, destination: str) -> ThreadPoolExecutor:
        if destination not in self._threads:
            self._threads[destination] = ThreadPoolExecutor(SLOTS, thread_name_prefix=f"send-{destination}")
        return self._threads[destination]

    # -- settling --------------------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        try:
            self._unsettled.append(self._ended.get(timeout=max(seconds, 0.001)))
        except queue.Empty:
            return

    def _settle(self, now: Moment, channelling: Channelling) -> int:
        """Write what became of attempts that have ended; give how many."""
        count = 0
        while True:
            while not self._ended.empty() and len(self._unsettled) < _SETTLED_AT_ONCE:
                self._unsettled.append(self._ended.get())
            if not self._unsettled:
                return count
            some = self._unsettled[:_SETTLED_AT_ONCE]
            self._write_all(some, now, channelling)
            for done in some:
                self._note(done, now)
            count += len(some)
            del self._unsettled[: len(some)]

    def _write_all(self, some: list[Attempt], now: Moment, channelling: Channelling) -> None:
        try:
            with database.transaction():
                for done in some:
                    write_outcome(done, now, channelling)
                faring.note(some, now)
                crash_point("delivery.before_commit")
            crash_point("delivery.settled")
            return
        except Unavailable:
            raise
        except Exception:
            log.exception("outcomes could not be written together")
        for done in some:
            try:
                with database.transaction():
                    write_outcome(done, now, channelling)
            except Unavailable:
                raise
            except Exception:
                # Its lease ends by itself, and it is sent again: at least once, with the same id.
                log.exception("the outcome of message %s could not be written", done.message.key)

    def _note(self, done: Attempt, now: Moment) -> None:
        breaker = self._breaker(done.message.destination)
        breaker.under_way -= 1
        self._begun.pop(done.message.id, None)
        if not done.type:
            return
        if done.outcomes and all(outcome.state == "failed" for outcome in done.outcomes):
            breaker.failed(now)
        else:
            breaker.succeeded()


def outgoing(message: Message) -> Outgoing:
    """The message as its channel is given it. Its id is the row's key: the same at every attempt."""
    payload = message.payload or {}
    to = tuple(
        Recipient(
            str(one["id"]), str(one.get("address") or ""), str(one.get("name") or ""), str(one.get("number") or "")
        )
        for one in payload.get("to") or ()
    )
    found = Outgoing(message.key, to, message.subject, message.body, message.at, message.language)
    if "data" not in payload:
        return found
    return replace(found, data=payload["data"], kind=payload.get("kind") or found.kind)
