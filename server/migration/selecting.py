"""Which issues a migration takes: all open ones of the process that stand on other versions than those now in force,
some of them by number, or those for which it is better for the customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from server import policies
from server.core.findings import Finding
from server.core.values import Problem
from server.drafts import NotDone
from server.policies import Pinned
from server.recording import UnknownIssue, held
from server.setting_apart import CannotGoOn
from server.store.fields import canonical
from server.store.models import Issue

ALL, SOME, BETTER = SELECTIONS = ("all", "some", "better")


class Selection(NamedTuple):
    """`all`, `some` (with the numbers) or `better`: only where no due time would be later or lost, nothing would breach
    at once, the severity would not be lower, and nothing that waits would end."""

    kind: str = ALL
    numbers: tuple[str, ...] = ()


def target_of(process: str) -> Pinned:
    """The version in force, with its calendars and channels. Raises NotDone."""
    processes = policies.in_force().processes
    found = processes.get(process)
    if found is None:
        raise NotDone(404, "unknown-process", name=process, defined=", ".join(processes))
    return found


def candidates(target: Pinned, selection: Selection) -> Iterator[tuple[int, str]]:
    """The ids and numbers of the open issues, in order of receipt. Raises NotDone for a number that is none of the
    process."""
    process, pins = target.process.name, canonical(target.pins)
    query = Issue.select(Issue.id, Issue.number, Issue.pins).where(Issue.process == process, ~Issue.final)
    if selection.kind == SOME:
        _require_known(process, selection.numbers)
        query = query.where(Issue.number.in_(selection.numbers))
    for row in query.order_by(Issue.id):
        if canonical(row.pins) != pins:
            yield row.id, row.number


def _require_known(process: str, numbers: Sequence[str]) -> None:
    rows = Issue.select(Issue.number, Issue.process).where(Issue.number.in_(numbers))
    known = {row.number: row.process for row in rows}
    found = [_unknown(number, known, place) for place, number in enumerate(numbers) if known.get(number) != process]
    if found or not numbers:
        raise NotDone(422, "migration-not-sound", found, count=len(found))


def _unknown(number: str, known: Mapping[str, str], place: int) -> Finding:
    if number not in known:
        return Finding("no-such-issue", ("issues", place), {"number": number})
    return Finding("migration-other-process", ("issues", place), {"process": known[number]})


def standing(issue: int, number: str) -> Any:
    """The issue as it stands, or the Problem why the server cannot go on with it."""
    try:
        return held(issue)
    except (CannotGoOn, UnknownIssue) as error:
        return Problem("", "migration-cannot-go-on", {"why": type(error.__cause__ or error).__name__, "number": number})
