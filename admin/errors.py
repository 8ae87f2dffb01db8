"""Failures as pages of the panel, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, make_response, request, url_for
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.exceptions import HTTPException

from admin import kept_forms
from admin.clock import now
from admin.languages import gettext
from server.accounts import NotPermitted
from server.recording import UnknownIssue, keep_apart
from server.setting_apart import CannotGoOn
from server.store import database
from server.store.failures import Unavailable, as_unavailable


def attach(blueprint: Blueprint) -> None:
    """Show the failures of this blueprint's views as pages."""
    blueprint.register_error_handler(CSRFError, _stale)
    blueprint.register_error_handler(HTTPException, _http)
    blueprint.register_error_handler(NotPermitted, lambda error: page(403))
    blueprint.register_error_handler(UnknownIssue, lambda error: page(404))
    blueprint.register_error_handler(CannotGoOn, _cannot_go_on)
    blueprint.register_error_handler(Unavailable, _unavailable)
    blueprint.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Whether a script asks, which reads JSON and no pages."""
    kinds = request.accept_mimetypes
    return kinds["application/json"] > kinds["text/html"]


def page(status: int, text: str = "") -> Response:
    """The page that says what went wrong, or the same as JSON. Without a database it shows nobody who is signed in."""
    if status == 503:
        g.caller = None
    title, usual = _words(status)
    if wants_json():
        return _json(status, title, text or usual)
    view: Any = current_app.extensions["admin"][0].index_view
    return make_response(view.render("panel/error.html", title=title, text=text or usual, status=status), status)


def signed_out() -> Response:
    """What a script is told whose session has ended."""
    text = gettext("Your session has ended. Sign in again, in another window if you like, and try once more.")
    return _json(401, gettext("Signed out"), text, sign_in=url_for("panel_sign_in.index"))


def sign_in_page(form: kept_forms.KeptForm) -> Response:
    """The page to sign in on that keeps what was sent."""
    view: Any = current_app.view_functions["panel_sign_in.index"]
    shown: Response = view.__self__.ask_again(form)
    return shown


def _stale(error: CSRFError) -> Response:
    """A form whose token is another one's: of a former session, say. Who sent it from here may send it again."""
    form = kept_forms.sent()
    if wants_json():
        fresh = {"csrf_token": generate_csrf()} if kept_forms.is_from_here() else {}
        return _json(400, _words(400)[0], _expired(), **fresh)
    if form is None:
        return page(400, _expired())
    if g.get("caller") is None:
        return sign_in_page(form)
    view: Any = current_app.extensions["admin"][0].index_view
    return make_response(view.render("panel/kept_form.html", form=form, why=_expired()), 400)


def _json(status: int, title: str, detail: str, **more: str) -> Response:
    answer = jsonify({"status": status, "title": title, "detail": detail, **more})
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer


def _words(status: int) -> tuple[str, str]:
    match status:
        case 403:
            return gettext("Not permitted"), gettext(
                "Your roles do not permit this. Ask an administrator if you need it."
            )
        case 404:
            return gettext("Not found"), gettext("There is nothing at this address, or not any more.")
        case 405:
            return gettext("Not possible"), gettext("This page cannot be used in this way.")
        case 409:
            return gettext("Set apart"), gettext("The server cannot go on with this.")
        case 503:
            return gettext("Not available now"), gettext("The database cannot be used now. Try again in a moment.")
        case _ if status >= 500:
            return gettext("Something went wrong"), gettext("The error has been logged. Nothing was changed.")
        case _:
            return gettext("Not understood"), gettext("The request cannot be understood.")


def _expired() -> str:
    return gettext("This form is out of date, or was not sent from here. Go back, reload the page and send it again.")


def _cannot_go_on(error: CannotGoOn) -> Response:
    try:
        keep_apart(error, now())
    except Unavailable as trouble:
        return _unavailable(trouble)
    text = gettext(
        "The server cannot go on with issue %(number)s: it is set apart with its problem, which an administrator sees "
        "under “Issues set apart”. No other issue is concerned.",
        number=error.number,
    )
    return page(409, text)


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    shown = page(error.code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            shown.headers[name] = value
    return shown


def _unavailable(error: Unavailable) -> Response:
    current_app.logger.warning("the database cannot be used: %s", error)
    shown = page(503)
    shown.headers["Retry-After"] = str(getattr(error, "retry_after", None) or 5)
    return shown


def _unexpected(error: Exception) -> Response:
    trouble = as_unavailable(error)
    if trouble is not None:
        database.current().discard()
        return _unavailable(trouble)
    current_app.logger.error("a page failed: %s %s", request.method, request.path, exc_info=error)
    return page(500)
