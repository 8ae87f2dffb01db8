"""Clocks at a migration: rule 5 of "clocks", where it is the policy that changes, and not the issue.

What the new version's clocks would have seen of the past (`on`, `until`, pauses) is read from the timeline into the
event; open runs are then measured afresh from their start.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from server.core import clocks
from server.core.case import ClockState, Run
from server.core.clocks import MANY_PAUSES
from server.core.moments import Moment
from server.core.process import Clock, Process, Span
from server.core.records import RECEIVED, Record
from server.core.turn import Happening, Turn

ENDED_ON_TIME = ("met", "finished_late", "breached", "stopped")


def changed_clocks(before: Process, after: Process, history: Record, moved: bool) -> dict[str, Any]:
    """For each clock that is another one in the new version, or is new: `on` (the moment from which a run counts and
    when that was recorded; None: it waits for no `until`), the `pauses` since, and since when it stands still
    (`paused_at`); `marks`: its warnings are others; `other`: it is one-shot now and was not, or the reverse; `gone`: it
    is no more. `moved`: stages have other names, so that each clock's pauses are read anew."""
    found: dict[str, Any] = {}
    for id in history.case.clocks:
        if id not in after.clocks and id in before.clocks:
            found[id] = {"gone": True}
    for id, clock in after.clocks.items():
        former = before.clocks.get(id)
        if former is not None and not moved and _is_same(before, after, former, clock):
            continue
        seen: dict[str, Any] = {"on": _on(after, clock, history), **_pauses(clock, history)}
        if former is None or former.warn != clock.warn:
            seen["marks"] = True
        if former is not None and former.recurring != clock.recurring:
            seen["other"] = True
        found[id] = seen
    return found


def _is_same(before: Process, after: Process, former: Clock, clock: Clock) -> bool:
    same = repr(before.raw["clocks"][clock.id]) == repr(after.raw["clocks"][clock.id])
    return same and (former.calendar is clock.calendar or former.calendar == clock.calendar)


def _on(after: Process, clock: Clock, history: Record) -> list[Moment] | None:
    """The first `on` event with no `until` event or final stage since."""
    found: list[Moment] | None = None
    finals = {f"stage.{id}" for id, stage in after.stages.items() if stage.final}
    for at, happened in history.happenings:
        names = frozenset(happened)
        if not clock.until.isdisjoint(names):
            found = None
        if found is None and not clock.on.isdisjoint(names):
            found = [history.received if RECEIVED in names else at, at]
        if not finals.isdisjoint(names):
            found = None
    return found


def _pauses(clock: Clock, history: Record) -> dict[str, Any]:
    pauses: list[list[Moment]] = []
    for (at, stage), (end, _) in pairwise(history.stages):
        if stage not in clock.pause:
            continue
        if pauses and pauses[-1][1] == at:
            pauses[-1][1] = end
        else:
            pauses.append([at, end])
    paused_at = None
    if history.stages and history.stages[-1][1] in clock.pause:
        paused_at = history.stages[-1][0]
        if pauses and pauses[-1][1] == paused_at:
            paused_at = pauses.pop()[0]
    return {"pauses": pauses[-MANY_PAUSES:], "paused_at": paused_at}


# -- playing it ------------------------------------------------------------------------------------------------------


def rejudge(turn: Turn, changed: Mapping[str, Any]) -> None:
    """Steps 3 and 4 of "What one event sets off": durations that changed, then pauses entered or left."""
    stood = {id: _stands(turn, id) for id in turn.process.clocks}
    for id, seen in changed.items():
        if "gone" in seen:
            _cancel_gone(turn, id)
    for clock in turn.process.clocks.values():
        if turn.final:
            continue
        if clock.id in changed:
            _change(turn, clock, changed[clock.id])
        else:
            clocks.change_one(turn, clock, Happening(frozenset()))
    for clock in turn.process.clocks.values():
        if turn.final:
            clocks.stop(turn, clock)
        elif clock.id in changed:
            _say_pause(turn, clock, stood[clock.id])


def _stands(turn: Turn, id: str) -> tuple[int, bool]:
    """The run that is open and whether it stands still."""
    state = turn.case.clocks.get(id)
    run = None if state is None else state.open
    return (0, False) if run is None else (run.number, run.state == "paused")


def _cancel_gone(turn: Turn, id: str) -> None:
    state = turn.case.clocks[id]
    if state.open is not None:
        _cancel(turn, id, state, state.open)
    turn.case.clocks[id] = ClockState(runs=state.runs, last=state.last)


def _cancel(turn: Turn, id: str, state: ClockState, run: Run) -> None:
    run.state = "cancelled"
    state.last, state.open = run, None
    turn.line("clock_cancelled", clock=id, run=run.number, due=run.due)


def _change(turn: Turn, clock: Clock, seen: Mapping[str, Any]) -> None:
    state = clocks.state_of(turn, clock)
    run = state.open
    state.on_at, state.on_since = seen["on"] or (None, None)
    state.pauses = [list(pause) for pause in seen["pauses"]]
    state.paused_at = seen["paused_at"]
    found = clocks.target(turn, clock)
    state.span = None if found is None else found.text
    if run is not None and ("other" in seen or clocks.target(turn, clock, run.first) is None):
        _cancel(turn, clock.id, state, run)
        run = None
        if "other" not in seen:
            return
    if run is None:
        _start(turn, clock, state, found)
    elif run.state != "breached":
        _measure_afresh(turn, clock, state, run, "marks" in seen)


def _start(turn: Turn, clock: Clock, state: ClockState, found: Span | None) -> None:
    """A clock that now applies starts, unless a run from that very event has ended."""
    if found is None or state.on_at is None:
        return
    last = state.last
    if not clock.recurring and last is not None and last.state in ENDED_ON_TIME and last.start not in state.spent:
        state.spent = [*state.spent[-9:], last.start]
    clocks.start_afterwards(turn, clock, state, found, Happening(frozenset()))


def _measure_afresh(turn: Turn, clock: Clock, state: ClockState, run: Run, other_marks: bool) -> None:
    """The due time of an open run, from its start and its pauses as the new version has them."""
    found = clocks.target(turn, clock, run.first)
    assert found is not None
    before = (run.span, run.base, run.due)
    clocks.measure(clock, run, found)
    due = clocks.moved(clock, state, run, run.base)
    if other_marks or (run.span, run.base, due) != before:
        run.marks_after = max(run.marks_after, turn.now - 1)
    paused = _stands_still(state, due)
    was, run.state = run.state, "paused" if paused else "running"
    if run.state == was == "running" and due != run.due:
        run.due = due
        turn.line("clock_moved", clock=clock.id, run=run.number, due=due)
    run.due = due
    if was == "running":
        clocks.breach_if_past(turn, clock, state)


def _stands_still(state: ClockState, due: Moment) -> bool:
    """Whether the open run is paused, and not breached before it could stand still: one that starts in such a stage
    starts paused, even past its due time (rule 4 of "clocks")."""
    if state.paused_at is None:
        return False
    return due >= state.paused_at or (state.on_since is not None and state.on_since >= state.paused_at)


def _say_pause(turn: Turn, clock: Clock, stood: tuple[int, bool]) -> None:
    """The lines of runs that stand still now and did not, or the reverse."""
    state = clocks.state_of(turn, clock)
    run = state.open
    if run is None or run.number != stood[0] or run.state == "breached":
        return
    if run.state == "paused" and not stood[1]:
        turn.line("clock_paused", clock=clock.id, run=run.number)
    elif run.state == "running" and stood[1]:
        turn.line("clock_resumed", clock=clock.id, run=run.number, due=run.due)
        clocks.breach_if_past(turn, clock, state)
