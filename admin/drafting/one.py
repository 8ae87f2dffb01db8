"""The page of one draft: what it changes, what is found on it, what became of it, what can be done with it."""

from __future__ import annotations

from flask import abort, redirect, url_for
from flask.typing import ResponseReturnValue

from admin.drafting import meaning, shown
from admin.drafting.page import DraftsPage, Refusal, file_of, one, refusal
from admin.guard import expose, signed_in
from server import drafts
from server.store.models import Draft


class OnePage(DraftsPage):
    """One draft."""

    @expose("/<int:draft>/")
    def draft(self, draft: int) -> ResponseReturnValue:
        """The draft, for its authors, approvers and auditors."""
        return self.page(one(draft))

    @expose("/<int:draft>/again", methods=("POST",))
    def again(self, draft: int) -> ResponseReturnValue:
        """Go on from the text of one that was sent back or taken back, as another draft."""
        found = one(draft)
        try:
            fresh = drafts.again(found.id, signed_in(), self.now())
        except drafts.NotDone as error:
            return self.page(found, refusal(error, [file_of(found)]))
        return redirect(url_for(".draft", draft=fresh.id), 303)

    @expose("/<int:draft>/text")
    def text(self, draft: int) -> ResponseReturnValue:
        """The text as it was written, as a file."""
        found = one(draft)
        if found.state not in drafts.STATES:
            abort(404)
        headers = {"Content-Disposition": f'attachment; filename="{found.name}.yaml"'}
        return bytes(found.data), 200, {**headers, "Content-Type": "application/yaml; charset=utf-8"}

    def page(self, draft: Draft, refused: Refusal | None = None) -> ResponseReturnValue:
        """The page, with why a step was not done."""
        found = shown.findings(draft)
        is_open, meant = draft.state in drafts.OPEN, drafts.meaning(draft.name, draft.kind)
        text = bytes(draft.data).decode("utf-8", "replace")
        body = self.render(
            "panel/drafts/draft.html",
            draft=shown.shown(draft),
            possible=drafts.possible(draft, signed_in()),
            findings=found,
            live=shown.live(draft) if is_open else [],
            examples=shown.examples(draft),
            changes=shown.changes(draft),
            difference=shown.lines_of_difference(draft),
            history=shown.history(draft),
            others=shown.others(draft),
            picture=meaning.picture(meant, draft.effective_at) if is_open else None,
            lines=text.splitlines(),
            refused=refused,
        )
        return body, 200 if refused is None else refused.status
