"""Failures as pages of the panel, in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, make_response, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from admin.clock import now
from admin.languages import gettext
from server.accounts import NotPermitted
from server.recording import UnknownIssue, keep_apart
from server.setting_apart import CannotGoOn
from server.store import database
from server.store.failures import Unavailable, as_unavailable


def attach(blueprint: Blueprint) -> None:
    """Show the failures of this blueprint's views as pages."""
    blueprint.register_error_handler(CSRFError, lambda error: page(400, _expired()))
    blueprint.register_error_handler(HTTPException, _http)
    blueprint.register_error_handler(NotPermitted, lambda error: page(403))
    blueprint.register_error_handler(UnknownIssue, lambda error: page(404))
    blueprint.register_error_handler(CannotGoOn, _cannot_go_on)
    blueprint.register_error_handler(Unavailable, _unavailable)
    blueprint.register_error_handler(Exception, _unexpected)


def page(status: int, text: str = "") -> Response:
    """The page that says what went wrong. Without a database it shows nobody who is signed in."""
    if status == 503:
        g.caller = None
    title, usual = _words(status)
    view: Any = current_app.extensions["admin"][0].index_view
    return make_response(view.render("panel/error.html", title=title, text=text or usual, status=status), status)


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
