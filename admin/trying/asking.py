"""The form that asks for a back-test: over which issues, how many of them, how thoroughly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from admin.languages import gettext
from server.core.moments import Moment

PERCENTS: Final = ("100", "50", "20", "10", "5", "1")


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, what it means, and what is wrong with it, by the name of the input."""

    typed: Mapping[str, str] = field(default_factory=dict)
    start: Moment | None = None
    end: Moment | None = None
    share: int | None = None
    decisions: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)

    def with_problem(self, name: str, text: str) -> Form:
        """The form with a further problem."""
        return replace(self, problems={**self.problems, name: text})


def read(posted: Mapping[str, str], zone: ZoneInfo) -> Form:
    """The form as it was filled in. Days are those of the process's zone; the last one is included."""
    typed = {name: (posted.get(name) or "").strip() for name in ("from", "to", "sample", "depth")}
    problems: dict[str, str] = {}
    start = _day(typed["from"], "from", zone, problems, 0)
    end = _day(typed["to"], "to", zone, problems, 1)
    if start is not None and end is not None and start >= end:
        problems["to"] = gettext("The last day must not be before the first.")
    return Form(typed, start, end, _share(typed["sample"], problems), typed["depth"] == "decisions", problems)


def _day(text: str, name: str, zone: ZoneInfo, problems: dict[str, str], more: int) -> Moment | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=more)
        return int(datetime.combine(day, time(), zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        problems[name] = gettext("Give a day as 2026-03-31.")
        return None


def _share(text: str, problems: dict[str, str]) -> int | None:
    if not text:
        return None
    try:
        share = round(float(text.removesuffix("%")) * 100)
    except (ValueError, OverflowError):
        share = 0
    if not 1 <= share <= 10_000:
        problems["sample"] = gettext("Give a share from 0.01 to 100 %%.")
        return None
    return None if share == 10_000 else share
