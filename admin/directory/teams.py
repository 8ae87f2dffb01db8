"""Teams: their leads, and their members in the order that round robin goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from admin import clock
from admin import inputs as issue_inputs
from admin.directory import forms
from admin.directory.forms import Kind, Typed
from admin.directory.people import name_of, title_of
from admin.guard import expose, signed_in
from admin.inputs import Input
from admin.languages import gettext
from server import directory
from server.directory import Overtaken, Snapshot, Unfit, snapshot
from server.directory.mentions import mentions

MEMBER: Final = "member"
PLACE: Final = "place"
DROP: Final = "drop"
_LANGUAGES: Final = ("zh", "en")


def _inputs(new: bool) -> Sequence[Input]:
    id_ = Input(
        "id", "text", gettext("Id"), required=True,
        hint=gettext("Letters, digits and underscore. Policies name the team by it; it stays for good."),
    )  # fmt: skip
    asked = [
        Input("title.zh", "text", gettext("Title in Chinese")),
        Input("title.en", "text", gettext("Title in English")),
        Input(
            "lead", "person", gettext("Lead"), options=issue_inputs.people(),
            hint=gettext("Is told first when an issue of the team that nobody owns is escalated."),
        ),
        Input(
            "members", "members", gettext("Members"), many=True, options=issue_inputs.people(),
            hint=gettext("Round robin hands issues out in this order."),
        ),
    ]  # fmt: skip
    return [id_, *asked] if new else asked


def _shown(team: Mapping[str, Any]) -> Typed:
    title = team.get("title") or {}
    titles = dict.fromkeys(_LANGUAGES, title) if isinstance(title, str) else title
    values = {f"title.{code}": (titles[code],) for code in _LANGUAGES if titles.get(code)}
    return {**values, "lead": (team["lead"],) if team.get("lead") else (), "members": tuple(team.get("members", ()))}


def _raw(was: dict[str, Any], given: Typed) -> dict[str, Any]:
    team: dict[str, Any] = {"id": was["id"] if "id" in was else next(iter(given.get("id", ())), "").strip()}
    titles = {code: given[f"title.{code}"][0].strip() for code in _LANGUAGES if given.get(f"title.{code}")}
    before = was.get("title")
    if isinstance(before, str) and set(titles.values()) == {before}:
        team["title"] = before
    elif titles or isinstance(before, dict):
        others = {code: text for code, text in (before or {}).items() if code not in _LANGUAGES} if before else {}
        team["title"] = {**others, **titles}
    if given.get("lead"):
        team["lead"] = given["lead"][0]
    if given.get("members"):
        team["members"] = list(given["members"])
    return team


def _read(posted: MultiDict[str, str], inputs: Sequence[Input]) -> Typed:
    """What was typed; the members by their places, each once, without those who are to leave."""
    found = dict(forms.typed(posted, [one for one in inputs if one.name != "members"]))
    dropped = set(posted.getlist(DROP))
    places = posted.getlist(PLACE)
    listed = []
    for index, login in enumerate(posted.getlist(MEMBER)):
        if login and login not in dropped:
            typed = places[index].strip() if index < len(places) else ""
            listed.append((int(typed) if typed.isdecimal() and len(typed) < 7 else 10**7, index, login))
    found["members"] = tuple(dict.fromkeys(login for _, _, login in sorted(listed)))
    return found


TEAM: Final = Kind("teams", _inputs, _shown, _raw, _read, lambda: {"title": gettext("Title")})


class TeamsView(forms.DirectoryPage):
    """Teams with their leads and members."""

    edits = frozenset({"add", "edit", "remove"})

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list of teams."""
        people = snapshot()
        rows = [_row(id_, people) for id_ in people.titles]
        rows.sort(key=lambda row: row["title"])
        return self.render("panel/directory/teams.html", rows=rows)

    @expose("/add", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """A new team."""
        if request.method == "GET":
            return self._form(forms.empty(TEAM))
        refused = forms.saved(TEAM, None, request.form)
        return redirect(url_for(".index"), 303) if refused is None else self._form(refused)

    @expose("/team/<team>", methods=("GET", "POST"))
    def edit(self, team: str) -> ResponseReturnValue:
        """Change a team."""
        found = forms.existing(TEAM, team)
        if found is None:
            abort(404)
        if request.method == "POST":
            refused = forms.saved(TEAM, team, request.form)
            if refused is None:
                return redirect(url_for(".index"), 303)
            found = refused
        return self._form(found, team)

    def _form(self, filled: forms.Filled, team: str | None = None) -> ResponseReturnValue:
        people = snapshot()
        members = next((one for one in filled.form.inputs if one.name == "members"), None)
        chosen = () if members is None else members.typed
        names = [(login, name_of(login, people), people.active(login) is None) for login in chosen]
        title = title_of(team, people) if team else ""
        page = self.render(
            "panel/directory/team_form.html", filled=filled, team=team, title=title, members=names, field=members
        )
        return page, filled.status

    @expose("/team/<team>/remove", methods=("GET", "POST"))
    def remove(self, team: str) -> ResponseReturnValue:
        """Remove a team: first what names it."""
        now = directory.item("teams", team)
        if now is None:
            abort(404)
        problems, status = [], 200
        title = title_of(team, snapshot())
        if request.method == "POST":
            try:
                directory.remove_team(team, request.form.get("seen", ""), clock.now(), signed_in().login)
            except Overtaken:
                status, problems = 409, [gettext("Somebody else changed this while you were at it. Look again.")]
            except Unfit as unfit:
                status, problems = 422, [forms.sentence(one, title) for one in unfit.findings]
            else:
                flash(gettext("%(name)s is removed.", name=title), "success")
                return redirect(url_for(".index"), 303)
        people = snapshot()
        page = self.render(
            "panel/directory/team_remove.html",
            team=team,
            row=_row(team, people),
            documents=mentions("teams", team),
            shifts=len(people.shifts.get(team, ())),
            issues=directory.open_issues(team),
            seen=directory.mark(now),
            problems=problems,
        )
        return page, status


def _row(id_: str, people: Snapshot) -> dict[str, Any]:
    now = clock.now()
    members = [(login, name_of(login, people), people.active(login)) for login in people.members.get(id_, ())]
    lead = people.leads.get(id_)
    return {
        "id": id_,
        "title": title_of(id_, people),
        "lead": name_of(lead, people),
        "lead_login": lead or "",
        "lead_missing": people.active(lead) is None,
        "members": [(login, name, one is None or one.is_away(now)) for login, name, one in members],
        "empty": not any(one is not None for _, _, one in members),
        "on_duty": name_of(people.on_duty(id_, now), people),
        "has_rota": bool(people.shifts.get(id_)),
    }
