"""A migration is looked at, proposed, and approved, rejected or withdrawn. What is approved is exactly one content, by
its SHA-256, and by somebody else than whoever proposed it: the database refuses anything else, too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from server import audit, nudging
from server.accounts import Caller, NotPermitted
from server.core.findings import Finding
from server.core.migration import bad_table
from server.core.moments import Moment
from server.drafts import NotDone
from server.drafts.rights import APPROVE, PROPOSE, require_proposer
from server.events import Held
from server.migration.looking import Looked, look
from server.migration.selecting import BETTER, Selection, candidates, standing, target_of
from server.migration.showing import one
from server.policies import Pinned
from server.store import database
from server.store.fields import canonical
from server.store.models import Migration, MigrationIssue, Version
from server.store.writing import insert_many


def preview(process: str, table: Mapping[str, str], selection: Selection, now: Moment) -> list[Looked]:
    """What would become of each issue that the migration would take, nothing written. Raises NotDone."""
    target = target_of(process)
    with database.session():
        return [seen for _, seen in _looked(target, table, selection, now)]


def _looked(target: Pinned, table: Mapping[str, str], selection: Selection, now: Moment) -> list[tuple[int, Looked]]:
    found: list[tuple[int, Looked]] = []
    versions: dict[int, Pinned] = {}
    for id, number in candidates(target, selection):
        stands = standing(id, number)
        if not isinstance(stands, Held):
            found.append((id, Looked(number, 0, problems=(stands,))))
            continue
        versions.setdefault(stands.pinned.version, stands.pinned)
        seen = look(stands, target, table, now)
        if selection.kind != BETTER or not (seen.worse or seen.problems):
            found.append((id, seen))
    _require_table(target, table, versions)
    return found


def _require_table(target: Pinned, table: Mapping[str, str], versions: Mapping[int, Pinned]) -> None:
    """A stage of the table must be one of a version that some of the issues stand on. Raises NotDone."""
    problems: dict[str, Finding] = {}
    for old, new in table.items():
        found = [bad_table(pinned.process, target.process, {old: new}) for pinned in versions.values()]
        if found and all(found):
            problems |= {one.at: Finding(one.code, ("stages", old), one.params) for one in found[0]}
    if problems:
        raise NotDone(422, "migration-not-sound", problems.values(), count=len(problems))


def propose(process: str, table: Mapping[str, str], selection: Selection, by: Caller, now: Moment, reason: str) -> Any:
    """Store the plan of a migration to the version in force. Raises NotPermitted and NotDone."""
    target = target_of(process)
    require_proposer(by, bytes(Version.get_by_id(target.version).data))
    if not reason.strip():
        raise NotDone(422, "migration-without-reason")
    with database.session():
        taken = _looked(target, table, selection, now)
    if not taken:
        raise NotDone(409, "migration-of-nothing", process=process)
    with database.transaction():
        rows = Version.select(Version.id, Version.number, Version.sha256).where(
            Version.id.in_({seen.version for _, seen in taken} | {target.version})
        )
        versions = {row.id: {"version": row.number, "sha256": row.sha256} for row in rows}
        content = {
            "process": process,
            "from": [versions[id] for id in sorted(versions) if id in {seen.version for _, seen in taken}],
            "to": {**versions[target.version], "pins": target.pins},
            "stages": dict(table),
            "selection": selection.kind,
            "issues": [seen.number for _, seen in taken],
        }
        body = canonical(content)
        plan = Migration.create(
            process=process,
            version=target.version,
            body=body,
            sha256=hashlib.sha256(body.encode()).hexdigest(),
            state=Migration.PROPOSED,
            reason=reason,
            proposed_by=by.login,
            proposed_at=now,
        )
        insert_many(
            MigrationIssue, [{"migration": plan.id, "issue": id, "state": MigrationIssue.WAITING} for id, _ in taken]
        )
        audit.record("migration.proposed", now, {**described(plan), "content": content}, by=by.login)
    return plan


def described(plan: Migration) -> dict[str, Any]:
    """A plan as the audit trail names it."""
    return {"migration": plan.id, "process": plan.process, "sha256": plan.sha256, "reason": plan.reason}


def approve(migration: int, by: Caller, sha256: str, now: Moment, remark: str = "") -> Any:
    """Approve the plan with that hash; the worker then runs it. Raises NotPermitted and NotDone."""
    by.require(APPROVE)
    with database.transaction():
        plan = one(migration)
        if plan.proposed_by == by.login:
            raise NotDone(403, "own-migration", migration=plan.id, login=by.login)
        if sha256.removeprefix("sha256:") != plan.sha256:
            raise NotDone(409, "migration-of-another-hash", migration=plan.id, sha256=plan.sha256)
        _decide(plan, Migration.APPROVED, by, now, remark)
        nudging.after_commit()
    return one(migration)


def reject(migration: int, by: Caller, now: Moment, remark: str) -> Any:
    """Turn a plan down. Raises NotPermitted and NotDone."""
    by.require(APPROVE)
    return _close(migration, Migration.REJECTED, by, now, remark)


def withdraw(migration: int, by: Caller, now: Moment, remark: str = "-") -> Any:
    """Take a plan back: whoever proposed it. Raises NotPermitted and NotDone."""
    if one(migration).proposed_by != by.login:
        raise NotPermitted(PROPOSE)
    return _close(migration, Migration.WITHDRAWN, by, now, remark)


def _close(migration: int, state: str, by: Caller, now: Moment, remark: str) -> Any:
    if not remark.strip():
        raise NotDone(422, "migration-without-reason")
    with database.transaction():
        _decide(one(migration), state, by, now, remark)
    return one(migration)


def _decide(plan: Migration, state: str, by: Caller, now: Moment, remark: str) -> None:
    moved = (
        Migration.update(state=state, decided_by=by.login, decided_sha256=plan.sha256, decided_at=now, remark=remark)
        .where(Migration.id == plan.id, Migration.state == Migration.PROPOSED)
        .execute()
    )
    if moved != 1:
        raise NotDone(409, "migration-decided", migration=plan.id, state=one(plan.id).state)
    audit.record(f"migration.{state}", now, {**described(plan), "remark": remark}, by=by.login)


def possible(plan: Migration, by: Caller) -> frozenset[str]:
    """What somebody may do with a plan now: approve, reject, withdraw."""
    if plan.state != Migration.PROPOSED:
        return frozenset()
    found = {"withdraw"} if plan.proposed_by == by.login else set()
    if by.may(APPROVE):
        found |= {"reject"} if plan.proposed_by == by.login else {"approve", "reject"}
    return frozenset(found)
