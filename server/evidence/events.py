"""Events of issues against the entries of the trail that tell of them: each event was written in one transaction with
its entry, so either without the other was taken away later, also before it was sealed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from server.evidence.findings import Finding
from server.store import sql

WITHOUT: Final = frozenset({"issue.refused", "issue.set-apart", "issue.taken-up-again", "issue.not-opened"})
"""Kinds of entries about an issue that tell of no event."""

_ONE = 1 << 40  # above any sum of numbers: a count and a sum in one integer, since there is one for each issue
_PAGE = 5_000
_BY_ISSUE = """
    SELECT "issue_id", COUNT(*), SUM("seq") FROM "event" WHERE "issue_id" > ?
    GROUP BY "issue_id" ORDER BY "issue_id" LIMIT ?
"""
_NUMBER = 'SELECT "number" FROM "issue" WHERE "id" = ?'
_EVENTS = 'SELECT "seq", "kind" FROM "event" WHERE "issue_id" = ? ORDER BY "seq"'
_ENTRIES = 'SELECT "id", "kind", "body" FROM "audit_entry" WHERE "issue_id" = ? ORDER BY "id"'


def tells_of_event(kind: str) -> bool:
    """Whether entries of this kind tell of an event of an issue."""
    return kind.startswith("issue.") and kind not in WITHOUT


class Events:
    """How many events of each issue the entries tell of, and which: by the sum of their numbers."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}
        self._kinds: dict[str, bool] = {}

    def tell(self, issue: int, kind: str, body: bytes, end: int) -> None:
        """Take down an entry about an issue; its text up to `end` ends with `"seq":NUMBER}` when it is of an event."""
        tells = self._kinds.get(kind)
        if tells is None:
            tells = self._kinds[kind] = tells_of_event(kind)
        if tells:
            number = body[body.rfind(b":", end - 12, end) + 1 : end - 1]
            if number.isdigit():
                self._told[issue] = self._told.get(issue, 0) + _ONE + int(number)

    def compare(self, find: Callable[[Finding], object]) -> int:
        """Compare with the events that there are; give their number."""
        last = total = 0
        while rows := sql.run(_BY_ISSUE, last, _PAGE).fetchall():
            for issue, count, seqs in rows:
                total += count
                if self._told.pop(issue, 0) != count * _ONE + int(seqs):
                    self._name(issue, find)
            last = rows[-1][0]
        for issue in sorted(self._told):
            self._name(issue, find)
        return total

    def _name(self, issue: int, find: Callable[[Finding], object]) -> None:
        row = sql.run(_NUMBER, issue).fetchone()
        number = row[0] if row is not None else str(issue)
        entries: dict[int, list[int]] = {}
        for id_, kind, body in sql.run(_ENTRIES, issue).fetchall():
            if tells_of_event(kind):
                entries.setdefault(_seq(body), []).append(id_)
        for seq, kind in sql.run(_EVENTS, issue).fetchall():
            if seq in entries:
                entries[seq].pop(0)
                if not entries[seq]:
                    del entries[seq]
            else:
                find(Finding("event-without-entry", params={"issue": number, "seq": seq, "event": kind}))
        for seq, ids in sorted(entries.items()):
            for id_ in ids:
                find(Finding("entry-without-event", entry=id_, params={"issue": number, "seq": seq}))


def _seq(body: str) -> int:
    """The number of the event that an entry tells of; 0: its text was changed so that nobody can say."""
    try:
        return int(json.loads(body)["body"]["seq"])
    except (ValueError, TypeError, KeyError):
        return 0
