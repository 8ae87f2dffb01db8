"""Acting: what a person or a customer does to an issue (architecture, "How one issue travels", 6).

Whether somebody may write issues at all is the caller's business; who may do which action is the policy's. What is
refused is in the audit trail, not on the timeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server import audit
from server.core import actions, people, values
from server.core.advance import Refused
from server.core.compiling import DEFAULT_BY
from server.core.moments import Moment
from server.core.people import CUSTOMER
from server.core.turn import Turn
from server.core.values import Problem
from server.core.world import Asked
from server.directory import snapshot
from server.events import LIVE, Held, Recorded, Surroundings
from server.intake.receiving import unknown_people
from server.numbering import live_directory
from server.recording import held, record_event
from server.store import database
from server.store.models import Issue


class ActionRefused(Exception):
    """An action that is not done; `why` is the first reason of the contract that applies."""

    def __init__(self, action: str, why: str) -> None:
        super().__init__(f"{action}: {why}")
        self.action = action
        self.why = why


class UnknownAction(ActionRefused):
    """The process has no such action."""


class NotPossible(ActionRefused):
    """Not in this stage, or its condition does not hold (`stage`, `when`)."""


class NotAllowed(ActionRefused):
    """Not by this person (`by`, `not_by`)."""


class BadForm(ActionRefused):
    """What was given does not fit: `problems` say where and why."""

    def __init__(self, action: str, problems: Sequence[Problem]) -> None:
        super().__init__(action, "form")
        self.problems = tuple(problems)


_REFUSALS: Mapping[str, type[ActionRefused]] = {
    "unknown": UnknownAction,
    "stage": NotPossible,
    "when": NotPossible,
    "by": NotAllowed,
    "not_by": NotAllowed,
}


def act(
    number: str,
    action: str,
    by: str,
    given: Mapping[str, Any],
    now: Moment,
    if_seq: int | None = None,
    *,
    surroundings: Surroundings = LIVE,
    also: Callable[[int], None] | None = None,
) -> Recorded:
    """The person does an action with these values. `also` is called with the issue's id in the transaction that writes
    it, and may raise what undoes it. Raises UnknownIssue, UnknownAction, NotPossible, NotAllowed,
    BadForm, PreconditionFailed (the issue's `seq` is not `if_seq`), Overtaken, Unavailable."""
    found = held(number)
    problems = [] if surroundings.directory else _problems(found, action, given)
    event = {"kind": "action", "action": action, "by": by, "with": dict(given)}
    if problems:
        refusal = actions.refusal(_turn(found, now), action, by, given)
        why = "form" if refusal is None else refusal.why
        listed = problems if refusal is None else [*refusal.problems, *problems]
        raise _refused(found, Refused(action, by, why, tuple(listed)), now)
    done = record_event(number, event, now, by=by, if_seq=if_seq, surroundings=surroundings, also=also)
    return _done(done, by, now)


def answer(
    number: str,
    survey: str,
    given: Mapping[str, Any],
    now: Moment,
    times: int | None = None,
    *,
    surroundings: Surroundings = LIVE,
) -> Recorded:
    """The customer answers a survey, once and in time. `times`: which time it was asked, from the link (asking again
    replaces the link). Raises UnknownIssue, NotPossible, BadForm, Overtaken, Unavailable."""
    found = held(number)
    state = found.case.surveys.get(survey)
    if times is not None and (state is None or state.times != times):
        raise _refused(found, Refused(f"survey.{survey}", CUSTOMER, "stage"), now)
    if problems := unsound(given):
        raise _refused(found, Refused(f"survey.{survey}", CUSTOMER, "form", tuple(problems)), now)
    event = {"kind": "survey", "survey": survey, "with": dict(given)}
    return _done(record_event(number, event, now, by=CUSTOMER, surroundings=surroundings), CUSTOMER, now)


def confirm(number: str, notice: str, by: str, now: Moment, *, surroundings: Surroundings = LIVE) -> Recorded:
    """A manual step of a notice was done. Raises UnknownIssue, NotPossible, NotAllowed, Overtaken, Unavailable."""
    return _about_notice("confirm", number, notice, by, now, surroundings)


def send(number: str, notice: str, by: str, now: Moment, *, surroundings: Surroundings = LIVE) -> Recorded:
    """A notice that was asked about goes out. Raises UnknownIssue, NotPossible, NotAllowed, Overtaken, Unavailable."""
    return _about_notice("send", number, notice, by, now, surroundings)


def _about_notice(kind: str, number: str, notice: str, by: str, now: Moment, surroundings: Surroundings) -> Recorded:
    found = held(number)
    if surroundings.directory is None and people.may(_turn(found, now), by, DEFAULT_BY, ()) is not None:
        raise _refused(found, Refused(f"notice.{notice}", by, "by"), now)
    event = {"kind": kind, "notice": notice, "by": by}
    return _done(record_event(number, event, now, by=by, surroundings=surroundings), by, now)


# -- what is refused -----------------------------------------------------------------------------------------------


def _done(recorded: Recorded, by: str, now: Moment) -> Recorded:
    if recorded.refused is not None:
        raise _refused(recorded, recorded.refused, now)
    return recorded


def _refused(found: Held | Recorded, refused: Refused, now: Moment) -> ActionRefused:
    """The exception for what was refused, which is noted in the audit trail."""
    issue = found.id if isinstance(found, Held) else found.issue
    body = {"number": found.number, "action": refused.action, "why": refused.why}
    with database.transaction():
        audit.record("issue.refused", now, body, by=refused.by, issue=issue)
    if refused.why == "form":
        return BadForm(refused.action, refused.problems)
    return _REFUSALS[refused.why](refused.action, refused.why)


def _turn(found: Held, now: Moment) -> Turn:
    turn = Turn(found.pinned.process, found.case, Asked(live_directory()), found.case.moment)
    turn.at(now)
    return turn


# -- what only the store knows -------------------------------------------------------------------------------------


def _problems(found: Held, action_id: str, given: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an action's values that the interpreter cannot know: people, teams and issues that are not,
    and texts that no database keeps."""
    problems = unsound(given)
    action = found.pinned.process.actions.get(action_id)
    if action is None or problems:
        return problems
    if action.built_in and action_id == "assign":
        problems += _assignee(given.get("to"))
    elif action.built_in and action_id == "link":
        other = given.get("number")
        if isinstance(other, str) and not Issue.select(Issue.id).where(Issue.number == other).exists():
            problems.append(Problem("/number", "no-such-issue", {"number": other}))
    return problems + unknown_people(found.pinned.process, given, list(given))


def _assignee(to: Any) -> list[Problem]:
    if not isinstance(to, str) or not to:
        return []  # the form says so
    if to.startswith("team:"):
        team = to.removeprefix("team:")
        known = snapshot().titles
        return [] if team in known else [Problem("/to", "unknown-team", {"value": team, "defined": ", ".join(known)})]
    return [] if snapshot().active(to) else [Problem("/to", "unknown-person", {"value": to})]


def unsound(given: Mapping[str, Any]) -> list[Problem]:
    """A problem for each text that cannot be kept (NUL, a lone surrogate), or is longer than any text may be."""
    problems = []
    for name, value in given.items():
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str):
                continue
            if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
                problems.append(Problem(f"/{name}", "bad-text", {"name": name}))
            elif len(text) > values.LONGEST_TEXT:
                limit = values.LONGEST_TEXT
                problems.append(Problem(f"/{name}", "too-long-value", {"name": name, "limit": limit}))
    return problems
