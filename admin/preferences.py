"""Language and appearance: chosen by a switch, remembered in a cookie of this browser."""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import languages
from admin.appearance import THEME_COOKIE, THEMES
from admin.guard import OpenPage, expose, local
from server import settings

A_YEAR = 365 * 24 * 3600


class PreferencesView(OpenPage):
    """Takes a choice and goes back to where it was made."""

    @expose("/", methods=("POST",))
    def index(self) -> ResponseReturnValue:
        """Remember the language or the appearance."""
        answer = make_response(redirect(local(request.form.get("back")) or url_for("admin.index"), 303))
        secure = settings.current().url.startswith("https://")
        for name, allowed in ((languages.COOKIE, tuple(languages.LOCALES)), (THEME_COOKIE, (*THEMES, ""))):
            chosen = request.form.get(name)
            if chosen in allowed:
                answer.set_cookie(name, chosen, max_age=A_YEAR, path="/", secure=secure, samesite="Lax")
        return answer
