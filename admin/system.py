"""What needs an administrator: deliveries that could not be taken, issues set apart, messages that did not go out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.clock import now
from admin.guard import Page, expose, signed_in
from admin.inputs import problem_text
from admin.languages import gettext, ngettext
from admin.reading import words_of
from admin.sent import sent
from admin.setting_apart import problem_of
from server import clock as server_clock
from server import delivery, schedules
from server.intake.kept_rows import problems_of
from server.policies import Unusable, process_for
from server.setting_apart import take_up_again
from server.store.models import Issue, Kept, Message, Schedule

SIZE = 100
SHOWN_BYTES = 4_000


class SystemPage(Page):
    """A page for administrators."""

    needs = ("system",)
    changes = "system"


class KeptView(SystemPage):
    """Deliveries that were signed correctly and could not be taken."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Those that wait, newest first, with their problems."""
        rows, after = _page(Kept, Kept.state == Kept.KEPT)
        return self.render("panel/kept.html", rows=[_kept(row) for row in rows], after=after)


def _kept(row: Any) -> dict[str, Any]:
    body = bytes(row.body)[:SHOWN_BYTES].decode("utf-8", "replace")
    return {
        "id": row.id,
        "at": clock.text(row.at),
        "source": row.source,
        "external_id": row.external_id or "",
        "item": row.item,
        "problems": [problem_text(problem) for problem in problems_of(row)],
        # A delivery may hold what is private in the issue that it was to become.
        "body": body if signed_in().may("private.read") else "",
        "cut": len(row.body) > SHOWN_BYTES,
    }


class ApartView(SystemPage):
    """Issues that failed and hold up nothing else."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Those with a problem, newest first."""
        rows, after = _page(Issue, Issue.problem.is_null(False))
        shown = [
            {
                "number": row.number,
                "subject": row.subject,
                "process": row.process,
                "problem": problem_of(row.problem),
                "at": clock.text(json.loads(row.problem).get("at")),
            }
            for row in rows
        ]
        return self.render("panel/apart.html", rows=shown, after=after)

    @expose("/<number>/take-up", methods=("POST",))
    def take_up(self, number: str) -> ResponseReturnValue:
        """Put an issue back to work after its cause was mended."""
        row = Issue.get_or_none(Issue.number == number)
        if row is None:
            abort(404)
        return _taken_up(number, take_up_again(row.id, clock.now(), signed_in().login))


def _taken_up(what: str, done: bool) -> ResponseReturnValue:
    if done:
        flash(gettext("%(what)s is tried again. If it still fails, it comes back here.", what=what), "success")
    else:
        flash(gettext("%(what)s is not set apart any more.", what=what), "info")
    return redirect(url_for(".index"), 303)


class MessagesView(SystemPage):
    """Messages that nobody got, and the decision when all are held back."""

    changes = "system"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Dead, unsent and held messages, or those that wait, newest first."""
        wanted = request.args.get("state", "")
        states = (wanted,) if wanted in (*STATES, Message.PENDING) else STATES
        rows, after = _page(Message, Message.state.in_(states))
        return self.render("panel/messages.html", rows=[_message(row) for row in rows], after=after, state=wanted)

    @expose("/release", methods=("POST",))
    def release(self) -> ResponseReturnValue:
        """Let messages leave again: with those that wait, or without them."""
        decision = request.form.get("decision")
        if decision not in ("send", "skip"):
            abort(400)
        count = delivery.release_outgoing(now(), signed_in().login, send=decision == "send")
        if decision == "send":
            flash(ngettext("%(num)s message will leave.", "%(num)s messages will leave.", count), "success")
        else:
            flash(ngettext("%(num)s message was dropped.", "%(num)s messages were dropped.", count), "success")
        return redirect(url_for(".index"), 303)


STATES = (Message.DEAD, Message.UNSENT, Message.HELD)


def _message(row: Any) -> dict[str, Any]:
    issue = row.issue
    found: dict[str, Any] = {"issue": "" if issue is None else issue.number, "at": clock.text(row.at), "sent": None}
    try:
        if issue is not None:
            pinned = process_for(issue.pins)
            found["sent"] = sent(row, words_of(pinned.process), pinned.channels, False)
    except Unusable as unusable:
        found["problem"] = str(unusable)
    return {**found, "row": row}


class SchedulesView(SystemPage):
    """What happens by the calendar and belongs to no issue."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """All schedules, the next one first."""
        rows = sorted(Schedule.select(), key=lambda row: (row.next_at is None, row.next_at or 0, row.id))
        shown = [
            {
                "kind": row.kind,
                "name": row.name,
                "key": row.key,
                "next": clock.text(row.next_at),
                "problem": problem_of(row.problem),
                "id": row.id,
            }
            for row in rows
        ]
        return self.render("panel/schedules.html", rows=shown)

    @expose("/<int:schedule>/take-up", methods=("POST",))
    def take_up(self, schedule: int) -> ResponseReturnValue:
        """Let a schedule come round again after its cause was mended."""
        row = Schedule.get_or_none(Schedule.id == schedule)
        if row is None:
            abort(404)
        return _taken_up(row.name, schedules.take_up_again(schedule, clock.now(), signed_in().login))


class ClockView(SystemPage):
    """The clock that all processes go by, and what it shows while it is not believed."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """What time it is by the server, and whether the clock is held."""
        reading = server_clock.current().read()
        held = server_clock.held()
        shown = None
        if held is not None:
            by = timedelta(seconds=held.by // 1000)
            shown = {"since": clock.text(held.since), "by": by, "by_whom": held.holder}
        return self.render(
            "panel/clock.html", held=shown, shows=clock.text(reading.wall), believed=clock.text(clock.now())
        )

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> ResponseReturnValue:
        """Say that the clock is right as it is."""
        if server_clock.confirm(signed_in().login):
            flash(gettext("The clock is believed again. What is due now happens."), "success")
        else:
            flash(gettext("The clock is not held any more."), "info")
        return redirect(url_for(".index"), 303)


def _page(table: Any, condition: Any) -> tuple[list[Any], int | None]:
    """A page of rows, newest first, and the cursor of the next one."""
    query = table.select().where(condition).order_by(table.id.desc()).limit(SIZE + 1)
    after = request.args.get("after", type=int)
    if after is not None and 0 < after < 2**62:
        query = query.where(table.id < after)
    rows = list(query)
    return rows[:SIZE], rows[SIZE - 1].id if len(rows) > SIZE else None
