"""A message for each line of an event that a subscription wants, written in the transaction of the event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from server import settings
from server.core.happened import events_of
from server.core.moments import Moment
from server.core.printing import printed, without
from server.core.process import Process
from server.store.models import Message
from server.subscriptions.known import DOCUMENT, Wanted

NOTICE: Final = "event."
"""Before the kind of the line, in a message's `notice`."""

Row = dict[str, Any]
Entries = Sequence[Mapping[str, Any]]


def messages(
    active: Sequence[Wanted],
    process: Process,
    issue: int,
    event: int,
    seq: int,
    entries: Entries,
    stage: str | None,
    now: Moment,
    held: bool,
) -> list[Row]:
    """The rows of table Message by which whoever of the `active` subscriptions wants it is told of an event, the
    issue's `seq`-th. `stage` is where the issue stood before (None: it is new); `held`: they wait for an
    administrator."""
    found = [one for one in active if one.wants_process(process.name)]
    if not entries:
        return []
    rows = [row for one in found for row in deliveries(one, process, issue, event, seq, entries, stage, now)]
    return [{**row, "state": Message.HELD} for row in rows] if held else rows


def deliveries(
    one: Wanted, process: Process, issue: int, event: int, seq: int, entries: Entries, stage: str | None, now: Moment
) -> Iterator[Row]:
    """The rows of table Message by which the subscription is told of these lines. Their keys follow from the lines
    alone: whenever they are made, each delivery has the same `webhook-id`."""
    private = {name for name, known in {**process.fields, **process.questions}.items() if known.private}
    hidden = frozenset() if not private or one.sees_private else frozenset(private)
    for line, (entry, names) in enumerate(zip(entries, events_of(entries, stage), strict=True)):
        if one.wants(entry["kind"], names):
            yield _row(one, process, issue, event, seq, line, without(entry, hidden), now)


def _row(
    one: Wanted, process: Process, issue: int, event: int, seq: int, line: int, entry: Mapping[str, Any], now: Moment
) -> Row:
    number = str(entry["number"])
    data = {**printed(entry, process), "process": process.name, "seq": seq, "links": links(number)}
    return {
        "key": _key(one.id, number, str(seq), str(line)),
        "issue": issue,
        "event": event,
        "notice": NOTICE + str(entry["kind"]),
        "step": line,
        "process": process.name,
        "channels": DOCUMENT,
        "channel": one.id,
        "to": one.id,
        "destination": f"{DOCUMENT}/{one.id}",
        "payload": {"kind": entry["kind"], "data": data, "to": [{"id": one.id, "name": urlsplit(one.url).netloc}]},
        "state": Message.PENDING,
        "at": entry["at"],
        "created_at": now,
        # Looked at by whoever folds, and never folded: one delivery per line.
        "not_before": None,
        "next_at": min(int(entry["at"]), now),
    }


def links(number: str) -> dict[str, str]:
    """Where the issue is found, for programs and for people."""
    base, name = settings.current().url, quote(number, safe="")
    issue = f"{base}/api/v1/issues/{name}"
    return {"issue": issue, "timeline": f"{issue}/timeline", "page": f"{base}/issues/{name}"}


def _key(*parts: str) -> str:
    return "msg_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
