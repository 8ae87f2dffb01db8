"""Steps of a draft, each a page that says what will happen before its button: handed in, approved, sent back, taken
back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin.drafting import meaning, shown, times
from admin.drafting.meaning import Sentence
from admin.drafting.page import DraftsPage, Refusal, file_of, one, posted, refusal
from admin.guard import SAFE, expose, signed_in
from admin.languages import gettext
from server import drafts
from server.store.models import Draft


class DecidingPages(DraftsPage):
    """The steps."""

    @expose("/<int:draft>/hand-in", methods=("GET", "POST"))
    def hand_in(self, draft: int) -> ResponseReturnValue:
        """Ask for approval, with every warning acknowledged one by one."""
        found, by = one(draft), signed_in()
        when = times.chosen(times.offered(None), request.form)
        accepted = request.form.getlist("accept")

        def do(at: int | None) -> str:
            places = [shown.place_of(key) for key in accepted]
            drafts.submit(found.id, by, self.now(), posted("reason"), places, at)
            return gettext("Handed in. Those who may approve it are told.")

        said = meaning.handing_in(found, by.login)
        reason = posted("reason") if request.form else found.reason
        more = {"accepted": accepted, "reason": reason, "live": shown.live(found)}
        return self.step(found, "hand_in", said, do, when, **more)

    @expose("/<int:draft>/approve", methods=("GET", "POST"))
    def approve(self, draft: int) -> ResponseReturnValue:
        """Approve exactly the text that the page showed."""
        found, by = one(draft), signed_in()
        when = times.chosen(times.offered(found.effective_at, times.AS_ASKED), request.form)

        def do(at: int | None) -> str:
            sha256 = request.form.get("sha256", "")
            at = None if when.chosen == times.AS_ASKED else at
            done = drafts.approve(found.id, by, sha256, self.now(), posted("remark"), at)
            if done.state == Draft.ACTIVE:
                return gettext("Approved. It is in force.")
            if done.state == Draft.SCHEDULED:
                return gettext("Approved. It takes effect on %(moment)s.", moment=times.spelled(done.effective_at or 0))
            return gettext("Approved. Another person has to approve it, too.")

        said = meaning.approving(found, by.login, when.moment)
        more = {"remark": posted("remark"), "live": shown.live(found), "changes": shown.changes(found)}
        return self.step(found, "approve", said, do, when, examples=shown.examples(found), **more)

    @expose("/<int:draft>/send-back", methods=("GET", "POST"))
    def send_back(self, draft: int) -> ResponseReturnValue:
        """Turn it down with a remark; or cancel its schedule."""
        found, by = one(draft), signed_in()

        def do(_: int | None) -> str:
            drafts.reject(found.id, by, self.now(), posted("remark"))
            return gettext("Sent back, with your remark.")

        return self.step(found, "send_back", meaning.sending_back(found, by.login), do, remark=posted("remark"))

    @expose("/<int:draft>/withdraw", methods=("GET", "POST"))
    def withdraw(self, draft: int) -> ResponseReturnValue:
        """Take it back."""
        found, by = one(draft), signed_in()

        def do(_: int | None) -> str:
            drafts.withdraw(found.id, by, self.now(), posted("remark"))
            return gettext("Taken back.")

        return self.step(found, "withdraw", meaning.taking_back(found, by.login), do, remark=posted("remark"))

    def step(
        self,
        draft: Draft,
        name: str,
        said: Sequence[Sentence],
        do: Callable[[int | None], str],
        when: times.When | None = None,
        **more: Any,
    ) -> ResponseReturnValue:
        """The page of a step; posted, the step itself, and the page again where it is refused."""
        refused = None
        if request.method not in SAFE and "look" not in request.form:
            try:
                flash(do(None if when is None else times.moment_of(when)), "success")
                return redirect(url_for(".draft", draft=draft.id), 303)
            except times.NoTime:
                refused = Refusal(422, gettext("Give a date and a time, such as 2026-11-30 09:00."))
            except drafts.NotDone as error:
                refused = refusal(error, [file_of(draft)])
                draft = one(draft.id)
        at = _looked_at(when)
        body = self.render(
            f"panel/drafts/{name}.html",
            draft=shown.shown(draft),
            possible=drafts.possible(draft, signed_in()),
            findings=shown.findings(draft),
            said=said,
            when=when,
            picture=None if when is None else meaning.picture(drafts.meaning(draft.name, draft.kind), at),
            refused=refused,
            **more,
        )
        return body, 200 if refused is None else refused.status


def _looked_at(when: times.When | None) -> int | None:
    """The time that the picture shows; what cannot be read is shown as at once, with the refusal above it."""
    try:
        return None if when is None else times.moment_of(when)
    except times.NoTime:
        return None
