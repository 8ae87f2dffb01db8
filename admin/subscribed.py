"""Who is told of events: the subscriptions of integrators, how each of them fares, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages, listing
from admin.evidence.periods import period
from admin.guard import SAFE, Page, expose, signed_in
from admin.inputs import problem_text
from admin.languages import gettext, ngettext
from server import subscriptions
from server.core.happened import KINDS
from server.delivery import trying
from server.delivery.trying import NotTried
from server.store.models import Message
from server.subscriptions import BadSubscription, UnknownSubscription


class SubscriptionsView(Page):
    """Subscriptions: made, turned off and on, given a new secret, tried, replayed, deleted."""

    needs = ("integration.edit", "system")
    changes = "integration.edit"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """All of them, and the form of a new one."""
        typed: dict[str, Any] = {
            "url": request.form.get("url", "").strip(),
            "events": request.form.get("events", ""),
            "processes": request.form.getlist("process"),
        }
        if request.method in SAFE:
            return self._page(typed)
        given = {"url": typed["url"], "events": typed["events"].split(), "processes": typed["processes"]}
        try:
            made = subscriptions.create(given, signed_in().login, clock.now())
        except BadSubscription as bad:
            return self._page(typed, problems=[problem_text(one) for one in bad.problems]), 422
        return self._page({"url": "", "events": "", "processes": []}, secret=made.secret, secret_of=made.url)

    @expose("/<id>/<state>", methods=("POST",))
    def turn(self, id: str, state: str) -> ResponseReturnValue:
        """Turn one off or on."""
        if state not in ("on", "off"):
            abort(404)
        given = {"active": state == "on"}
        return self._done(lambda: subscriptions.change(id, given, signed_in().login, clock.now()))

    @expose("/<id>/rotate", methods=("POST",))
    def rotate(self, id: str) -> ResponseReturnValue:
        """A new secret, shown once; the former one signs, too, for a day."""
        try:
            row = subscriptions.rotate(id, signed_in().login, clock.now())
        except UnknownSubscription:
            abort(404)
        return self._page({"url": "", "events": "", "processes": []}, secret=row.secret, secret_of=row.url)

    @expose("/<id>/delete", methods=("POST",))
    def delete(self, id: str) -> ResponseReturnValue:
        """End one; what waits for it is not sent any more."""
        return self._done(lambda: subscriptions.delete(id, signed_in().login, clock.now()))

    @expose("/<id>/test", methods=("POST",))
    def test(self, id: str) -> ResponseReturnValue:
        """Send a test to it, on the way of every event."""
        try:
            trying.send_test(subscriptions.DOCUMENT, id, signed_in().login, clock.now(), language=languages.language())
        except NotTried:
            flash(gettext("A subscription that is turned off cannot be tried."), "danger")
            return redirect(url_for(".index"), 303)
        flash(gettext("A test is on its way; this list says what becomes of it."), "info")
        return redirect(url_for(".index"), 303)

    @expose("/<id>/replay", methods=("POST",))
    def replay(self, id: str) -> ResponseReturnValue:
        """Deliver the events of some days once more."""
        within = period(request.form.get("since", "").strip(), request.form.get("until", "").strip())
        try:
            row = subscriptions.one(id)
        except UnknownSubscription:
            abort(404)
        if within.problems or within.since is None:
            flash(gettext("Give a first day, and perhaps a last one that is not before it."), "danger")
            return redirect(url_for(".index"), 303)
        if not row.active:
            flash(gettext("A subscription that is turned off cannot be replayed."), "danger")
            return redirect(url_for(".index"), 303)
        at = clock.now()
        done = subscriptions.replay(
            subscriptions.wanted(row), within.since, within.until or at + 1, at, signed_in().login
        )
        count = done.deliveries
        flash(ngettext("%(num)s event is delivered again.", "%(num)s events are delivered again.", count), "success")
        return redirect(url_for(".index"), 303)

    def _done(self, do: Callable[[], object]) -> ResponseReturnValue:
        try:
            do()
        except UnknownSubscription:
            abort(404)
        flash(gettext("Done."), "success")
        return redirect(url_for(".index"), 303)

    def _page(self, typed: dict[str, Any], problems: Any = (), secret: str = "", secret_of: str = "") -> str:
        rows = [_shown(row) for row in subscriptions.every()]
        return self.render(
            "panel/subscriptions.html",
            rows=rows,
            changes=self.may_change(),
            typed=typed,
            problems=problems,
            secret=secret,
            secret_of=secret_of,
            processes=listing.processes(),
            kinds=KINDS,
        )


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
        "delivered": clock.shown(row.delivered_at),
        "error_at": clock.shown(row.last_error_at),
        "rotating": clock.shown(row.former_until) if row.former_until and clock.now() < row.former_until else "",
    }


def _state(row: Any) -> tuple[str, str]:
    if not row.active:
        gone = row.reason == row.GONE
        return (gettext("ended by the receiver (410)"), "bad") if gone else (gettext("turned off"), "warn")
    if row.failing_since is not None:
        return gettext("failing since %(moment)s", moment=clock.shown(row.failing_since)), "bad"
    return (gettext("working"), "good") if row.delivered_at is not None else (gettext("nothing sent yet"), "info")
