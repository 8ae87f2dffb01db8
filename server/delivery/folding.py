"""Folding: what belongs together leaves as one message (policy language, "Clocks", rule 8, and "notify").

Every new message is looked at once, before it may be claimed. One that time caused is kept for it until nothing more
is due at or before its moment, at most FOLD_FOR; a late one until nothing is overdue at all, so that a downtime ends
in one summary. A batch is a message of its own, stored with its id before the first attempt.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server.channels import leaves_as_one
from server.core.channels import Channel
from server.core.moments import Moment
from server.crash_points import crash_point
from server.delivery.claiming import places
from server.delivery.composing import Part, folded, merged, summary, with_lateness
from server.delivery.ways import Channelling
from server.store import database, sql
from server.store.fields import canonical
from server.store.models import Message
from server.store.writing import insert

AT_ONCE: Final = 5
"""Messages that a person gets at once after a downtime; more become one summary."""

WAITED: Final = 60_000
"""Milliseconds that a message lay planned, longer than folding takes: the server was down, and it says so."""

_MOST: Final = 20_000
_CHUNK: Final = 500
_LOCK: Final = 0x666F6C64  # "fold": one process at a time on PostgreSQL
_FRESH = """
    SELECT "id", "key", "issue_id", "process", "notice", "channels", "channel", "recipient", "address", "destination",
        "language", "at", "not_before", "created_at", "payload"
    FROM "message" WHERE "state" = 'pending' AND "not_before" IS NOT NULL ORDER BY "at", "id" LIMIT ?
"""
_EARLIEST = 'SELECT MIN("wake_at") FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL'


@dataclass(frozen=True, slots=True)
class Fresh:
    """A message that has not been looked at, without its words."""

    id: int
    key: str
    issue: int | None
    process: str
    notice: str
    channels: str
    channel: str
    recipient: str
    address: str
    destination: str
    language: str
    at: Moment
    not_before: Moment
    created_at: Moment
    payload: Mapping[str, Any]

    def late(self, now: Moment) -> int:
        """By how many milliseconds it is late; what it says itself, or since it was planned."""
        said = int(self.payload.get("late") or 0)
        return said or (now - self.at if now - self.created_at >= WAITED else 0)

    @property
    def reader(self) -> str:
        """Whose summary it would be in: a person, an address, a group."""
        return self.recipient or self.address or self.destination


def fold(now: Moment, channelling: Channelling) -> int:
    """Look at new messages and make batches; give how many messages may now be claimed."""
    if (
        sql.run('SELECT 1 FROM "message" WHERE "state" = \'pending\' AND "not_before" IS NOT NULL LIMIT 1').fetchone()
        is None
    ):
        return 0
    with database.transaction():
        if database.current().is_postgresql and not sql.run("SELECT pg_try_advisory_xact_lock(?)", _LOCK).fetchone()[0]:
            return 0
        ready = _ready(now)
        if not ready:
            return 0
        count = _Fold(now, channelling, ready).carry_out()
    crash_point("folding.after_commit")
    return count


def _ready(now: Moment) -> list[Fresh]:
    earliest = sql.run(_EARLIEST).fetchone()[0]
    found = []
    for row in sql.run(_FRESH, _MOST).fetchall():
        values = [*row[:-1], json.loads(row[-1]) if row[-1] else {}]
        fresh = Fresh(*values)
        if fresh.not_before <= now or earliest is None or earliest > (now if fresh.late(now) else fresh.at):
            found.append(fresh)
    return found


@dataclass(slots=True)
class _Fold:
    now: Moment
    channelling: Channelling
    fresh: Sequence[Fresh]

    def carry_out(self) -> int:
        summaries, rest = self._summaries(self._instants(self.fresh))
        singles = [group[0] for group in rest if len(group) == 1]
        batches = [(group, True) for group in summaries] + [(group, False) for group in rest if len(group) > 1]
        self._release(singles)
        for group, is_summary in batches:
            self._batch(group, is_summary)
        return len(singles) + len(batches)

    def _instants(self, fresh: Iterable[Fresh]) -> list[list[Fresh]]:
        """Those of one notice to one person by one channel at one instant, together; others alone."""
        groups: dict[tuple[Any, ...], list[Fresh]] = {}
        for one in fresh:
            key: tuple[Any, ...] = (one.process, one.notice, one.channels, one.channel, one.recipient, one.address)
            key = (*key, one.language, one.at) if self._may_be_folded(one) else (one.id,)
            groups.setdefault(key, []).append(one)
        return list(groups.values())

    def _may_be_folded(self, one: Fresh) -> bool:
        """Not data for another system: one delivery per event. Not a survey: its link needs its room."""
        channel = self.channelling.channel(one.channels, one.channel)
        return channel is not None and channel.type != "webhook" and one.notice.startswith(("notice.", "ladder."))

    def _summaries(self, groups: list[list[Fresh]]) -> tuple[list[list[Fresh]], list[list[Fresh]]]:
        """Late messages of whoever would get more than five at once, as one per channel; and all others as they are."""
        by_reader: dict[str, list[list[Fresh]]] = defaultdict(list)
        rest: list[list[Fresh]] = []
        for group in groups:
            late = group[0].late(self.now) > 0 and self._may_be_folded(group[0])
            (by_reader[group[0].reader] if late else rest).append(group)
        found: list[list[Fresh]] = []
        for theirs in by_reader.values():
            if len(theirs) <= AT_ONCE:
                rest += theirs
                continue
            by_channel: dict[tuple[Any, ...], list[Fresh]] = defaultdict(list)
            for group in theirs:
                first = group[0]
                by_channel[(first.channels, first.channel, first.address, first.language)] += group
            found += by_channel.values()
        return [group for group in found if len(group) > 1], rest + [group for group in found if len(group) == 1]

    # -- writing ---------------------------------------------------------------------------------------------------

    def _release(self, singles: Sequence[Fresh]) -> None:
        """Messages that leave as they are; one that lay through a downtime says so."""
        for start in range(0, len(singles), _CHUNK):
            ids = [one.id for one in singles[start : start + _CHUNK]]
            sql.run(f'UPDATE "message" SET "not_before" = NULL WHERE "id" IN ({places(len(ids))})', *ids)
        for one in singles:
            late = one.late(self.now)
            if late and not one.payload.get("late") and self._may_be_folded(one):
                row = Message.get_by_id(one.id)
                body = with_lateness(row.body, late, row.language)
                Message.update(body=body, payload={**one.payload, "late": late}).where(Message.id == one.id).execute()

    def _batch(self, group: Sequence[Fresh], is_summary: bool) -> None:
        group = sorted(group, key=lambda one: (one.at, one.id))
        first = group[0]
        channel = self.channelling.channel(first.channels, first.channel)
        parts = self._parts(group)
        brief = channel is not None and _is_brief(channel)
        subject, body = (summary if is_summary else folded)(parts, first.language, brief)
        issues = {one.issue for one in group}
        batch = insert(
            Message,
            {
                "key": _key(group),
                "issue": first.issue if len(issues) == 1 else None,
                "notice": first.notice if len({one.notice for one in group}) == 1 else "summary",
                "process": first.process if len({one.process for one in group}) == 1 else "",
                "channels": first.channels,
                "channel": first.channel,
                "recipient": first.recipient,
                "address": first.address,
                "destination": first.destination,
                "language": first.language,
                "subject": subject,
                "body": body,
                "payload": self._payload(group, channel, parts),
                "at": first.at,
                "created_at": self.now,
                "next_at": min(first.at, self.now),
            },
        )
        crash_point("folding.batch_written")
        for start in range(0, len(group), _CHUNK):
            ids = [one.id for one in group[start : start + _CHUNK]]
            folded_ = 'UPDATE "message" SET "state" = \'folded\', "not_before" = NULL, "next_at" = NULL, "batch_id" = ?'
            sql.run(f'{folded_} WHERE "id" IN ({places(len(ids))})', batch, *ids)

    def _parts(self, group: Sequence[Fresh]) -> list[Part]:
        words: dict[int, tuple[str, str]] = {}
        for start in range(0, len(group), _CHUNK):
            ids = [one.id for one in group[start : start + _CHUNK]]
            found = f'SELECT "id", "subject", "body" FROM "message" WHERE "id" IN ({places(len(ids))})'
            words |= {id_: (subject, body) for id_, subject, body in sql.run(found, *ids).fetchall()}
        return [Part(*words[one.id], str(one.payload.get("line") or ""), one.late(self.now)) for one in group]

    def _payload(self, group: Sequence[Fresh], channel: Channel | None, parts: Sequence[Part]) -> Mapping[str, Any]:
        to = [one.payload.get("to") or [] for one in group]
        together = channel is not None and leaves_as_one(channel.type)
        return {
            "to": merged(to) if together else to[0],
            "line": parts[0].line,
            "late": max(part.late for part in parts),
            "count": len(group),
        }


def _is_brief(channel: Channel) -> bool:
    return channel.type == "sms" or bool(channel.max_length)


def _key(group: Sequence[Fresh]) -> str:
    return "msg_" + hashlib.sha256(canonical(["batch", *(one.key for one in group)]).encode()).hexdigest()[:40]
