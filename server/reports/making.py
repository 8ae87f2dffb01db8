"""Making a report when its schedule comes round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import peewee

from server import audit, policies
from server.core import periods, report_text
from server.core.calendars import Calendar
from server.core.compiling import listed
from server.core.moments import SECOND, Moment
from server.core.schedules import Schedule, parse_schedule
from server.core.vocabulary import LANGUAGES, Vocabulary
from server.core.wording import Reader
from server.directory import snapshot
from server.policies import InForce, Pinned
from server.reports.figures import figures
from server.reports.telling import draft_texts, tell
from server.store import database
from server.store.models import Report

REPORT: Final = "report"
"""The kind of its rows in the table of schedules, named PROCESS/REPORT."""

LATE_FROM: Final = 120 * SECOND
"""After which a report says that it is late: counting takes a while."""


class NoSuchReport(LookupError):
    """The process in force has no report of that id, or there is no such process."""


def recurring(found: InForce) -> Iterator[tuple[str, tuple[Schedule, ...], Calendar]]:
    """Every report of the processes in force: its name among the schedules, when it comes round, its calendar."""
    for name, pinned in found.processes.items():
        for id_, body in (pinned.process.raw.get("reports") or {}).items():
            yield f"{name}/{id_}", tuple(map(parse_schedule, listed(body["at"]))), pinned.process.calendar


def came_round(name: str, at: Moment, stands_for: int, now: Moment) -> None:
    """Make the report whose schedule came round at `at`, for as many times as `stands_for` says."""
    process, _, report = name.partition("/")
    make(process, report, now, at=at, stands_for=stands_for)


def make(process: str, report: str, now: Moment, *, at: Moment | None = None, stands_for: int = 1) -> int:
    """Make a report of the last full period before `at` (now, if left out), keep it, and send it, or tell those who
    complete the draft; give its id. Made once for each `at`. Raises NoSuchReport, and Unavailable."""
    at = now if at is None else at
    pinned = policies.in_force().processes.get(process)
    definition = None if pinned is None else (pinned.process.raw.get("reports") or {}).get(report)
    if pinned is None or definition is None:
        raise NoSuchReport(f"{process}/{report}")
    key = f"{process}/{report}/{at}"
    with database.session():
        made = Report.get_or_none(Report.key == key)
        if made is None:
            made = _make(pinned, report, definition, key, at, now, stands_for)
    return int(made.id)


def _make(
    pinned: Pinned, report: str, definition: Mapping[str, Any], key: str, at: Moment, now: Moment, stands_for: int
) -> Any:
    process = pinned.process
    period = periods.last_full(definition["covers"], at, process.calendar)
    # Counting takes seconds: outside the transaction, which would keep others from writing.
    found = figures(process.name, period, now, definition["show"])
    draft = bool(definition.get("draft_for"))
    row = {
        "key": key,
        "process": process.name,
        "name": report,
        "version": pinned.version,
        "covers": period.covers,
        "from_at": period.start,
        "to_at": period.end,
        "due_at": at,
        "made_at": now,
        "figures": found,
        "text": texts(pinned, report, found, at, stands_for),
        "state": Report.DRAFT if draft else Report.SENT,
        "sent_at": None if draft else now,
    }
    try:
        return _keep(row, pinned, definition, stands_for)
    except peewee.IntegrityError:
        return Report.get(Report.key == key)  # another process made it meanwhile


def _keep(row: Mapping[str, Any], pinned: Pinned, definition: Mapping[str, Any], stands_for: int) -> Any:
    now, via = row["made_at"], listed(definition["via"])
    with database.transaction():
        made = Report.create(**row)
        if made.state == Report.DRAFT:
            tell(made, pinned, listed(definition["draft_for"]), via, draft_texts(made), "draft", now)
        else:
            tell(made, pinned, listed(definition["to"]), via, made.text, "sent", now)
        body = {"report": made.key, "period": made.figures["period"], "state": made.state, "stands_for": stands_for}
        audit.record("report.made", now, body)
    return made


def texts(pinned: Pinned, report: str, found: Mapping[str, Any], at: Moment, stands_for: int) -> dict[str, Any]:
    """A report in both languages: {"zh": {"subject", "body"}, "en": …}."""
    words = Vocabulary(pinned.process.raw)
    made: dict[str, Any] = {}
    for language in LANGUAGES:
        reader = Reader(language, pinned.process.calendar, snapshot().names(language))
        subject = report_text.subject(words, report, found["period"], language)
        lines = [subject, ""]
        if found["at"] - at >= LATE_FROM:
            lines.insert(1, report_text.say("late", language, at=reader.moment(at)))
        if stands_for > 1:
            lines.insert(-1, report_text.say("stands_for", language, count=stands_for - 1))
        made[language] = {"subject": subject, "body": "\n".join([*lines, report_text.body(words, found, reader)])}
    return made
