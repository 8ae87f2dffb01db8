"""Private fields are kept as long as the policy says after closing, then erased (policy language, `keep`).

Erased are the values in the issue, in its events, in what was sent about it and in what a source sent, and its files;
the audit trail keeps digests whose salts are deleted, so that they mean nothing any more. An erased issue cannot be
computed anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from server import attachments, audit, policies
from server.core.calendars import Calendar
from server.core.durations import Duration, parse_duration
from server.core.moments import Moment
from server.core.schedules import Schedule, parse_schedule
from server.events import compact
from server.policies import InForce
from server.recording import held
from server.setting_apart import set_apart
from server.store import database, sql, writing
from server.store.failures import Unavailable
from server.store.models import Event, Issue, Kept, Message

log = logging.getLogger("duban.erasing")

AT: Final = parse_schedule("daily 03:30")
"""When the server looks; in the calendar of each process."""

AT_ONCE: Final = 100
"""Issues that one turn erases: others wait for the same thread."""

_HOLDERS: Final = frozenset({"facts", "with", "fields", "values"})
"""Keys under which facts stand by name, in events and lines."""


class Unfinished(Exception):
    """There is more to erase than one turn does."""


def recurring(found: InForce) -> Iterator[tuple[str, Sequence[Schedule], Calendar]]:
    """The processes that say how long they keep private fields."""
    for name, pinned in found.processes.items():
        if "keep" in pinned.process.raw:
            yield name, (AT,), pinned.process.calendar


def came_round(name: str, at: Moment, stands_for: int, now: Moment) -> None:
    """Erase what the process has kept long enough. Raises Unfinished when there may be more."""
    process = policies.in_force().processes[name].process
    if erase_closed(name, process.calendar, parse_duration(process.raw["keep"]), now) == AT_ONCE:
        raise Unfinished


def erase_closed(process: str, calendar: Calendar, keep: Duration, now: Moment) -> int:
    """Erase the private fields of issues that were closed so long ago, at most AT_ONCE of them; give how many."""
    found = (
        Issue.select(Issue.id, Issue.closed_at)
        .where(Issue.process == process, Issue.closed_at <= now, Issue.erased_at.is_null(), Issue.problem.is_null())
        .order_by(Issue.closed_at)
        .limit(AT_ONCE)
    )
    erased = 0
    with database.session():
        for row in list(found):
            if calendar.add(row.closed_at, keep) > now:
                break
            try:
                erase(row.id, now)
            except Unavailable:
                raise
            except Exception as error:
                log.exception("issue %s is set apart", row.id)
                set_apart(row.id, error, now)
            erased += 1
    return erased


def erase(issue: int, now: Moment) -> None:
    """Erase the private fields of an issue. Somebody who acts on it at the same time makes it wait for the next day."""
    found = held(issue)
    hidden = found.pinned.private
    for name in hidden:
        found.case.facts.pop(name, None)
    seq = found.seq + 1
    with database.transaction():
        row = {"seq": seq, "case": found.case.dump(), "erased_at": now}
        if not writing.update_issue(issue, found.seq, row):
            return
        for event in Event.select(Event.id, Event.body, Event.entries).where(Event.issue == issue):
            body, entries = (_without(json.loads(text), hidden) for text in (event.body, event.entries))
            # In what the directory was asked, values stand without their names; nobody computes this issue anew.
            body = compact({**body, "answers": []})
            sql.run('UPDATE "event" SET "body" = ?, "entries" = ? WHERE "id" = ?', body, compact(entries), event.id)
        Message.update(subject="", body="", address="", payload=None).where(
            Message.issue == issue, Message.state.not_in((Message.PENDING, Message.HELD))
        ).execute()
        attachments.erase(issue)
        Kept.update(body=b"").where(Kept.issue == issue).execute()
        audit.forget(issue)
        writing.insert_event(
            {
                "issue": issue,
                "seq": seq,
                "at": max(now, found.case.moment),
                "recorded_at": now,
                "kind": "erased",
                "version": found.pinned.version,
                "body": compact({"event": {"kind": "erased"}, "now": now, "answers": []}),
                "entries": "[]",
            }
        )
        said = {"number": found.number, "seq": seq, "erased": sorted(hidden)}
        audit.record("issue.erased", now, said, issue=issue)


def _without(value: Any, hidden: Collection[str], inside: bool = False) -> Any:
    """JSON without the values of these fields, wherever facts stand by name."""
    if isinstance(value, Mapping):
        if value.get("action") == "attach" and isinstance(value.get("with"), Mapping):
            value = {**value, "with": {name: one for name, one in value["with"].items() if name != "file"}}
        return {
            key: _without(one, hidden, key in _HOLDERS) for key, one in value.items() if not (inside and key in hidden)
        }
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    return value
