"""Who may see what: every view of the panel says which permission it needs, and without saying so nobody gets in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import flask_admin
from flask import Blueprint, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin, BaseView
from flask_babel import lazy_gettext
from flask_wtf import CSRFProtect

from admin import errors, holding, kept_forms, languages
from admin.appearance import theme
from admin.clock import now
from admin.headers import nonce
from admin.running import troubles
from server import clock, settings
from server.accounts import Caller, caller_of_session, cookie_name, note_refusal
from server.directory import snapshot

ASSETS = Path(__file__).parent / "static"
LARGEST_FORM = 2 << 20
LARGEST_FILE_FORM = 11 << 20
FILE_FORMS = frozenset({"panel_issues.attach", "panel_directory_files.index"})
SAFE = ("GET", "HEAD", "OPTIONS")
PUBLIC = frozenset(
    {
        "panel_sign_in.index",
        "panel_reset.index",
        "panel_reset.choose",
        "panel_preferences.index",
        "panel_assets.static",
        "panel_bundle.file",
        "admin.static",
    }
)
"""What anybody may ask for: signing in, a new password by a link, language and appearance, files that are the same for
all."""


Method = TypeVar("Method", bound=Callable[..., ResponseReturnValue])


def expose(url: str = "/", methods: Sequence[str] = ("GET",)) -> Callable[[Method], Method]:
    """Makes a method answer at an address below its view's."""

    def exposed(method: Method) -> Method:
        flask_admin.expose(url, methods)(method)
        return method

    return exposed


def caller() -> Caller | None:
    """Who is signed in; None: nobody."""
    found: Caller | None = g.get("caller")
    return found


def signed_in() -> Caller:
    """Who is signed in, in views that nobody else reaches."""
    found = caller()
    if found is None:
        abort(401)
    return found


def enter(csrf: CSRFProtect) -> ResponseReturnValue | None:
    """What happens to a request for the panel before its view: who asks is found out; forms that are not ours,
    strangers and what no store holds are refused."""
    _look()
    csrf.protect()
    refused = _refuse_strangers()
    if refused is None:
        _refuse_what_no_store_holds()
    return refused


def _look() -> None:
    # Forms are small, but for those that carry a file.
    request.max_content_length = LARGEST_FILE_FORM if request.endpoint in FILE_FORMS else LARGEST_FORM
    text = request.cookies.get(cookie_name(settings.current().url))
    g.caller = caller_of_session(text, now()) if text else None


def _refuse_strangers() -> ResponseReturnValue | None:
    """Send whoever is not signed in to the sign-in page, whatever he asked for."""
    if caller() is not None or request.endpoint in PUBLIC:
        return None
    if errors.wants_json():
        return errors.signed_out()
    form = kept_forms.sent()
    return to_sign_in() if form is None else errors.sign_in_page(form)


def _refuse_what_no_store_holds() -> None:
    """Nothing is at an address, and nothing is found by a parameter, that has a NUL or a number of more than 64 bits
    in it; PostgreSQL fails on the one, SQLite on the other."""
    for value in (*(request.view_args or {}).values(), *request.args.values()):
        if "\x00" in str(value) or (isinstance(value, int) and value >= 2**63):
            abort(404)


def to_sign_in() -> ResponseReturnValue:
    """The way to the sign-in page, and back to where one was."""
    back = request.full_path.rstrip("?") if request.method in SAFE else urlsplit(request.referrer or "").path
    return redirect(url_for("panel_sign_in.index", next=local(back) or None), 303)


def local(address: str | None) -> str:
    """The address if it is a page of the panel, else nothing: nobody is sent away from here."""
    if not address or any(letter in address for letter in "\\\r\n\t"):
        return ""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not (parts.path == "/admin" or parts.path.startswith("/admin/")):
        return ""
    return address


GROUPS: Mapping[str, Any] = {
    "desk": lazy_gettext("Desk"),
    "policies": lazy_gettext("Policies"),
    "directory": lazy_gettext("Directory"),
    "integrations": lazy_gettext("Integrations"),
    "evidence": lazy_gettext("Evidence"),
    "system": lazy_gettext("System"),
}
"""The groups of the sidebar, by what people do."""


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of one of the panel's own files; another one when its content is."""
    return url_for("panel_assets.static", filename=name, v=_digest(name))


def surroundings() -> dict[str, Any]:
    """What the shell shows on every page: who is signed in, the language, the appearance, where to come back to."""
    who = caller()
    person = None if who is None else snapshot().active(who.login)
    return {
        "who": who,
        "person": person,
        "groups": GROUPS,
        "language": languages.language(),
        "locale": "zh-CN" if languages.language() == "zh" else "en",
        "theme_choice": theme(),
        "here": local(request.full_path.rstrip("?")) if request.method in SAFE else "",
        "nonce": nonce(),
        "asset": asset,
        "language_names": languages.NAMES,
        "hold": holding.shown() if who is not None and who.may("system") else None,
        "known_endpoints": current_app.view_functions,
        "troubles_now": troubles.everywhere() if who is not None and who.may("system") else [],
        "clock_held": who is not None and who.may("system") and clock.held() is not None,
    }


class Page(BaseView):  # type: ignore[misc]
    """A view of the panel. `needs`: permissions of which one is enough to read; empty: whoever is signed in; None:
    nobody. `changes`: the permission for whatever is not a mere look; None: nothing can be changed here."""

    needs: ClassVar[tuple[str, ...] | None] = None
    changes: ClassVar[str | None] = None

    def is_accessible(self) -> bool:
        who = caller()
        if who is None or self.needs is None:
            return False
        return not self.needs or any(who.may(permission) for permission in self.needs)

    def may_change(self) -> bool:
        """Whether the caller may do what this view does, beyond looking."""
        who = caller()
        return who is not None and self.changes is not None and who.may(self.changes)

    # Places of a route are given by name: none may be called `name`.
    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        if not self.is_accessible():
            return self.inaccessible_callback(name, **kwargs)
        if request.method not in SAFE and not self.may_change():
            return self.inaccessible_callback(name, **kwargs)
        return None

    def inaccessible_callback(self, name: Any, **kwargs: Any) -> ResponseReturnValue:
        who = caller()
        if who is None:
            return to_sign_in()
        needed = {*(self.needs or ()), *filter(None, [self.changes])}
        note_refusal(who.login, request.method, str(request.url_rule), sorted(needed), now())
        return abort(403)

    def render(self, template: str, **kwargs: Any) -> str:
        """The page, with what the shell around it shows."""
        shown: str = super().render(template, **{**surroundings(), **kwargs})
        return shown

    def create_blueprint(self, admin: Admin) -> Blueprint:
        blueprint: Blueprint = super().create_blueprint(admin)
        errors.attach(blueprint)
        return blueprint


class OpenPage(Page):
    """A view that anybody may see and use, listed in PUBLIC."""

    def is_accessible(self) -> bool:
        return True

    def is_visible(self) -> bool:
        return False

    def may_change(self) -> bool:
        return True
