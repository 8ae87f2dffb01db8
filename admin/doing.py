"""What a person does on an issue from the panel: actions with their forms, and tasks by hand that were done."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from admin import action_forms, languages
from admin.action_forms import ActionForm
from admin.languages import gettext
from admin.reading import Words, words_of
from server import acting, issues
from server.accounts import Caller
from server.core.moments import Moment
from server.core.vocabulary import say
from server.directory import snapshot
from server.events import Held
from server.messages.tasks import confirm_task
from server.recording import held
from server.store import database
from server.store.models import Message


class FormRefused(Exception):
    """An action whose form needs mending: the form as it was filled, with its problems."""

    def __init__(self, form: ActionForm, message: str) -> None:
        super().__init__(message)
        self.form = form
        self.message = message


def act(number: str, key: str, posted: MultiDict[str, str], caller: Caller, now: Moment) -> str:
    """Do the action of the form `key` and give its title. Raises FormRefused, ActionRefused, UnknownIssue."""
    found = held(number)
    words = words_of(found.pinned.process)
    form = next((one for one in possible(found, words, caller, now) if one.key == key), None)
    if form is None:
        action = "answer" if key.startswith("answer-") else key
        # Whatever the reason is, the interpreter gives it, and notes the attempt.
        acting.act(number, action, caller.login, {}, now)
        raise NotFound
    form = action_forms.filled(form, posted)
    try:
        acting.act(number, form.action, caller.login, action_forms.given(form), now)
    except acting.BadForm as bad:
        message = gettext("Some values need mending; each says what.")
        raise FormRefused(action_forms.refused(form, bad.problems, words), message) from bad
    return form.title


def possible(found: Held, words: Words, caller: Caller, now: Moment) -> list[ActionForm]:
    """The forms of what the caller may do on the issue now; none for who may not write issues at all."""
    if not caller.may("issue.write"):
        return []
    hidden = () if issues.sees_private(caller.login, found.case, snapshot()) else found.pinned.private
    facts = {name: value for name, value in found.case.facts.items() if name not in hidden}
    return action_forms.action_forms(issues.possible(found, caller.login, now), words, facts)


def refusal_text(refused: acting.ActionRefused) -> str:
    """Why an action is not done, as a sentence of the server's."""
    language = languages.language()
    return gettext("Not done: %(why)s.", why=say(f"refusals.{refused.why}", language))


def confirm(number: str, message: int, login: str, now: Moment) -> None:
    """A task by hand was done: the case hears of it if it waits for it. Raises ActionRefused, UnknownIssue."""
    found = held(number)
    task = Message.get_or_none((Message.id == message) & (Message.issue == found.id))
    if task is None:
        raise NotFound
    kind, _, notice = task.notice.partition(".")
    if kind == "notice" and (task.payload or {}).get("counted", True):
        acting.confirm(number, notice, login, now)
        return
    with database.transaction():
        confirm_task(task.id, login, now)
