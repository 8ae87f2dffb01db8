"""The pictures of a version, in the reader's words: the workflow and the ladders of a process, a calendar's year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from admin import languages
from admin.documents import kept
from admin.documents.pictures import LadderPicture, Workflow, Year, ladder_pictures, workflow, year_of
from admin.languages import gettext
from server import calling
from server.core.calendars import BadCalendar, compile_calendar
from server.core.moments import Moment
from server.core.overview.voice import Voice


@dataclass(frozen=True, slots=True)
class Pictures:
    """What can be drawn of a version."""

    workflow: Workflow | None = None
    ladders: Mapping[str, LadderPicture] = field(default_factory=dict)
    year: Year | None = None


def drawn(row: Any, now: Moment, year: int | None) -> Pictures:
    """The pictures of a version; of a calendar the year that is asked for, or this one."""
    language = languages.language()
    value = kept.value_of(row)
    if row.kind == "process":
        voice = Voice("process", value, language, calling.names(language, value))
        flow = workflow(voice, gettext("In any stage that is not final"), gettext("Also:"))
        return Pictures(flow, ladder_pictures(voice))
    if row.kind == "calendar":
        try:
            calendar = compile_calendar(value, row.dates)
        except BadCalendar:
            return Pictures()
        this_year = datetime.fromtimestamp(now / 1000, UTC).astimezone(calendar.zone).year
        chosen = this_year if year is None else min(max(year, 1970), 2199)
        return Pictures(year=year_of(calendar, value, chosen))
    return Pictures()
