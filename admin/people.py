"""The roles of the directory, read-only."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from admin import languages
from admin.guard import Page, expose
from server.core.vocabulary import in_language
from server.directory import Snapshot, snapshot

READERS = ("directory.edit", "audit.read", "system")


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


def _name(login: str | None, people: Snapshot) -> str:
    found = people.people.get(login) if login else None
    return (login or "") if found is None else found.name
