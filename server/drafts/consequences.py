"""What a draft would mean once it is in force, for those who decide: facts, which pages put into words."""

from __future__ import annotations

from dataclasses import dataclass

from server import policies
from server.core.moments import Moment
from server.drafts.standing import in_force
from server.store import database, sql
from server.store.models import Draft, Version

_OPEN = 'SELECT COUNT(*) FROM "issue" WHERE "process" = ? AND NOT "final"'


@dataclass(frozen=True, slots=True)
class Meaning:
    """`version` is in force now (0: none, the document is new), `next` is the number that a draft would get;
    `open_issues` of `processes` keep the versions that judged them."""

    name: str
    kind: str
    version: int
    next: int
    processes: tuple[str, ...]
    open_issues: int


def meaning(name: str, kind: str) -> Meaning:
    """What it means that another text of this document comes into force."""
    with database.session():
        standing = in_force(name)
        last = Version.select(Version.number).where(Version.name == name).order_by(Version.number.desc()).first()
        processes = _judging(name, kind)
        open_issues = sum(int(sql.run(_OPEN, process).fetchone()[0]) for process in processes)
    return Meaning(
        name,
        kind,
        0 if standing is None else standing.number,
        1 if last is None else last.number + 1,
        processes,
        open_issues,
    )


def _judging(name: str, kind: str) -> tuple[str, ...]:
    """The processes in force whose issues the document judges: itself, or those that name it."""
    known = policies.in_force()
    if kind == "process":
        return (name,)
    version = known.versions.get(name)
    return tuple(
        one
        for one, pinned in known.processes.items()
        if version is not None and (version == pinned.pins["channels"] or version in pinned.pins["calendars"].values())
    )


def next_scheduled(name: str) -> tuple[int, Moment] | None:
    """The draft of the document that takes effect next, and when; None: none waits for its time."""
    query = Draft.select(Draft.id, Draft.effective_at).where(Draft.name == name, Draft.state == Draft.SCHEDULED)
    row = query.order_by(Draft.effective_at, Draft.id).first()
    return None if row is None or row.effective_at is None else (row.id, row.effective_at)
