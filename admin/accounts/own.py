"""One's own account: what one may do, where one is signed in, a new password."""

from __future__ import annotations

from flask import abort, flash, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from admin import languages
from admin.accounts import words
from admin.clock import now
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from admin.signing import remember, throttled_text
from server.accounts import Refused, Throttled, change_password, end_session, end_sessions, sessions_of
from server.core.vocabulary import in_language
from server.directory import snapshot


class AccountView(Page):
    """The account of whoever is signed in."""

    needs = ()

    def is_visible(self) -> bool:
        return False

    def may_change(self) -> bool:
        return True

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Rights, sessions, and the form for a new password."""
        return self._page()

    @expose("/password", methods=("POST",))
    def password(self) -> ResponseReturnValue:
        """Change the password; whoever else is signed in with the old one is out."""
        present, new, again = (request.form.get(name, "") for name in ("present", "new", "again"))
        if new != again:
            return self._page({"again": gettext("This is not what stands in the field above.")})
        try:
            text = change_password(signed_in(), present, new, request.remote_addr or "", now(), words.own_browser())
        except Throttled as throttled:
            return self._page({"present": throttled_text(throttled.retry_after)}, 429)
        except Refused as refused:
            where = "present" if refused.code == "wrong-password" else "new"
            return self._page({where: refused.text(languages.language())})
        session.clear()
        flash(gettext("Your password is changed. Whoever else was signed in with it is not any more."), "success")
        answer = make_response(redirect(url_for(".index"), 303))
        remember(answer, text)
        return answer

    @expose("/sessions/<session>/end", methods=("POST",))
    def end(self, session: str) -> ResponseReturnValue:
        """End one of one's sessions."""
        if not end_session(signed_in().login, session, now(), signed_in().login):
            abort(404)
        flash(gettext("That session is ended."), "success")
        return redirect(url_for(".index"), 303)

    @expose("/sessions/end", methods=("POST",))
    def end_others(self) -> ResponseReturnValue:
        """End all of one's sessions but this one."""
        who = signed_in()
        count = end_sessions(who.login, now(), who.login, keep=who.session)
        flash(languages.ngettext("%(num)s session is ended.", "%(num)s sessions are ended.", count), "success")
        return redirect(url_for(".index"), 303)

    def _page(self, problems: dict[str, str] | None = None, status: int = 0) -> ResponseReturnValue:
        who, people = signed_in(), snapshot()
        roles = sorted(people.roles_of.get(who.login, ()))
        body = self.render(
            "panel/accounts/own.html",
            problems=problems or {},
            login=who.login,
            roles=[in_language(people.role_titles[name], languages.language(), name) for name in roles],
            permissions=[text for name, text in words.permissions().items() if who.may(name)],
            sessions=[words.session(one, who.session) for one in sessions_of(who.login, now())],
        )
        return body, status or (422 if problems else 200)
