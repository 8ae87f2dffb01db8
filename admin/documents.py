"""Policy documents, read-only: what is in force, its text with what is found about it, and its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.guard import Page, expose
from admin.languages import gettext
from server import policies
from server.core import checking, documents
from server.core.findings import Finding
from server.core.moments import DAY, Moment
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.store.models import Activation, Version


@dataclass(frozen=True, slots=True)
class Shown:
    """A version of a document in words. `since` and `until`: when it was in force, latest time; empty: never, still."""

    id: int
    kind: str
    kind_text: str
    name: str
    title: str
    number: int
    sha256: str
    origin: str
    author: str
    approver: str
    reason: str
    stored: str
    since: str
    until: str
    in_force: bool


class DocumentsView(Page):
    """Documents and their versions."""

    needs = ("policy.propose", "policy.approve", "audit.read", "integration.edit", "system")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The documents in force, by kind."""
        rows = list(
            Version.select()
            .join(Activation, on=Activation.version == Version.id)
            .where(Activation.until_at.is_null())
            .order_by(Version.kind, Version.name)
        )
        found = [_shown(row, _in_words(row)) for row in rows]
        kinds = [(kind, kind_text(kind), [one for one in found if one.kind == kind]) for kind in KINDS]
        return self.render("panel/documents.html", kinds=[one for one in kinds if one[2]])

    @expose("/<document>")
    def document(self, document: str) -> ResponseReturnValue:
        """One document: a version's text with its findings, and the list of versions."""
        rows = list(Version.select().where(Version.name == document).order_by(Version.number.desc()))
        if not rows:
            abort(404)
        versions = [_shown(row, _in_words(row)) for row in rows]
        wanted = request.args.get("version", type=int)
        current = next((one for one in versions if one.in_force), versions[0])
        chosen = current if wanted is None else next((one for one in versions if one.number == wanted), None)
        if chosen is None:
            abort(404)
        row = next(row for row in rows if row.id == chosen.id)
        found = findings(row)
        return self.render(
            "panel/document.html",
            document=chosen,
            versions=versions,
            lines=row.text.splitlines(),
            findings=found,
            marks=_marks(found),
        )


KINDS = ("process", "calendar", "source", "channels")


def kind_text(kind: str) -> str:
    """A kind of document in words, many of them."""
    words = {
        "process": gettext("Processes"),
        "calendar": gettext("Calendars"),
        "source": gettext("Sources"),
        "channels": gettext("Channels"),
    }
    return words.get(kind, kind)


def _in_words(row: Any) -> Mapping[str, Any]:
    document, _ = documents.read(bytes(row.data), f"{row.name}.yaml")
    return {} if document is None else document.value


def _shown(row: Any, value: Mapping[str, Any]) -> Shown:
    latest = row.activations.order_by(Activation.id.desc()).first()
    people = snapshot().people
    names = {login: one.name for login, one in people.items()}
    return Shown(
        id=row.id,
        kind=row.kind,
        kind_text=kind_text(row.kind),
        name=row.name,
        title=in_language(value.get("title"), languages.language(), row.name),
        number=row.number,
        sha256=row.sha256,
        origin=gettext("shipped with the product") if row.origin == Version.SHIPPED else gettext("proposed"),
        author=names.get(row.author or "", row.author or ""),
        approver=names.get(row.approver or "", row.approver or ""),
        reason=row.reason,
        stored=clock.text(row.created_at),
        since="" if latest is None else clock.text(latest.from_at),
        until="" if latest is None else clock.text(latest.until_at),
        in_force=latest is not None and latest.until_at is None,
    )


# -- findings -------------------------------------------------------------------------------------------------------

_checked: dict[tuple[str, int, int], list[Finding]] = {}


def findings(row: Any) -> list[Finding]:
    """What `duban check` finds on a version, beside the other documents in force; examples are not played."""
    at = clock.now()
    key = (policies.revision(), row.id, at // DAY)  # some depend on the date: a year without holidays
    if key not in _checked:
        if len(_checked) > 500:
            _checked.clear()
        _checked[key] = _check(row, at)
    return _checked[key]


def _check(row: Any, at: Moment) -> list[Finding]:
    query = Version.select().join(Activation, on=Activation.version == Version.id).where(Activation.until_at.is_null())
    context = [(f"{other.name}.yaml", bytes(other.data)) for other in query if other.name != row.name]
    return checking.check([(f"{row.name}.yaml", bytes(row.data))], at, context, examples=False)


def _marks(found: Sequence[Finding]) -> dict[int, str]:
    """The worst level of what is found on each line."""
    marks: dict[int, str] = {}
    for finding in found:
        if marks.get(finding.line) != "error":
            marks[finding.line] = finding.level
    return marks
