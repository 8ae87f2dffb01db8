"""Running what was approved: issue by issue, each in a transaction of its own, exactly once.

The issue's row in the plan says whether it waits; it changes in the transaction that writes the issue. Whoever dies in
the middle leaves the rest waiting, and any worker goes on. An issue is judged as it stands when its turn comes.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from server import audit, nudging, policies
from server.core.advance import next_due
from server.core.migration import NotPossible, plan
from server.core.moments import Moment, OutOfRange
from server.core.values import Problem
from server.crash_points import crash_point
from server.events import Held
from server.issues import entries
from server.migration.looking import look
from server.migration.selecting import BETTER, standing
from server.policies import Pinned
from server.recording import ATTEMPTS, Overtaken, keep_apart, let_time_pass_within, migrate_within
from server.setting_apart import CannotGoOn
from server.store import database
from server.store.fields import canonical
from server.store.models import Migration, MigrationIssue

log = logging.getLogger("duban.migration")

AT_A_TIME = 50


def run(now: Moment, limit: int = AT_A_TIME) -> int:
    """Migrate issues of approved plans, up to `limit`; gives how many of them were taken up. 0: there is nothing to
    do."""
    with database.session():
        plan = Migration.select().where(Migration.state == Migration.APPROVED).order_by(Migration.id).first()
        if plan is None:
            return 0
        waiting = [
            row.issue_id
            for row in MigrationIssue.select(MigrationIssue.issue)
            .where(MigrationIssue.migration == plan.id, MigrationIssue.state == MigrationIssue.WAITING)
            .order_by(MigrationIssue.issue)
            .limit(limit)
        ]
    if not waiting:
        _end(plan, now)
        return 1
    content = json.loads(plan.body)
    target = policies.process_for(content["to"]["pins"])
    for issue in waiting:
        _take_up(plan, content, target, issue, now)
    return len(waiting)


def _end(plan: Any, now: Moment) -> None:
    with database.transaction():
        moved = (
            Migration.update(state=Migration.DONE, ended_at=now)
            .where(Migration.id == plan.id, Migration.state == Migration.APPROVED)
            .execute()
        )
        if moved == 1:
            audit.record("migration.done", now, {"migration": plan.id, "process": plan.process})


class _Taken(Exception):
    """Another worker has taken the issue up."""


def _take_up(plan: Any, content: dict[str, Any], target: Pinned, issue: int, now: Moment) -> None:
    for attempt in range(ATTEMPTS):
        try:
            problems = _migrate(plan, content, target, issue, now)
            break
        except Overtaken:
            time.sleep(0.002 * attempt * (1 + issue % 3))
        except CannotGoOn as failed:
            keep_apart(failed, now)
            problems = [Problem("", "migration-cannot-go-on", {"why": type(failed.__cause__ or failed).__name__})]
            break
        except _Taken:
            return
    else:
        return  # it waits, and has its turn again
    if problems:
        _leave(plan, issue, now, problems)


def _leave(plan: Any, issue: int, now: Moment, problems: list[Problem]) -> None:
    why = [{"at": one.at, "code": one.code, "params": dict(one.params)} for one in problems]
    try:
        with database.transaction():
            _settle(plan, issue, MigrationIssue.LEFT, now, why)
            audit.record("migration.left", now, {"migration": plan.id, "why": why}, issue=issue)
    except _Taken:
        log.info("another worker has taken up issue %s", issue)


def _migrate(row: Any, content: dict[str, Any], target: Pinned, issue: int, now: Moment) -> list[Problem]:
    """Migrate the issue; or give why it is left as it is. Raises Overtaken, CannotGoOn and _Taken."""
    found = standing(issue, "")
    if isinstance(found, Problem):
        return [found]
    if canonical(found.pinned.pins) == canonical(target.pins):
        return [Problem("/version", "migration-already", {})]
    seen = look(found, target, content["stages"], now)
    if seen.problems:
        return list(seen.problems)
    if content["selection"] == BETTER and seen.worse:
        return [Problem("", "migration-not-better", {"why": ", ".join(seen.worse)})]
    moment = max(now, found.case.moment)
    try:
        with database.transaction():
            found = _passed(found, moment, now)
            event = plan(found.pinned.process, target.process, found.case, entries(found.id), moment, content["stages"])
            event |= {"migration": row.id, "pins": {"from": found.pinned.pins, "to": target.pins}}
            key = f"migration:{row.id}:{issue}"
            migrate_within(found, target, event, moment, row.proposed_by, key)
            crash_point("migration.issue_written")
            _settle(row, issue, MigrationIssue.MIGRATED, now)
            nudging.after_commit()
            crash_point("migration.before_commit")
    except NotPossible as refusal:
        return list(refusal.problems)
    except OutOfRange:
        return [Problem("/clocks", "migration-cannot-go-on", {"why": "OutOfRange"})]
    crash_point("migration.after_commit")
    return []


def _passed(found: Held, moment: Moment, now: Moment) -> Held:
    """Time passes under the version that the issue leaves, up to but not including the moment."""
    while (due := next_due(found.pinned.process, found.case)) is not None and due < moment:
        found = let_time_pass_within(found, moment - 1, now)
    return found


def _settle(plan: Any, issue: int, state: str, now: Moment, why: list[dict[str, Any]] | None = None) -> None:
    moved = (
        MigrationIssue.update(state=state, at=now, why=why)
        .where(
            MigrationIssue.migration == plan.id,
            MigrationIssue.issue == issue,
            MigrationIssue.state == MigrationIssue.WAITING,
        )
        .execute()
    )
    if moved != 1:
        raise _Taken
