"""Deliveries that were signed correctly and could not be taken: played again, or dropped with a reason."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.clock import now
from admin.guard import expose, signed_in
from admin.inputs import problem_text
from admin.languages import gettext
from admin.system import SystemPage, page_of
from server.intake.deliveries import UnknownSource
from server.intake.keeping import NotKept, drop_kept, replay_kept
from server.intake.kept_rows import problems_of
from server.store.models import Kept

SHOWN_BYTES: Final = 4_000
LONGEST: Final = 500


class KeptView(SystemPage):
    """Kept deliveries."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Those that wait, newest first, with their problems."""
        return self._shown()

    @expose("/<int:kept>/replay", methods=("POST",))
    def replay(self, kept: int) -> ResponseReturnValue:
        """Play one again, through the mapping that is in force now."""
        try:
            outcomes = replay_kept(kept, now(), signed_in().login)
        except NotKept:
            abort(404)
        except UnknownSource as unknown:
            flash(gettext("No source %(name)s is in force.", name=unknown.name), "danger")
            return redirect(url_for(".index"), 303)
        numbers = [one.number for one in outcomes if one.number]
        problems = [problem_text(problem) for one in outcomes for problem in one.problems]
        if numbers:
            flash(gettext("Taken: %(numbers)s.", numbers=", ".join(numbers)), "success")
        if problems:
            flash(gettext("It still cannot be taken: %(why)s", why=" ".join(problems)), "danger")
        if not numbers and not problems:
            flash(gettext("It was taken, and makes no issue now."), "success")
        return redirect(url_for(".index"), 303)

    @expose("/<int:kept>/drop", methods=("POST",))
    def drop(self, kept: int) -> ResponseReturnValue:
        """One need not be taken, and why."""
        reason = " ".join(request.form.get("reason", "").split())[:LONGEST]
        if not reason or "\x00" in reason:
            return self._shown(kept, gettext("Say why it need not be taken.")), 422
        try:
            drop_kept(kept, now(), signed_in().login, reason)
        except NotKept:
            abort(404)
        flash(gettext("Dropped: %(what)s.", what=f"#{kept}"), "success")
        return redirect(url_for(".index"), 303)

    def _shown(self, refused: int = 0, problem: str = "") -> str:
        rows, after = page_of(Kept, Kept.state == Kept.KEPT)
        return self.render(
            "panel/running/kept.html", rows=[_kept(row) for row in rows], after=after, refused=refused, problem=problem
        )


def _kept(row: Any) -> dict[str, Any]:
    body = bytes(row.body)[:SHOWN_BYTES].decode("utf-8", "replace")
    return {
        "id": row.id,
        "at": clock.shown(row.at),
        "source": row.source,
        "external_id": row.external_id or "",
        "item": row.item,
        "problems": [problem_text(problem) for problem in problems_of(row)],
        # A delivery may hold what is private in the issue that it was to become.
        "body": body if signed_in().may("private.read") else "",
        "cut": len(row.body) > SHOWN_BYTES,
    }
