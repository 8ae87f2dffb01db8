"""Events of issues against the entries of the trail that tell of them: each event was written in one transaction with
its entry, so either without the other was taken away later, also before it was sealed."""

from __future__ import annotations

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


def seq_of(kind: str, body: str) -> int | None:
    """Which event of its issue an entry tells of; None: of none. `body` may end with the brace of its inner body."""
    if not kind.startswith("issue.") or kind in WITHOUT:
        return None
    start = body.rfind('"seq":')
    number = body[start + 6 : body.find("}", start)] if start >= 0 else ""
    return int(number) if number.isascii() and number.isdigit() else None


class Events:
    """How many events of each issue the entries tell of, and which: by the sum of their numbers."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}

    def tell(self, issue: int, kind: str, inner: str) -> None:
        """Take down an entry about an issue; `inner` is its text up to the end of its inner body."""
        seq = seq_of(kind, inner)
        if seq is not None:
            self._told[issue] = self._told.get(issue, 0) + _ONE + seq

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
            seq = seq_of(kind, body)
            if seq is not None:
                entries.setdefault(seq, []).append(id_)
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
