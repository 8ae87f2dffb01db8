"""Try it: a made-up issue played through the draft, scrubbed through, acted on; and made an example of the draft."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, inputs, languages
from admin.guard import expose, signed_in
from admin.languages import gettext
from admin.trying import outcome, trial
from admin.trying.keeping import LONGEST_NAME, why_not
from admin.trying.page import PART, DraftPage, Tried, errors
from admin.trying.trial import TrialForm
from server import drafts, settings
from server.backtesting import Unreadable
from server.core.example_text import NoPlace, with_example
from server.core.findings import Finding
from server.core.moments import Moment, OutOfRange
from server.core.scripts import BadScript
from server.recording import UnknownIssue
from server.trying import Played, Trial, example_of_issue, example_of_trial, play


class TrialPages(DraftPage):
    """A made-up issue in a draft's world. Nothing is stored, nobody is told."""

    @expose("/<int:draft>/try", methods=("GET", "POST"))
    def trial(self, draft: int) -> ResponseReturnValue:
        """Fill in, play, look, act, play on."""
        tried = self.tried(draft)
        if tried.words is None:
            return self._page(tried, form=None)
        form, made, cursor = trial.read(request.form, tried.words, clock.now())
        if request.method != "POST" or made is None:
            return self._page(tried, form, status=422 if request.method == "POST" else 200)
        try:
            form, played = self._played(tried, form, made, cursor)
        except BadScript as bad:
            return self._page(tried, trial.refused(form, bad, tried.words), status=422)
        except OutOfRange:
            bad_time = BadScript([Finding(OutOfRange.code, (), {"text": ""})])
            return self._page(tried, trial.refused(form, bad_time, tried.words), status=422)
        return self._page(tried, form, outcome.outcome(played, form.events, tried.words))

    def _played(self, tried: Tried, form: TrialForm, made: Trial, cursor: Moment | None) -> tuple[TrialForm, Played]:
        """The trial after what the pressed button does: a further action, one taken back, another moment."""
        assert tried.words is not None
        words, plan, known = tried.words, tried.text.plan, settings.current()
        events = list(made.events)
        if request.form.get("undo", "").isdigit() and int(request.form["undo"]) < len(events):
            del events[int(request.form["undo"])]
        made = Trial(made.facts, made.received, made.by, tuple(events))
        played = play(plan, made, cursor, known)
        event = trial.done(request.form, played, words)
        if event is not None:
            made = Trial(made.facts, made.received, made.by, (*events, event))
            played = play(plan, made, played.cursor, known)
        elif request.form.get("go"):
            moment = outcome.gone(played, request.form["go"])
            if moment != played.cursor:
                played = play(plan, made, moment, known)
        at = words.process.calendar.show(played.cursor)[:19]
        return trial.renewed(form, made.events, at), played

    def _page(
        self, tried: Tried, form: Any, shown: outcome.Outcome | None = None, status: int = 200
    ) -> ResponseReturnValue:
        zone = "" if tried.words is None else tried.words.process.calendar.zone.key
        return self.shown(
            "trial", tried, status, form=form, it=shown, zone=zone, errors=errors(tried.text), receivers=inputs.people()
        )

    # -- examples --------------------------------------------------------------------------------------------------

    @expose("/<int:draft>/example", methods=("POST",))
    def example(self, draft: int) -> ResponseReturnValue:
        """Make what was tried, or a real issue, an example of the draft. A script gets the text with it and writes it
        where it is typed; without one it is written into the draft."""
        tried = self.tried(draft)
        refused = self.require(drafts.may_propose(signed_in(), tried.draft))
        if refused is not None:
            return refused
        if tried.words is None:
            return self._said(draft, gettext("The text cannot be used yet: mend its errors first."))
        name = request.form.get("example_name", "").strip()[:LONGEST_NAME]
        number = request.form.get("number", "").strip()
        try:
            if number:
                if not signed_in().may("issue.read"):
                    return self.inaccessible_callback("")
                made = example_of_issue(tried.text, number, clock.now(), name or number)
            else:
                made = self._of_trial(tried, name)
            text = with_example(tried.text.data.decode("utf-8"), made)
        except UnknownIssue:
            return self._said(draft, gettext("There is no issue %(number)s.", number=number))
        except Unreadable:
            return self._said(draft, gettext("That issue cannot be played any more: its private fields are erased."))
        except (NoPlace, BadScript, OutOfRange) as error:
            return self._said(draft, gettext("It cannot be made an example: %(why)s", why=why_not(error)))
        if request.headers.get(PART):
            return {"text": text}
        try:
            drafts.write(draft, text.encode(), signed_in(), clock.now(), tried.draft.seq)
        except drafts.NotDone as error:
            return self._said(draft, error.text(languages.language()))
        flash(gettext("The example is in the draft now. Look it over: it expects what happens today."), "success")
        return redirect(url_for("panel_trying.examples", draft=draft), 303)

    def _of_trial(self, tried: Tried, name: str) -> dict[str, Any]:
        assert tried.words is not None
        form, made, cursor = trial.read(request.form, tried.words, clock.now())
        if made is None:
            raise NoPlace("; ".join(form.problems))
        played = play(tried.text.plan, made, cursor, settings.current())
        return example_of_trial(tried.text, made, played.cursor, name or gettext("A case that was tried"))

    @staticmethod
    def _said(draft: int, text: str) -> ResponseReturnValue:
        if request.headers.get(PART):
            return {"problem": text}, 422
        flash(str(text), "danger")
        return redirect(url_for("panel_trying.examples", draft=draft), 303)
