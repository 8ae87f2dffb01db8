"""Sending reports: messages that belong to no issue, planned as a notice's are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server import messages, nudging, settings
from server.channels.outgoing import shortened
from server.core.case import Case
from server.core.moments import Moment
from server.core.report_text import say
from server.core.templates import one_line
from server.core.turn import Telling
from server.directory import LiveDirectory
from server.messages import Occasion
from server.messages.texts import Words, Writer
from server.policies import Pinned
from server.store.models import Report

LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class ReportWriter(Writer):
    """Words a report for its readers: `texts` by language, with `subject` and `body`."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    page: str = ""

    def words(self, language: str, recipient: str, hidden: Collection[str], short: bool) -> Words:
        """The report; where there is room for little, its title and where it stands."""
        text = self.texts.get(language) or next(iter(self.texts.values()))
        subject = shortened(one_line(text["subject"]), LONGEST_SUBJECT)
        return Words(subject, f"{subject} {self.page}" if short else text["body"], subject)

    def link(self, recipient: str) -> str:
        """The page of the report, for people."""
        return self.page


def page(report: int) -> str:
    """The address of a report's page."""
    return f"{settings.current().url}/reports/{report}"


def tell(
    report: Report,
    pinned: Pinned,
    to: Sequence[str],
    via: Sequence[str],
    texts: Mapping[str, Mapping[str, str]],
    stage: str,
    now: Moment,
) -> None:
    """Within the caller's transaction: messages to `to` by each of `via`. `stage` (`draft`, `sent`) tells the two
    rounds of one report apart."""
    case = Case(
        process=report.process,
        number=f"report/{report.key}/{stage}",
        recorded=report.made_at,
        receiver=None,
        stage=pinned.process.first_stage,
        moment=now,
    )
    facts: dict[str, Any] = {"report": report.name, **report.figures}
    occasion = Occasion(
        issue_id=None,
        event_id=None,
        seq=1,
        process=pinned.process,
        case=case,
        channels=pinned.channels,
        entries=[{"at": now, "kind": "reported", "report": report.name}],
        directory=LiveDirectory(),
        now=now,
        settings=settings.current(),
    )
    tellings = [Telling(0, "report", report.name, channel, tuple(to), "", 0, False, None, facts) for channel in via]
    where = page(report.id)
    messages.write(tellings, occasion, lambda telling, about: ReportWriter(telling, about, texts, where))
    nudging.after_commit()


def draft_texts(report: Report) -> dict[str, dict[str, str]]:
    """What those are told for whom a draft is kept."""
    return {
        language: {
            "subject": say("draft.subject", language, subject=text["subject"]),
            "body": say("draft.intro", language, link=page(report.id)) + "\n\n" + text["body"],
        }
        for language, text in report.text.items()
    }
