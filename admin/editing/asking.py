"""What the editor asks while somebody writes. Each takes the text as it is in the browser; nothing is stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from admin import clock
from admin.editing.standing import readable, said, shown
from admin.guard import expose, signed_in
from admin.languages import gettext
from server import drafts, editing
from server.accounts import NotPermitted
from server.core.documents import MAX_BYTES
from server.recording import UnknownIssue


class Asking:
    """Questions about a draft's text, asked by whoever may read the draft."""

    @expose("/<int:draft>/check", methods=("POST",))
    def check(self, draft: int) -> ResponseReturnValue:
        """What is wrong with the text in the body."""
        found = readable(draft)
        result = drafts.check_text(found.name, request.get_data(), clock.now())
        return jsonify({"findings": shown(result, found.kind)})

    @expose("/<int:draft>/worked", methods=("POST",))
    def worked(self, draft: int) -> ResponseReturnValue:
        """When durations end that begin on Friday at five, by a calendar in force or the one in the text."""
        readable(draft)
        asked = _asked()
        name, durations, text = asked.get("calendar"), asked.get("durations"), asked.get("text")
        if not isinstance(durations, list) or not all(isinstance(one, str) for one in durations):
            return said(422, "bad-request", message=gettext("The request cannot be understood."))
        calendar = editing.calendar(str(name), None if text is None else str(text).encode("utf-8", "replace"))
        if calendar is None:
            return said(404, "unknown-calendar", message=gettext("There is no calendar of this name that can be used."))
        return jsonify(editing.worked(calendar, durations, clock.now()))

    @expose("/<int:draft>/year/<int:year>", methods=("POST",))
    def year(self, draft: int, year: int) -> ResponseReturnValue:
        """Every date of a year by the calendar in the body; of one that cannot be used yet, all empty, and why."""
        readable(draft)
        if not editing.FIRST_YEAR <= year <= editing.LAST_YEAR:
            return said(422, "unusable", message=gettext("The calendar does not know this year."))
        days, message = editing.year(request.get_data(), year), ""
        if days is None:
            days = editing.empty_year(year)
            message = gettext("The year is empty until the calendar has hours in which people work, and no mistakes.")
        return jsonify({"days": [asdict(day) for day in days], "message": message})

    @expose("/<int:draft>/preview", methods=("POST",))
    def preview(self, draft: int) -> ResponseReturnValue:
        """A template of the text, on an issue."""
        readable(draft)
        asked = _asked()
        text, template, number = (str(asked.get(name) or "") for name in ("text", "template", "number"))
        if "\x00" in number:
            return said(404, "no-issue", message=gettext("There is no such issue of this process."))
        try:
            return jsonify(editing.preview(text.encode("utf-8", "replace"), template, number.strip(), signed_in()))
        except NotPermitted:
            return said(403, "not-permitted", message=gettext("A preview shows an issue, and you may not read issues."))
        except (editing.NoIssue, UnknownIssue):
            none = gettext("There is no issue of this process yet to show it on.")
            return said(404, "no-issue", message=gettext("There is no such issue of this process.") if number else none)


def _asked() -> dict[str, Any]:
    """The JSON object in the body; empty for anything else."""
    request.max_content_length = 8 * MAX_BYTES
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}
