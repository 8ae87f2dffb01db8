"""Who can sign in, where they are signed in, and links with which they choose a new password."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from peewee import fn

from admin import clock, languages
from admin.accounts import words
from admin.clock import now
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from server import settings
from server.accounts import end_session, end_sessions, make_reset_link, sessions_of
from server.accounts.sessions import IDLE
from server.core.vocabulary import in_language
from server.directory import Someone, snapshot
from server.store.models import Person, Session


class UsersView(Page):
    """The accounts of everybody; people themselves are the directory's."""

    needs = ("system",)
    changes = "system"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Everybody with whether and where he is signed in; those who are, first."""
        opened = _opened()
        with_password = {row.login for row in Person.select(Person.login).where(Person.password_hash.is_null(False))}
        rows = [_row(one, opened, with_password) for one in snapshot().people.values()]
        rows.sort(key=lambda row: (row["disabled"], not row["sessions"], row["name"]))
        return self.render("panel/accounts/users.html", rows=rows)

    @expose("/<login>/")
    def user(self, login: str) -> ResponseReturnValue:
        """One account."""
        return self._page(login)

    @expose("/<login>/reset", methods=("POST",))
    def reset(self, login: str) -> ResponseReturnValue:
        """Make a link for a new password, and show it: it is kept nowhere."""
        _active(login)
        text = make_reset_link(login, now(), signed_in().login)
        address = settings.current().url.rstrip("/") or request.host_url.rstrip("/")
        return self._page(login, link=address + url_for("panel_reset.choose", link=text))

    @expose("/<login>/sessions/end", methods=("POST",))
    def end_all(self, login: str) -> ResponseReturnValue:
        """End every session of a person, but the one that asks."""
        _known(login)
        who = signed_in()
        count = end_sessions(login, now(), who.login, keep=who.session if login == who.login else None)
        flash(languages.ngettext("%(num)s session is ended.", "%(num)s sessions are ended.", count), "success")
        return redirect(url_for(".user", login=login), 303)

    @expose("/<login>/sessions/<session>/end", methods=("POST",))
    def end(self, login: str, session: str) -> ResponseReturnValue:
        """End one session of a person."""
        _known(login)
        if not end_session(login, session, now(), signed_in().login):
            abort(404)
        flash(gettext("That session is ended."), "success")
        return redirect(url_for(".user", login=login), 303)

    def _page(self, login: str, link: str = "") -> str:
        person, held = _known(login), snapshot().permissions_of(login)
        return self.render(
            "panel/accounts/user.html",
            user=person,
            link=link,
            has_password=Person.get(Person.login == login).password_hash is not None,
            roles=_roles(login),
            permissions=[text for name, text in words.permissions().items() if name in held],
            sessions=[words.session(one, signed_in().session) for one in sessions_of(login, now())],
        )


def _known(login: str) -> Someone:
    person = snapshot().people.get(login)
    if person is None:
        abort(404)
    return person


def _active(login: str) -> None:
    if _known(login).disabled:
        abort(409)


def _opened() -> dict[str, tuple[int, int]]:
    at = now()
    rows: Any = (
        Session.select(Session.person, fn.COUNT(Session.hash), fn.MAX(Session.seen_at))
        .where(Session.expires_at > at, Session.seen_at > at - IDLE)
        .group_by(Session.person)
        .tuples()
    )
    return {login: (count, seen) for login, count, seen in rows}


def _row(one: Someone, opened: dict[str, tuple[int, int]], with_password: set[str]) -> dict[str, Any]:
    count, seen = opened.get(one.login, (0, None))
    return {
        "login": one.login,
        "name": one.name,
        "roles": _roles(one.login),
        "sessions": count,
        "seen": clock.shown(seen),
        "has_password": one.login in with_password,
        "disabled": one.disabled,
    }


def _roles(login: str) -> list[str]:
    people = snapshot()
    names = sorted(people.roles_of.get(login, ()))
    return [in_language(people.role_titles[name], languages.language(), name) for name in names]
