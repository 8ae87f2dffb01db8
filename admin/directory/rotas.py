"""Duty rotas: a team's week, its gaps ahead, and the shifts put in, changed, swapped and planned as a rotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin import inputs as issue_inputs
from admin.directory import forms, rotation, week
from admin.directory.forms import Kind, Typed
from admin.directory.people import name_of, teams, title_of
from admin.guard import expose, signed_in
from admin.inputs import Input, Option
from admin.languages import gettext
from server import directory
from server.core.moments import DAY, BadTime, Moment, parse_date
from server.directory import Overtaken, Snapshot, Unfit, duty, snapshot

AHEAD: Final = 30
"""Days in which gaps are looked for, as `duban check --live` does."""

SHOWN: Final = 20
"""Gaps that the page lists."""


def shift_inputs(team: str) -> Sequence[Input]:
    """What is asked about a shift of the team."""
    return [
        Input("person", "person", gettext("Who"), required=True, groups=people_of(team)),
        Input("from", "datetime", gettext("From"), required=True),
        Input("to", "datetime", gettext("To"), required=True),
    ]


def people_of(team: str) -> list[tuple[str, list[Option]]]:
    """Everybody who is active, the team's members first."""
    members = snapshot().members.get(team, ())
    people = dict(issue_inputs.people())
    own = [(login, people[login]) for login in members if login in people]
    others = [(login, name) for login, name in people.items() if login not in members]
    return [(gettext("Members of the team"), own), (gettext("Others"), others)]


def kind_of(team: str) -> Kind:
    """The form of the team's shifts."""

    def shown(shift: Mapping[str, Any]) -> Typed:
        return {
            "person": (shift["person"],),
            "from": (clock.typed(shift["from"]),),
            "to": (clock.typed(shift["to"]),),
        }

    def raw(was: dict[str, Any], given: Typed) -> dict[str, Any]:
        return {"team": team, **{name: texts[0] for name, texts in given.items() if texts}}

    return Kind("rotas", lambda new: shift_inputs(team), shown, raw, forms.typed, lambda: {"team": gettext("Team")})


class RotasView(forms.DirectoryPage):
    """Who is on duty when."""

    edits = frozenset({"add", "shift", "remove", "swap", "rotate"})

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """A team's week."""
        people, now = snapshot(), clock.now()
        options = teams()
        team = request.args.get("team", "")
        if team not in people.titles:
            team = next((id_ for id_, _ in options if people.shifts.get(id_)), options[0][0] if options else "")
        if not team:
            return self.render("panel/directory/rotas_none.html")
        first = week.monday(_date(request.args.get("week"), week.today(now)))
        found = duty.gaps(people, team, now, now + AHEAD * DAY)
        return self.render(
            "panel/directory/rotas.html",
            team=team,
            title=title_of(team, people),
            teams=options,
            with_rota=[id_ for id_, _ in options if people.shifts.get(id_)],
            week=week.week(people, team, first, now),
            this_week=week.monday(week.today(now)),
            on_duty=_on_duty(team, people, now),
            gaps=[_gap(one, now) for one in found[:SHOWN]],
            more=max(0, len(found) - SHOWN),
            without=found == [(now, now + AHEAD * DAY)],
            ahead=AHEAD,
            zone=str(clock.zone()),
        )

    @expose("/<team>/add", methods=("GET", "POST"))
    def add(self, team: str) -> ResponseReturnValue:
        """Put somebody on duty, if wanted instead of whoever is on duty then."""
        if team not in snapshot().titles:
            abort(404)
        kind = kind_of(team)
        relieve = bool((request.form if request.method == "POST" else request.args).get("relieve"))
        if request.method == "GET":
            asked = {name: (request.args[name],) for name in ("from", "to", "person") if request.args.get(name)}
            filled = forms.empty(kind, asked)
        else:
            start, end = request.form.get("from", ""), request.form.get("to", "")
            also = duty.relieved(team, start, end, clock.zone()) if relieve else []
            refused = forms.saved(kind, None, request.form, also)
            if refused is None:
                return redirect(_week_of(team, start), 303)
            filled = refused
        people = snapshot()
        page = self.render(
            "panel/directory/shift_form.html", filled=filled, team=team, title=title_of(team, people), shift=None,
            relieve=relieve, zone=str(clock.zone()), others=[],
        )  # fmt: skip
        return page, filled.status

    @expose("/shift", methods=("GET", "POST"))
    def shift(self) -> ResponseReturnValue:
        """Change a shift: another person, other times."""
        id_ = request.args.get("id", "")
        team = id_.split(" ")[0]
        kind = kind_of(team)
        found = forms.existing(kind, id_)
        if found is None:
            abort(404)
        if request.method == "POST":
            refused = forms.saved(kind, id_, request.form)
            if refused is None:
                return redirect(_week_of(team, request.form.get("from", "")), 303)
            found = refused
        people = snapshot()
        page = self.render(
            "panel/directory/shift_form.html", filled=found, team=team, title=title_of(team, people), shift=id_,
            relieve=False, zone=str(clock.zone()), others=_others(team, id_, people),
        )  # fmt: skip
        return page, found.status

    @expose("/remove", methods=("GET", "POST"))
    def remove(self) -> ResponseReturnValue:
        """Take a shift out; what it covered becomes a gap."""
        id_ = request.args.get("id", "")
        now = directory.item("rotas", id_)
        if now is None:
            abort(404)
        status = 200
        if request.method == "POST":
            gone = directory.Amendment("rotas", id_, None, request.form.get("seen", ""))
            status = self._amended([gone], gettext("The shift is removed."))
            if status == 200:
                return redirect(_week_of(now["team"], clock.typed(now["from"])), 303)
        page = self.render(
            "panel/directory/shift_remove.html", shift=id_, one=_shown(now), seen=directory.mark(now), team=now["team"]
        )
        return page, status

    @expose("/swap", methods=("GET", "POST"))
    def swap(self) -> ResponseReturnValue:
        """Two people take each other's shift: shown before it is made."""
        first, second = request.args.get("first", ""), request.args.get("second", "")
        one, other = directory.item("rotas", first), directory.item("rotas", second)
        wanted = duty.swapped(first, second)
        if one is None or other is None or wanted is None or one["person"] == other["person"]:
            abort(404)
        seen = [amendment.seen for amendment in wanted]
        status = 200
        if request.method == "POST":
            if request.form.getlist("seen") != seen:
                flash(gettext("Somebody else changed this while you were at it. Look again."), "danger")
                status = 409
            elif (status := self._amended(wanted, gettext("The shifts are swapped."))) == 200:
                return redirect(_week_of(one["team"], clock.typed(one["from"])), 303)
        page = self.render(
            "panel/directory/swap.html", one=_shown(one), other=_shown(other), seen=seen, first=first, second=second
        )
        return page, status

    @expose("/<team>/rotation", methods=("GET", "POST"))
    def rotate(self, team: str) -> ResponseReturnValue:
        """Plan a rotation: first what it makes, then the same again with its hash."""
        people = snapshot()
        if team not in people.titles:
            abort(404)
        plan = rotation.asked(team, request.form if request.method == "POST" else None)
        status = self._amended(plan.amendments(), plan.done) if plan.confirmed else 0
        if status == 200:
            return redirect(_week_of(team, clock.typed(plan.shifts[0]["from"])), 303)
        page = self.render(
            "panel/directory/rotation.html", team=team, title=title_of(team, people), plan=plan, given=plan.given,
            problems=plan.problems, zone=str(clock.zone()),
        )  # fmt: skip
        return page, status if plan.confirmed else 422 if plan.problems else 200

    def _amended(self, wanted: Sequence[directory.Amendment], done: str) -> int:
        """Do it and say so, or say why not; the status of the page."""
        try:
            directory.amend(wanted, clock.now(), signed_in().login, clock.zone(), what="rota_changed")
        except Overtaken:
            flash(gettext("Somebody else changed this while you were at it. Look again."), "danger")
            return 409
        except Unfit as unfit:
            flash(str(" ".join(forms.sentence(one) for one in unfit.findings)), "danger")
            return 422
        flash(str(done), "success")
        return 200


def _date(text: str | None, otherwise: date) -> date:
    try:
        found = parse_date(text or "")
    except BadTime:
        return otherwise
    # Far enough from the ends of the calendar that the weeks around it can be shown.
    return found if 1971 <= found.year <= 9998 else otherwise


def _week_of(team: str, start: str) -> str:
    """The address of the week in which that is."""
    return url_for(".index", team=team, week=_date(start[:10], week.today(clock.now())).isoformat())


def _on_duty(team: str, people: Snapshot, now: Moment) -> dict[str, str] | None:
    login = people.on_duty(team, now)
    if login is None:
        return None
    instead = people.stand_in(login, now)
    return {
        "name": name_of(login, people),
        "login": login,
        "instead": name_of(instead, people) if instead != login else "",
    }


def _gap(gap: tuple[Moment, Moment], now: Moment) -> dict[str, str]:
    start, end = gap
    return {
        "from": clock.shown(start),
        "to": clock.shown(end),
        "start": clock.typed(start),
        "end": clock.typed(end),
        "is_now": "yes" if start <= now else "",
        "open": "yes" if end >= now + AHEAD * DAY else "",
    }


def _shown(shift: Mapping[str, Any]) -> dict[str, str]:
    people = snapshot()
    return {
        "team": title_of(shift["team"], people),
        "team_id": shift["team"],
        "name": name_of(shift["person"], people),
        "from": clock.shown(shift["from"]),
        "to": clock.shown(shift["to"]),
    }


def _others(team: str, id_: str, people: Snapshot) -> list[Option]:
    """The shifts of others that this one could be swapped with."""
    own = directory.item("rotas", id_)
    if own is None:
        return []
    found = []
    for shift in duty.around(people, team, clock.now(), 366):
        if shift.person != own["person"] and people.active(shift.person):
            other = directory.rota_id(team, shift.person, shift.start)
            times = f"{clock.text(shift.start)} – {clock.text(shift.end)}"
            found.append((other, f"{name_of(shift.person, people)}: {times}"))
    return found
