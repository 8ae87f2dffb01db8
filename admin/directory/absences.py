"""Absences: who is not there from when to when, and who stands in; what the server does with it is shown beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin import inputs as issue_inputs
from admin.directory import forms
from admin.directory.forms import Kind, Typed
from admin.directory.people import name_of, title_of
from admin.guard import expose, signed_in
from admin.inputs import Input
from admin.languages import gettext
from server import directory
from server.core.moments import DAY, Moment, show
from server.directory import Absence, Amendment, Overtaken, Snapshot, Unfit, snapshot

PAST: Final = 30
"""Days for which absences that are over are still listed."""


def _inputs(login: str) -> Sequence[Input]:
    people = snapshot()
    usual = name_of(people.people[login].deputy, people) if login in people.people else ""
    options = [option for option in issue_inputs.people() if option[0] != login]
    hint = gettext("Left empty: %(name)s, as usual.", name=usual) if usual else gettext("Left empty: nobody stands in.")
    return [
        Input("from", "datetime", gettext("From"), required=True),
        Input("until", "datetime", gettext("Until"), hint=gettext("Left empty: until further notice.")),
        Input("deputy", "person", gettext("Who stands in"), options=options, hint=hint),
    ]


def kind_of(login: str, start: Moment | None) -> Kind:
    """The form of the absence of that person that begins then; None: of a new one."""

    def shown(person: Mapping[str, Any]) -> Typed:
        found = next((one for one in person.get("away", ()) if one["from"] == start), None)
        if found is None:
            return {}
        times = {key: (_input(found[key]),) for key in ("from", "until") if key in found}
        return {**times, "deputy": (found["deputy"],) if "deputy" in found else ()}

    def raw(was: dict[str, Any], given: Typed) -> dict[str, Any]:
        others = [one for one in _listed(was.get("away")) if start is None or one["from"] != show(start)]
        absence = {name: texts[0] for name, texts in given.items() if texts}
        # The one that is asked about comes first, so that what is wrong with it is found at its inputs.
        return {**was, "away": [absence, *others]}

    return Kind("people", lambda new: _inputs(login), shown, raw, forms.typed, lambda: {"away": gettext("Absences")})


def _listed(away: Any) -> list[dict[str, Any]]:
    return [away] if isinstance(away, dict) else list(away or ())


def _input(moment: Moment) -> str:
    return clock.typed(moment)


class AbsencesView(forms.DirectoryPage):
    """Who is absent, and who stands in."""

    edits = frozenset({"add", "edit", "remove"})

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Absences that are, that come, and that were not long ago."""
        people, now = snapshot(), clock.now()
        found = [
            _row(login, absence, people, now)
            for login, one in people.people.items()
            if not one.disabled
            for absence in one.absences
            if absence.end is None or absence.end > now - PAST * DAY
        ]
        found.sort(key=lambda row: (row["order"], row["from"]))
        return self.render("panel/directory/absences.html", rows=found, past=PAST, zone=str(clock.zone()))

    @expose("/add", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """A new absence: first of whom, then when."""
        login = request.args.get("person", "")
        if not login:
            return self.render("panel/directory/absence_who.html", options=issue_inputs.people())
        return self._edited(login, None)

    @expose("/of/<login>/<int:start>", methods=("GET", "POST"))
    def edit(self, login: str, start: int) -> ResponseReturnValue:
        """Change an absence."""
        return self._edited(login, start)

    def _edited(self, login: str, start: Moment | None) -> ResponseReturnValue:
        people = snapshot()
        person = people.active(login)
        if person is None or (start is not None and all(one.start != start for one in person.absences)):
            abort(404)
        kind = kind_of(login, start)
        found = forms.existing(kind, login)
        assert found is not None
        if request.method == "POST":
            refused = forms.saved(kind, login, request.form)
            if refused is None:
                return redirect(url_for(".index"), 303)
            found = refused
        page = self.render(
            "panel/directory/absence_form.html", filled=found, login=login, name=person.name, start=start,
            zone=str(clock.zone()),
        )  # fmt: skip
        return page, found.status

    @expose("/of/<login>/<int:start>/end", methods=("POST",))
    def remove(self, login: str, start: int) -> ResponseReturnValue:
        """End an absence now, or take it out when it has not begun."""
        now = clock.now() // 1000 * 1000
        person = directory.item("people", login)
        if person is None or all(one["from"] != start for one in person.get("away", ())):
            abort(404)
        kept = [one for one in person["away"] if one["from"] != start]
        kept += [{**one, "until": now} for one in person["away"] if one["from"] == start < now]
        away = {**person, "away": sorted(kept, key=lambda one: one["from"])}
        raw = directory.as_written("people", login, {key: value for key, value in away.items() if value})
        try:
            directory.amend([Amendment("people", login, raw, directory.mark(person))], now, signed_in().login)
        except Overtaken:
            flash(gettext("Somebody else changed this while you were at it. Look again."), "danger")
        except Unfit as unfit:
            flash(str(" ".join(forms.sentence(one) for one in unfit.findings)), "danger")
        else:
            flash(gettext("The absence has ended."), "success")
        return redirect(url_for(".index"), 303)


def _row(login: str, absence: Absence, people: Snapshot, now: Moment) -> dict[str, Any]:
    at = max(absence.start, now) if absence.end is None or absence.end > now else absence.start
    instead = people.stand_in(login, at)
    over = absence.end is not None and absence.end <= now
    duty = [
        title_of(team, people)
        for team, shifts in people.shifts.items()
        if any(
            one.person == login and one.end > at and (absence.end is None or one.start < absence.end) for one in shifts
        )
    ]
    return {
        "login": login,
        "name": name_of(login, people),
        "start": absence.start,
        "from": clock.shown(absence.start),
        "until": clock.shown(absence.end),
        "named": name_of(absence.deputy or people.people[login].deputy, people),
        "instead": name_of(instead, people),
        "instead_login": instead or "",
        "state": "over" if over else "now" if absence.start <= now else "ahead",
        "order": 2 if over else 0 if absence.start <= now else 1,
        "duty": [] if over else duty,
    }
