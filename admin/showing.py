"""One issue as its page shows it: everything in the reader's words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from admin import doing, formats
from admin.action_forms import ActionForm
from admin.deadlines import Deadline, deadlines
from admin.judged import Judge, Judgement, judgements, judges
from admin.languages import gettext
from admin.lines import Line, lines
from admin.reading import Words, words_of
from admin.sent import Sent, sent
from admin.setting_apart import problem_of
from server import attachments, issues
from server.accounts import Caller
from server.core import actions, people
from server.core.compiling import DEFAULT_BY
from server.core.moments import Moment
from server.core.turn import Turn
from server.core.wording import fact_text
from server.core.world import Asked
from server.directory import snapshot
from server.events import Held
from server.messages.tasks import open_tasks
from server.numbering import live_directory
from server.recording import held
from server.store.models import Issue, IssueLink, Message
from server.subscriptions import DOCUMENT

RECENT: Final = 200
"""Lines of a timeline that are shown at first; older ones when asked for."""

OWN: Final = ("description", "channel", "preferred", "source", "external_id")
"""Facts of every issue that are shown with the declared ones; the others stand in the page's head."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact by its label."""

    label: str
    text: str
    private: bool
    is_long: bool


@dataclass(frozen=True, slots=True)
class Link:
    """Another issue that belongs to this one."""

    number: str
    subject: str
    relation: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the issue. `may_open`: whether the reader may have its bytes."""

    id: int
    name: str
    size: str
    by: str
    at: str
    may_open: bool


@dataclass(frozen=True, slots=True)
class IssueShown:
    """An issue as its page shows it."""

    number: str
    subject: str
    words: Words
    severity: dict[str, Any] | None
    classified: Sequence[Fact]
    stage: str
    final: bool
    team: str
    owner: str
    receiver: str
    received: str
    recorded: str
    times_reopened: int
    aside: bool
    problem: str
    facts: Sequence[Fact]
    hidden: int
    clocks: Sequence[Deadline]
    lines: Sequence[Line]
    earlier: int
    messages: Sequence[Sent]
    tasks: Sequence[Sent]
    asked: Sequence[tuple[str, str]]
    forms: Sequence[ActionForm]
    refused: ActionForm | None
    links: Sequence[Link]
    files: Sequence[File]
    attaches: bool
    version: str
    judgements: Sequence[Judgement]
    judges: Sequence[Judge]


def show_issue(
    number: str, caller: Caller, now: Moment, refused: ActionForm | None = None, whole: bool = False
) -> IssueShown:
    """The issue in words. `refused`: a form to be shown again as it was filled; `whole`: with all of its timeline.
    Raises UnknownIssue."""
    found = held(number)
    case, process = found.case, found.pinned.process
    words = words_of(process)
    row = Issue.get_by_id(found.id)
    sees_private = issues.sees_private(caller.login, case, snapshot())
    hidden: Collection[str] = () if sees_private else found.pinned.private
    entries = issues.timeline(number, caller.login)
    told = lines(entries, words)
    writes = caller.may("issue.write")
    forms = doing.possible(found, words, caller, now)
    if refused is not None:
        forms = [refused if one.key == refused.key else one for one in forms]
    return IssueShown(
        number=case.number,
        subject=str(case.facts.get("subject") or ""),
        words=words,
        severity=words.severity(case.values.get("severity")),
        classified=_classified(found, words),
        stage=words.of("stages", case.stage),
        final=process.is_final(case.stage),
        team="" if case.team is None else words.who(f"team:{case.team}").removeprefix("team:"),
        owner=words.who(case.owner),
        receiver=words.who(case.receiver),
        received=words.shown(case.facts["received"], "minute"),
        recorded=words.shown(case.recorded, "minute"),
        times_reopened=case.times_reopened,
        aside=bool(case.aside),
        problem=problem_of(row.problem),
        facts=_facts(found, words, hidden),
        hidden=len([name for name in hidden if case.facts.get(name) not in (None, "", [])]),
        clocks=deadlines(case, words, now),
        lines=told if whole else told[-RECENT:],
        earlier=0 if whole else max(0, len(told) - RECENT),
        messages=_messages(found, words, sees_private),
        tasks=_tasks(found, words, sees_private) if writes else (),
        asked=_asked(found, words, caller, now) if writes else (),
        forms=forms,
        refused=refused,
        links=_links(found.id),
        files=[_file(row, found, words, caller) for row in attachments.listed(found.id)],
        attaches=writes and _attaches(found, caller, now),
        version=process.sha256,
        judgements=judgements(entries, found, words),
        judges=judges(found),
    )


def _classified(found: Held, words: Words) -> list[Fact]:
    """What the tables gave, but for the severity."""
    return [
        Fact(words.label(name), words.vocabulary.option(name, value, words.language), False, False)
        for name, value in found.case.values.items()
        if name != "severity"
    ]


def _facts(found: Held, words: Words, hidden: Collection[str]) -> list[Fact]:
    shown = []
    for name in (*OWN, *words.process.fields, *_answers(words)):
        text = fact_text(words.vocabulary, name, found.case.facts.get(name), words.reader)
        if name in ("channel", "preferred"):
            text = words.channel(text)
        if text and name not in hidden:
            private = name in found.pinned.private
            shown.append(Fact(words.label(name), text, private, len(text) > 80 or "\n" in text))
    return shown


def _answers(words: Words) -> list[str]:
    return [name for name in words.process.questions if name not in words.process.fields]


def _messages(found: Held, words: Words, open_to: bool) -> list[Sent]:
    rows = (
        Message.select().where(Message.issue == found.id, Message.channels != DOCUMENT).order_by(Message.at, Message.id)
    )
    return [sent(row, words, open_to) for row in rows]


def _tasks(found: Held, words: Words, open_to: bool) -> list[Sent]:
    return [sent(row, words, open_to) for row in open_tasks(found.id)]


def _asked(found: Held, words: Words, caller: Caller, now: Moment) -> list[tuple[str, str]]:
    """Notices that wait for somebody to decide whether they are sent, if the caller may."""
    waiting = [name for name, state in found.case.notices.items() if state.asked is not None]
    if not waiting:
        return []
    turn = Turn(found.pinned.process, found.case, Asked(live_directory()), found.case.moment)
    turn.at(now)
    if people.may(turn, caller.login, DEFAULT_BY, ()) is not None:
        return []
    return [(name, words.of("notify", name)) for name in waiting]


def _file(row: Any, found: Held, words: Words, caller: Caller) -> File:
    may_open = attachments.may_open(found, row, caller.login)
    return File(row.id, row.name, formats.size(row.size), words.who(row.by), words.shown(row.at), may_open)


def _attaches(found: Held, caller: Caller, now: Moment) -> bool:
    turn = Turn(found.pinned.process, found.case, Asked(live_directory()), found.case.moment)
    turn.at(now)
    return actions.possible(turn, found.pinned.process.actions[attachments.ACTION], caller.login)


def _links(issue: int) -> list[Link]:
    rows = list(IssueLink.select().where((IssueLink.issue == issue) | (IssueLink.other == issue)))
    others = {row.other_id if row.issue_id == issue else row.issue_id for row in rows}
    known = {row.id: row for row in Issue.select(Issue.id, Issue.number, Issue.subject).where(Issue.id.in_(others))}
    found = []
    for row in rows:
        other = known[row.other_id if row.issue_id == issue else row.issue_id]
        found.append(Link(other.number, other.subject, relation_text(row.relation)))
    return found


def relation_text(relation: str) -> str:
    """How two issues belong together: the server's own words for its own relations."""
    words = {"opened": gettext("opened from it"), "sampled": gettext("drawn for a check")}
    return words.get(relation, relation)
