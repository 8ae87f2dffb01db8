"""The trial's form: an issue, when it is received, what is done to it; read from what was posted, and shown again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from admin import action_forms, inputs
from admin.action_forms import ActionForm
from admin.inputs import FormShown
from admin.languages import gettext
from admin.reading import Words
from admin.receiving import later_fields, new_issue_inputs
from server.core.moments import DAY, SECOND, Moment
from server.core.process import SYSTEM
from server.core.scripts import BadScript
from server.core.values import Problem
from server.trying import Played, Trial
from server.trying.playing import MOST_EVENTS

ISSUE: Final = "issue."
ACTION: Final = "act."
BY: Final = "by."
LARGEST: Final = 200_000
_KINDS: Final = ("do", "survey", "confirm", "send")


@dataclass(frozen=True, slots=True)
class TrialForm:
    """The form as it was filled in: the issue's inputs (`first`, and those that are seldom given at once, `later`), the
    receipt, what was done so far; `problems` of the receipt and of the whole."""

    first: FormShown
    later: FormShown
    received: str
    by: str
    events: Sequence[Mapping[str, Any]]
    moment: str
    problems: Sequence[str] = field(default_factory=tuple)

    @property
    def events_text(self) -> str:
        """What was done so far, for the hidden input that carries it."""
        return events_text(self.events)

    @property
    def has_problems(self) -> bool:
        """Whether something must be mended before it can be played."""
        inputs_ = (*self.first.inputs, *self.later.inputs)
        return bool(self.problems or self.first.problems or any(one.problem for one in inputs_))


def read(posted: MultiDict[str, str], words: Words, now: Moment) -> tuple[TrialForm, Trial | None, Moment | None]:
    """The form as posted (an empty one: nothing was), the trial that it is, and the moment that is looked at; no trial
    when a time cannot be read."""
    process = words.process
    made = [one for one in new_issue_inputs(process, words) if one.name not in ("received", "external_id")]
    own = MultiDict(
        [(name.removeprefix(ISSUE), text) for name, text in posted.items(multi=True) if name.startswith(ISSUE)]
    )
    filled = inputs.filled(made, own)
    start = now // 60_000 * 60_000
    received_text = posted.get("received", "").strip() or process.calendar.show(start)[:16]
    problems = []
    received = moment_of(received_text, words)
    if received is None or abs(received - now) > 20 * 366 * DAY:
        received = None
        problems.append(gettext("The time of receipt cannot be read: give it as 2026-03-02T09:00."))
    events, bad = events_of(posted.get("events", ""))
    if bad:
        problems.append(bad)
    cursor = looked_at(posted, words)
    form = _form(filled, words, received_text, posted.get("receiver", ""), events, posted.get("moment", ""), problems)
    if received is None:
        return form, None, None
    trial = Trial(inputs.given(filled), received, form.by or None, tuple(events))
    return form, trial, cursor


def _form(
    filled: Sequence[inputs.Input],
    words: Words,
    received: str,
    by: str,
    events: Sequence[Mapping[str, Any]],
    moment: str,
    problems: Sequence[str],
) -> TrialForm:
    later = later_fields(words.process)
    first = FormShown(tuple(one for one in filled if one.name not in later))
    rest = FormShown(tuple(one for one in filled if one.name in later))
    return TrialForm(_prefixed(first, ISSUE), _prefixed(rest, ISSUE), received, by, events, moment, problems)


def _prefixed(form: FormShown, prefix: str) -> FormShown:
    return replace(form, inputs=tuple(replace(one, name=prefix + one.name) for one in form.inputs))


def events_of(text: str) -> tuple[list[dict[str, Any]], str]:
    """What was done so far; and what is wrong with it, if it is not what this page wrote."""
    if not text:
        return [], ""
    unreadable = gettext("What was done so far cannot be read, and was left out.")
    try:
        found = json.loads(text[:LARGEST])
    except (ValueError, RecursionError):
        return [], unreadable
    if not isinstance(found, list) or not all(map(_is_event, found)):
        return [], unreadable
    return found[:MOST_EVENTS], ""


def _is_event(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("at"), str)
        and sum(isinstance(one.get(kind), str) for kind in _KINDS) == 1
        and isinstance(one.get("with", {}), dict)
        and isinstance(one.get("by", ""), str)
        and set(one) <= {"at", "by", "with", *_KINDS}
    )


def moment_of(text: str, words: Words) -> Moment | None:
    """A time as a browser's input gives it, in the zone of the process's calendar; None: it cannot be read."""
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is None:
            found = found.replace(tzinfo=words.process.calendar.zone)
        return int(found.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def looked_at(posted: Mapping[str, str], words: Words) -> Moment | None:
    """The moment that is looked at, which the input `moment` has to the second only: the page's own, `exact`, unless
    another second was typed. An issue begins within a second, and so do all its deadlines."""
    seen, exact = moment_of(posted.get("moment", ""), words), posted.get("exact", "")
    is_same = seen is not None and exact.isascii() and exact.isdigit() and exact[:-3] == str(seen // SECOND)
    return int(exact) if is_same else seen


def refused(form: TrialForm, error: BadScript, words: Words) -> TrialForm:
    """The form with what is wrong, each at its input; what belongs to none stands above."""
    at_inputs, others = [], []
    for finding in error.findings:
        if finding.path[:1] == ("issue",) and len(finding.path) > 1:
            at_inputs.append(Problem(f"/{ISSUE}{finding.path[1]}", finding.code, finding.params))
        else:
            others.append(inputs.problem_text(Problem("", finding.code, finding.params)))
    first = inputs.marked(form.first.inputs, [one for one in at_inputs if _is_in(one, form.first)], words)
    later = inputs.marked(form.later.inputs, [one for one in at_inputs if _is_in(one, form.later)], words)
    rest = [one for one in at_inputs if not _is_in(one, form.first) and not _is_in(one, form.later)]
    others += [inputs.problem_text(one) for one in rest]
    return replace(form, first=first, later=later, problems=[*form.problems, *others])


def _is_in(problem: Problem, form: FormShown) -> bool:
    return any(f"/{one.name}" == problem.at for one in form.inputs)


# -- what can be done at the moment ---------------------------------------------------------------------------------


def forms(played: Played, words: Words, hidden: Collection[str] = ()) -> list[ActionForm]:
    """The forms of what can be done at the cursor, by whomever, without what stands in `hidden` fields."""
    facts = {name: value for name, value in played.case.facts.items() if name not in hidden}
    made = action_forms.action_forms(played.possible, words, facts)
    return [replace(one, form=_prefixed(one.form, f"{ACTION}{one.key}.")) for one in made]


def done(posted: MultiDict[str, str], played: Played, words: Words) -> dict[str, Any] | None:
    """What the pressed button does, as an event at the cursor; None: it does nothing."""
    button = posted.get("do", "")
    at = words.process.calendar.show(played.cursor)
    kind, _, name = button.partition(":")
    if kind in ("confirm", "send") and name in (played.tasks if kind == "confirm" else played.asked):
        return {"at": at, kind: name, "by": SYSTEM}
    if kind != "act":
        return None
    form = next(
        (one for one in action_forms.action_forms(played.possible, words, played.case.facts) if one.key == name), None
    )
    if form is None:
        return None
    prefix = f"{ACTION}{name}."
    own = MultiDict(
        [
            (key.replace(prefix, "", 1), text)
            for key, text in posted.items(multi=True)
            if key.startswith((prefix, f"before.{prefix}"))
        ]
    )
    given = action_forms.given(action_forms.filled(form, own))
    event: dict[str, Any] = {
        "at": at,
        "do": form.action,
        "by": posted.get(f"{BY}{name}") or posted.get("actor") or SYSTEM,
    }
    return {**event, "with": given} if given else event


def events_text(events: Sequence[Mapping[str, Any]]) -> str:
    """What was done so far, for the hidden input that carries it."""
    return json.dumps(list(events), ensure_ascii=False, separators=(",", ":"))


def renewed(form: TrialForm, events: Sequence[Mapping[str, Any]], moment: str) -> TrialForm:
    """The form with what was done by now, and the moment that is looked at."""
    return replace(form, events=list(events), moment=moment)
