"""What the caller may do on an issue now, as forms; and what was typed into one, as the action's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from admin import inputs
from admin.inputs import FormShown, Input
from admin.languages import gettext
from admin.reading import Words
from server.core.values import Problem
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.forms import described

CHANGES: Final = ("edit", "correct")
"""Actions that take only what is another value than before."""

NOT_HERE: Final = ("attach",)
"""Built-in actions that have a form of their own on the issue's page."""


@dataclass(frozen=True, slots=True)
class ActionForm:
    """An action that is possible, with its form. `key` tells the forms of one page apart; `survey` is the one that an
    `answer` is given to."""

    key: str
    action: str
    title: str
    form: FormShown
    own: bool
    survey: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to fill in."""
        return not self.form.inputs


def action_forms(possible: Iterable[Mapping[str, Any]], words: Words, facts: Mapping[str, Any]) -> list[ActionForm]:
    """The forms of the actions as `server.issues.possible` gives them: the process's own ones first."""
    found: list[ActionForm] = []
    for one in possible:
        if one["action"] == "answer":
            found += _answers(one["form"], words)
        elif one["action"] not in NOT_HERE:
            found.append(_one(one["action"], one["form"], words, facts))
    return sorted(found, key=lambda one: not one.own)


def _one(action: str, form: Mapping[str, Any], words: Words, facts: Mapping[str, Any]) -> ActionForm:
    own = not words.process.actions[action].built_in
    made = _inputs(action, form, words, facts)
    return ActionForm(action, action, words.of("actions", action), FormShown(tuple(made)), own)


def _inputs(action: str, form: Mapping[str, Any], words: Words, facts: Mapping[str, Any]) -> list[Input]:
    if action in CHANGES:
        fields = {name: one for name, one in form.items() if name != "reason" or action == "edit"}
        made = inputs.inputs(fields, words, facts)
        return made + (_reason(words) if action == "correct" else [])
    if action == "assign":
        return [Input("to", "choice", words.label("to"), required=True, groups=_assignees(words))]
    if action == "reclassify":
        choice = Input("value", "choice", gettext("Judge as"), required=True, groups=_outcomes(words))
        return [choice, *_reason(words)]
    return inputs.inputs(form, words)


def _reason(words: Words) -> list[Input]:
    return [Input("reason", "long_text", words.label("reason"), required=True)]


def _assignees(words: Words) -> list[tuple[str, list[inputs.Option]]]:
    teams = [(f"team:{id}", in_language(title, words.language, id)) for id, title in sorted(snapshot().titles.items())]
    return [(gettext("Teams"), teams), (gettext("People"), inputs.people())]


def _outcomes(words: Words) -> list[tuple[str, list[inputs.Option]]]:
    groups = []
    for item in words.process.classify:
        options = [
            (f"{item.name}={value}", words.vocabulary.option(item.name, str(value), words.language))
            for value in item.table.outcomes
        ]
        groups.append((words.label(item.name), options))
    return groups


def _answers(form: Mapping[str, Any], words: Words) -> list[ActionForm]:
    found = []
    for survey in form["survey"]["options"]:
        questions = {
            name: described(question, False) for name, question in words.process.surveys[survey].questions.items()
        }
        title = gettext("Answer for the customer: %(survey)s", survey=words.of("surveys", survey))
        shown = FormShown(tuple(inputs.inputs(questions, words)))
        found.append(ActionForm(f"answer-{survey}", "answer", title, shown, False, survey))
    return found


# -- what was posted ------------------------------------------------------------------------------------------------


def filled(form: ActionForm, posted: MultiDict[str, str]) -> ActionForm:
    """The form with what was typed into it."""
    return replace(form, form=FormShown(tuple(inputs.filled(form.form.inputs, posted))))


def given(form: ActionForm) -> dict[str, Any]:
    """The action's values."""
    made = form.form.inputs
    if form.action in CHANGES:
        found = inputs.changes(one for one in made if one.before is not None)
        return {**found, **inputs.given(one for one in made if one.before is None)}
    values = inputs.given(made)
    if form.action == "reclassify" and "value" in values:
        name, _, value = str(values.pop("value")).partition("=")
        values[name] = value
    if form.survey:
        values["survey"] = form.survey
    return values


def refused(form: ActionForm, problems: Sequence[Problem], words: Words) -> ActionForm:
    """The form with its problems, each at its input."""
    if form.action == "reclassify":
        at_value = [problem for problem in problems if problem.at != "/reason"]
        kept = [problem for problem in problems if problem.at == "/reason"]
        problems = [*kept, *(Problem("/value", "required", {"name": gettext("Judge as")}) for _ in at_value[:1])]
    return replace(form, form=inputs.marked(form.form.inputs, problems, words))
