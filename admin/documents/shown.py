"""Versions of documents in the words of a page: who, when, why, approved by whom, in force from when to when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from admin import clock, languages
from admin.documents import kept
from admin.languages import gettext
from server.directory import snapshot
from server.drafts.past import Past
from server.store.models import Version

KINDS = ("process", "calendar", "source", "channels")


def kind_text(kind: str) -> str:
    """A kind of document in words, many of them."""
    words = {
        "process": gettext("Processes"),
        "calendar": gettext("Calendars"),
        "source": gettext("Sources"),
        "channels": gettext("Channels"),
    }
    return words.get(kind, kind)


def one_of_kind(kind: str) -> str:
    """A document of that kind in words."""
    words = {
        "process": gettext("A process"),
        "calendar": gettext("A calendar"),
        "source": gettext("A source"),
        "channels": gettext("Channels"),
    }
    return words.get(kind, kind)


@dataclass(frozen=True, slots=True)
class Consent:
    """An approval in words."""

    who: str
    at: str
    remark: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in force in words; `until` empty: still."""

    since: str
    until: str
    by: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A version in words. `since`, `until`: when it was in force, latest time; empty: never, still."""

    id: int
    kind: str
    name: str
    title: str
    number: int
    sha256: str
    origin: str
    author: str
    reason: str
    stored: str
    stays: Sequence[Stay]
    consents: Sequence[Consent]
    draft: int | None
    in_force: bool

    @property
    def kind_text(self) -> str:
        """The kind of document in words."""
        return kind_text(self.kind)

    @property
    def since(self) -> str:
        """Since when it was in force the last time."""
        return self.stays[-1].since if self.stays else ""

    @property
    def until(self) -> str:
        """Until when it was in force the last time."""
        return self.stays[-1].until if self.stays else ""

    @property
    def approver(self) -> str:
        """Everybody who approved it."""
        return ", ".join(one.who for one in self.consents)


def shown(versions: Sequence[Past], titled: bool = True) -> list[Shown]:
    """Versions in words. Not `titled`: by the document's name, without looking into the texts."""
    wanted = [(one.id, str(one.id), one.sha256) for one in versions if titled]
    titles = kept.titles(wanted, languages.language())
    people = {login: person.name for login, person in snapshot().people.items()}
    return [_shown(one, titles.get(str(one.id), one.name), people) for one in versions]


def _shown(one: Past, title: str, people: Mapping[str, str]) -> Shown:
    def named(login: str | None) -> str:
        return people.get(login or "", login or "")

    return Shown(
        id=one.id,
        kind=one.kind,
        name=one.name,
        title=one.name if title == str(one.id) else title,
        number=one.number,
        sha256=one.sha256,
        origin=gettext("shipped with the product") if one.origin == Version.SHIPPED else gettext("proposed"),
        author=named(one.author),
        reason=one.reason,
        stored=clock.shown(one.stored_at),
        stays=[Stay(clock.shown(span.from_at), clock.shown(span.until_at), named(span.by)) for span in one.spans],
        consents=[Consent(named(given.approver), clock.shown(given.at), given.remark) for given in one.agreed],
        draft=one.draft,
        in_force=one.is_in_force,
    )
