"""Ladders: escalation, rung by rung (policy language, "ladders").

One event moves a ladder one rung at most; `until` is looked at first.
"""

from __future__ import annotations

from server.core import notices
from server.core.case import Case, LadderState
from server.core.moments import Moment
from server.core.process import Ladder
from server.core.turn import Happening, Turn


def state_of(turn: Turn, ladder: Ladder) -> LadderState:
    """The ladder's state on this issue."""
    return turn.case.ladders.setdefault(ladder.id, LadderState())


def hear(turn: Turn, happening: Happening) -> None:
    """Step 6: for each ladder `until`, then `climb_on`, then `on`."""
    for ladder in turn.process.ladders.values():
        if happening.is_one_of(ladder.until):
            turn.case.ladders.pop(ladder.id, None)
        if turn.final:
            continue
        if happening.is_one_of(ladder.climb_on):
            _climb(turn, ladder)
        elif (
            happening.is_one_of(ladder.on)
            and ladder.id not in turn.case.ladders
            and (ladder.when is None or ladder.when.holds(turn.view))
        ):
            _enter(turn, ladder, state_of(turn, ladder), 1)


def end_all(turn: Turn) -> None:
    """A final stage: ladders end."""
    turn.case.ladders.clear()


def _climb(turn: Turn, ladder: Ladder) -> None:
    """One rung up; after the last one it starts over if `repeat` allows, else it is exhausted, once."""
    state = state_of(turn, ladder)
    if state.rung < len(ladder.rungs):
        _enter(turn, ladder, state, state.rung + 1)
    elif state.rounds < ladder.repeat:
        state.rounds += 1
        _enter(turn, ladder, state, 1)
    elif not state.exhausted:
        state.exhausted = True
        state.due = None
        turn.line("exhausted", ladder=ladder.id)
        turn.raise_event(f"ladder.{ladder.id}.exhausted")


def _enter(turn: Turn, ladder: Ladder, state: LadderState, number: int) -> None:
    rung = ladder.rungs[number - 1]
    within = None if rung.within is None else rung.within.value(turn.view)
    state.rung = number
    state.variant = "" if "" in rung.steps else turn.case.values["severity"]
    state.due = None if within is None else turn.process.calendar.add(turn.now, within)
    state.at, state.step = None, 0
    turn.line("escalated", ladder=ladder.id, rung=number, to=list(rung.to), due=state.due)
    turn.raise_event(f"ladder.{ladder.id}.climbed")
    _go(turn, ladder, state, 0)


def _go(turn: Turn, ladder: Ladder, state: LadderState, index: int) -> None:
    """Takes the rung's steps in order from `index` until one has to wait."""
    steps = ladder.rungs[state.rung - 1].steps.get(state.variant, ())
    for number in range(index, len(steps)):
        step = steps[number]
        if step.wait is not None and (number != index or state.at is None):
            until = step.wait.until(turn.now, turn.process.calendar)
            if until > turn.now:
                state.step, state.at = number, until
                return
        for via in step.via:
            turn.line("notified", ladder=ladder.id, rung=state.rung, via=via, to=list(step.to))
            notices.tell(turn, "ladder", ladder.id, via, step, state.rung)
        state.at = None
    state.at, state.step = None, 0


def next_step(case: Case, ladder: Ladder) -> Moment | None:
    """When the rung's waiting step is taken."""
    state = case.ladders.get(ladder.id)
    return None if state is None else state.at


def take_step(turn: Turn, ladder: Ladder) -> None:
    """Takes the waiting step, and those after it that need not wait."""
    state = state_of(turn, ladder)
    _go(turn, ladder, state, state.step)


def next_moment(case: Case, ladder: Ladder) -> Moment | None:
    """When the rung is left by time."""
    state = case.ladders.get(ladder.id)
    return None if state is None else state.due


def pass_time(turn: Turn, ladder: Ladder) -> None:
    """The rung's time has passed without an `until` event."""
    _climb(turn, ladder)
