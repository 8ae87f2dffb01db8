"""What a draft changes, and what a back-test has found, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin import clock, languages
from admin.languages import gettext, ngettext
from admin.reading import Words
from server import calling
from server.backtesting.kept import LOST
from server.core.moments import Moment
from server.core.vocabulary import say
from server.directory import snapshot
from server.store.models import Backtest
from server.trying import Beside, changes


@dataclass(frozen=True, slots=True)
class Diff:
    """What is another than in force: `sentences`; `is_new`: nothing is in force; `unknown`: it cannot be compared."""

    sentences: Sequence[str]
    is_new: bool
    unknown: bool
    is_same_text: bool

    @property
    def is_nothing(self) -> bool:
        """Whether the meaning is the same."""
        return not (self.sentences or self.is_new or self.unknown)


def diff(tried: Beside) -> Diff:
    """The draft against what is in force."""
    document = tried.library.documents.get(tried.name)
    found = changes(tried, calling.naming({} if document is None else document.value))
    language = languages.language()
    sentences = [str(one["text"][language]) for one in found or ()]
    is_new = tried.before is None
    return Diff(sentences, is_new, found is None and not is_new, not tried.is_changed)


# -- back-tests ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A back-test in a list: what was asked, how far it is, who asked when; `headline`: what it gave, in sentences."""

    id: int
    state: str
    state_text: str
    tone: str
    is_open: bool
    is_done: bool
    done: int
    total: int | None
    percent: int
    by: str
    at: str
    scope: str
    sha256: str
    why: str
    headline: Sequence[str]


def asked(row: Any, words: Words | None, summary: Mapping[str, Any] | None = None) -> Asked:
    """A back-test's row; `summary` is left out in lists."""
    person = snapshot().people.get(row.asked_by)
    total = row.total or 0
    return Asked(
        id=row.id,
        state=row.state,
        state_text=state_text(row.state),
        tone={"done": "good", "failed": "bad", "running": "info", "waiting": "info"}.get(row.state, ""),
        is_open=row.state in (Backtest.WAITING, Backtest.RUNNING),
        is_done=row.state == Backtest.DONE,
        done=row.done,
        total=row.total,
        percent=min(99, row.done * 100 // total) if total else 0,
        by=person.name if person else row.asked_by,
        at=clock.shown(row.asked_at),
        scope=scope(row),
        sha256=row.sha256,
        why=why(row),
        headline=headline(summary) if summary else (),
    )


def state_text(state: str) -> str:
    """A back-test's state in words."""
    words = {
        "waiting": gettext("waits for its turn"),
        "running": gettext("is being computed"),
        "done": gettext("done"),
        "failed": gettext("failed"),
        "cancelled": gettext("cancelled"),
    }
    return words.get(state, state)


def why(row: Any) -> str:
    """Why it failed."""
    if row.state != Backtest.FAILED:
        return ""
    if row.why == LOST:
        return gettext("Its worker ended twice in the middle of it. Try a sample or a shorter period.")
    return str(row.why)


def scope(row: Any) -> str:
    """Over which issues, and how thoroughly."""
    parts = [_period(row.from_at, row.to_at)]
    if row.share is not None:
        parts.append(gettext("%(percent)s %% of them", percent=f"{row.share / 100:g}"))
    parts.append(gettext("only how they were judged") if row.decisions else gettext("their whole course"))
    return say("words.list", languages.language()).join(parts)


def _period(start: Moment | None, end: Moment | None) -> str:
    if start is None and end is None:
        return gettext("all issues")
    since, until = clock.shown(start), clock.shown(end)
    if end is None:
        return gettext("issues received since %(since)s", since=since)
    if start is None:
        return gettext("issues received before %(until)s", until=until)
    return gettext("issues received from %(since)s to %(until)s", since=since, until=until)


def headline(summary: Mapping[str, Any]) -> list[str]:
    """What it gave, in a few sentences."""
    issues, changed = summary["issues"], summary["changed"]
    told = [
        ngettext(
            "Of one issue, %(changed)s would have gone otherwise.",
            "Of %(num)s issues, %(changed)s would have gone otherwise.",
            issues,
            changed=changed,
        )
    ]
    judged = summary["judged_otherwise"]
    if judged:
        told.append(
            ngettext("One would have been judged otherwise.", "%(num)s would have been judged otherwise.", judged)
        )
    late = total(summary, "more_late"), total(summary, "fewer_late")
    if any(late):
        told.append(gettext("Deadlines missed: %(more)s more, %(fewer)s fewer.", more=late[0], fewer=late[1]))
    notices = total(summary, "more_notices"), total(summary, "fewer_notices")
    if any(notices):
        told.append(gettext("Messages: %(more)s more, %(fewer)s fewer.", more=notices[0], fewer=notices[1]))
    ladders = total(summary, "more_escalations"), total(summary, "fewer_escalations")
    if any(ladders):
        told.append(gettext("Escalations: %(more)s more, %(fewer)s fewer.", more=ladders[0], fewer=ladders[1]))
    return told


def total(summary: Mapping[str, Any], name: str) -> int:
    """A figure of all severities together."""
    return sum(int(row[name]) for row in summary["by_severity"])
