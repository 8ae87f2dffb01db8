"""The directory, read-only: people, teams and roles."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.guard import Page, expose
from server.core.vocabulary import in_language
from server.directory import Snapshot, Someone, snapshot

READERS = ("directory.edit", "audit.read", "system")


class PeopleView(Page):
    """Everybody who is or was here."""

    needs = READERS

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list of people, active ones first."""
        people = snapshot()
        rows = [_person(one, people) for one in people.people.values()]
        rows.sort(key=lambda row: (row["disabled"], row["name"]))
        return self.render("panel/people.html", rows=rows)


class TeamsView(Page):
    """Teams with their leads and members."""

    needs = READERS

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list of teams."""
        people = snapshot()
        rows = [
            {
                "id": id,
                "title": in_language(title, languages.language(), id),
                "lead": _name(people.leads.get(id), people),
                "members": [_name(login, people) for login in people.members.get(id, ())],
                "on_duty": _name(people.on_duty(id, clock.now()), people),
            }
            for id, title in sorted(people.titles.items())
        ]
        return self.render("panel/teams.html", rows=rows)


class RolesView(Page):
    """Roles with their permissions and holders."""

    needs = READERS

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list of roles."""
        people = snapshot()
        rows = [
            {
                "name": name,
                "title": in_language(title, languages.language(), name),
                "permissions": sorted(people.permissions.get(name, ())),
                "holders": [_name(login, people) for login in people.holders.get(name, ())],
            }
            for name, title in sorted(people.role_titles.items())
        ]
        return self.render("panel/roles.html", rows=rows)


def _person(one: Someone, people: Snapshot) -> dict[str, Any]:
    language = languages.language()
    return {
        "login": one.login,
        "name": one.name,
        "email": one.email or "",
        "phone": one.phone or "",
        "language": one.language,
        "supervisor": _name(one.supervisor, people),
        "deputy": _name(one.deputy, people),
        "teams": [in_language(people.titles[id], language, id) for id in sorted(people.teams_of.get(one.login, ()))],
        "roles": [
            in_language(people.role_titles[name], language, name) for name in sorted(people.roles_of.get(one.login, ()))
        ],
        "away": one.is_away(clock.now()),
        "away_until": clock.text(away.end if (away := one.absence(clock.now())) else None),
        "disabled": one.disabled,
    }


def _name(login: str | None, people: Snapshot) -> str:
    found = people.people.get(login) if login else None
    return (login or "") if found is None else found.name
