"""Pages beside a draft: what it would do in short, its examples, what it would change."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.guard import expose, signed_in
from admin.languages import gettext
from admin.trying import asking, changed, examples, results, summary
from admin.trying.page import READERS, Tried, errors
from admin.trying.trial_view import TrialPages
from server.backtesting import kept
from server.store.models import Backtest


class TryingView(TrialPages):
    """A draft before it is in force."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Drafts are chosen among the documents."""
        return redirect(url_for("panel_documents.index"), 303)

    @expose("/<int:draft>/")
    def draft(self, draft: int) -> ResponseReturnValue:
        """What the draft would do, in short."""
        tried = self.tried(draft)
        return self.shown("overview", tried, summary=summary.summary(tried.draft))

    @expose("/<int:draft>/examples", methods=("GET", "POST"))
    def examples(self, draft: int) -> ResponseReturnValue:
        """The examples of the draft, or of the text that is posted."""
        tried = self.tried(draft)
        return self.shown(
            "examples", tried, examples=examples.worded(tried.text, tried.words), errors=errors(tried.text)
        )

    @expose("/<int:draft>/changes", methods=("GET", "POST"))
    def would_change(self, draft: int) -> ResponseReturnValue:
        """What the draft, or the text that is posted, changes, and the back-tests of that text."""
        return self._changes(self.tried(draft))

    def _changes(self, tried: Tried, form: asking.Form | None = None, status: int = 200) -> ResponseReturnValue:
        row = kept.newest(tried.text.name, tried.text.sha256)
        others = [changed.asked(one, tried.words) for one in kept.listed(tried.text.name)]
        return self.shown(
            "changes",
            tried,
            status,
            diff=changed.diff(tried.text),
            errors=errors(tried.text),
            form=form or asking.Form(),
            backtest=None if row is None else changed.asked(row, tried.words, row.summary),
            running=next((one for one in others if one.is_open and one.sha256 == tried.text.sha256), None),
            others=others,
        )

    # -- back-tests ----------------------------------------------------------------------------------------------------

    @expose("/<int:draft>/backtests", methods=("POST",))
    def start(self, draft: int) -> ResponseReturnValue:
        """Ask for a back-test of the text."""
        tried = self.tried(draft)
        refused = self.require(kept.may_ask(signed_in(), tried.draft.name))
        if refused is not None:
            return refused
        if tried.text.process is None:
            flash(gettext("The text cannot be used yet: mend its errors first."), "danger")
            return redirect(url_for(".would_change", draft=draft), 303)
        form = asking.read(request.form, tried.text.process.calendar.zone)
        if form.problems:
            return self._changes(tried, form, 422)
        try:
            row = kept.ask(
                tried.text.name,
                tried.text.data,
                signed_in(),
                clock.now(),
                start=form.start,
                end=form.end,
                share=form.share,
                decisions=form.decisions,
            )
        except kept.TooMany:
            full = form.with_problem(
                "", gettext("Several back-tests of this document wait already. Wait, or cancel one.")
            )
            return self._changes(tried, full, 409)
        return self._went_on(draft, row.id)

    @expose("/<int:draft>/backtests/<int:backtest>")
    def backtest(self, draft: int, backtest: int) -> ResponseReturnValue:
        """What a back-test gave, or how far it is. It names issues: owning the document is not enough."""
        tried, row = self.tried(draft), self._row(draft, backtest)
        refused = self.require(any(signed_in().may(permission) for permission in (*READERS, "issue.read")))
        if refused is not None:
            return refused
        words = results.words_for(row, tried.words)
        return self.shown(
            "backtest",
            tried,
            backtest=changed.asked(row, words, row.summary),
            is_of_draft=row.sha256 == tried.draft.sha256,
            result=results.worded(row, words) if row.state == Backtest.DONE else None,
        )

    @expose("/<int:draft>/backtests/<int:backtest>/cancel", methods=("POST",))
    def cancel(self, draft: int, backtest: int) -> ResponseReturnValue:
        """End a back-test that waits or runs."""
        refused = self.require(kept.may_ask(signed_in(), self.tried(draft).draft.name))
        if refused is not None:
            return refused
        self._row(draft, backtest)
        kept.cancel(backtest, signed_in(), clock.now())
        return self._went_on(draft, backtest)

    def _went_on(self, draft: int, backtest: int) -> ResponseReturnValue:
        return redirect(url_for(".backtest", draft=draft, backtest=backtest), 303)

    def _row(self, draft: int, backtest: int) -> Backtest:
        """The back-test, if it is one of this draft's document."""
        tried = self.tried(draft)
        try:
            row: Backtest = kept.one(backtest)
        except kept.UnknownBacktest:
            abort(404)
        if row.name != tried.draft.name:
            abort(404)
        return row
