"""Checks of data quality and early warning across issues (policy language, "checks", "watches")."""

from __future__ import annotations

from typing import Any

from server.core.ago import before
from server.core.turn import Happening, Turn


def hear(turn: Turn, happening: Happening) -> None:
    """Step 8: checks are judged after every event; watches at receipt."""
    _check(turn)
    if "received" in happening.names:
        _watch(turn)


def _check(turn: Turn) -> None:
    case = turn.case
    for check in turn.process.checks.values():
        holds, held = check.when.holds(turn.view), check.id in case.failing
        if holds and not held:
            case.failing.append(check.id)
            turn.line("check_failed", check=check.id)
            turn.raise_event(f"check.{check.id}.failed")
            if check.set_aside and check.id not in case.aside:
                set_aside(turn, check.id)
        elif held and not holds:
            case.failing.remove(check.id)


def set_aside(turn: Turn, reason: str | None) -> None:
    """Marks the issue as set aside for a check, or by hand (None)."""
    if not turn.case.aside:
        turn.case.correctors.clear()
    turn.case.aside.append(reason)
    turn.line("set_aside", check=reason)


def put_back(turn: Turn) -> None:
    """Lifts every reason, with a line for each."""
    for reason in turn.case.aside:
        turn.line("put_back", check=reason)
    turn.case.aside.clear()
    turn.case.correctors.clear()


def _watch(turn: Turn) -> None:
    for watch in turn.process.watches.values():
        found = [turn.known.get(name) for name in watch.same]  # no value equals no value
        if watch.when is not None and not watch.when.holds(turn.view):
            continue
        since = before(turn.now, watch.window, turn.process.calendar.zone)
        same = [_counted(value) for value in found]
        number = turn.directory.in_window(turn.process.name, watch.id, same, watch.count, since, turn.now)
        # Each receipt adds one, so the number reaches `count` only after it had been below.
        if number == watch.count:
            turn.line("raised", watch=watch.id, values=dict(zip(watch.same, found, strict=True)))
            turn.raise_event(f"watch.{watch.id}.raised")


def _counted(value: Any) -> Any:
    """The value by which issues count together: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
