"""Receipt of one issue that a person, an integrator, a source or a schedule hands in."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server import metrics, policies
from server.core import values
from server.core.moments import Moment, OutOfRange
from server.core.process import Process
from server.core.values import Problem
from server.directory import snapshot
from server.events import LIVE, Surroundings
from server.policies import InForce
from server.receipts import record_new
from server.store import database, sql
from server.store.failures import as_unavailable

log = logging.getLogger("duban.intake")


class UnknownProcess(LookupError):
    """No process of that name is in force."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Refused(ValueError):
    """The process refuses the issue: `problems` say where and why, all at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{problem.at} {problem.code}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Received:
    """An issue that was handed in; `created` is False when its source had sent it before."""

    issue: int
    number: str
    process: str
    severity: str | None
    stage: str
    seq: int
    created: bool


def receive(
    process: str,
    given: Mapping[str, Any],
    now: Moment,
    by: str | None = None,
    source: str = "",
    external_id: str | None = None,
    *,
    watchers: Sequence[str] = (),
    note: Mapping[str, Any] | None = None,
    surroundings: Surroundings = LIVE,
    looked: bool = False,
    documents: InForce | None = None,
) -> Received:
    """Judge and store an issue of the process. `by` is the receiver; `source` and `external_id` together are received
    once, whoever comes second gets the first one's issue; `looked`: the caller has looked for that one, or need not.
    `documents`: those that the caller goes by; OutOfDate is raised when they are not in force any more. Raises
    UnknownProcess, Refused, Unavailable."""
    if external_id is not None and not looked and (known := find(source, external_id)) is not None:
        return known
    in_force = policies.in_force() if documents is None else documents
    found = in_force.processes.get(process)
    if found is None:
        raise UnknownProcess(process)
    facts, problems = values.new_issue(found.process, given, now, extra=True)
    if surroundings.directory is None:
        problems += unknown_people(found.process, facts)
    if problems:
        if not source:
            metrics.count(metrics.INTAKE, "", process, "refused")
        raise Refused(problems)
    if source:
        facts["source"] = source
    if external_id is not None:
        facts["external_id"] = external_id
    try:
        recorded = record_new(
            found,
            facts,
            now,
            by=by,
            source=source,
            external_id=external_id,
            watchers=watchers,
            note=note,
            surroundings=surroundings,
            revision=None if documents is None else documents.revision,
        )
    except OutOfRange as error:
        # A date so far away that a clock which counts from it has no due time.
        raise Refused([Problem("", error.code, error.params)]) from error
    if recorded is None:
        known = find(source, str(external_id))
        assert known is not None
        return known
    case = recorded.case
    return Received(
        recorded.issue, recorded.number, process, case.values.get("severity"), case.stage, recorded.seq, created=True
    )


def hand_in(process: str, given: Mapping[str, Any], now: Moment, by: str | None) -> Received:
    """`receive` for somebody who waits for the answer: an issue that the policy fails on is refused, too. Raises
    UnknownProcess, Refused, Unavailable."""
    try:
        return receive(process, given, now, by)
    except (UnknownProcess, Refused):
        raise
    except Exception as error:
        if as_unavailable(error) is not None:
            raise
        # Whatever a policy does with this issue, it is no failure of the server (What must hold, 6).
        log.exception("process %s fails on an issue that is handed in", process)
        raise Refused([Problem("", "not-judged", {"error": type(error).__name__})]) from error


def find(source: str, external_id: str) -> Received | None:
    """The issue that this source has sent under that id before."""
    with database.session():
        row = sql.run(_FIND, source, external_id).fetchone()
    if row is None:
        return None
    issue, number, process, severity, stage, seq = row
    return Received(issue, number, process, severity, stage, seq, created=False)


_FIND: Final = (
    'SELECT "id", "number", "process", "severity", "stage", "seq" FROM "issue" WHERE "source" = ? AND "external_id" = ?'
)


def unknown_people(process: Process, facts: Mapping[str, Any], names: Sequence[str] | None = None) -> list[Problem]:
    """A problem for every field of type `person` that holds nobody's login."""
    found = []
    for name in process.people if names is None else names:
        field = process.fields.get(name)
        if field is None or field.type != "person":
            continue
        login = facts.get(name)
        # What is no text at all is refused with the other values of the form.
        if isinstance(login, str) and login != "" and snapshot().active(login) is None:
            found.append(Problem(f"/{name}", "unknown-person", {"value": login}))
    return found
