"""Migrations and looks at issues as commands and HTTP give them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

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
        rows = (
            MigrationIssue.select(MigrationIssue, Issue.number)
            .join(Issue)
            .where(MigrationIssue.migration == plan.id)
            .order_by(MigrationIssue.issue)
        )
        return {
            **_plan(plan),
            "issues": [
                {
                    "number": row.issue.number,
                    "state": row.state,
                    "at": _moment(row.at),
                    "problems": [
                        _said(Problem(why["at"], why["code"], why["params"]), language) for why in row.why or ()
                    ],
                }
                for row in rows
            ],
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
