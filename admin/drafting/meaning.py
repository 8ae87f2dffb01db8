"""What a step will do, in plain words, before anybody presses its button. The facts are the server's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from admin.drafting.page import everybody
from admin.drafting.times import ahead, spelled
from admin.languages import gettext, ngettext
from server import drafts
from server.core.moments import Moment
from server.store.models import Draft


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing that will happen, or stay as it is."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Which version is in force until when, and which from then on. `at` empty: from the approval on."""

    before: int
    after: int
    at: str
    ahead: str


def picture(meaning: drafts.Meaning, at: Moment | None) -> Picture:
    """The picture of a change of what is in force."""
    return Picture(meaning.version, meaning.next, "" if at is None else spelled(at), "" if at is None else ahead(at))


def handing_in(draft: Draft, by: str) -> list[Sentence]:
    """What it means to hand a draft in."""
    needs = drafts.needed(draft)
    audience = drafts.audience(Draft.SUBMITTED, draft, by)
    return [
        Sentence(
            "fa-lock",
            ngettext(
                "The text stays as it is from now on, until one other person has approved exactly this text.",
                "The text stays as it is from now on, until %(num)s other people have approved exactly this text.",
                needs,
            ),
        ),
        _nothing_yet(draft.name, draft.kind),
        _issues(drafts.meaning(draft.name, draft.kind)),
        _told(audience, gettext("Nobody else may approve it now: an administrator has to permit somebody to.")),
    ]


def approving(draft: Draft, by: str, at: Moment | None) -> list[Sentence]:
    """What it means to approve it."""
    meaning = drafts.meaning(draft.name, draft.kind)
    needs, given = max(draft.approvals, drafts.needed(draft)), len(drafts.approvers(draft))
    missing = needs - given - 1
    if missing > 0:
        text = ngettext(
            "Yours is approval %(given)s of %(needs)s: one more person has to approve before anything changes.",
            "Yours is approval %(given)s of %(needs)s: %(num)s more people have to approve before anything changes.",
            missing,
            given=given + 1,
            needs=needs,
        )
        return [Sentence("fa-users", text), _nothing_yet(draft.name, draft.kind)]
    return [
        _from_when(meaning, at),
        _issues(meaning),
        _told(drafts.audience(Draft.ACTIVE, draft, by), gettext("Nobody else wrote it; nobody is told.")),
        Sentence("fa-history", gettext("The version before stays in the history and can be proposed again.")),
    ]


def sending_back(draft: Draft, by: str) -> list[Sentence]:
    """What it means to send it back; or to cancel its schedule."""
    said = [_stays(draft)]
    said.append(Sentence("fa-pencil", gettext("Its authors can go on from its text and hand in a better one.")))
    return [*said, _told(drafts.audience(Draft.REJECTED, draft, by), gettext("Nobody is told."))]


def taking_back(draft: Draft, by: str) -> list[Sentence]:
    """What it means to withdraw it."""
    said = [
        _stays(draft),
        Sentence("fa-archive", gettext("The draft and its history are kept, and can be gone on from.")),
    ]
    return [*said, _told(drafts.audience(Draft.WITHDRAWN, draft, by), gettext("Nobody is told."))]


def going_back(name: str, kind: str, version: int) -> list[Sentence]:
    """What it means to propose an earlier version again."""
    text = gettext("A draft with the text of version %(version)s is begun. It goes the usual way.", version=version)
    return [Sentence("fa-pencil", text), _nothing_yet(name, kind), _issues(drafts.meaning(name, kind))]


def in_an_emergency(name: str, kind: str, version: int, owners: str) -> list[Sentence]:
    """What it means to put the version before back in force at once."""
    meaning = drafts.meaning(name, kind)
    return [
        Sentence(
            "fa-bolt",
            gettext(
                "Version %(before)s is in force again at once, instead of version %(now)s, without an approval.",
                before=version,
                now=meaning.version,
            ),
        ),
        _issues(meaning),
        Sentence("fa-envelope-o", gettext("%(owners)s are told, with your name and your reason.", owners=owners)),
        Sentence(
            "fa-book",
            gettext("It stands in the trail as an emergency. After it, changes go the usual way."),
        ),
    ]


def _nothing_yet(name: str, kind: str) -> Sentence:
    version = drafts.meaning(name, kind).version
    if version == 0:
        return Sentence("fa-pause", gettext("Nothing changes yet: no version of it is in force."))
    return Sentence("fa-pause", gettext("Nothing changes yet: version %(number)s stays in force.", number=version))


def _stays(draft: Draft) -> Sentence:
    if draft.state == Draft.SCHEDULED and draft.effective_at is not None:
        when = spelled(draft.effective_at)
        return Sentence("fa-calendar-times-o", gettext("It will not take effect on %(moment)s.", moment=when))
    return _nothing_yet(draft.name, draft.kind)


def _from_when(meaning: drafts.Meaning, at: Moment | None) -> Sentence:
    if at is None:
        return Sentence("fa-play", gettext("Version %(number)s is in force at once.", number=meaning.next))
    places: dict[str, Any] = {"number": meaning.next, "moment": spelled(at), "distance": ahead(at)}
    return Sentence(
        "fa-calendar-check-o", gettext("Version %(number)s is in force from %(moment)s (%(distance)s).", **places)
    )


def _issues(meaning: drafts.Meaning) -> Sentence:
    if meaning.kind == "source":
        return Sentence("fa-inbox", gettext("Deliveries that arrive from then on are read by the new text."))
    if not meaning.processes:
        return Sentence("fa-inbox", gettext("No process in force uses it: no issue is judged by it."))
    text = ngettext(
        "Issues received from then on are judged by it. The one that is open keeps its version.",
        "Issues received from then on are judged by it. The %(num)s that are open keep theirs.",
        meaning.open_issues,
    )
    if meaning.open_issues == 0:
        text = gettext("Issues received from then on are judged by it. None is open now.")
    return Sentence("fa-inbox", text)


def _told(audience: list[str], nobody: str) -> Sentence:
    if not audience:
        return Sentence("fa-envelope-o", nobody)
    return Sentence("fa-envelope-o", gettext("A message goes to %(people)s.", people=everybody(audience)))
