"""Signing in and out. The session is kept on the server; its cookie says nothing and no script can read it."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from admin.clock import now
from admin.guard import SAFE, OpenPage, Page, caller, expose, local
from admin.languages import gettext, ngettext
from server import settings
from server.accounts import Throttled, cookie_name, sign_in, sign_out
from server.accounts.sessions import LONGEST


class SignInView(OpenPage):
    """Login and password."""

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """The sign-in page, and what becomes of what was typed."""
        back = local(request.values.get("next")) or url_for("admin.index")
        if request.method in SAFE:
            return redirect(back, 303) if caller() is not None else self._page(back)
        login = request.form.get("login", "").strip()
        browser = request.headers.get("User-Agent", "")
        try:
            text = sign_in(login, request.form.get("password", ""), request.remote_addr or "", now(), browser)
        except Throttled as throttled:
            return self._throttled(back, login, throttled.retry_after)
        if text is None:
            return self._page(back, login, gettext("Login or password are wrong."), 401)
        session.clear()  # so that a form token from before signing in is worth nothing after it
        answer = make_response(redirect(back, 303))
        remember(answer, text)
        return answer

    def _throttled(self, back: str, login: str, seconds: int) -> Response:
        answer = self._page(back, login, throttled_text(seconds), 429)
        answer.headers["Retry-After"] = str(seconds)
        return answer

    def _page(self, back: str, login: str = "", problem: str = "", status: int = 200) -> Response:
        return make_response(self.render("panel/sign_in.html", back=back, login=login, problem=problem), status)


class SignOutView(Page):
    """The end of a session."""

    needs = ()

    def is_visible(self) -> bool:
        return False

    def may_change(self) -> bool:
        return True

    @expose("/", methods=("POST",))
    def index(self) -> ResponseReturnValue:
        """End the session, here and on the server."""
        name = cookie_name(settings.current().url)
        sign_out(request.cookies.get(name, ""))
        session.clear()
        flash(gettext("You are signed out."), "success")
        answer = make_response(redirect(url_for("panel_sign_in.index"), 303))
        answer.delete_cookie(name, path="/", secure=_is_https(), httponly=True, samesite="Lax")
        return answer


def throttled_text(seconds: int) -> str:
    """That one has to wait, and how long."""
    return ngettext(
        "Too many failed attempts. Try again in %(num)s second.",
        "Too many failed attempts. Try again in %(num)s seconds.",
        seconds,
    )


def remember(answer: Response, text: str) -> None:
    """Give the browser the session that begins with this answer."""
    name = cookie_name(settings.current().url)
    answer.set_cookie(name, text, max_age=LONGEST // 1000, path="/", secure=_is_https(), httponly=True, samesite="Lax")


def _is_https() -> bool:
    return settings.current().url.startswith("https://")
