"""Signing in and out. The session is kept on the server; its cookie says nothing and no script can read it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, flash, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from admin import kept_forms
from admin.clock import now
from admin.guard import SAFE, OpenPage, Page, caller, expose, local
from admin.languages import gettext, ngettext
from server import settings
from server.accounts import Throttled, caller_of_session, cookie_name, sign_in, sign_out
from server.accounts.sessions import LONGEST


class SignInView(OpenPage):
    """Login and password."""

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """The sign-in page, and what becomes of what was typed."""
        back = local(request.values.get("next")) or url_for("admin.index")
        kept = request.form.get(kept_forms.FIELD, "")
        if request.method in SAFE:
            return redirect(back, 303) if caller() is not None else self._page(back)
        login = request.form.get("login", "").strip()
        browser = request.headers.get("User-Agent", "")
        try:
            text = sign_in(login, request.form.get("password", ""), request.remote_addr or "", now(), browser)
        except Throttled as throttled:
            return self._throttled(back, login, throttled.retry_after, kept)
        if text is None:
            return self._page(back, login, gettext("Login or password are wrong."), 401, kept)
        session.clear()  # so that a form token from before signing in is worth nothing after it
        answer = make_response(self._offer(kept, text) or redirect(back, 303))
        remember(answer, text)
        return answer

    def ask_again(self, form: kept_forms.KeptForm) -> Response:
        """The page to sign in on, for somebody who sent a form after his session had ended."""
        kept = kept_forms.sealed(form)
        return self._page(local(urlsplit(request.referrer or "").path) or url_for("admin.index"), "", "", 401, kept)

    def _offer(self, kept: str, text: str) -> str | None:
        """The form that came too late, for whoever has just signed in."""
        form = kept_forms.opened(kept)
        if form is None:
            return None
        g.caller = caller_of_session(text, now())
        why = gettext("You are signed in again. What you had typed has not been sent yet.")
        return self.render("panel/kept_form.html", form=form, why=why)

    def _throttled(self, back: str, login: str, seconds: int, kept: str) -> Response:
        answer = self._page(back, login, throttled_text(seconds), 429, kept)
        answer.headers["Retry-After"] = str(seconds)
        return answer

    def _page(self, back: str, login: str = "", problem: str = "", status: int = 200, kept: str = "") -> Response:
        body = self.render("panel/sign_in.html", back=back, login=login, problem=problem, kept=kept)
        return make_response(body, status)


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
