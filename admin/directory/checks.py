"""What is wrong in the directory now, each with the page where it is mended."""

from __future__ import annotations

from typing import Any, Final

from flask import url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.directory import forms
from admin.directory.people import name_of, title_of
from admin.guard import expose
from server import checkup, policies
from server.core.findings import Finding, dotted
from server.core.moments import HOUR, BadTime, Moment, parse
from server.core.vocabulary import in_language
from server.directory import Snapshot, snapshot
from server.directory.condition import AHEAD, condition

_ABOUT_PEOPLE: Final = frozenset(
    {"team-without-people", "role-without-people", "team-without-lead", "duty-without-rota", "rota-gap", "chain-ends"}
)
"""What the documents in force find wrong with the directory; the rest of that check-up is the system's."""


class ChecksView(forms.DirectoryPage):
    """What is wrong in the directory now."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Everything that is wrong, and what documents count on that is not there."""
        people, now = snapshot(), clock.now()
        own = [_row(one, people) for one in condition(people, now)]
        counted = _counted(people.revision, now)
        documents = [
            {"document": one.file.removesuffix(".yaml"), "line": one.line, "text": forms.sentence(one, _place(one))}
            for one in counted
        ]
        return self.render("panel/directory/checks.html", rows=own, documents=documents, ahead=AHEAD)


_kept: dict[tuple[str, str, Moment], list[Finding]] = {}


def _counted(revision: str, now: Moment) -> list[Finding]:
    """What the documents in force find wrong with the directory. Reading all of them takes a second: the answer is kept
    while documents and directory are the same, for the hour."""
    key = (policies.revision(), revision, now // HOUR)
    found = _kept.get(key)
    if found is None:
        found = [one for one in checkup.check(checkup.in_force(), now) if one.code in _ABOUT_PEOPLE]
        _kept.clear()
        _kept[key] = found
    return found


def _place(finding: Finding) -> str:
    return dotted(finding.path, languages.language())


def _row(finding: Finding, people: Snapshot) -> dict[str, Any]:
    section, id_ = str(finding.path[0]), str(finding.path[1])
    params = {name: _moment(value) if name in ("start", "end") else value for name, value in finding.params.items()}
    shown = Finding(finding.code, finding.path, params, finding.level)
    match section:
        case "people":
            label, link = name_of(id_, people), url_for("panel_people.person", login=id_)
        case "teams":
            label, link = title_of(id_, people), url_for("panel_teams.index")
        case "rotas":
            label, link = title_of(id_, people), url_for("panel_rotas.index", team=id_)
        case "roles":
            title = in_language(people.role_titles.get(id_), languages.language(), id_)
            label, link = title, url_for("panel_people.index", role=id_)
        case _:
            label, link = id_, url_for("panel_customers.index", q=id_)
    return {"label": label, "link": link, "text": forms.sentence(shown, label)}


def _moment(value: str | int) -> str | int:
    """A printed moment as every other time on the page."""
    try:
        return clock.text(parse(str(value)))
    except BadTime:
        return value
