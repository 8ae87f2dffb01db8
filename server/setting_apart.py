"""Issues that fail are set apart with their problem: they are shown, and hold up nothing else. An administrator puts
them back to work once the cause is mended."""

from __future__ import annotations

from server import audit, nudging
from server.core.moments import Moment
from server.store import database, sql
from server.store.fields import canonical


class CannotGoOn(Exception):
    """The issue's case cannot be read, its policy does not compile, or fails on it: `number` is how it was asked for.
    Why is its cause."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class NeverSettles(RuntimeError):
    """What happens at one instant sets off more at the same instant, without an end."""


def set_apart(issue: int, error: BaseException, now: Moment) -> bool:
    """Note what went wrong on an issue, on it and in the audit trail: the sweep passes it over from now on. False when
    it was set apart before, and is so still."""
    if isinstance(error, CannotGoOn) and error.__cause__ is not None:
        error = error.__cause__
    problem = {"at": now, "error": type(error).__name__, "detail": str(error)[:500]}
    with database.transaction():
        changed = bool(sql.run(_SET_APART, canonical(problem), issue).rowcount)
        if changed:
            audit.record("issue.set-apart", now, problem, issue=issue)
    return changed


_SET_APART = 'UPDATE "issue" SET "problem" = ? WHERE "id" = ? AND "problem" IS NULL'
_TAKE_UP = 'UPDATE "issue" SET "problem" = NULL WHERE "id" = ? AND "problem" IS NOT NULL'


def take_up_again(issue: int, now: Moment, by: str | None) -> bool:
    """Let the sweep try an issue again that was set apart, after its cause was mended. False when it is not."""
    with database.transaction():
        changed = bool(sql.run(_TAKE_UP, issue).rowcount)
        if changed:
            audit.record("issue.taken-up-again", now, {}, by=by, issue=issue)
    if changed:
        nudging.nudge()
    return changed
