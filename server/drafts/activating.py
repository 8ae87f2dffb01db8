"""Approved drafts take effect when their time comes: once, on time, after a downtime, too; refused when something else
came into force meanwhile. And the emergency right: back to the version before, at once."""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from server import nudging, policies
from server.accounts import Caller
from server.core.moments import Moment
from server.crash_points import crash_point
from server.drafts.approving import approvers, take_effect
from server.drafts.checking import check
from server.drafts.keeping import change, one, record
from server.drafts.problems import NotDone
from server.drafts.rights import EMERGENCY, WITHOUT_OWNER, owner_of
from server.drafts.standing import in_force, is_overtaken, one_at_a_time
from server.drafts.telling import tell
from server.store import database, sql
from server.store.failures import Unavailable
from server.store.models import Activation, Draft, Version

log = logging.getLogger("duban.drafts")

_NEXT: Final = """SELECT MIN("effective_at") FROM "draft" WHERE "state" = 'scheduled'"""


def next_moment() -> Moment | None:
    """When the next approved draft takes effect; None: none waits."""
    found = sql.run(_NEXT).fetchone()[0]
    return None if found is None else int(found)


def activate_due(now: Moment) -> int:
    """Put in force what is due, in the order of its times; give how many drafts that settled. One that is overtaken or
    no longer sound is refused, and its submitter and approvers are told."""
    due = Draft.select(Draft.id).where(Draft.state == Draft.SCHEDULED, Draft.effective_at <= now)
    settled = 0
    for row in list(due.order_by(Draft.effective_at, Draft.id)):
        try:
            settled += _settle(row.id, now)
        except Unavailable:
            raise
        except Exception as error:
            # Whatever goes wrong with one must not be tried each second, nor hold up the others.
            log.exception("draft %s cannot take effect", row.id)
            with database.transaction():
                _refuse(one(row.id), f"{type(error).__name__}: {error}"[:500], now)
            settled += 1
    return settled


def _settle(draft_id: int, now: Moment) -> int:
    errors = [str(finding) for finding in check(one(draft_id), now) if finding.level == "error"]
    with database.transaction():
        one_at_a_time()
        draft = one(draft_id)
        if draft.state != Draft.SCHEDULED:
            return 0  # somebody took it back, or another process was faster
        if is_overtaken(draft):
            _refuse(draft, f"overtaken by version {in_force(draft.name).number}", now)
        elif errors:
            _refuse(draft, "; ".join(errors)[:500], now)
        else:
            take_effect(draft, now, approvers(draft)[-1])
            crash_point("drafts.activated")
        nudging.after_commit()
    return 1


def _refuse(draft: Draft, why: str, now: Moment) -> None:
    draft = change(draft, state=Draft.REFUSED, closed_at=now, remark=why)
    record("draft.refused", draft, now, None, why=why)
    people = [login for login in (draft.submitted_by, *approvers(draft)) if login is not None]
    tell("refused", draft.name, f"{draft.id}", (), now, people, draft=draft.id, why=why)


def emergency(name: str, by: Caller, now: Moment, reason: str) -> Version:
    """Put the version that was in force before the one now back in force, at once and without an approval; give it.
    The owner team is told. Once: what comes next goes the usual way.

    Raises NotPermitted without the permission `system`, and NotDone: no reason, no version before.
    """
    by.require(EMERGENCY)
    if not reason.strip():
        raise NotDone(422, "emergency-without-reason", name=name)
    with database.transaction():
        one_at_a_time()
        rows = _last_two(name)
        now_in_force, earlier = rows[0].version, rows[1].version
        Draft.update(state=Draft.SUPERSEDED, seq=Draft.seq + 1).where(
            Draft.name == name, Draft.state == Draft.ACTIVE
        ).execute()
        policies.activate(earlier.id, now, by.login, emergency=True, reason=reason, instead_of=now_in_force.number)
        tell(
            "emergency",
            name,
            f"emergency/{rows[0].id}",
            [responsible_for(now_in_force)],
            now,
            version=earlier.number,
            instead=now_in_force.number,
            who=by.login,
            why=reason,
        )
        nudging.after_commit()
    return cast(Version, earlier)


def before(name: str) -> Any:
    """The version that an emergency would put back in force. Raises NotDone when there is none."""
    return _last_two(name)[1].version


def responsible_for(version: Version) -> str:
    """Who is told of an emergency: the team that owns the document, else the role `process_owner`."""
    return owner_of(bytes(version.data)) or f"role:{WITHOUT_OWNER}"


def _last_two(name: str) -> list[Any]:
    """What is in force and what was before it, newest first. Raises NotDone."""
    rows = list(Activation.select().where(Activation.name == name).order_by(Activation.id.desc()).limit(3))
    if not rows:
        raise NotDone(404, "unknown-document", name=name)
    if len(rows) < 2 or (len(rows) == 3 and rows[2].version_id == rows[0].version_id):
        raise NotDone(409, "no-version-before", name=name)
    return rows
