"""Drafts: those for whom one is kept add comments and proposals, and one of them releases it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from server import audit, policies
from server.core import documents, report_text
from server.core.compiling import listed
from server.core.moments import Moment
from server.core.vocabulary import LANGUAGES
from server.core.wording import Reader
from server.core.world import Place
from server.directory import LiveDirectory, snapshot
from server.policies import Pinned
from server.reports.telling import tell
from server.store import database
from server.store.models import Report, ReportRemark

LONGEST: Final = 20_000
KINDS: Final = (ReportRemark.COMMENT, ReportRemark.PROPOSAL)
_SYSTEM: Final = "system"


class UnknownReport(LookupError):
    """There is no report of that id."""


class AlreadySent(Exception):
    """The report has gone out: nothing is added to it any more."""


class NotForThem(PermissionError):
    """The draft is not for this person."""


class BadRemark(ValueError):
    """A remark without text, with too much of it, or of an unknown kind."""


def may_release(report: Report, login: str, now: Moment) -> bool:
    """Whether the person may add to the draft and release it: one of `draft_for` or who stands in for one of them;
    and whoever has the permission `system`, so that no draft is stuck."""
    directory = LiveDirectory()
    if directory.people.active(login) is None:
        return False
    if _SYSTEM in directory.people.permissions_of(login):
        return True
    place = Place(report.process, report.key, None, None, None, now)
    return any(
        directory.fits(login, who, place) or login in directory.persons(who, place)
        for who in listed(_definition(report).get("draft_for"))
    )


def drafts_for(login: str, now: Moment) -> list[Report]:
    """The drafts that wait for this person, the oldest first."""
    with database.session():
        waiting = list(Report.select().where(Report.state == Report.DRAFT).order_by(Report.id))
        return [report for report in waiting if may_release(report, login, now)]


def remark(report_id: int, by: str, kind: str, text: str, now: Moment) -> int:
    """Add a `comment` or a `proposal` to a draft; give its id. Raises UnknownReport, AlreadySent, NotForThem,
    BadRemark."""
    with database.transaction():
        report = _draft(report_id, by, now)
        return _remark(report, by, kind, text, now)


def release(report_id: int, by: str, text: str, now: Moment) -> None:
    """Send a draft to the report's recipients, with every remark; `text` is a last comment, or empty. Raises
    UnknownReport, AlreadySent, NotForThem, BadRemark, and KeyError when its process is no longer in force."""
    with database.transaction():
        report = _draft(report_id, by, now)
        pinned = policies.in_force().processes[report.process]
        if text.strip():
            _remark(report, by, ReportRemark.COMMENT, text, now)
        report.text = _with_remarks(report, pinned)
        moved = (
            Report.update(state=Report.SENT, seq=report.seq + 1, text=report.text, released_by=by, sent_at=now)
            .where(Report.id == report.id, Report.state == Report.DRAFT, Report.seq == report.seq)
            .execute()
        )
        if not moved:
            raise AlreadySent(report.key)
        definition = _definition(report)
        tell(report, pinned, listed(definition["to"]), listed(definition["via"]), report.text, "sent", now)
        audit.record("report.released", now, {"report": report.key}, by=by)


def _draft(report_id: int, by: str, now: Moment) -> Report:
    report = Report.get_or_none(Report.id == report_id)
    if report is None:
        raise UnknownReport(report_id)
    if not may_release(report, by, now):
        raise NotForThem(by)
    # Changing it first makes whoever else adds or releases wait for this transaction, on both databases.
    held = Report.update(seq=Report.seq + 1).where(Report.id == report_id, Report.state == Report.DRAFT).execute()
    if not held:
        raise AlreadySent(report.key)
    found: Report = Report.get_by_id(report_id)
    return found


def _remark(report: Report, by: str, kind: str, text: str, now: Moment) -> int:
    text = text.strip()
    if kind not in KINDS or not text or len(text) > LONGEST or "\x00" in text:
        raise BadRemark(kind)
    made = ReportRemark.create(report=report, kind=kind, by=by, at=now, text=text)
    audit.record("report.remarked", now, {"report": report.key, "kind": kind, "text": text}, by=by)
    return int(made.id)


def _with_remarks(report: Report, pinned: Pinned) -> dict[str, Any]:
    rows = ReportRemark.select().where(ReportRemark.report == report.id).order_by(ReportRemark.id)
    said = [(row.kind, row.by, row.at, row.text) for row in rows]
    made: dict[str, Any] = {}
    for language in LANGUAGES:
        reader = Reader(language, pinned.process.calendar, snapshot().names(language))
        added = report_text.remarks(said, reader)
        text = report.text[language]
        made[language] = {**text, "body": f"{text['body']}\n\n{added}" if added else text["body"]}
    return made


def _definition(report: Report) -> Mapping[str, Any]:
    """The report as the version of the process said that made it."""
    document, found = documents.read(bytes(report.version.data))
    assert document is not None, found  # it was in force
    definition: Mapping[str, Any] = document.value["reports"][report.name]
    return definition
