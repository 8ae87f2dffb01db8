"""Judging one issue without storing it (contract, "`decide` prints")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core import notices, values
from server.core.advance import planned
from server.core.moments import Moment
from server.core.printing import reason_printed
from server.core.process import Notice, Process
from server.core.simulate import ScriptWorld
from server.core.turn import Turn
from server.core.values import Problem


class Refused(ValueError):
    """An issue that the process refuses: `problems` say why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(", ".join(f"{problem.at} {problem.code}" for problem in problems))
        self.problems = problems


def decide(process: Process, given: Mapping[str, Any], at: Moment) -> dict[str, Any]:
    """What the process makes of an issue at that moment, as the contract prints it. Raises Refused."""
    given = dict(given)
    number = given.pop("number", None)
    facts, problems = values.new_issue(process, given, at, extra=True)
    if problems:
        raise Refused(problems)
    world = ScriptWorld({process.name: process})
    world.counted()
    facts["number"] = None if number is None else str(number)
    turn, reasons = planned(process, facts, at, world)
    show = process.calendar.show
    clocks = [
        {"clock": name, "due": show(run.due) if run.state != "paused" else None}
        for name, run in ((name, state.open or state.last) for name, state in turn.case.clocks.items())
        if run is not None
    ]
    return {
        "process": process.name,
        "version": f"sha256:{process.sha256}",
        "at": show(at),
        "severity": turn.case.values["severity"],
        "values": {name: value for name, value in turn.case.values.items() if name != "severity"},
        "team": turn.case.team,
        "stage": turn.case.stage,
        "clocks": clocks,
        "notices": [found for notice in process.notices.values() if (found := _notice(turn, notice)) is not None],
        "because": [reason_printed(reason, process) for reason in reasons],
    }


def _notice(turn: Turn, notice: Notice) -> dict[str, Any] | None:
    if notice.on.isdisjoint({"received", f"stage.{turn.case.stage}"}):
        return None
    if notice.when is not None and not notice.when.holds(turn.view):
        return None
    send, variant = notices.sending(turn, notice)
    if send == "never":
        return None
    steps = []
    at = turn.now
    for step in notice.steps[variant]:
        if step.wait is not None:
            at = step.wait.until(at, turn.process.calendar)
        steps += [{"via": via, "to": list(step.to), "at": turn.process.calendar.show(at)} for via in step.via]
    return {"notice": notice.id, "send": send, "steps": steps}
