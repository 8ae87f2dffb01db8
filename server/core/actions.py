"""Actions: whether one may be done, and what it does by itself (policy language, "stages and actions").

An action is refused for the first reason that applies, in the contract's order: `unknown`, `stage`, `when`, `by`,
`not_by`, `form`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from server.core import judging, people, quality, surveys, values
from server.core.process import SYSTEM, Action, Process
from server.core.turn import Happening, Turn
from server.core.values import Problem

_TEXT_FORMS = {
    "comment": {"text": True},
    "attach": {"file": True, "sha256": False},
    "link": {"number": True, "as": False},
    "assign": {"to": True},
    "set_aside": {"reason": True},
}


class Refusal(NamedTuple):
    """Why an action is refused, and what is wrong with its form."""

    why: str
    problems: tuple[Problem, ...] = ()


def refusal(turn: Turn, action_id: str, person: str | None, given: Mapping[str, Any]) -> Refusal | None:
    """Why the person may not do the action with these values now, or None."""
    action = turn.process.actions.get(action_id)
    if action is None:
        return Refusal("unknown")
    if not is_in_stage(turn, action):
        return Refusal("stage")
    if action_id == "answer" and (late := surveys.refusal(turn, str(given.get("survey")), {})[0]) == "stage":
        return Refusal(late)
    if not _when(turn, action):
        return Refusal("when")
    who = people.may(turn, person, action.by, action.not_by)
    if who is None and action_id == "put_back" and person != SYSTEM and person in turn.case.correctors:
        who = "not_by"
    if who is not None:
        return Refusal(who)
    problems = _form_problems(turn, action, given)
    if problems:
        return Refusal("form", tuple(problems))
    if action.opens is not None and turn.directory.refuses(
        action.opens.process, opened_fields(turn, action, given), turn.now
    ):
        return Refusal("form", (Problem("", "opened-refused", {"process": action.opens.process}),))
    return None


def is_in_stage(turn: Turn, action: Action) -> bool:
    """Whether the issue stands in one of the action's stages; left out: any that is not final."""
    if action.sources is None:
        return not turn.final
    return turn.case.stage in action.sources


def possible(turn: Turn, action: Action, person: str | None) -> bool:
    """Whether the person may do the action now, whatever its form will say."""
    return (
        is_in_stage(turn, action)
        and _when(turn, action)
        and people.may(turn, person, action.by, action.not_by) is None
        and not (action.id == "put_back" and person in turn.case.correctors)
    )


def _when(turn: Turn, action: Action) -> bool:
    if action.id == "put_back" and not turn.case.aside:
        return False
    if action.id == "set_aside" and None in turn.case.aside:
        return False
    return action.when is None or action.when.holds(turn.view)


# -- forms ---------------------------------------------------------------------------------------------------------


def _form_problems(turn: Turn, action: Action, given: Mapping[str, Any]) -> list[Problem]:
    process = turn.process
    if not action.built_in:
        return values.form(process, given, action.form)[1]
    if action.id == "edit":
        return values.edit(process, given)[1]
    if action.id == "correct":
        rest, problems = _with_reason(given)
        return [*values.edit(process, rest)[1], *problems]
    if action.id == "reclassify":
        return _reclassify_problems(process, given)
    if action.id == "answer":
        rest = {name: value for name, value in given.items() if name != "survey"}
        return surveys.refusal(turn, str(given.get("survey")), rest)[1]
    if action.id == "attach":
        return _attach_problems(given)
    return _text_problems(given, _TEXT_FORMS.get(action.id, {}))


def _attach_problems(given: Mapping[str, Any]) -> list[Problem]:
    """A file is its name; the server says besides how large it is, and the SHA-256 of its bytes."""
    rest = dict(given)
    size = rest.pop("size", None)
    problems = _text_problems(rest, _TEXT_FORMS["attach"])
    if size is not None and (not isinstance(size, int) or isinstance(size, bool)):
        problems.append(Problem("/size", "not-integer", {"name": "size"}))
    return problems


def _with_reason(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    rest = dict(given)
    return rest, _text_problems({"reason": rest.pop("reason", None)}, {"reason": True})


def _text_problems(given: Mapping[str, Any], wanted: Mapping[str, bool]) -> list[Problem]:
    defined = ", ".join(wanted)
    problems = [
        Problem(f"/{name}", "no-such-field", {"name": name, "near": "", "defined": defined})
        for name in given
        if name not in wanted
    ]
    for name, required in wanted.items():
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            problems.append(Problem(f"/{name}", "not-text", {"name": name}))
        elif required and not value:
            problems.append(Problem(f"/{name}", "required", {"name": name}))
    return problems


def _reclassify_problems(process: Process, given: Mapping[str, Any]) -> list[Problem]:
    rest, problems = _with_reason(given)
    tables = {item.name: item.table for item in process.classify}
    if len(rest) != 1 or next(iter(rest)) not in tables:
        return [*problems, Problem("", "one-classified-name", {"defined": ", ".join(tables)})]
    name, value = next(iter(rest.items()))
    outcomes = tables[name].outcomes
    if not any(type(outcome) is type(value) and outcome == value for outcome in outcomes):
        params: dict[str, str | int] = {"name": name, "value": str(value), "options": ", ".join(map(str, outcomes))}
        problems.append(Problem(f"/{name}", "not-option", params))
    return problems


def opened_fields(turn: Turn, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the issue that the action opens: `field:G` copies a fact (as the form and `set` leave it), one
    without a value copies none."""
    assert action.opens is not None
    known = {**turn.known, **_filled(turn, action, given)}
    found: dict[str, Any] = {}
    for name, value in action.opens.fields.items():
        copied = _copied(known, value)
        kind = turn.process.kinds.get(value[6:]) if copied is not value else None
        if kind is not None and kind.name == "datetime" and copied is not None:
            copied = turn.process.calendar.show(copied)
        if not values.is_empty(copied):
            found[name] = copied
    return found


def _filled(turn: Turn, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the form and then `set` make of the fields: `set` sees what the form filled."""
    found = dict(values.form(turn.process, given, action.form)[0])
    for name, value in action.set.items():
        found[name] = _copied({**turn.known, **found}, value)
    return found


def _copied(known: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, str) and value.startswith("field:"):
        return known.get(value[6:])
    return value


# -- effects -------------------------------------------------------------------------------------------------------


def perform(turn: Turn, action_id: str, person: str | None, given: Mapping[str, Any]) -> Happening:
    """Does an action that is not refused: step 1 and what is by hand of step 2. Gives the event that it is."""
    action = turn.process.actions[action_id]
    case = turn.case
    turn.actor = person
    opened = None if action.opens is None else opened_fields(turn, action, given)
    left, entered = case.stage, None
    if action.to is not None and action.to != case.stage:
        entered = action.to
        turn.set_stage(entered)
    turn.line("action", action=action_id, by=person, **{"with": dict(given)}, stage=case.stage)
    names = [action_id] if entered is None else [action_id, f"stage.{entered}"]
    happened = turn.happens(*names)
    if person is not None:
        doers = case.did.setdefault(action_id, [])
        if person in doers:
            doers.remove(person)
        doers.append(person)
    _record(turn, action, person, given)
    if opened is not None:
        assert action.opens is not None
        turn.line("opened", process=action.opens.process, fields=opened)
    if action.reopens:
        turn.reopen()
    return Happening(happened, left if entered else None, entered, action.assign, person)


def _record(turn: Turn, action: Action, person: str | None, given: Mapping[str, Any]) -> None:
    if not action.built_in:
        for name, value in _filled(turn, action, given).items():  # at once: what ends as it was has not changed
            turn.set_fact(name, value)
    elif action.id in ("edit", "correct"):
        rest = {name: value for name, value in given.items() if name != "reason" or action.id == "edit"}
        for name, value in values.edit(turn.process, rest)[0].items():
            turn.set_fact(name, value)
        if action.id == "correct" and person is not None and turn.case.aside:
            turn.case.correctors.append(person)
    elif action.id == "answer":
        rest = {name: value for name, value in given.items() if name != "survey"}
        event = surveys.take(turn, str(given["survey"]), rest)
        turn.queue.append(Happening(event))
    elif action.id == "set_aside":
        quality.set_aside(turn, None)
    elif action.id == "put_back":
        quality.put_back(turn)
    elif action.id == "reclassify":
        _reclassify(turn, person, given)


def _reclassify(turn: Turn, person: str | None, given: Mapping[str, Any]) -> None:
    name, value = next((name, value) for name, value in given.items() if name != "reason")
    if name not in turn.case.by_hand:
        turn.case.by_hand.append(name)
    if value != turn.case.values.get(name):
        judging.classified(turn, name, value, person, [])


def assign_by_hand(turn: Turn, given: Mapping[str, Any]) -> None:
    """The built-in `assign`: to a login, or to a team (nobody owns it then)."""
    to = str(given["to"])
    if to.startswith("team:"):
        turn.case.team_by_hand = True
        turn.set_team(to.removeprefix("team:"))
        turn.set_owner(None)
    else:
        turn.set_owner(to)
