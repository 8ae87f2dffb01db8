"""Judging an issue and whose it is: tables and routes (policy language, "classify", "route").

Tables are judged at receipt and after every event that changed what is recorded; the moment of receipt is their
"now", so an issue does not become graver because someone looks at it later.
"""

from __future__ import annotations

from typing import Any

from server.core import people
from server.core.judged import Decision, View
from server.core.process import Route
from server.core.turn import Happening, Turn


def because(name: str, decision: Decision) -> dict[str, Any]:
    """A decision as a timeline gives it (contract, `because`)."""
    return {"table": name, "value": decision.value, "rule": decision.rule, "facts": decision.facts}


def known_at_receipt(turn: Turn) -> dict[str, Any]:
    """What is known of the issue, as tables and routes see it: "now" is the time of receipt."""
    return {**turn.known, "now": turn.case.facts["received"]}


def _view(turn: Turn, known: dict[str, Any]) -> View:
    return View(known, known["now"], turn.case.happened)


def judge_new(turn: Turn) -> list[dict[str, Any]]:
    """Judges every table for a new issue and gives it to a team, and to the person whose turn it is; gives the reasons,
    in document order."""
    reasons = []
    known = known_at_receipt(turn)
    view = _view(turn, known)
    for classification in turn.process.classify:
        decision = classification.table.decide(view)
        if decision is not None:
            turn.set_value(classification.name, decision.value)
            known[classification.name] = decision.value
            reasons.append(because(classification.name, decision))
    _give(turn, _matching(turn, view))
    turn.changed.clear()
    return reasons


def judge_again(turn: Turn) -> None:
    """Judges the tables after an event that changed something recorded; names set by hand stay. Writes a
    `classified` line for each that changed."""
    if turn.changed <= {"stage", "team", "owner"}:
        return
    known = known_at_receipt(turn)
    view = _view(turn, known)
    for classification in turn.process.classify:
        name = classification.name
        if name in turn.case.by_hand:
            continue
        decision = classification.table.decide(view)
        value = None if decision is None else decision.value
        if value != turn.case.values.get(name):
            reasons = [] if decision is None else [because(name, decision)]
            classified(turn, name, value, "rules", reasons)
            known[name] = value


def classified(turn: Turn, name: str, value: Any, by: str | None, reasons: list[dict[str, Any]]) -> None:
    """Gives a classified name another value, writes its line and raises `classified.NAME`."""
    former = turn.case.values.get(name)
    turn.set_value(name, value)
    turn.line("classified", name=name, **{"from": former, "to": value}, by=by, because=reasons)
    turn.raise_event(f"classified.{name}")


def hand_on(turn: Turn, happening: Happening) -> None:
    """What an action's `assign` does, and routing anew when something that the table looks at has changed while
    nobody owns the issue and no team was set by hand. Writes a `routed` line when team or owner is another."""
    case = turn.case
    before = (case.team, case.owner)
    if happening.assign == "route":
        turn.set_owner(None)
        _give(turn, _matching(turn, _view(turn, known_at_receipt(turn))))
    elif happening.assign is not None:
        person = people.first(turn, happening.assign)
        if person is not None:
            turn.set_owner(person)
    if (
        happening.assign != "route"
        and case.owner is None
        and not case.team_by_hand
        and not turn.changed.isdisjoint(turn.process.route_fields)
    ):
        _give(turn, _matching(turn, _view(turn, known_at_receipt(turn))))
    if (case.team, case.owner) != before:
        turn.line("routed", team=case.team, owner=case.owner)


def _matching(turn: Turn, view: View) -> tuple[str, Route] | None:
    for route in turn.process.route:
        if route.when is None or route.when.holds(view):
            to = route.to or turn.known.get(route.field) or ""
            if to:
                return to.removeprefix("team:"), route
    return None


def _give(turn: Turn, match: tuple[str, Route] | None) -> None:
    if match is None:
        return
    team, route = match
    turn.set_team(team)
    if route.assign != "nobody":
        turn.set_owner(turn.directory.choose(team, route.assign, turn.place))
