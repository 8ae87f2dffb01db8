"""The desk: issues to work on, and one issue with its facts, deadlines, timeline, messages and possible actions."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import action_forms, doing, listing
from admin.clock import now
from admin.documents import DocumentsView
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from admin.showing import show_issue
from server import acting, attachments
from server.recording import Overtaken, held


class IssuesView(Page):
    """Issues: the list, one of them, and what can be done on it."""

    needs = ("issue.read",)
    changes = "issue.write"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list, with its filters."""
        try:
            found = listing.page(request.args, signed_in(), now())
        except listing.BadCursor:
            abort(404)
        return self.render("panel/issues.html", page=found)

    @expose("/<number>")
    def issue(self, number: str) -> ResponseReturnValue:
        """One issue."""
        return self._shown(number)

    @expose("/<number>/actions/<key>", methods=("POST",))
    def act(self, number: str, key: str) -> ResponseReturnValue:
        """Do an action with what was typed into its form; when it is refused, show the form again as it was filled."""
        try:
            done = doing.act(number, key, request.form, signed_in(), now())
        except doing.FormRefused as refused:
            return self._shown(number, refused.form, refused.message), 422
        except acting.ActionRefused as refused:
            return self._lost(number, doing.refusal_text(refused)), 403 if refused.why in ("by", "not_by") else 409
        except Overtaken:
            return self._lost(number, gettext("Others are changing this issue at the moment. Try again.")), 409
        flash(gettext("Done: %(what)s", what=done), "success")
        return redirect(url_for(".issue", number=number), 303)

    @expose("/<number>/notices/<notice>/send", methods=("POST",))
    def send(self, number: str, notice: str) -> ResponseReturnValue:
        """Send a notice that was asked about."""
        return self._about(number, lambda: acting.send(number, notice, signed_in().login, now()))

    @expose("/<number>/tasks/<int:message>/confirm", methods=("POST",))
    def confirm(self, number: str, message: int) -> ResponseReturnValue:
        """Note that a task by hand was done."""
        return self._about(number, lambda: doing.confirm(number, message, signed_in().login, now()))

    @expose("/<number>/files", methods=("POST",))
    def attach(self, number: str) -> ResponseReturnValue:
        """Attach a file."""
        file = request.files.get("file")
        if file is None or not file.filename:
            flash(gettext("Choose a file first."), "danger")
            return redirect(url_for(".issue", number=number), 303)
        name, kind = file.filename, file.mimetype
        data = file.stream.read(attachments.LARGEST + 1)
        if len(data) > attachments.LARGEST:
            flash(gettext("The file is too large: at most 10 MiB are kept."), "danger")
            return redirect(url_for(".issue", number=number), 303)
        return self._about(number, lambda: attachments.attach(number, name, kind, data, signed_in().login, now()))

    @expose("/<number>/files/<int:file>")
    def download(self, number: str, file: int) -> ResponseReturnValue:
        """A file, to be saved."""
        try:
            row, pieces = attachments.opened(held(number), min(file, 2**62), signed_in().login)
        except attachments.UnknownAttachment:
            abort(404)
        except attachments.NotShown:
            abort(403)
        headers = attachments.as_download(row.name)
        return Response(b"".join(pieces), mimetype=attachments.UNKNOWN_TYPE, headers=headers)

    def _about(self, number: str, do: Any) -> ResponseReturnValue:
        try:
            do()
        except acting.ActionRefused as refused:
            flash(doing.refusal_text(refused), "danger")
        except Overtaken:
            flash(gettext("Others are changing this issue at the moment. Try again."), "danger")
        else:
            flash(gettext("Done."), "success")
        return redirect(url_for(".issue", number=number), 303)

    def _lost(self, number: str, message: str) -> str:
        """The issue after an action that is not possible, with what was typed, so that it is not lost."""
        typed = [text for name, text in request.form.items() if name != "csrf_token" and "." not in name and text]
        return self._shown(number, message=message, typed=typed)

    def _shown(
        self,
        number: str,
        refused: action_forms.ActionForm | None = None,
        message: str = "",
        typed: list[str] | None = None,
    ) -> str:
        shown = show_issue(number, signed_in(), now(), refused, whole="whole" in request.args)
        reads = any(signed_in().may(permission) for permission in DocumentsView.needs)
        return self.render("panel/issue.html", issue=shown, message=message, typed=typed or [], reads_documents=reads)
