"""People: found, added, changed, retired; and who reports to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin import inputs as issue_inputs
from admin.directory import forms
from admin.directory.person_form import CHANNELS, PERSON, channel_names
from admin.guard import expose, signed_in
from admin.languages import gettext
from server import directory
from server.core.vocabulary import in_language
from server.directory import Amendment, Overtaken, Snapshot, Someone, Unfit, UsesChanged, snapshot

SIZE = 100
STATES = ("active", "disabled", "all")


class PeopleView(forms.DirectoryPage):
    """Everybody who is or was here."""

    edits = frozenset({"add", "edit", "disable", "enable"})

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list of people, by name."""
        people = snapshot()
        chosen = {name: request.args.get(name, "").strip()[:200] for name in ("q", "team", "role", "state")}
        if chosen["state"] not in STATES:
            chosen["state"] = "active"
        found = sorted(
            (one for one in people.people.values() if _fits(one, chosen, people)), key=lambda o: (o.disabled, o.name)
        )
        page = max(1, min(request.args.get("page", 1, type=int), 10_000))
        rows = [_row(one, people) for one in found[(page - 1) * SIZE : page * SIZE]]
        pages = {"page": page, "last": max(1, -(-len(found) // SIZE)), "count": len(found)}
        return self.render(
            "panel/directory/people.html", rows=rows, chosen=chosen, pages=pages, teams=teams(), roles=roles()
        )

    @expose("/tree")
    def tree(self) -> ResponseReturnValue:
        """Who reports to whom."""
        people = snapshot()
        return self.render("panel/directory/tree.html", steps=list(_tree(people)))

    @expose("/person/<login>")
    def person(self, login: str) -> ResponseReturnValue:
        """One person."""
        people = snapshot()
        one = people.people.get(login)
        if one is None:
            abort(404)
        now = clock.now()
        shifts = [
            {"team": title_of(team, people), "id": team, "from": clock.shown(shift.start), "to": clock.shown(shift.end)}
            for team, listed in people.shifts.items()
            for shift in listed
            if shift.person == login and shift.end > now
        ]
        return self.render(
            "panel/directory/person.html",
            one=_row(one, people),
            channels=[(channel_names().get(key, key), value) for key, value in one.channel_ids.items()],
            absences=[_absence(absence, people) for absence in one.absences],
            reports=[(other.login, other.name) for other in _reports(login, people)],
            shifts=sorted(shifts, key=lambda shift: shift["from"]),
        )

    @expose("/add", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """A new person."""
        if request.method == "GET":
            return self._form(forms.empty(PERSON, {"language": (languages.language(),)}))
        refused = forms.saved(PERSON, None, request.form)
        if refused is not None:
            return self._form(refused)
        return redirect(url_for(".person", login=request.form["login"].strip()), 303)

    @expose("/person/<login>/edit", methods=("GET", "POST"))
    def edit(self, login: str) -> ResponseReturnValue:
        """Change a person."""
        found = forms.existing(PERSON, login)
        if found is None:
            abort(404)
        if request.method == "POST":
            refused = forms.saved(PERSON, login, request.form)
            if refused is None:
                return redirect(url_for(".person", login=login), 303)
            found = refused
        return self._form(found, login)

    def _form(self, filled: forms.Filled, login: str | None = None) -> ResponseReturnValue:
        people = snapshot()
        name = name_of(login, people)
        page = self.render("panel/directory/person_form.html", filled=filled, login=login, name=name)
        return page, filled.status

    @expose("/person/<login>/disable", methods=("GET", "POST"))
    def disable(self, login: str) -> ResponseReturnValue:
        """Retire somebody: first what he is named in, and who takes that over."""
        if snapshot().active(login) is None:
            abort(404)
        if request.method == "GET":
            return self._retiring(login)
        successor = request.form.get("successor") or None
        seen, uses_seen = request.form.get("seen", ""), request.form.get("uses", "")
        try:
            directory.retire(login, successor, seen, uses_seen, clock.now(), signed_in().login)
        except (UsesChanged, Overtaken):
            text = gettext("Somebody else changed this while you were at it: look again at what it is named in.")
            return self._retiring(login, [text], successor), 409
        except Unfit as unfit:
            return self._retiring(login, [forms.sentence(one) for one in unfit.findings], successor), 422
        flash(gettext("%(name)s is disabled. History keeps the name.", name=name_of(login, snapshot())), "success")
        return redirect(url_for(".person", login=login), 303)

    def _retiring(self, login: str, problems: list[str] | None = None, successor: str | None = None) -> str:
        people = snapshot()
        found = directory.uses(login, clock.now())
        shifts = [shift.split(" ")[0] for shift in found.shifts]
        return self.render(
            "panel/directory/disable.html",
            login=login,
            name=name_of(login, people),
            uses=found,
            leads=[title_of(id_, people) for id_ in found.leads],
            member_of=[title_of(id_, people) for id_ in found.member_of],
            supervises=[name_of(one, people) for one in found.supervises],
            deputises_for=[name_of(one, people) for one in found.deputises_for],
            shifts=[(title_of(team, people), shifts.count(team)) for team in dict.fromkeys(shifts)],
            seen=directory.mark(directory.item("people", login)),
            options=[option for option in issue_inputs.people() if option[0] != login],
            successor=successor,
            problems=problems or [],
        )

    @expose("/person/<login>/enable", methods=("POST",))
    def enable(self, login: str) -> ResponseReturnValue:
        """Take somebody back who was disabled: without roles, teams and password, which are given anew."""
        now = directory.item("people", login)
        if now is None or not now.get("disabled"):
            abort(404)
        raw = {key: value for key, value in directory.as_written("people", login, now).items() if key != "disabled"}
        try:
            directory.amend([Amendment("people", login, raw, directory.mark(now))], clock.now(), signed_in().login)
        except (Overtaken, Unfit) as refused:
            said = [forms.sentence(one) for one in refused.findings] if isinstance(refused, Unfit) else []
            others = gettext("Somebody else changed this while you were at it. Try again.")
            flash(str(" ".join(said) or others), "danger")
        else:
            flash(
                gettext("%(name)s is active again, without roles and without a password.", name=now["name"]), "success"
            )
        return redirect(url_for(".person", login=login), 303)


def teams() -> list[tuple[str, str]]:
    """The teams by their titles."""
    language = languages.language()
    found = [(id_, in_language(title, language, id_)) for id_, title in snapshot().titles.items()]
    return sorted(found, key=lambda one: one[1])


def roles() -> list[tuple[str, str]]:
    """The roles by their titles."""
    language = languages.language()
    found = [(name, in_language(title, language, name)) for name, title in snapshot().role_titles.items()]
    return sorted(found, key=lambda one: one[1])


def name_of(login: str | None, people: Snapshot) -> str:
    """A person's name; his login where nobody is known by it."""
    found = people.people.get(login) if login else None
    return (login or "") if found is None else found.name


def title_of(team: str, people: Snapshot) -> str:
    """A team's title."""
    return in_language(people.titles.get(team), languages.language(), team)


def _fits(one: Someone, chosen: dict[str, str], people: Snapshot) -> bool:
    if chosen["state"] != "all" and one.disabled != (chosen["state"] == "disabled"):
        return False
    if chosen["team"] and chosen["team"] not in people.teams_of.get(one.login, ()):
        return False
    if chosen["role"] and chosen["role"] not in people.roles_of.get(one.login, ()):
        return False
    text = " ".join((one.login, one.name, one.email or "", one.phone or "", *one.channel_ids.values())).casefold()
    return all(word in text for word in chosen["q"].casefold().split())


def _row(one: Someone, people: Snapshot) -> dict[str, Any]:
    language = languages.language()
    now = clock.now()
    absence = one.absence(now)
    stand_in = people.stand_in(one.login, now) if absence is not None else None
    return {
        "login": one.login,
        "name": one.name,
        "email": one.email or "",
        "phone": one.phone or "",
        "language": one.language,
        "supervisor": name_of(one.supervisor, people),
        "supervisor_login": one.supervisor or "",
        "deputy": name_of(one.deputy, people),
        "deputy_login": one.deputy or "",
        "teams": [(id_, title_of(id_, people)) for id_ in sorted(people.teams_of.get(one.login, ()))],
        "roles": [
            in_language(people.role_titles[name], language, name) for name in sorted(people.roles_of.get(one.login, ()))
        ],
        "away": absence is not None,
        "away_until": clock.shown(absence.end if absence is not None else None),
        "stand_in": name_of(stand_in, people),
        "disabled": one.disabled,
        "unreachable": not one.disabled and not (one.email or one.phone or any(map(one.channel_ids.get, CHANNELS))),
    }


def _absence(absence: directory.Absence, people: Snapshot) -> dict[str, str]:
    return {
        "from": clock.shown(absence.start),
        "until": clock.shown(absence.end),
        "deputy": name_of(absence.deputy, people),
    }


def _reports(login: str, people: Snapshot) -> list[Someone]:
    found = [one for one in people.people.values() if one.supervisor == login and not one.disabled]
    return sorted(found, key=lambda one: one.name)


def _tree(people: Snapshot) -> Iterator[tuple[str, Any]]:
    """The steps by which nested lists are written: a person, `open`, those who report to him, `close`, `end`."""
    under: dict[str | None, list[Someone]] = {}
    shown = {login for login, one in people.people.items() if not one.disabled}
    shown |= {one.supervisor for one in people.people.values() if one.supervisor and not one.disabled}
    for login in shown:
        one = people.people[login]
        under.setdefault(one.supervisor if one.supervisor in shown else None, []).append(one)
    for listed in under.values():
        listed.sort(key=lambda one: one.name)
    waiting: list[tuple[str, Any]] = [("person", one) for one in reversed(under.get(None, []))]
    while waiting:
        step, one = waiting.pop()
        if step != "person":
            yield step, None
            continue
        reports = under.get(one.login, [])
        yield "person", {**_row(one, people), "reports": len(reports)}
        if not reports:
            yield "end", None
            continue
        yield "open", None
        waiting += [("end", None), ("close", None), *(("person", other) for other in reversed(reports))]
