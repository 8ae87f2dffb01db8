"""A migration: an open issue goes on under another version of its process (policy language, "clocks", rule 5; docs:
migration).

`plan` looks at both versions and at the issue's history and says what becomes of the issue, as an event; `migrate`
plays that event on the case. All that it needs of the old version and of the history stands in the event, so that a
replay needs the new version alone, as for every other event. Time must have passed under the old version before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from server.core import judging, ladders, notices, quality, timers, values
from server.core.case import Case, LadderState, NoticeState
from server.core.migration_clocks import changed_clocks, rejudge
from server.core.moments import Moment
from server.core.printing import fact_printed
from server.core.process import Automation, Process, Step
from server.core.records import Record, record
from server.core.turn import Happening, Turn
from server.core.values import Problem, Unfit

Event = dict[str, Any]

SILENT = Happening(frozenset())
"""A migration is no event that a policy could name."""


class NotPossible(Exception):
    """The issue cannot go on under the other version; `problems` are all the reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.text() for problem in problems))
        self.problems = tuple(problems)


def bad_table(before: Process, after: Process, table: Mapping[str, str]) -> list[Problem]:
    """What is wrong with a table of stages for these versions, whatever the issue."""
    problems = []
    for old, new in table.items():
        if old not in before.stages:
            params = {"stage": old, "defined": ", ".join(before.stages)}
            problems.append(Problem(f"/stages/{old}", "migration-unknown-stage", params))
        if new not in after.stages:
            params = {"stage": new, "defined": ", ".join(after.stages)}
            problems.append(Problem(f"/stages/{old}", "migration-unknown-stage", params))
    return problems


def plan(
    before: Process,
    after: Process,
    case: Case,
    entries: Iterable[Mapping[str, Any]],
    now: Moment,
    table: Mapping[str, str] | None = None,
) -> Event:
    """The event `migrated` that takes the issue from the version that judged it to another one. `entries` is its whole
    timeline; `table` gives stages their counterparts, others keep their id. Raises NotPossible."""
    table = dict(table or {})
    problems = bad_table(before, after, table)
    if before.is_final(case.stage):
        problems.append(Problem("/stage", "migration-closed", {"stage": case.stage}))
    elif table.get(case.stage, case.stage) not in after.stages:
        params = {"stage": case.stage, "defined": ", ".join(after.stages)}
        problems.append(Problem("/stage", "migration-no-stage", params))
    problems += _facts_that_do_not_fit(before, after, case)
    if problems:
        raise NotPossible(problems)
    stages = {old: new for old, new in table.items() if old != new}
    history = record(before, case, entries, now)
    history.rename(stages)
    event: Event = {"kind": "migrated", "from": before.sha256, "to": after.sha256}
    if stages:
        event["stages"] = stages
    said = ("classify", "fields", "severities", "calendar")
    if _raw(before, *said) != _raw(after, *said) or before.calendar is not after.calendar:
        event["judge"] = True
    if _raw(before, "checks") != _raw(after, "checks"):
        event["check"] = True
    parts = {
        "clocks": changed_clocks(before, after, history, bool(stages)),
        "notices": _waiting_notices(before, after, case),
        "ladders": _waiting_ladders(before, after, case),
    }
    event |= {name: part for name, part in parts.items() if part}
    timed = _timers(before, after, case, history, stages)
    return event if timed is None else event | {"timers": timed}


def _raw(process: Process, *keys: str) -> list[Any]:
    # As lists, since the order of a map's keys matters in a policy.
    return [repr(process.raw.get(key)) for key in keys]


def _facts_that_do_not_fit(before: Process, after: Process, case: Case) -> list[Problem]:
    """Facts stay; a field of another type must take the fact as it is."""
    old, new = {**before.fields, **before.questions}, {**after.fields, **after.questions}
    classified = {item.name for item in after.classify}
    problems = []
    for name, value in case.facts.items():
        if name in classified and name not in values.OWN:
            problems.append(Problem(f"/{name}", "migration-name-taken", {"name": name}))
        former, field = old.get(name), new.get(name)
        if field is None and former is not None and former.private and not values.is_empty(value):
            # Without its field nothing would hide it, nor erase it when its time comes.
            problems.append(Problem(f"/{name}", "migration-private", {"name": name}))
        if field is None or (former is not None and (former.type, former.many) == (field.type, field.many)):
            continue
        try:
            fits = values.fact(field, fact_printed(name, value, before), after.calendar.zone) == value
        except Unfit:
            fits = former is not None and former.type == "choice" == field.type and former.many == field.many
        if not fits:
            params = {"name": name, "type": field.type}
            problems.append(Problem(f"/{name}", "migration-other-type", params))
    return problems


# -- what waits: steps, rungs, timers --------------------------------------------------------------------------------


def _waiting_notices(before: Process, after: Process, case: Case) -> dict[str, Any]:
    """The variant and the step that go on waiting, and the variant that is still asked about."""
    found = {}
    for id, state in case.notices.items():
        old, new = before.notices.get(id), after.notices.get(id)
        if old is None or (state.at is None and state.asked is None):
            continue
        steps = new.steps if new is not None else {}
        place = None
        if state.at is not None and state.variant is not None:
            place = _place(old.steps.get(state.variant, ()), state.variant, state.step, steps, case)
        asked = None if state.asked is None else _variant(state.asked, steps, case)
        now_is = [*(place or (None, 0)), asked]
        if now_is != [state.variant, state.step, state.asked]:
            found[id] = now_is
    return found


def _waiting_ladders(before: Process, after: Process, case: Case) -> dict[str, Any]:
    """The variant and the step of the rung that go on waiting; None for a ladder that ends."""
    found: dict[str, Any] = {}
    for id, state in case.ladders.items():
        old, new = before.ladders.get(id), after.ladders.get(id)
        if old is None or state.rung == 0:
            continue
        if new is None or state.rung > len(new.rungs):
            found[id] = None
            continue
        steps = new.rungs[state.rung - 1].steps
        place = None
        if state.at is not None:
            former = old.rungs[state.rung - 1].steps.get(state.variant, ())
            place = _place(former, state.variant, state.step, steps, case)
            if place != (state.variant, state.step):
                found[id] = list(place or (None, 0))
        elif state.variant not in steps:
            found[id] = [_variant(state.variant, steps, case) or "", 0]
    return found


def _variant(former: str, steps: Mapping[str, Any], case: Case) -> str | None:
    """What began for a severity stays as it began."""
    for variant in (former or case.values["severity"], former, ""):
        if variant in steps:
            return str(variant)
    return None


def _place(
    old: Sequence[Step], former: str, index: int, steps: Mapping[str, Sequence[Step]], case: Case
) -> tuple[str, int] | None:
    """Where to go on in the new steps: at the same step, else after the last one that was taken already; None when
    nothing is left."""
    variant = _variant(former, steps, case)
    if variant is None:
        return None
    new, after = steps[variant], 0
    for taken in old[:index]:
        same = _same_step(new, taken, after)
        after = after if same is None else same + 1
    place = _same_step(new, old[index], after) if index < len(old) else None
    place = after if place is None else place
    return (variant, place) if place < len(new) else None


def _same_step(steps: Sequence[Step], wanted: Step, start: int) -> int | None:
    for index in range(start, len(steps)):
        if (steps[index].via, steps[index].to) == (wanted.via, wanted.to):
            return index
    return None


def _timers(before: Process, after: Process, case: Case, history: Record, stages: Mapping[str, str]) -> Any:
    """For each automation that is timed in the issue's stage: `kept` with the index of its counterpart, which does the
    same in the same stage, or `since` when the stage was entered. None when all of them stay as they are."""
    stage = stages.get(case.stage, case.stage)
    old = [index for index, item in enumerate(before.automations) if item.stage == case.stage]
    found: dict[str, Any] = {}
    for index, item in enumerate(after.automations):
        if item.stage != stage:
            continue
        same = next((one for one in old if _is_counterpart(before.automations[one], item)), None)
        if same is None:
            found[str(index)] = {"since": history.stages[-1][0] if history.stages else case.recorded}
        else:
            old.remove(same)
            found[str(index)] = {"kept": same}
    unchanged = {str(index): {"kept": index} for index in range(len(before.automations)) if str(index) in found}
    return None if not old and found == unchanged else found


def _is_counterpart(old: Automation, new: Automation) -> bool:
    return (old.do, old.values, old.at) == (new.do, new.values, new.at) and (old.after is None) == (new.after is None)


# -- playing it ------------------------------------------------------------------------------------------------------


def migrate(turn: Turn, event: Mapping[str, Any]) -> None:
    """Plays the event of `plan` on the case, under the new version: its line first, then what it sets off, in the
    language's order. What that raises is queued."""
    case, process = turn.case, turn.process
    stages: Mapping[str, str] = event.get("stages", {})
    if case.stage in stages:
        case.stage = turn.known["stage"] = stages[case.stage]
    for old, new in stages.items():
        if f"stage.{old}" in case.happened:
            last = case.happened.pop(f"stage.{old}")
            case.happened[f"stage.{new}"] = max(last, case.happened.get(f"stage.{new}", 0))
    known = {*process.fields, *process.questions, *values.OWN}
    line = {
        "from": event["from"],
        "to": event["to"],
        "stage": case.stage,
        "stages": dict(stages),
        "kept": [name for name in case.facts if name not in known],
        "ended": _end(turn, event),
    }
    turn.line("migrated", **line)
    _judge(turn, event)
    _time(turn, event)
    rejudge(turn, event.get("clocks", {}))
    if turn.final:
        notices.end_waiting(turn)
        ladders.end_all(turn)
    if event.get("check"):
        quality.hear(turn, SILENT)


def _judge(turn: Turn, event: Mapping[str, Any]) -> None:
    """Names are judged anew; those set by hand stay if the new version can give them."""
    tables = {item.name: item.table for item in turn.process.classify}
    case = turn.case
    for name in list(case.values):
        if name not in tables:
            turn.set_value(name, None)
    case.by_hand = [name for name in case.by_hand if name in tables and _can_give(turn, name, tables[name].outcomes)]
    if event.get("judge"):
        turn.changed.add("version")  # whatever was recorded, the tables are others
    judging.judge_again(turn)
    turn.changed.discard("version")
    judging.hand_on(turn, SILENT)
    turn.changed.clear()


def _can_give(turn: Turn, name: str, outcomes: Sequence[Any]) -> bool:
    value = turn.case.values.get(name)
    possible = turn.process.severities if name == "severity" else outcomes
    return any(type(outcome) is type(value) and outcome == value for outcome in possible)


def _end(turn: Turn, event: Mapping[str, Any]) -> list[str]:
    """What waited and waits no longer, for want of a counterpart, as its ids; the rest goes on at its moment."""
    case, process = turn.case, turn.process
    ended = []
    for notice, (variant, step, asked) in event.get("notices", {}).items():
        state = case.notices[notice]
        if (state.at is not None and variant is None) or (state.asked is not None and asked is None):
            ended.append(f"notice.{notice}")
        case.notices[notice] = NoticeState(variant, step, None if variant is None else state.at, asked, state.tasks)
    for ladder, place in event.get("ladders", {}).items():
        if place is None:
            del case.ladders[ladder]
            ended.append(f"ladder.{ladder}")
            continue
        case.ladders[ladder] = _on_rung(case.ladders[ladder], place)
    for survey, asking in case.surveys.items():
        if survey not in process.surveys and asking.state == "out":
            asking.state = "expired"  # its link must not work again should a later version ask once more
            ended.append(f"survey.{survey}")
    case.failing = [check for check in case.failing if check in process.checks]
    return ended


def _on_rung(state: LadderState, place: Sequence[Any]) -> LadderState:
    variant, step = place
    at = None if variant is None else state.at
    return LadderState(state.rung, state.due, state.rounds, state.exhausted, variant or "", step, at)


def _time(turn: Turn, event: Mapping[str, Any]) -> None:
    """Automations' timers: what waits keeps its moment, a new one counts from when the stage was entered."""
    if "timers" not in event:
        return
    case, former = turn.case, turn.case.timers
    case.timers = {}
    for index, how in event["timers"].items():
        if turn.final:
            continue
        automation = turn.process.automations[int(index)]
        if "kept" in how:
            due = former.get(str(how["kept"]))
        else:
            due = timers.first_due(turn, automation, how["since"])
        if due is not None:
            case.timers[index] = due
