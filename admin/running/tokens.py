"""API tokens: one's own, and those of others for administrators. The text of a token is shown once."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.accounts.words import permissions
from admin.clock import now
from admin.guard import SAFE, Page, caller, expose, signed_in
from admin.inputs import people
from admin.languages import gettext, language
from server.accounts import PERMISSIONS, Refused, issue_token, revoke_token
from server.core.moments import DAY
from server.directory import snapshot
from server.store.models import Token

LIVES: Final = (30, 90, 365)
"""Days that a token may live; or without an end."""

LONGEST: Final = 100


class TokensView(Page):
    """Tokens; whoever may do anything has some of his own."""

    needs = PERMISSIONS

    def may_change(self) -> bool:
        """Everybody who gets here may: his own."""
        return caller() is not None

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """The list, and the form of a new one."""
        login = self._whose(request.values.get("person", ""))
        given: dict[str, Any] = {
            "label": request.form.get("label", "").strip()[:LONGEST],
            "scopes": request.form.getlist("scope"),
            "days": request.form.get("days", "90"),
        }
        if request.method in SAFE:
            return self._page(login, given)
        if given["days"] not in ("", *map(str, LIVES)) or "\x00" in given["label"]:
            abort(400)
        at = now()
        expires_at = at + int(given["days"]) * DAY if given["days"] else None
        try:
            made = issue_token(
                login, given["scopes"], at, expires_at=expires_at, label=given["label"], by=signed_in().login
            )
        except Refused as refused:
            return self._page(login, given, problem=_why(refused)), 422
        return self._page(login, {**given, "label": "", "scopes": []}, made=made)

    @expose("/<int:token>/revoke", methods=("POST",))
    def revoke(self, token: int) -> ResponseReturnValue:
        """End one."""
        row = Token.get_or_none(Token.id == token)
        if row is None or (row.person_id != signed_in().login and not self._sees_all()):
            abort(404)
        if revoke_token(token, now(), signed_in().login):
            flash(gettext("The token is revoked: whoever uses it is refused from now on."), "success")
        else:
            flash(gettext("The token was revoked before."), "info")
        return redirect(url_for(".index"), 303)

    @staticmethod
    def _sees_all() -> bool:
        return signed_in().may("system")

    def _whose(self, wanted: str) -> str:
        login = signed_in().login
        if not wanted or wanted == login:
            return login
        if not self._sees_all() or snapshot().active(wanted) is None:
            abort(404)
        return wanted

    def _page(self, login: str, given: dict[str, Any], problem: str = "", made: str = "") -> str:
        query = Token.select().order_by(Token.id.desc()).limit(500)
        if not self._sees_all():
            query = query.where(Token.person == signed_in().login)
        names = {one.login: one.name for one in snapshot().people.values()}
        held = snapshot().permissions_of(login)
        return self.render(
            "panel/running/tokens.html",
            rows=[_shown(row, names, now()) for row in query],
            login=login,
            name=names.get(login, login),
            others=people() if self._sees_all() else [],
            scopes=[(one, text) for one, text in permissions().items() if one in held],
            given=given,
            lives=LIVES,
            problem=problem,
            made=made,
        )


def _shown(row: Any, names: dict[str, str], at: int) -> dict[str, Any]:
    if row.revoked_at is not None:
        state, tone = gettext("revoked on %(moment)s", moment=clock.shown(row.revoked_at)), ""
    elif row.expires_at is not None and at >= row.expires_at:
        state, tone = gettext("expired"), ""
    else:
        state, tone = gettext("in use"), "good"
    return {
        "id": row.id,
        "label": row.label,
        "who": names.get(row.person_id, row.person_id),
        "scopes": row.scopes,
        "made": clock.shown(row.created_at),
        "expires": clock.shown(row.expires_at),
        "state": state,
        "tone": tone,
    }


def _why(refused: Refused) -> str:
    if refused.code == "no-scope":
        return gettext("Choose at least one thing that the token may do.")
    return gettext("The token cannot be made: %(why)s", why=refused.text(language()))
