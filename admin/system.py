"""What needs an administrator: issues set apart, schedules, the clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from admin.setting_apart import problem_of
from server import calling, policies, schedules
from server import clock as server_clock
from server.core.vocabulary import in_language
from server.setting_apart import take_up_again
from server.store.models import Issue, Schedule

SIZE = 100


class SystemPage(Page):
    """A page for administrators."""

    needs = ("system",)
    changes = "system"


class ApartView(SystemPage):
    """Issues that failed and hold up nothing else."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Those with a problem, newest first."""
        rows, after = page_of(Issue, Issue.problem.is_null(False))
        shown = [
            {
                "number": row.number,
                "subject": row.subject,
                "process": row.process,
                "problem": problem_of(row.problem),
                "at": clock.shown(json.loads(row.problem).get("at")),
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


class SchedulesView(SystemPage):
    """What happens by the calendar and belongs to no issue."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """All schedules, the next one first."""
        rows = sorted(Schedule.select(), key=lambda row: (row.next_at is None, row.next_at or 0, row.id))
        titles = calling.names(languages.language(), {}).documents
        shown = [
            {
                "kind": _kind(row.kind),
                "name": _named(row, titles),
                "key": row.key,
                "next": clock.shown(row.next_at),
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


def _kind(kind: str) -> str:
    words = {
        "report": gettext("report"),
        "source": gettext("opens an issue"),
        "sample": gettext("draws issues for a check"),
        "review": gettext("reminds of the review"),
        "keep": gettext("empties private fields"),
    }
    return words.get(kind, kind)


def _named(row: Any, titles: Mapping[str, str]) -> str:
    """What a schedule is about: a document, or a report of one."""
    document, _, report = str(row.name).partition("/")
    said = titles.get(document, document)
    found = policies.in_force().processes.get(document)
    if report and found is not None:
        report = in_language(
            found.process.raw.get("reports", {}).get(report, {}).get("title"), languages.language(), report
        )
    return f"{said} · {report}" if report else said


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
            shown = {"since": clock.shown(held.since), "by": by, "by_whom": held.holder}
        return self.render(
            "panel/clock.html", held=shown, shows=clock.shown(reading.wall), believed=clock.shown(clock.now())
        )

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> ResponseReturnValue:
        """Say that the clock is right as it is."""
        if server_clock.confirm(signed_in().login):
            flash(gettext("The clock is believed again. What is due now happens."), "success")
        else:
            flash(gettext("The clock is not held any more."), "info")
        return redirect(url_for(".index"), 303)


def page_of(table: Any, condition: Any) -> tuple[list[Any], int | None]:
    """A page of rows, newest first, and the cursor of the next one."""
    query = table.select().where(condition).order_by(table.id.desc()).limit(SIZE + 1)
    after = request.args.get("after", type=int)
    if after is not None and 0 < after < 2**62:
        query = query.where(table.id < after)
    rows = list(query)
    return rows[:SIZE], rows[SIZE - 1].id if len(rows) > SIZE else None
