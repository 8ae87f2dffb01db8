"""Who is told of events: the subscriptions of integrators, and how each of them fares."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from server import subscriptions
from server.store.models import Message


class SubscriptionsView(Page):
    """Subscriptions: what each wants, its state and its last error; turned off and on here, made over HTTP."""

    needs = ("integration.edit", "system")
    changes = "integration.edit"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """All of them."""
        rows = [_shown(row) for row in subscriptions.every()]
        return self.render("panel/subscriptions.html", rows=rows, changes=self.may_change())

    @expose("/<id>/<state>", methods=("POST",))
    def turn(self, id: str, state: str) -> ResponseReturnValue:
        """Turn one off or on."""
        if state not in ("on", "off"):
            abort(404)
        try:
            subscriptions.change(id, {"active": state == "on"}, signed_in().login, clock.now())
        except subscriptions.UnknownSubscription:
            abort(404)
        flash(gettext("Done."), "success")
        return redirect(url_for(".index"), 303)


def _shown(row: Any) -> dict[str, Any]:
    state, tone = _state(row)
    waiting = Message.select().where(
        Message.state == Message.PENDING, Message.destination == f"{subscriptions.DOCUMENT}/{row.id}"
    )
    return {
        "row": row,
        "state": state,
        "tone": tone,
        "wants": ", ".join(row.events) or gettext("every event"),
        "processes": ", ".join(row.processes) or gettext("every process"),
        "waiting": waiting.count(),
        "delivered": clock.text(row.delivered_at),
        "error_at": clock.text(row.last_error_at),
    }


def _state(row: Any) -> tuple[str, str]:
    if not row.active:
        gone = row.reason == row.GONE
        return (gettext("ended by the receiver (410)"), "bad") if gone else (gettext("turned off"), "warn")
    if row.failing_since is not None:
        return gettext("failing since %(moment)s", moment=clock.text(row.failing_since)), "bad"
    return (gettext("working"), "good") if row.delivered_at is not None else (gettext("nothing sent yet"), "info")
