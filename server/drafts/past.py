"""The past of a document: its versions, who made and approved them, when each was in force; without their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.core.moments import Moment
from server.store.models import Activation, Approval, Draft, Version

# Everything but the text: two hundred of those are megabytes.
_COLUMNS: Final = [Version._meta.fields[name] for name in (
    "id", "kind", "name", "number", "sha256", "origin", "author", "approver", "reason", "approvals", "created_at",
)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agreed:
    """Somebody approved exactly this text."""

    approver: str
    at: Moment
    remark: str


@dataclass(frozen=True, slots=True)
class Span:
    """When a version was in force: [from_at, until_at); None: still. `by`: who put it in force; None: the server."""

    from_at: Moment
    until_at: Moment | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """One version and what became of it. `draft`: the draft that it was, if it was one."""

    id: int
    kind: str
    name: str
    number: int
    sha256: str
    origin: str
    author: str | None
    reason: str
    stored_at: Moment
    spans: tuple[Span, ...]
    draft: int | None
    submitted_at: Moment | None
    agreed: tuple[Agreed, ...]

    @property
    def is_in_force(self) -> bool:
        """Whether it is in force now."""
        return bool(self.spans) and self.spans[-1].until_at is None

    def was_in_force(self, at: Moment) -> bool:
        """Whether it was in force at that moment."""
        return any(span.from_at <= at and (span.until_at is None or at < span.until_at) for span in self.spans)


def past(name: str) -> list[Past]:
    """Every version of a document, newest first; none: there is no such document."""
    rows = list(Version.select(*_COLUMNS).where(Version.name == name).order_by(Version.number.desc()))
    return _told(rows, Activation.name == name, Draft.name == name)


def in_force_now() -> list[Past]:
    """The version in force of every document, by kind and name."""
    current = Version.select(Version.id).join(Activation).where(Activation.until_at.is_null())
    rows = list(Version.select(*_COLUMNS).where(Version.id.in_(current)).order_by(Version.kind, Version.name))
    return _told(rows, Activation.until_at.is_null(), Draft.version.in_(current))


def _told(rows: list[Any], activations: Any, drafts: Any) -> list[Past]:
    spans: dict[int, list[Span]] = {}
    for row in Activation.select().where(activations).order_by(Activation.id):
        spans.setdefault(row.version_id, []).append(Span(row.from_at, row.until_at, row.by))
    became = Draft.select(Draft.id, Draft.version, Draft.submitted_at).where(drafts, Draft.version.is_null(False))
    of_version = {row.version_id: row for row in became}
    agreed = _agreed(row.id for row in of_version.values())
    return [_past(row, spans.get(row.id, []), of_version.get(row.id), agreed) for row in rows]


def _agreed(drafts: Iterable[int]) -> Mapping[int, list[Agreed]]:
    found: dict[int, list[Agreed]] = {}
    ids = list(drafts)
    for start in range(0, len(ids), 500):
        query = Approval.select().where(Approval.draft.in_(ids[start : start + 500])).order_by(Approval.id)
        for row in query:
            found.setdefault(row.draft_id, []).append(Agreed(row.approver, row.at, row.remark))
    return found


def _past(row: Any, spans: list[Span], draft: Any, agreed: Mapping[int, list[Agreed]]) -> Past:
    given = () if draft is None else tuple(agreed.get(draft.id, ()))
    if not given and row.approver is not None:  # stored before there were drafts
        given = (Agreed(row.approver, row.created_at, ""),)
    return Past(
        id=row.id,
        kind=row.kind,
        name=row.name,
        number=row.number,
        sha256=row.sha256,
        origin=row.origin,
        author=row.author,
        reason=row.reason,
        stored_at=row.created_at,
        spans=tuple(spans),
        draft=None if draft is None else draft.id,
        submitted_at=None if draft is None else draft.submitted_at,
        agreed=given,
    )
