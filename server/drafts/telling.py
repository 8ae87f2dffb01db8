"""Notices about documents themselves, to their authors, approvers and owners. They belong to no issue."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server import calling, messages, policies, settings
from server.core.case import Case
from server.core.moments import Moment
from server.core.turn import Telling
from server.core.vocabulary import LANGUAGES, say
from server.directory import LiveDirectory, snapshot
from server.drafts.rights import APPROVE, authors
from server.messages.texts import Words, Writer
from server.reviewing import channel
from server.store.models import Approval, Draft

log = logging.getLogger("duban.drafts")


@dataclass(frozen=True, slots=True)
class DraftWriter(Writer):
    """Words the notice: `texts` by language, with `subject` and `body`."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    page: str = ""

    def words(self, language: str, recipient: str, hidden: Collection[str], short: bool) -> Words:
        """The notice, and where the document is."""
        text = self.texts[language if language in self.texts else LANGUAGES[0]]
        return Words(text["subject"], f"{text['subject'] if short else text['body']}\n{self.page}", text["subject"])


def audience(what: str, draft: Draft, by: str) -> list[str]:
    """Who is told of a step, but whoever takes it: of a draft that was handed in, everybody who may approve it; of
    one that was approved or sent back, its authors; of one that was taken back after its approval, its approvers."""
    people, writers = snapshot(), authors(draft)
    if what == Draft.SUBMITTED:
        roles = (role for role, permissions in people.permissions.items() if APPROVE in permissions)
        logins = [login for role in roles for login in people.holders.get(role, ()) if login not in writers]
    elif what == Draft.WITHDRAWN:
        given = Approval.select(Approval.approver).where(Approval.draft == draft.id).order_by(Approval.id)
        logins = [row.approver for row in given]
    else:
        logins = list(writers)
    return sorted({login for login in logins if login != by and people.active(login) is not None})


def announce(what: str, draft: Draft, by: str, now: Moment, **words: Any) -> None:
    """Within the caller's transaction: tell the audience of a step of a draft."""
    people = audience(what, draft, by)
    if people:
        tell(what, draft.name, f"{draft.id}/{what}", (), now, people, draft=draft.id, who=by, **words)


def tell(
    what: str, name: str, key: str, to: Sequence[str], now: Moment, people: Sequence[str] = (), **words: Any
) -> None:
    """Within the caller's transaction: the notice `what` about a document to teams, roles and these people, by the
    channel that reminders take. A document that is no process has none; then it goes by that of the first process in
    force."""
    processes = policies.in_force().processes
    pinned = processes.get(name) or next(iter(processes.values()), None)
    via = None if pinned is None else channel(pinned.channels)
    if pinned is None or via is None:
        log.error("nobody can be told of %s: %s", name, what)
        return
    case = Case(name, f"draft/{key}", now, None, pinned.process.first_stage, now, watchers=list(dict.fromkeys(people)))
    occasion = messages.Occasion(
        issue_id=None,
        event_id=None,
        seq=1,
        process=pinned.process,
        case=case,
        channels=pinned.channels,
        entries=[{"at": now, "kind": "draft"}],
        directory=LiveDirectory(),
        now=now,
        settings=settings.current(),
    )
    titles = {language: calling.names(language, {}).documents.get(name, name) for language in LANGUAGES}
    texts = {
        language: {
            part: say(f"drafts.{what}.{part}", language, name=titles[language], **words) for part in ("subject", "body")
        }
        for language in LANGUAGES
    }
    page = f"{settings.current().url}/admin/" + (
        f"drafts/{words['draft']}/" if "draft" in words else f"documents/{name}"
    )
    telling = Telling(0, "draft", name, via, (*to, "watchers"), "", 0, False, None, {})
    messages.write([telling], occasion, lambda one, about: DraftWriter(one, about, texts, page))
