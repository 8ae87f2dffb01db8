"""The pages of policy documents: the desk, one document told, its past, two versions side by side, texts, issues."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request
from flask.typing import ResponseReturnValue

from admin import clock
from admin.documents import kept, telling
from admin.documents.comparing import compared
from admin.documents.desk import desk
from admin.documents.drawing import drawn
from admin.documents.issues import issues_of
from admin.documents.shown import Shown, shown
from admin.guard import Page, caller, expose, signed_in
from admin.languages import gettext
from server import attachments, drafts, judged_by
from server.core import moments
from server.core.moments import BadTime, Moment, OutOfRange
from server.drafts.past import Past, past
from server.store.models import Version

VERSIONS = 50
"""Versions on one page of the past."""


class DocumentsView(Page):
    """Documents and their versions. Nothing is changed here: editing is the editor's, the life of drafts theirs."""

    needs = ("policy.propose", "policy.approve", "audit.read", "integration.edit", "system")

    def is_accessible(self) -> bool:
        """Whoever owns a document may read it without any of the permissions: he may change it, too."""
        who = caller()
        return super().is_accessible() or (who is not None and drafts.may_propose_anything(who))

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The policy desk: what is in force by kind, what is being changed, what waits for whoever looks."""
        return self.render(
            "panel/documents/desk.html",
            desk=desk(signed_in(), clock.now()),
            proposes=drafts.may_propose_anything(signed_in()),
        )

    @expose("/<document>")
    def document(self, document: str) -> ResponseReturnValue:
        """One document told for reading, with its pictures."""
        versions = _past(document)
        chosen = _chosen(versions)
        row = Version.get_by_id(chosen.id)
        year = request.args.get("year", type=int)
        return self._page("overview", chosen, versions, told=telling.told(row), pictures=drawn(row, clock.now(), year))

    @expose("/<document>/history")
    def history(self, document: str) -> ResponseReturnValue:
        """The past: versions as a time line, and which was in force at a moment."""
        versions = _past(document)
        at = request.args.get("at", "").strip()
        moment, problem = _moment(at)
        before = request.args.get("before", default=versions[0].number + 1, type=int)
        page = [one for one in versions if one.number < before][: VERSIONS + 1]
        there = [one for one in versions if moment is not None and one.was_in_force(moment)]
        return self._page(
            "history",
            _current(versions),
            versions,
            page=shown(page[:VERSIONS], titled=False),
            before=page[VERSIONS - 1].number if len(page) > VERSIONS else None,
            numbers=[one.number for one in versions],
            counts=judged_by.counts([one.id for one in page]) if versions[0].kind == "process" else {},
            at=at,
            moment=clock.shown(moment),
            problem=problem,
            there=shown(there, titled=False),
        )

    @expose("/<document>/compare")
    def compare(self, document: str) -> ResponseReturnValue:
        """Two versions side by side: what differs in meaning, and in the text."""
        versions = _past(document)
        newer = _numbered(versions, request.args.get("to", type=int)) or _current(versions)
        number = request.args.get("from", type=int)
        older = _numbered(versions, newer.number - 1 if number is None else number) or newer
        rows = {row.id: row for row in Version.select().where(Version.id.in_((older.id, newer.id)))}
        found = compared(rows[older.id], rows[newer.id], whole="whole" in request.args)
        pair = shown([older, newer])
        return self._page(
            "compare",
            newer,
            versions,
            older=pair[0],
            newer=pair[1],
            found=found,
            numbers=[one.number for one in versions],
        )

    @expose("/<document>/text")
    def text(self, document: str) -> ResponseReturnValue:
        """The text of a version, line by line, with what is found about it."""
        versions = _past(document)
        chosen = _chosen(versions)
        row = Version.get_by_id(chosen.id)
        found = kept.findings(row, clock.now())
        marks: dict[int, str] = {}
        for finding in found:
            if marks.get(finding.line) != "error":
                marks[finding.line] = finding.level
        lines = row.text.splitlines()
        size = len(bytes(row.data))
        return self._page("text", chosen, versions, lines=lines, findings=found, marks=marks, size=size)

    @expose("/<document>/issues")
    def issues(self, document: str) -> ResponseReturnValue:
        """The issues that a version judges."""
        versions = _past(document)
        chosen = _chosen(versions)
        found = issues_of(chosen.id, request.args.get("after", type=int), signed_in())
        return self._page("issues", chosen, versions, listed=found)

    @expose("/<document>/download")
    def download(self, document: str) -> ResponseReturnValue:
        """Exactly the bytes of a version."""
        row = Version.get_by_id(_chosen(_past(document)).id)
        headers = attachments.as_download(f"{row.name}-{row.number}.yaml")
        return Response(bytes(row.data), mimetype=attachments.UNKNOWN_TYPE, headers=headers)

    def _page(self, tab: str, chosen: Past, versions: list[Past], **more: Any) -> str:
        document = shown([chosen])[0]
        return self.render(
            f"panel/documents/{tab}.html",
            tab=tab,
            document=document,
            is_newest=chosen.number == versions[0].number,
            current=_current(versions).number,
            tabs=_tabs(document),
            may_edit=drafts.may_change(signed_in(), chosen.name),
            **more,
        )


def _tabs(document: Shown) -> list[tuple[str, str]]:
    tabs = [
        ("document", gettext("Overview")),
        ("history", gettext("History")),
        ("compare", gettext("Compare")),
        ("text", gettext("Text")),
    ]
    return [*tabs, ("issues", gettext("Issues"))] if document.kind == "process" else tabs


def _past(document: str) -> list[Past]:
    versions = past(document)
    if not versions:
        abort(404)
    return versions


def _current(versions: list[Past]) -> Past:
    """What is in force, or else the newest."""
    return next((one for one in versions if one.is_in_force), versions[0])


def _numbered(versions: list[Past], number: int | None) -> Past | None:
    """The version of that number; None when no number is given. One that is not there is missed."""
    if number is None:
        return None
    return next((one for one in versions if one.number == number), None) or (abort(404) if number > 0 else None)


def _chosen(versions: list[Past]) -> Past:
    """The version that the address names, or the current one."""
    wanted = request.args.get("version")
    if wanted is None:
        return _current(versions)
    found = next((one for one in versions if str(one.number) == wanted), None)
    if found is None:
        abort(404)
    return found


def _moment(text: str) -> tuple[Moment | None, str]:
    """A moment as a form gives it, in the zone of the panel; or what is wrong with it."""
    if not text:
        return None, ""
    try:
        return moments.parse(text, clock.zone()), ""
    except (BadTime, OutOfRange):
        return None, gettext("“%(given)s” is no time; write it like 2026-03-02 09:00.", given=text[:40])
