"""Deliveries of webhooks: verified before they are read, taken item by item (policy language, section 4; contract,
`POST /hooks/SOURCE`)."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from server import audit, metrics, payloads, policies, settings, verification
from server.core.moments import Moment
from server.core.paths import PathFailed
from server.core.sources import Item, Source
from server.core.values import Problem
from server.crash_points import crash_point
from server.events import AlreadyRecorded
from server.intake import kept_rows
from server.intake.receiving import Received, Refused, UnknownProcess, find, receive
from server.recording import record_event
from server.store import database
from server.store.failures import Unavailable
from server.store.fields import canonical
from server.store.models import Event

log = logging.getLogger("duban.intake")


class UnknownSource(LookupError):
    """No source of that name takes deliveries."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item: the issue it is (`created` now, or known before); or its problems, and the id under
    which it is kept until it can be played again. `differs`: it was known, but with other content; the digests of the
    first one's content and of this one's (SHA-256, hex, of what the source maps)."""

    number: str | None = None
    severity: str | None = None
    created: bool = False
    problems: tuple[Problem, ...] = ()
    kept: int | None = None
    issue: int | None = None
    differs: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified delivery: the source's name, its id, the body as received and the headers worth keeping."""

    source: Source
    id: str
    body: bytes
    headers: Mapping[str, str]


KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")


def take(
    name: str,
    headers: Mapping[str, str],
    body: bytes,
    now: Moment,
    environ: Mapping[str, str] = os.environ,
    *,
    tried: bool = False,
) -> list[Outcome]:
    """Take a delivery; gives what became of each item that makes or concerns an issue. All of it is on disk then; what
    cannot be taken is kept with its problem. `headers`: by their names in lower case; `tried`: `take_new` has not taken
    it. Raises UnknownSource, Unverified (nothing was read), Unavailable."""
    at_once = None if tried else take_new(name, headers, body, now, environ)
    if at_once is not None:
        return [at_once]
    with database.session():
        source = policies.in_force().sources.get(name)
        if source is None or source.verify is None:
            raise UnknownSource(name)
        try:
            delivery = _verified(source, headers, body, now, environ)
        except verification.Unverified:
            metrics.count(metrics.INTAKE, name, source.process, "unverified")
            raise
        try:
            payload = payloads.read_json(body)
        except payloads.BadPayload as bad:
            return [_kept(delivery, None, delivery.id, body, [Problem(bad.pointer, bad.code, bad.params)], now)]
        return take_payload(delivery, payload, now)


def take_new(
    name: str, headers: Mapping[str, str], body: bytes, now: Moment, environ: Mapping[str, str] = os.environ
) -> Outcome | None:
    """Take what most deliveries are, one new issue and nothing wrong with it, and ask the database nothing before it is
    written: by the documents that this process saw last, which the transaction finds to be still in force. None, and
    nothing done, for whatever is otherwise. `headers`: by their names in lower case. Raises Unavailable."""
    documents = policies.last_seen()
    source = documents.sources.get(name)
    if source is None or source.verify is None:
        return None
    try:
        delivery = _verified(source, headers, body, now, environ)
        items = source.items(payloads.read_json(body), delivery.id)
        if len(items) != 1 or items[0].problem is not None or not items[0].creates:
            return None
        received = _received(delivery, items[0], _digest(items[0]), now, documents)
    except Unavailable:
        raise
    except Exception:
        log.debug("a delivery of source %s is taken step by step", name, exc_info=True)
        return None
    if not received.created:
        return None
    return Outcome(received.number, received.severity, created=True, issue=received.issue)


def _verified(
    source: Source, headers: Mapping[str, str], body: bytes, now: Moment, environ: Mapping[str, str]
) -> Delivery:
    """The delivery, if it is from who it says. Raises Unverified."""
    assert source.verify is not None
    secret = settings.named_value(source.verify.secret, environ)
    verified = verification.verify(source.verify, secret, headers, body, now)
    crash_point("intake.verified")
    return Delivery(
        source,
        verified.delivery_id or "sha256:" + hashlib.sha256(body).hexdigest(),
        body,
        {key: headers[key][:500] for key in KEPT_HEADERS if key in headers},
    )


def take_payload(delivery: Delivery, payload: Any, now: Moment) -> list[Outcome]:
    """Take what was read of a delivery, item by item; one that cannot be taken does not hold up the others."""
    items = delivery.source.items(payload, delivery.id)
    raws = _raws(delivery.source, payload)
    whole = len(raws) != len(items)  # the list itself could not be found
    outcomes = []
    for index, item in enumerate(items):
        raw, number = delivery.body, None
        if not whole and delivery.source.each is not None:
            with suppress(ValueError):  # an infinity that `each` made: it is kept with the whole delivery
                raw, number = canonical(raws[index]).encode(), index
        outcome = take_item(delivery, item, number, raw, now)
        if outcome is not None:
            outcomes.append(outcome)
    return outcomes


def _raws(source: Source, payload: Any) -> Sequence[Any]:
    if source.each is None:
        return [payload]
    try:
        found = source.each.of(payload)
    except PathFailed:
        return []
    return found if isinstance(found, list) else []


def alone(source: Source) -> Source:
    """The source as it maps a single item of a delivery."""
    return replace(source, each=None)


def take_item(delivery: Delivery, item: Item, index: int | None, raw: bytes, now: Moment) -> Outcome | None:
    """Take one item; None when it neither makes nor concerns an issue."""
    try:
        return _take(delivery, item, raw, now)
    except Refused as refused:
        problems = list(refused.problems)
    except UnknownProcess as unknown:
        problems = [Problem("", "unknown-process", {"name": unknown.name})]
    except _Mapping as bad:
        problems = [bad.problem]
    except Unavailable:
        raise
    except Exception as error:
        # Whatever a policy does with this item, the others go on (What must hold, 6).
        log.exception("an item of source %s is kept", delivery.source.name)
        problems = [Problem("", "not-judged", {"error": type(error).__name__})]
    return _kept(delivery, index, item.external_id, raw, problems, now)


class _Mapping(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def _take(delivery: Delivery, item: Item, raw: bytes, now: Moment) -> Outcome | None:
    if item.problem is not None:
        raise _Mapping(Problem(item.problem.at, item.problem.code, item.problem.params))
    name = delivery.source.name
    digest = _digest(item)
    known = find(name, item.external_id)
    if known is None and item.creates:
        received = _received(delivery, item, digest, now)
        if received.created:
            return Outcome(received.number, received.severity, created=True, issue=received.issue)
        known = received
    if known is None:
        return None
    differs = _again(delivery, item, known, digest, raw, now)
    known = find(name, item.external_id) or known
    metrics.count(metrics.INTAKE, name, delivery.source.process, "repeated")
    return Outcome(known.number, known.severity, issue=known.issue, differs=differs)


def _digest(item: Item) -> str:
    return hashlib.sha256(canonical(item.facts).encode()).hexdigest()


def _received(
    delivery: Delivery, item: Item, digest: str, now: Moment, documents: policies.InForce | None = None
) -> Received:
    received = receive(
        delivery.source.process,
        item.facts,
        now,
        source=delivery.source.name,
        external_id=item.external_id,
        note={"delivery": delivery.id, "sha256": digest},
        looked=True,
        documents=documents,
    )
    crash_point("intake.after_commit")
    return received


def _again(
    delivery: Delivery, item: Item, known: Received, digest: str, raw: bytes, now: Moment
) -> tuple[str, str] | None:
    """A further delivery under a known id: it is recorded on the issue, and may do an action. Gives both digests when
    its content is not that of the first."""
    name = delivery.source.name
    differs = None
    if item.creates:
        first = _first_digest(known.issue)
        body = {"source": name, "external_id": item.external_id, "delivery": delivery.id, "sha256": digest}
        kind = "delivery.repeated"
        if first is not None and first != digest:
            kind, body, differs = "delivery.differs", {**body, "first": first}, (first, digest)
        with database.transaction():
            audit.record(kind, now, body, by=f"source:{name}", issue=known.issue)
    if item.again is None:
        return differs
    crash_point("intake.repeated")
    event = {"kind": "again", "actions": list(item.again.do), "with": dict(item.again.form)}
    # The same bytes of the same delivery are the same event, however often they are sent.
    what = hashlib.sha256(delivery.id.encode() + b"\0" + raw).hexdigest()
    try:
        record_event(known.issue, event, now, by=f"source:{name}", key=f"again:{name}:{item.external_id}:{what}")
    except AlreadyRecorded:
        log.info("source %s sent %s again", name, item.external_id)
    return differs


def _first_digest(issue: int) -> str | None:
    row = Event.get_or_none(Event.issue == issue, Event.seq == 1)
    note = {} if row is None else json.loads(row.body).get("note") or {}
    found = note.get("sha256")
    return found if isinstance(found, str) else None


def _kept(
    delivery: Delivery, index: int | None, external_id: str, raw: bytes, problems: Sequence[Problem], now: Moment
) -> Outcome:
    metrics.after_commit(metrics.INTAKE, delivery.source.name, delivery.source.process, "kept")
    row = kept_rows.keep(delivery.source.name, external_id, raw, delivery.headers, index, problems, now)
    return Outcome(problems=tuple(problems), kept=row)
