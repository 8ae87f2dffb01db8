"""When automations that are timed act: some time after a stage was entered, or as a schedule comes round in it."""

from __future__ import annotations

from server.core.moments import Moment
from server.core.process import Automation
from server.core.turn import Turn


def first_due(turn: Turn, automation: Automation, entered: Moment) -> Moment | None:
    """When the automation first acts in the stage that was entered then; None: not on this issue."""
    if automation.after is not None:
        after = automation.after.value(turn.view)
        return None if after is None else turn.process.calendar.add(entered, after)
    return next_round(turn, automation)


def next_round(turn: Turn, automation: Automation) -> Moment | None:
    """When the automation's schedule next comes round."""
    calendar = turn.process.calendar
    return min((calendar.next_occurrence(schedule, turn.now) for schedule in automation.at), default=None)
