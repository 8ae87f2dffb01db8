"""A draft whose base is not in force any more: base, what is in force, and the draft side by side; each conflict is
chosen, the result looked at and mended, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import languages
from admin.documents import kept
from admin.drafting import shown
from admin.drafting.page import DraftsPage, file_of, one, refusal
from admin.guard import SAFE, expose, signed_in
from admin.languages import gettext
from server import calling, drafts
from server.core.documents import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place where somebody has to choose: the lines of each side, and what they mean."""

    number: int
    line: int
    base: str
    theirs: str
    mine: str
    theirs_said: list[str]
    mine_said: list[str]
    chosen: str


class ConflictPages(DraftsPage):
    """Putting a draft onto what is in force."""

    @expose("/<int:draft>/rebase", methods=("GET", "POST"))
    def rebase(self, draft: int) -> ResponseReturnValue:
        """Three texts side by side; then the one that comes of them; then it is kept."""
        found, refused, text = one(draft), None, None
        try:
            three = drafts.three_way(found, calling.naming(kept.value_of(found)))
        except drafts.NotDone as error:
            refused = refusal(error, [file_of(found)])
            page = "panel/drafts/rebase.html"
            return self.render(page, draft=shown.shown(found), three=None, refused=refused, text=None), 409
        choices = [request.form.get(f"choice-{place}", "") for place in range(len(three.open))]
        missing = [place for place, choice in enumerate(choices) if choice not in drafts.CHOICES]
        posted = request.method not in SAFE
        if posted and "text" in request.form:
            text = request.form["text"].replace("\r\n", "\n")
            if "\x00" in text or len(text) > MAX_BYTES + 1:
                abort(400)
            try:
                self.require_seen(three)
                fresh = drafts.rebase(found.id, signed_in(), self.now(), text.encode())
                flash(gettext("Put together. Look at the findings, then hand it in."), "success")
                return redirect(url_for(".draft", draft=fresh.id), 303)
            except drafts.NotDone as error:
                refused = refusal(error, [file_of(found)])
        elif posted and not missing:
            text = drafts.joined(three, choices)
        body = self.render(
            "panel/drafts/rebase.html",
            draft=shown.shown(found),
            possible=drafts.possible(found, signed_in()),
            three=three,
            conflicts=_conflicts(three, choices),
            mine=_said(three.mine_said),
            theirs=_said(three.theirs_said),
            touching=[(_text(mine), _text(theirs)) for mine, theirs in three.touching],
            missing=missing if posted and text is None else [],
            text=text,
            refused=refused,
        )
        return body, 422 if missing and posted and text is None else 200 if refused is None else refused.status

    @staticmethod
    def require_seen(three: drafts.ThreeWay) -> None:
        """What is kept was put together from the version that is in force now, and no other. Raises NotDone."""
        if request.form.get("onto", type=int) != three.theirs.number:
            raise drafts.NotDone(409, "rebase-moved", version=three.theirs.number)


def _conflicts(three: drafts.ThreeWay, choices: list[str]) -> list[Conflict]:
    language = languages.language()
    return [
        Conflict(
            number,
            place.line,
            "".join(place.base),
            "".join(place.theirs),
            "".join(place.mine),
            [text[language] for text in place.said["theirs"]],
            [text[language] for text in place.said["mine"]],
            choices[number],
        )
        for number, place in enumerate(three.open)
    ]


def _said(found: Any) -> list[str]:
    return [_text(one) for one in found]


def _text(one: Any) -> str:
    return str(one["text"][languages.language()])
