"""Time passes on several issues in one transaction, one after the other, and what comes of it is written together: in
as many statements as for one."""

from __future__ import annotations

from collections.abc import Collection

from server.core.advance import Advance, next_due
from server.core.moments import Moment
from server.events import Change, Held, Surroundings
from server.numbering import live_directory
from server.recording import TIME, changed, held_together, judged, judged_before_lock, write
from server.store import sql


class Passing:
    """Issues that nobody else changes until the caller's transaction ends, without those that somebody is changing
    already. `write` must come last. Raises what `recording.held` raises for any of them."""

    def __init__(self, issues: Collection[int], now: Moment, surroundings: Surroundings) -> None:
        self._now = now
        self._surroundings = surroundings
        self._found = held_together(sorted(issues))
        self._changes: dict[int, Change] = {}

    def let_pass(self, issue: int, until: Moment) -> Moment | None:
        """Let what is due on the issue by `until` happen; gives when time matters to it next. None: never, or somebody
        is changing the issue, and lets time pass, too. Raises what `recording.judged` and `write` raise."""
        if issue not in self._found:
            return None
        if issue in self._changes:
            self.write()
        found = self._found[issue]
        due = next_due(found.pinned.process, found.case)
        if due is None or due > until:
            wake_at(issue, found.seq, due)
            return due
        done = self._judged(found, until)
        change = changed(found, done, TIME, until, self._now, surroundings=self._surroundings)
        self._changes[issue] = change
        self._found[issue] = change.after
        return done.due

    def _judged(self, found: Held, until: Moment) -> Advance:
        done = judged_before_lock(found, TIME, until, self._surroundings)
        if done is None:
            # It asks what counts issues: those before it have to be among them.
            self.write()
            done = judged(found, TIME, until, live_directory())
        return done

    def write(self) -> None:
        """Write what has happened so far, in that order."""
        if self._changes:
            changes = list(self._changes.values())
            self._changes.clear()
            write(changes)


def wake_at(issue: int, seq: int, due: Moment | None) -> None:
    """Note, within the caller's transaction, when time matters next to an issue that is still at this `seq`."""
    sql.run('UPDATE "issue" SET "wake_at" = ? WHERE "id" = ? AND "seq" = ?', due, issue, seq)
