"""What all pages about drafts have: who gets in, the words for states and people, and why a step was refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import abort, g, request

from admin import clock, findings, languages
from admin.findings import Told
from admin.guard import Page, caller
from admin.languages import gettext
from server import drafts
from server.core import documents
from server.core.findings import Finding
from server.core.moments import Moment
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.store.models import Draft, Version

LONGEST: int = 10_000
"""Letters of a reason or a remark."""


class DraftsPage(Page):
    """A page for those who propose, approve or audit changes; and for the members of a team that owns a document."""

    needs = ("policy.propose", "policy.approve", "audit.read", "system")

    def is_accessible(self) -> bool:
        return super().is_accessible() or _owns_something()

    def may_change(self) -> bool:
        who = caller()
        if who is None:
            return False
        return any(map(who.may, ("policy.propose", "policy.approve", "system"))) or _owns_something()

    @staticmethod
    def now() -> Moment:
        """What time it is for this request."""
        return clock.now()


def _owns_something() -> bool:
    who = caller()
    if who is None:
        return False
    if "owns_a_document" not in g:
        g.owns_a_document = drafts.may_propose_anything(who)
    return bool(g.owns_a_document)


# -- words ----------------------------------------------------------------------------------------------------------


def state_text(state: str) -> str:
    """A state of a draft in words."""
    words = {
        Draft.DRAFT: gettext("being written"),
        Draft.SUBMITTED: gettext("waits for approval"),
        Draft.SCHEDULED: gettext("approved, waits for its time"),
        Draft.ACTIVE: gettext("in force"),
        Draft.SUPERSEDED: gettext("was in force"),
        Draft.REJECTED: gettext("sent back"),
        Draft.WITHDRAWN: gettext("withdrawn"),
        Draft.REFUSED: gettext("did not take effect"),
    }
    return words.get(state, state)


TONES: Mapping[str, str] = {
    Draft.DRAFT: "info",
    Draft.SUBMITTED: "warn",
    Draft.SCHEDULED: "warn",
    Draft.ACTIVE: "good",
    Draft.REJECTED: "bad",
    Draft.REFUSED: "bad",
}


def origin_text(origin: str) -> str:
    """Where a draft's text comes from, where it is not somebody's own; else empty."""
    words = {
        Draft.SHIPPED: gettext("offered by a newer release"),
        Draft.ROLLBACK: gettext("text of an earlier version"),
    }
    return words.get(origin, "")


def who(login: str | None) -> str:
    """A person by name; the server itself for nobody."""
    if login is None:
        return gettext("the server")
    person = snapshot().people.get(login)
    return login if person is None else person.name


def everybody(logins: Sequence[str]) -> str:
    """People by name, one after the other."""
    return (", " if languages.language() == "en" else "、").join(map(who, logins))


def title_of(row: Any) -> str:
    """The title of the document of a draft or version, in the reader's language."""
    return in_language(_titles(row.name, row.sha256, isinstance(row, Version)), languages.language(), row.name)


@lru_cache(maxsize=2_000)
def _titles(name: str, sha256: str, is_version: bool) -> Any:
    table = Version if is_version else Draft
    row = table.select(table.data).where(table.name == name, table.sha256 == sha256).first()
    return None if row is None else documents.title_of(bytes(row.data))


# -- what was asked for ---------------------------------------------------------------------------------------------


def one(draft: int) -> Draft:
    """The draft of the address; there is a page only for one that is there."""
    try:
        return drafts.one(draft)
    except drafts.NotDone:
        abort(404)


def posted(name: str) -> str:
    """A text of the form, with single line ends. What no store holds is no text."""
    text = request.form.get(name, "").replace("\r\n", "\n").strip()
    if "\x00" in text or len(text) > LONGEST:
        abort(400)
    return text


# -- refusals -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step was not done, in the reader's words: what, and what exactly where."""

    status: int
    text: str
    findings: Sequence[Told] = ()
    warnings: Sequence[Finding] = ()
    conflicts: Sequence[tuple[str, str]] = ()


def refusal(error: drafts.NotDone, texts: Iterable[tuple[str, bytes]] = ()) -> Refusal:
    """The server's refusal as a page shows it. `texts`: the files that it is about."""
    language = languages.language()
    if "state" in error.params:
        error.params = {**error.params, "state": state_text(str(error.params["state"]))}
    pairs = [(one["mine"][language], one["theirs"][language]) for one in error.conflicts]
    warnings = [one for one in error.findings if one.level != "error"]
    return Refusal(error.status, error.text(language), findings.of_texts(error.findings, dict(texts)), warnings, pairs)


def file_of(draft: Draft) -> tuple[str, bytes]:
    """The draft as the check names it."""
    return f"{draft.name}.yaml", bytes(draft.data)


# -- the check ------------------------------------------------------------------------------------------------------


def checked(draft: Draft) -> list[Finding]:
    """What the check finds on the draft beside what is in force, examples included."""
    return drafts.check(draft, clock.now())
