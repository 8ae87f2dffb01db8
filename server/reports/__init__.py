"""Reports: figures of a period, made by schedule, sent at once or kept as a draft until somebody releases it (policy
language, "measures, targets, reports")."""

from __future__ import annotations

from server.reports.figures import figures
from server.reports.making import REPORT, NoSuchReport, came_round, make, recurring
from server.reports.releasing import (
    AlreadySent,
    BadRemark,
    NotForThem,
    UnknownReport,
    drafts_for,
    may_release,
    release,
    remark,
)

__all__ = [
    "REPORT",
    "AlreadySent",
    "BadRemark",
    "NoSuchReport",
    "NotForThem",
    "UnknownReport",
    "came_round",
    "drafts_for",
    "figures",
    "make",
    "may_release",
    "recurring",
    "release",
    "remark",
]
