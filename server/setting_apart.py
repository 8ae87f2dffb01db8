"""Issues that fail are set apart with their problem: they are shown, and hold up nothing else."""

from __future__ import annotations

from server import audit
from server.core.moments import Moment
from server.store import database, sql
from server.store.fields import canonical


def set_apart(issue: int, error: Exception, now: Moment) -> None:
    """Note what went wrong on an issue, on it and in the audit trail: the sweep passes it over from now on."""
    problem = {"at": now, "error": type(error).__name__, "detail": str(error)[:500]}
    with database.transaction():
        sql.run('UPDATE "issue" SET "problem" = ? WHERE "id" = ?', canonical(problem), issue)
        audit.record("issue.set-apart", now, problem, issue=issue)


def take_up_again(issue: int, now: Moment, by: str | None) -> None:
    """Let the sweep try an issue again that was set apart, after its cause was mended."""
    with database.transaction():
        sql.run('UPDATE "issue" SET "problem" = NULL WHERE "id" = ?', issue)
        audit.record("issue.taken-up-again", now, {}, by=by, issue=issue)
