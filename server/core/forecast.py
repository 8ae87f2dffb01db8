"""What lies ahead of an issue: if nobody acts any more, and if everybody acts at the last moment.

"At the last moment": whenever a clock would be breached, what ends it (an event of its `until`, of a recurring one of
its `met_by`) is done by the system exactly at its due time, which is in time. Where the issue does not stand in a stage
in which that is possible, it is taken there first, by the fewest actions, of these the first in the document's order.
Forms are filled with placeholders. A clock that no action can end is breached, and what no clock asks for is not done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from server.core import actions
from server.core.advance import advance, next_due, step
from server.core.case import Case
from server.core.judged import Decision, View
from server.core.moments import DAY, Moment
from server.core.process import SYSTEM, Action, Classification, Clock, Field, Process
from server.core.turn import Turn
from server.core.values import editable
from server.core.world import Asked, Directory

MOST_LINES: Final = 2_000
AHEAD: Final = 30 * DAY
"""How far ahead is looked, and further where a deadline that is not recurring is later."""

_BUILT_IN: Final[Mapping[str, Mapping[str, Any]]] = {
    "edit": {},
    "comment": {"text": "…"},
    "attach": {"file": "…"},
    "set_aside": {"reason": "…"},
    "correct": {"reason": "…"},
}


@dataclass(frozen=True, slots=True)
class _Always:
    """A table that gives one severity, whatever the facts are."""

    severity: str

    @property
    def outcomes(self) -> tuple[str, ...]:
        return (self.severity,)

    def decide(self, view: View) -> Decision:
        return Decision(self.severity, None, {})


def always(process: Process, severity: str) -> Process:
    """The process as it treats issues of one severity, whatever makes them so."""
    table: Any = _Always(severity)
    classify = tuple(Classification(one.name, table) if one.name == "severity" else one for one in process.classify)
    return replace(process, classify=classify)


def complete(process: Process, subject: str, now: Moment) -> dict[str, Any]:
    """The facts of a made-up issue whose record is complete: every required field and key fact has a placeholder."""
    facts: dict[str, Any] = {"subject": subject, "received": now}
    for field in process.fields.values():
        if field.required or field.key:
            facts[field.id] = now if field.type == "datetime" else placeholder(process, field, now)
    return facts


def received(
    process: Process, facts: Mapping[str, Any], now: Moment, world: Directory
) -> tuple[Case, list[dict[str, Any]]]:
    """A new issue with these facts (as `values.new_issue` gives them), and the lines of its receipt."""
    done = advance(process, None, {"kind": "received", "facts": dict(facts), "by": None}, now, world)
    return done.case, done.entries


def ahead(
    process: Process, case: Case, until: Moment | None, world: Directory, acting: bool
) -> Iterator[dict[str, Any]]:
    """The lines ahead, up to `until` (None: AHEAD, or the last deadline that is open then). Works on `case` itself."""
    end = case.moment + AHEAD if until is None else until
    written = 0
    while written < MOST_LINES:
        due = next_due(process, case)
        if due is None:
            return
        if due > end:
            end = max(end, last_deadline(process, case)) if until is None else end
            if due > end:
                return
        lines = _act(process, case, due, world) if acting else []
        if not lines:
            turn = Turn(process, case, Asked(world), case.moment)
            step(turn, due)
            lines = turn.entries
        written += len(lines)
        yield from lines


def last_deadline(process: Process, case: Case) -> Moment:
    """When the last of the deadlines that are open now and not recurring is due; 0: there is none."""
    runs = [(clock, case.clocks[name].open) for name, clock in process.clocks.items() if name in case.clocks]
    return max(
        (run.due for clock, run in runs if run is not None and run.state == "running" and not clock.recurring),
        default=0,
    )


# -- everybody acts at the last moment -------------------------------------------------------------------------------


def _act(process: Process, case: Case, now: Moment, world: Directory) -> list[dict[str, Any]]:
    """What is done at `now` for the clocks that are due then."""
    lines: list[dict[str, Any]] = []
    for clock in process.clocks.values():
        if _is_due(case, clock, now):
            for action in _way(process, case, clock, now, world):
                event = {"kind": "action", "action": action.id, "by": SYSTEM, "with": _filled(process, action, now)}
                done = advance(process, case, event, now, world, copied=False)
                if done.refused is not None:
                    break
                lines += done.entries
    return lines


def _is_due(case: Case, clock: Clock, now: Moment) -> bool:
    state = case.clocks.get(clock.id)
    run = None if state is None else state.open
    return run is not None and run.state == "running" and run.due == now


def _way(process: Process, case: Case, clock: Clock, now: Moment, world: Directory) -> list[Action]:
    """The fewest actions after which the clock is met, from the present stage; none when there is no way."""
    for goals in (clock.met_by, clock.until):
        found = _shortest(process, case, goals, now, world) if goals else []
        if found:
            return found
    return []


def _shortest(process: Process, case: Case, goals: frozenset[str], now: Moment, world: Directory) -> list[Action]:
    turn = Turn(process, case, Asked(world), now)
    ways: deque[tuple[str, list[Action]]] = deque([(case.stage, [])])
    seen = {case.stage}
    while ways:
        stage, way = ways.popleft()
        for action in sorted(process.actions.values(), key=lambda one: one.built_in):  # own ones first
            if not _is_possible(process, turn, action, stage, bool(way)):
                continue
            entered = action.to or stage
            if action.id in goals or (entered != stage and f"stage.{entered}" in goals):
                return [*way, action]
            if entered not in seen and not process.is_final(entered):
                seen.add(entered)
                ways.append((entered, [*way, action]))
    return []


def _is_possible(process: Process, turn: Turn, action: Action, stage: str, later: bool) -> bool:
    """Whether the action may be done in that stage; what its `when` says later on is not known yet."""
    if action.built_in and action.id not in _BUILT_IN:
        return False
    if later:
        return not process.is_final(stage) if action.sources is None else stage in action.sources
    return actions.refusal(turn, action.id, SYSTEM, _filled(process, action, turn.now)) is None


def _filled(process: Process, action: Action, now: Moment) -> dict[str, Any]:
    """The action's form with placeholders for what is required."""
    if action.built_in:
        return dict(_BUILT_IN[action.id])
    return {
        name: placeholder(process, editable(process, name), now) for name, required in action.form.items() if required
    }


def placeholder(process: Process, field: Field, now: Moment) -> Any:
    """Something that the field takes."""
    if field.type == "choice":
        first = next(iter(field.options), "")
        return [first] if field.many else first
    if field.type in ("integer", "number", "rating"):
        return 1 if field.type == "rating" else field.minimum or field.maximum or 0
    return {
        "boolean": True,
        "date": process.calendar.date(now),
        "datetime": process.calendar.show(now),
        "email": "somebody@example.com",
        "phone": "+86 10 0000 0000",
        "url": "https://example.com/",
    }.get(field.type, "…")
