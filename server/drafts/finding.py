"""Which drafts there are: of a document, in a state, of a person; and which of them wait for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from peewee import fn

from server.accounts import Caller
from server.drafts.keeping import OPEN
from server.drafts.rights import APPROVE, may_change
from server.drafts.standing import overtaken_among
from server.store.models import Approval, Draft, DraftAuthor

CLOSED = (Draft.ACTIVE, Draft.SUPERSEDED, Draft.REJECTED, Draft.WITHDRAWN, Draft.REFUSED)
STATES = (*OPEN, *CLOSED)

# Everything but the text, which may be long.
_COLUMNS = [column for name, column in Draft._meta.fields.items() if name != "data"]


class Filter(NamedTuple):
    """Which drafts are wanted: of a document, in one of these states, with somebody (who began, wrote, handed in,
    approved or decided it). Empty: all."""

    name: str = ""
    states: tuple[str, ...] = ()
    person: str = ""


def found(wanted: Filter, limit: int, before: int | None = None) -> list[Any]:
    """So many drafts, newest first, without their texts; `before`: older than that one."""
    query = Draft.select(*_COLUMNS).order_by(Draft.id.desc()).limit(limit)
    if wanted.name:
        query = query.where(Draft.name == wanted.name)
    if wanted.states:
        query = query.where(Draft.state.in_(wanted.states))
    if wanted.person:
        written = DraftAuthor.select(DraftAuthor.draft).where(DraftAuthor.login == wanted.person)
        given = Approval.select(Approval.draft).where(Approval.approver == wanted.person)
        query = query.where(Draft.id.in_(written) | Draft.id.in_(given) | (Draft.closed_by == wanted.person))
    if before is not None:
        query = query.where(Draft.id < before)
    return list(query)


def written_by(login: str) -> list[Any]:
    """The open drafts that somebody wrote, newest first, without their texts."""
    written = DraftAuthor.select(DraftAuthor.draft).where(DraftAuthor.login == login)
    query = Draft.select(*_COLUMNS).where(Draft.state.in_(OPEN), Draft.id.in_(written))
    return list(query.order_by(Draft.id.desc()))


def returned_to(login: str) -> list[Any]:
    """What came back to somebody: the newest draft that he wrote of each document, when it was sent back or did not
    take effect; newest first, without their texts."""
    mine = DraftAuthor.select(DraftAuthor.draft).where(DraftAuthor.login == login)
    newest = Draft.select(fn.MAX(Draft.id)).where(Draft.id.in_(mine)).group_by(Draft.name)
    query = Draft.select(*_COLUMNS).where(Draft.id.in_(newest), Draft.state.in_((Draft.REJECTED, Draft.REFUSED)))
    return list(query.order_by(Draft.id.desc()))


def waiting_for(by: Caller) -> list[Any]:
    """The drafts that this person could approve now, the one that waits longest first, without their texts. One that
    was overtaken waits for its author."""
    if not by.may(APPROVE):
        return []
    written = DraftAuthor.select(DraftAuthor.draft).where(DraftAuthor.login == by.login)
    given = Approval.select(Approval.draft).where(Approval.approver == by.login)
    query = Draft.select(*_COLUMNS).where(
        Draft.state == Draft.SUBMITTED, Draft.id.not_in(written), Draft.id.not_in(given)
    )
    rows = [row for row in query.order_by(Draft.submitted_at, Draft.id) if row.submitted_by != by.login]
    overtaken = overtaken_among(rows)
    return [row for row in rows if row.id not in overtaken]


def offered_to(by: Caller) -> list[Any]:
    """What a newer release ships and nobody has taken up yet, of the documents that this person may change."""
    written = DraftAuthor.select(DraftAuthor.draft)
    query = Draft.select(*_COLUMNS).where(
        Draft.state == Draft.DRAFT, Draft.origin == Draft.SHIPPED, Draft.id.not_in(written)
    )
    return [row for row in query.order_by(Draft.name, Draft.id) if may_change(by, row.name)]


def beside(draft: Draft, limit: int = 5) -> Sequence[Any]:
    """The newest other drafts of the same document, open ones first, without their texts."""
    query = Draft.select(*_COLUMNS).where(Draft.name == draft.name, Draft.id != draft.id)
    return list(query.order_by(Draft.state.in_(OPEN).desc(), Draft.id.desc()).limit(limit))


def names() -> list[str]:
    """The documents of which there ever was a draft."""
    return [row.name for row in Draft.select(Draft.name).distinct().order_by(Draft.name)]


def people() -> list[str]:
    """Everybody who ever wrote a draft, or approved one."""
    written = {row.login for row in DraftAuthor.select(DraftAuthor.login).distinct()}
    return sorted(written | {row.approver for row in Approval.select(Approval.approver).distinct()})
