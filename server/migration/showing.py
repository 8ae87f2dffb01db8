"""Migrations and looks at issues as commands and HTTP give them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from peewee import fn

from server.core.moments import Moment, show
from server.core.printing import printed
from server.core.process import Process
from server.core.values import Problem
from server.drafts import NotDone
from server.migration.looking import Looked
from server.store import database
from server.store.models import Issue, Migration, MigrationIssue


def one(migration: int) -> Any:
    """The plan's row. Raises NotDone."""
    with database.session():
        found = Migration.get_or_none(Migration.id == migration)
    if found is None:
        raise NotDone(404, "unknown-migration", migration=migration)
    return found


def listed(process: str | None = None) -> list[dict[str, Any]]:
    """The migrations, newest first, without their issues."""
    with database.session():
        query = Migration.select().order_by(Migration.id.desc())
        if process is not None:
            query = query.where(Migration.process == process)
        return [_plan(row) for row in query]


def summary(migration: int) -> dict[str, Any]:
    """A migration without its issues, but how many of them are in which state. Raises NotDone."""
    with database.session():
        return _plan(one(migration))


def shown(migration: int, language: str) -> dict[str, Any]:
    """A migration with what became of each issue. Raises NotDone."""
    with database.session():
        plan = one(migration)
        return {**_plan(plan), "issues": [_issue(row, language) for row in _issues(plan.id)]}


PAGE: Final = 100
"""Issues of a migration that are shown at once."""


def issues_of(
    migration: int, language: str, state: str = "", after: int = 0
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of a migration's issues, in the order of receipt, each with what became of it; and what the next page
    begins after (None: that was all). `state`: only those of that state."""
    query = _issues(migration).where(MigrationIssue.issue > after).limit(PAGE + 1)
    with database.session():
        rows = list(query.where(MigrationIssue.state == state) if state else query)
    return [_issue(row, language) for row in rows[:PAGE]], rows[PAGE - 1].issue_id if len(rows) > PAGE else None


def _issues(migration: int) -> Any:
    query = MigrationIssue.select(MigrationIssue, Issue.id, Issue.number).join(Issue)
    return query.where(MigrationIssue.migration == migration).order_by(MigrationIssue.issue)


def _issue(row: Any, language: str) -> dict[str, Any]:
    problems = [Problem(why["at"], why["code"], why["params"]) for why in row.why or ()]
    return {
        "number": row.issue.number,
        "state": row.state,
        "at": _moment(row.at),
        "problems": [_said(problem, language) for problem in problems],
    }


def _plan(row: Any) -> dict[str, Any]:
    content = json.loads(row.body)
    number = fn.COUNT(MigrationIssue.issue)
    rows: Any = MigrationIssue.select(MigrationIssue.state, number).where(MigrationIssue.migration == row.id)
    counts = Counter({state: int(number) for state, number in rows.group_by(MigrationIssue.state).tuples()})
    return {
        "id": row.id,
        "process": row.process,
        "state": row.state,
        "sha256": row.sha256,
        "from": content["from"],
        "to": {key: content["to"][key] for key in ("version", "sha256")},
        "stages": content["stages"],
        "selection": content["selection"],
        "reason": row.reason,
        "proposed_by": row.proposed_by,
        "proposed_at": show(row.proposed_at),
        "decided_by": row.decided_by,
        "decided_at": _moment(row.decided_at),
        "remark": row.remark,
        "ended_at": _moment(row.ended_at),
        "counts": {state: counts[state] for state in ("waiting", "migrated", "left")},
    }


def look_shown(seen: Looked, process: Process, language: str) -> dict[str, Any]:
    """A look at an issue; times in the zone of the process's calendar."""
    calendar = process.calendar

    def time(moment: Moment | None) -> str | None:
        return None if moment is None else calendar.show(moment)

    return {
        "number": seen.number,
        "possible": not seen.problems,
        "problems": [_said(problem, language) for problem in seen.problems],
        "stage": list(seen.stage),
        "severity": list(seen.severity),
        "clocks": [{**one, "before": time(one["before"]), "after": time(one["after"])} for one in seen.clocks],
        "breaches": seen.breaches,
        "notices": seen.notices,
        "kept": seen.kept,
        "ended": seen.ended,
        "better": not seen.problems and not seen.worse,
        "worse": seen.worse,
        "timeline": [printed(entry, process) for entry in seen.entries],
    }


def _said(problem: Problem, language: str) -> Mapping[str, str]:
    return {"at": problem.at, "code": problem.code, "message": problem.text(language)}


def _moment(at: Moment | None) -> str | None:
    return None if at is None else show(at)
