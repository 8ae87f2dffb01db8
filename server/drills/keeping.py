"""Drills in the store: played, kept with their report, and read again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from server import audit, settings
from server.core.moments import Moment, show
from server.core.scripts import Script
from server.drills.playing import Plan, play
from server.drills.reporting import report
from server.store import database
from server.store.models import Drill


class UnknownDrill(LookupError):
    """There is no drill of that id."""


def run(
    plan: Plan,
    script: Script,
    text: str,
    now: Moment,
    *,
    name: str = "",
    by: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Play a script, keep what it has shown with an audit entry, and give it as `kept` does. `text` is the script as
    written. Nobody is told. Raises BadScript; then nothing is kept."""
    with database.session():
        # Rendering reads customers; the write lock is taken when all is known.
        found = report(play(plan, script, settings.current(), environ), script, environ)
    with database.transaction():
        row = Drill.create(
            name=name,
            process=plan.process.name,
            sha256=plan.process.sha256,
            pins=plan.pins,
            start_at=script.start,
            at=now,
            by=by,
            script=text,
            totals=found.pop("totals"),
            report=found,
        )
        said = {"drill": row.id, "process": row.process, "version": f"sha256:{row.sha256}", "totals": row.totals}
        audit.record("drill.played", now, said, by=by)
    return shown(row)


def kept(drill: int) -> Any:
    """The row of a drill. Raises UnknownDrill."""
    row = Drill.get_or_none(Drill.id == drill)
    if row is None:
        raise UnknownDrill(drill)
    return row


def newest(limit: int, before: int | None = None) -> list[Any]:
    """So many drills, newest first, without their reports; `before`: older than that one."""
    query = Drill.select(
        Drill.id, Drill.name, Drill.process, Drill.sha256, Drill.pins, Drill.start_at, Drill.at, Drill.by, Drill.totals
    )
    if before is not None:
        query = query.where(Drill.id < before)
    return list(query.order_by(Drill.id.desc()).limit(limit))


def brief(row: Any) -> dict[str, Any]:
    """A drill in a list: what was played, when, by whom, and its figures."""
    return {
        "drill": row.id,
        "name": row.name,
        "process": row.process,
        "version": f"sha256:{row.sha256}",
        "in_force": row.pins is not None,
        "at": show(row.at),
        "by": row.by,
        "totals": row.totals,
    }


def shown(row: Any) -> dict[str, Any]:
    """A drill with its report and its script."""
    return {**brief(row), **row.report, "script": row.script}
