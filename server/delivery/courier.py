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
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from server import audit, channels
from server.channels.outgoing import Outcome, Outgoing, Recipient, Way
from server.core.channels import Channels
from server.core.moments import Moment
from server.delivery.breaker import SLOTS, Breaker
from server.delivery.claiming import Settlement, claim, is_any_due, run, settle
from server.delivery.folding import fold
from server.delivery.handing_over import hand_over
from server.delivery.holding import is_outgoing_held
from server.delivery.outcomes import Verdict, judge, persistence
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
_SETTLED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class _Done:
    """An attempt that has ended, as the thread that made it left it."""

    message: Message
    type: str
    outcomes: list[Outcome]


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
        self._ended: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._unsettled: list[_Done] = []  # while the database was in trouble

    @property
    def under_way(self) -> int:
        """Attempts that have begun and are not settled."""
        return sum(breaker.under_way for breaker in self._breakers.values())

    def deliver(self, now: Moment, limit: int = 200, patience: float = PATIENCE) -> int:
        """Fold, claim, send and settle up to `limit` messages; give how many attempts were settled. Not for several
        threads at once. Raises Unavailable; what was sent is then settled by a later call, as long as its lease lasts.
        """
        began = time.monotonic()
        channelling = Channelling(cache(self._documents), self._environ)

        def moment() -> Moment:
            return now + int((time.monotonic() - began) * 1000)

        with database.session():
            settled = self._settle(moment(), channelling)
            if is_outgoing_held():
                return settled
            fold(now, channelling)
            self._give_up_waiting(now, channelling)
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

    def close(self, now: Moment) -> int:
        """Wait for what is under way, settle it, and end the threads; give how many attempts that were."""
        for threads in self._threads.values():
            threads.shutdown(wait=True)
        self._threads.clear()
        with database.session():
            return self._settle(now, Channelling(cache(self._documents), self._environ))

    # -- sending ---------------------------------------------------------------------------------------------------

    def _begin(self, now: Moment, most: int, channelling: Channelling) -> int:
        most = min(most, MOST_UNDER_WAY - self.under_way)
        if most <= 0 or not is_any_due(now):
            return 0
        free = {destination: breaker.free(now) for destination, breaker in self._breakers.items()}
        claimed = claim(now, self.name, free, most, SLOTS)
        for message in claimed:
            self._breaker(message.destination).under_way += 1
            channel = channelling.channel(message.channels, message.channel)
            way = None if channel is None else channelling.way(channel)
            if way is None:
                self._ended.put(_Done(message, "", []))
            else:
                self._pool(message.destination).submit(self._send, message, way, now)
        return len(claimed)

    def _send(self, message: Message, way: Way, now: Moment) -> None:
        try:
            outcomes = channels.send(way, outgoing(message), self._egress, now)
        except Exception as error:
            # One message that a channel stumbles over must neither stop the others nor be lost unseen.
            log.exception("channel %s failed on message %s", message.channel, message.key)
            outcomes = [
                Outcome(str(one["id"]), "failed", f"{type(error).__name__}: {error}"[:200])
                for one in (message.payload or {}).get("to") or [{"id": ""}]
            ]
        self._ended.put(_Done(message, way.type, outcomes))

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

    def _write_all(self, some: list[_Done], now: Moment, channelling: Channelling) -> None:
        try:
            with database.transaction():
                for done in some:
                    self._write(done, now, channelling)
            return
        except Unavailable:
            raise
        except Exception:
            log.exception("outcomes could not be written together")
        for done in some:
            try:
                with database.transaction():
                    self._write(done, now, channelling)
            except Unavailable:
                raise
            except Exception:
                # Its lease ends by itself, and it is sent again: at least once, with the same id.
                log.exception("the outcome of message %s could not be written", done.message.key)

    def _note(self, done: _Done, now: Moment) -> None:
        breaker = self._breaker(done.message.destination)
        breaker.under_way -= 1
        if not done.type:
            return
        if done.outcomes and all(outcome.state == "failed" for outcome in done.outcomes):
            breaker.failed(now)
        else:
            breaker.succeeded()

    def _write(self, done: _Done, now: Moment, channelling: Channelling) -> None:
        message = done.message
        if not done.type:
            self._not_set(message, now, channelling)
            return
        verdict = judge(message, done.type, done.outcomes, now)
        payload = dict(message.payload or {})
        if verdict.state == Message.PENDING:
            payload["to"] = list(verdict.left)
        columns: dict[str, Any] = {
            "state": verdict.state,
            "next_at": verdict.next_at,
            "last_error": verdict.error,
            "payload": payload,
            "sent_at": now if verdict.state == Message.SENT else None,
        }
        # Nothing that a slow worker learnt late may undo what another one did meanwhile, but a delivery counts.
        if not settle([Settlement(message.id, message.fence, verdict.state == Message.SENT, columns)]):
            log.warning("message %s was settled by another worker", message.key)
            return
        message.last_error = verdict.error
        _record(message, verdict, now)
        if verdict.gone:
            hand_over(message, verdict.gone, channelling, now)
        elif verdict.state == Message.DEAD:
            hand_over(message, (), channelling, now)

    def _not_set(self, message: Message, now: Moment, channelling: Channelling) -> None:
        """The channel was unset, or left the document, after the message was planned: kept, marked, or handed over."""
        columns = {"state": Message.UNSENT, "reason": "not_configured", "next_at": None}
        if not settle([Settlement(message.id, message.fence, False, columns)]):
            return
        audit.record("message.unsent", now, _about(message), issue=message.issue_id)
        to = (message.payload or {}).get("to") or []
        if to and any(channelling.way(one) for one in channelling.following(message.channels, message.channel)):
            hand_over(message, to, channelling, now)

    def _give_up_waiting(self, now: Moment, channelling: Channelling) -> None:
        """While a destination is left alone, its messages do not wait for a turn that comes too late: those older than
        their channel's patience are given up."""
        for destination, breaker in self._breakers.items():
            if not breaker.is_open(now):
                continue
            document, _, name = destination.partition("/")
            channel = channelling.channel(document, name)
            if channel is None:
                continue
            before = now - persistence(channel.type).patience
            sql = (
                'SELECT "id" FROM "message" WHERE "state" = \'pending\' AND "next_at" <= ? AND "not_before" IS NULL '
                'AND "destination" = ? AND "created_at" <= ? ORDER BY "next_at", "id" LIMIT 50'
            )
            ids = [row[0] for row in run(sql, (now, destination, before)).fetchall()]
            if ids:
                self._give_up(ids, now, channelling)

    def _give_up(self, ids: list[int], now: Moment, channelling: Channelling) -> None:
        with database.transaction():
            for message in Message.select().where(Message.id.in_(ids)):
                error = message.last_error or "the destination does not answer"
                columns = {"state": Message.DEAD, "next_at": None, "last_error": error}
                if settle([Settlement(message.id, message.fence, False, columns)]):
                    message.last_error = error
                    _record(message, Verdict(Message.DEAD, None, error), now)
                    hand_over(message, (message.payload or {}).get("to") or (), channelling, now)


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
    return replace(found, data=payload["data"]) if "data" in payload else found


def _record(message: Message, verdict: Verdict, now: Moment) -> None:
    """The audit entry of an outcome that is final, or that somebody will not get it this way."""
    if verdict.state == Message.PENDING and not verdict.gone:
        return
    kind = "message.sent" if verdict.state == Message.SENT else "message.dead"
    if verdict.state == Message.PENDING:
        kind = "message.refused"
    about = _about(message)
    if verdict.error:
        about["error"] = verdict.error
    if verdict.provider_id:
        about["provider_id"] = verdict.provider_id
    audit.record(kind, now, about, issue=message.issue_id)


def _about(message: Message) -> dict[str, Any]:
    """What the audit trail says of a message: whom it was for by login, never an address."""
    return {
        "message": message.key,
        "notice": message.notice,
        "channel": message.channel,
        "recipient": message.recipient,
        "attempts": message.attempts,
    }
