"""What a migration would do to one issue: one pure call of the interpreter, nothing written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server import issues
from server.core.advance import advance, next_due
from server.core.case import Case
from server.core.migration import NotPossible, plan
from server.core.moments import Moment, OutOfRange
from server.core.process import Process
from server.core.values import Problem
from server.core.world import Place
from server.events import Held
from server.numbering import BeforeLock
from server.policies import Pinned

MOST_STEPS = 100
"""Calls in which time passes before the look; more is due only after a very long downtime."""


@dataclass(slots=True)
class Looked:
    """An issue as it would be: stage, severity, the due times of its clocks (before, after: None is none), clocks that
    would breach at once, what would go out, facts without a field, what waits no longer. `problems`: it is not
    possible; `worse`: why it would not be better for the customer (empty: it would)."""

    number: str
    version: int
    stage: tuple[str, str] = ("", "")
    severity: tuple[str | None, str | None] = (None, None)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    problems: tuple[Problem, ...] = ()


class _Looking(BeforeLock):
    """The live directory for a look: whose turn it is next counts something, so that nobody is chosen."""

    def choose(self, team: str, how: str, place: Place) -> str | None:
        return None


def look(found: Held, target: Pinned, table: Mapping[str, str], now: Moment) -> Looked:
    """What the migration would do to the issue now, after what is due until then."""
    seen = Looked(found.number, found.pinned.version)
    try:
        case, entries = passed(found, now)
        event = plan(found.pinned.process, target.process, case, entries, now, table)
        done = advance(target.process, case, event, max(now, case.moment), _Looking())
    except NotPossible as refusal:
        seen.problems = refusal.problems
        return seen
    except OutOfRange:
        seen.problems = (Problem("/clocks", "migration-cannot-go-on", {"why": "OutOfRange"}),)
        return seen
    _compare(seen, found.pinned.process, target.process, case, done.case, done.entries)
    return seen


def passed(found: Held, now: Moment) -> tuple[Case, list[dict[str, Any]]]:
    """The case once time has passed up to, but not including, `now`, and the whole timeline until then."""
    case, entries = found.case, list(issues.entries(found.id))
    for _ in range(MOST_STEPS):
        due = next_due(found.pinned.process, case)
        if due is None or due >= now:
            break
        done = advance(found.pinned.process, case, {"kind": "time"}, now - 1, _Looking())
        case = done.case
        entries += done.entries
    return case, entries


def _compare(
    seen: Looked, before: Process, after: Process, old: Case, new: Case, entries: Sequence[dict[str, Any]]
) -> None:
    seen.stage = (old.stage, new.stage)
    seen.severity = (old.values.get("severity"), new.values.get("severity"))
    seen.entries = list(entries)
    line = entries[0]
    seen.kept, seen.ended = list(line["kept"]), list(line["ended"])
    seen.breaches = [entry["clock"] for entry in entries if entry["kind"] == "clock_breached"]
    seen.notices = [
        {key: entry[key] for key in ("notice", "ladder", "rung", "survey", "via", "to") if key in entry}
        for entry in entries
        if entry["kind"] in ("notified", "asked")
    ]
    for clock in dict.fromkeys((*old.clocks, *new.clocks)):
        was, will_be = _due(old, clock), _due(new, clock)
        if was != will_be:
            seen.clocks.append({"clock": clock, "before": was, "after": will_be})
        if was is not None and (will_be is None or will_be > was):
            seen.worse.append(f"clock.{clock}")
    seen.worse += [f"breach.{clock}" for clock in dict.fromkeys(seen.breaches)]
    seen.worse += seen.ended
    if _rank(after, seen.severity[1]) > _rank(before, seen.severity[0]):
        seen.worse.append("severity")


def _due(case: Case, clock: str) -> Moment | None:
    state = case.clocks.get(clock)
    return None if state is None or state.open is None else state.open.due


def _rank(process: Process, severity: str | None) -> int:
    """Severities stand gravest first."""
    return process.severities.index(severity) if severity in process.severities else len(process.severities)
