"""Choosing a new password by a link that an administrator made."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import languages
from admin.clock import now
from admin.guard import SAFE, OpenPage, expose
from admin.languages import gettext
from server.accounts import Refused, person_of_reset_link, reset_password
from server.directory import snapshot


class ResetView(OpenPage):
    """The page that the link leads to. Looking at it uses nothing up."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """What is at the address without a link."""
        return self._no_good()

    @expose("/<link>", methods=("GET", "POST"))
    def choose(self, link: str) -> ResponseReturnValue:
        """The form for the new password, and what becomes of it."""
        login = person_of_reset_link(link, now())
        if login is None:
            return self._no_good()
        if request.method in SAFE:
            return self._page(login, link)
        new = request.form.get("new", "")
        if new != request.form.get("again", ""):
            return self._page(login, link, {"again": gettext("This is not what stands in the field above.")})
        try:
            reset_password(link, new, request.remote_addr or "", now())
        except Refused as refused:
            return self._page(login, link, {"new": refused.text(languages.language())})
        flash(gettext("Your new password is in force. Sign in with it."), "success")
        return redirect(url_for("panel_sign_in.index"), 303)

    def _no_good(self) -> ResponseReturnValue:
        text = Refused("reset-link-no-good").text(languages.language())
        return self.render("panel/accounts/reset.html", no_good=text), 410

    def _page(self, login: str, link: str, problems: dict[str, str] | None = None) -> ResponseReturnValue:
        person = snapshot().people[login]
        body = self.render("panel/accounts/reset.html", user=person, link=link, problems=problems or {}, no_good="")
        return body, 422 if problems else 200
