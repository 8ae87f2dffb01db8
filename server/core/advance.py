"""The interpreter: what one event does to one issue (architecture, "One idea"; policy language, section 2).

    advance(process, case, event, now, directory) -> Advance(case, entries, answers)

A pure function: it reads no clock, no file and no table. Time is an argument, the world outside the issue is asked
through `directory`, and each question is kept with its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from server.core import actions, clocks, judging, ladders, migration, notices, quality, surveys, timers
from server.core.case import Case
from server.core.moments import Moment
from server.core.process import SYSTEM, Automation, Process
from server.core.turn import Happening, Telling, Turn
from server.core.values import Problem
from server.core.world import Asked, Directory

IN_A_ROW = 20
"""How often automation may act after something that a person or the clock caused ("automate")."""

HEARD_IN_A_ROW = 1_000
"""How many events one event may raise, one after the other: a clock met by its own meeting would go on for ever."""

AT_ONCE = 2_000
"""Due moments that one call lets pass; the rest is due at once afterwards. Bounds a transaction after downtime."""

Event = Mapping[str, Any]
"""What happened: {"kind": "received", "facts", "by", "watchers"}; {"kind": "action", "action", "by", "with"};
{"kind": "again", "actions", "with"}; {"kind": "survey", "survey", "with"}; {"kind": "confirm" | "send", "notice",
"by"}; {"kind": "migrated", …} as `migration.plan` gives it, under the new version; {"kind": "time"}."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was refused: what, by whom and the first reason that applies (contract, `refused`)."""

    action: str
    by: str | None
    why: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Advance:
    """What an event did: the new case, the lines it caused, what is to be told, the answers the directory gave, when
    time matters to the issue next (`next_due`), and why the event itself was refused (then only time has passed)."""

    case: Case
    entries: list[dict[str, Any]]
    tellings: list[Telling]
    answers: list[list[Any]]
    due: Moment | None
    refused: Refused | None = None


def advance(
    process: Process, case: Case | None, event: Event, now: Moment, directory: Directory, copied: bool = True
) -> Advance:
    """What `event` does at `now` to the issue whose state is `case` (None for `received`, whose facts are as
    `values.new_issue` gives them). Time passes first up to, but not including, `now`; for `time`, `now` included.
    `copied=False` works on the given case itself. Raises Unanswered in a replay that asks something new, and
    OutOfRange when a duration leads past the year 9999."""
    asked = Asked(directory)
    if event["kind"] == "received":
        turn = _new(process, event, now, asked)
        _receive(turn, event)
        return _done(turn, next_due(process, turn.case))
    assert case is not None
    turn = Turn(process, case.copy() if copied else case, asked, case.moment)
    if event["kind"] == "time":
        return _done(turn, let_pass(turn, now))
    if event["kind"] != "migrated":  # before that, time has passed under the version that the issue leaves
        let_pass(turn, now - 1)
    turn.at(now)
    turn.by_time = False
    turn.acted = 0
    refused = _EVENTS[event["kind"]](turn, event)
    _run(turn)
    return _done(turn, next_due(process, turn.case), refused)


def _done(turn: Turn, due: Moment | None, refused: Refused | None = None) -> Advance:
    return Advance(turn.case, turn.entries, turn.tellings, turn.directory.answers, due, refused)


# -- receipt -------------------------------------------------------------------------------------------------------


def _new(process: Process, event: Event, now: Moment, directory: Asked) -> Turn:
    facts = dict(event["facts"])
    number = facts.pop("number", None) or directory.number(process.name, facts["received"])
    case = Case(
        process=process.name,
        number=number,
        recorded=now,
        receiver=event.get("by"),
        stage=process.first_stage,
        moment=now,
        facts=facts,
        watchers=list(event.get("watchers", ())),
    )
    turn = Turn(process, case, directory, now)
    turn.actor = event.get("by")
    return turn


def judge(turn: Turn) -> list[dict[str, Any]]:
    """Judges and routes a new issue; gives the reasons. Nothing runs yet."""
    turn.happens("received", f"stage.{turn.case.stage}")
    return judging.judge_new(turn)


def _receive(turn: Turn, event: Event) -> None:
    case = turn.case
    reasons = judge(turn)
    others = {name: value for name, value in case.values.items() if name != "severity"}
    turn.line(
        "received",
        severity=case.values["severity"],
        values=others,
        team=case.team,
        owner=case.owner,
        stage=case.stage,
        because=reasons,
    )
    first = Happening(turn.happens("received", f"stage.{case.stage}"), None, case.stage, None, case.receiver)
    clocks.note_spans(turn)
    _enter_stage(turn, case.stage)
    _hear(turn, first)
    _run(turn)


def planned(process: Process, facts: Mapping[str, Any], now: Moment, directory: Directory) -> tuple[Turn, list[Any]]:
    """A new issue judged, its clocks started and its notices begun, and nothing further: what `decide` shows."""
    turn = _new(process, {"facts": facts}, now, Asked(directory))
    reasons = judge(turn)
    first = Happening(turn.happens("received", f"stage.{turn.case.stage}"), None, turn.case.stage)
    clocks.note_spans(turn)
    clocks.hear(turn, first)
    return turn, reasons


# -- other events --------------------------------------------------------------------------------------------------


def _act(turn: Turn, event: Event) -> Refused | None:
    action, person, given = event["action"], event.get("by"), event.get("with") or {}
    refused = actions.refusal(turn, action, person, given)
    if refused is not None:
        return Refused(action, person, refused.why, refused.problems)
    _hear(turn, _do(turn, action, person, given))
    return None


def _do(turn: Turn, action: str, person: str | None, given: Mapping[str, Any]) -> Happening:
    happening = actions.perform(turn, action, person, given)
    if action == "assign" and turn.process.actions[action].built_in:
        before = (turn.case.team, turn.case.owner)
        actions.assign_by_hand(turn, given)
        if (turn.case.team, turn.case.owner) != before:
            turn.line("routed", team=turn.case.team, owner=turn.case.owner)
    return happening


def _again(turn: Turn, event: Event) -> Refused | None:
    """The first possible of several actions, by the system (policy language, section 4, `again`)."""
    refusals = []
    for action in event["actions"]:
        given = _fitting(turn.process, action, event.get("with") or {})
        refused = _act(turn, {"action": action, "by": SYSTEM, "with": given})
        if refused is None:
            return None
        refusals.append(refused)
    refused_line(turn, refusals[0])
    return refusals[0]


def _fitting(process: Process, action_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What of `with` the action's form has: several actions share one `with`."""
    action = process.actions.get(action_id)
    if action is None or action.built_in:
        return dict(given)
    return {name: value for name, value in given.items() if name in action.form}


def _answer(turn: Turn, event: Event) -> Refused | None:
    survey, given = event["survey"], event.get("with") or {}
    why, problems = surveys.refusal(turn, survey, given)
    if why is not None:
        return Refused(f"survey.{survey}", "customer", why, tuple(problems))
    turn.actor = "customer"
    _hear(turn, Happening(surveys.take(turn, survey, given)))
    return None


def _confirm(turn: Turn, event: Event) -> Refused | None:
    notice, person = event["notice"], event.get("by")
    turn.actor = person
    if not notices.confirm(turn, notice):
        return Refused(f"notice.{notice}", person, "stage")
    _hear(turn, Happening(turn.happens(f"notice.{notice}.confirmed")))
    return None


def _send(turn: Turn, event: Event) -> Refused | None:
    notice, person = event["notice"], event.get("by")
    turn.actor = person
    if not notices.send_asked(turn, notice):
        return Refused(f"notice.{notice}", person, "stage")
    return None


def _migrate(turn: Turn, event: Event) -> None:
    migration.migrate(turn, event)


_EVENTS: Mapping[str, Callable[[Turn, Event], Refused | None]] = {
    "action": _act,
    "again": _again,
    "survey": _answer,
    "confirm": _confirm,
    "send": _send,
    "migrated": _migrate,
}


def refused_line(turn: Turn, refused: Refused) -> dict[str, Any]:
    """Writes the line of a refused event (scripts and `system` only)."""
    return turn.line("refused", action=refused.action, by=refused.by, why=refused.why)


# -- what one event sets off ---------------------------------------------------------------------------------------


def _hear(turn: Turn, happening: Happening) -> None:
    """Steps 2 to 8 for one event, then the automations that it triggers are queued behind what it raised."""
    judging.judge_again(turn)
    judging.hand_on(turn, happening)
    turn.changed.clear()
    if happening.entered is not None and "received" not in happening.names:
        _enter_stage(turn, happening.entered)
    if "received" not in happening.names:
        clocks.change(turn, happening)
    clocks.hear(turn, happening)
    notices.hear(turn, happening)
    ladders.hear(turn, happening)
    surveys.hear(turn, happening)
    quality.hear(turn, happening)
    names = happening.names
    turn.queue.extend([one for one in turn.process.automations if not one.on.isdisjoint(names)])


def _enter_stage(turn: Turn, stage: str) -> None:
    """Times what is to happen in this stage; a final one ends waiting steps, ladders and timers."""
    case = turn.case
    case.timers.clear()
    if turn.final:
        notices.end_waiting(turn)
        ladders.end_all(turn)
        return
    for index, automation in enumerate(turn.process.automations):
        if automation.stage == stage:
            due = timers.first_due(turn, automation, turn.now)
            if due is not None:
                case.timers[str(index)] = due


def _run(turn: Turn) -> None:
    """Step 9: what was raised and what was triggered, first in, first out. Where events raise one another for ever,
    the rest of the chain is dropped, with a line: a bad document must not stop anything else."""
    heard = 0
    while turn.queue:
        item = turn.queue.popleft()
        if isinstance(item, Happening):
            heard += 1
            if heard > HEARD_IN_A_ROW:
                refused_line(turn, Refused(min(item.names), SYSTEM, "loop"))
                turn.queue.clear()
                return
            _hear(turn, item)
        elif turn.acted >= 0:
            _automate(turn, item)


def _automate(turn: Turn, automation: Automation) -> None:
    """Does what happens by itself, if it still can: `when` is judged at its turn."""
    action = turn.process.actions[automation.do]
    if automation.when is not None and not automation.when.holds(turn.view):
        return
    refused = actions.refusal(turn, action.id, SYSTEM, automation.values)
    if refused is not None and refused.why != "form":
        return
    if turn.acted >= IN_A_ROW:
        refused_line(turn, Refused(action.id, SYSTEM, "loop"))
        turn.acted = -1  # the chain's further automations are dropped
        return
    if refused is not None:
        refused_line(turn, Refused(action.id, SYSTEM, "form"))
        return
    turn.acted += 1
    _hear(turn, _do(turn, action.id, SYSTEM, automation.values))


# -- time ----------------------------------------------------------------------------------------------------------


def next_due(process: Process, case: Case) -> Moment | None:
    """The next moment at which time matters to the issue; never before its last moment. None: nothing is timed."""
    first = min((moment for moment, _, _ in _dues(process, case)), default=None)
    return None if first is None else max(first, case.moment)


def let_pass(turn: Turn, until: Moment) -> Moment | None:
    """Lets time pass up to and including `until`: one due moment after the other, each timed at its own. Gives when
    time matters next."""
    for _ in range(AT_ONCE):
        first = _first(turn.process, turn.case)
        if first is None or first.moment > until:
            return None if first is None else first.moment
        _happen(turn, first)
    return next_due(turn.process, turn.case)


def step(turn: Turn, until: Moment) -> bool:
    """Lets the next due thing happen, if it is due by `until`; False when there is none."""
    first = _first(turn.process, turn.case)
    if first is None or first.moment > until:
        return False
    _happen(turn, first)
    return True


class _Due(NamedTuple):
    """Something timed: when it is due, and what then happens, to what."""

    moment: Moment
    happen: Callable[[Turn, Any], None]
    what: Any


def _happen(turn: Turn, due: _Due) -> None:
    turn.at(due.moment)
    turn.by_time, turn.actor, turn.acted = True, None, 0
    due.happen(turn, due.what)
    _run(turn)


def _first(process: Process, case: Case) -> _Due | None:
    """What is due first. At one instant: clocks in document order, waiting steps, ladders, surveys that expire,
    automations; what an event meanwhile delayed counts as due at the case's last moment."""
    found: _Due | None = None
    for moment, happen, what in _dues(process, case):
        if found is None or max(moment, case.moment) < found.moment:
            found = _Due(max(moment, case.moment), happen, what)
    return found


def _dues(process: Process, case: Case) -> Iterator[tuple[Moment, Callable[[Turn, Any], None], Any]]:
    """All that is timed, in the order in which it happens at one instant: a `_Due` each."""
    for clock in process.clocks.values():
        if (moment := clocks.next_moment(case, clock)) is not None:
            yield moment, clocks.pass_time, clock
    for notice in process.notices.values() if case.notices else ():
        if (moment := notices.next_moment(case, notice)) is not None:
            yield moment, notices.pass_time, notice
    for ladder in process.ladders.values() if case.ladders else ():
        if (moment := ladders.next_step(case, ladder)) is not None:
            yield moment, ladders.take_step, ladder
    for ladder in process.ladders.values() if case.ladders else ():
        if (moment := ladders.next_moment(case, ladder)) is not None:
            yield moment, ladders.pass_time, ladder
    for survey in process.surveys.values() if case.surveys else ():
        if (moment := surveys.next_moment(case, survey)) is not None:
            yield moment, surveys.pass_time, survey
    for index, moment in sorted((int(index), moment) for index, moment in case.timers.items()):
        yield moment, _time_automation, index


def _time_automation(turn: Turn, index: int) -> None:
    automation = turn.process.automations[index]
    if automation.at:
        again = timers.next_round(turn, automation)
        assert again is not None
        turn.case.timers[str(index)] = again
    else:
        del turn.case.timers[str(index)]
    _automate(turn, automation)
