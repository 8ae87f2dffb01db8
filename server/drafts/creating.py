"""A document that there was not before: its first draft, empty or made of another document's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from server.accounts import Caller
from server.core import documents, new_document
from server.core.moments import Moment
from server.core.schema import KINDS
from server.drafts.keeping import OPEN, begin
from server.drafts.problems import NotDone
from server.drafts.standing import in_force
from server.resources import policy_dir
from server.store import database
from server.store.models import Activation, Draft, Version

EMPTY: Final = "empty:"


class Template(NamedTuple):
    """A document of which a new one may be made: in force, or only shipped with the product."""

    name: str
    kind: str
    title: Any
    shipped: bool


def templates() -> list[Template]:
    """The documents in force, and those that came with the product besides, by kind and name."""
    query = Version.select().join(Activation, on=Activation.version == Version.id).where(Activation.until_at.is_null())
    found = {row.name: _template(bytes(row.data), False) for row in query}
    for path in policy_dir().glob("*.y*ml"):
        one = _template(path.read_bytes(), True)
        if one is not None:
            found.setdefault(one.name, one)
    known = [one for one in found.values() if one is not None and one.kind in KINDS]
    return sorted(known, key=lambda one: (KINDS.index(one.kind), one.name))


def _template(data: bytes, shipped: bool) -> Template | None:
    document, _ = documents.read(data)
    return None if document is None else Template(document.name, document.kind, document.value.get("title"), shipped)


def create(begun_with: str, name: str, title: Mapping[str, str], by: Caller, now: Moment, reason: str = "") -> Draft:
    """The first draft of a new document: of `empty:KIND`, or of the text of the document that is named. Raises
    NotPermitted, and NotDone: the name is taken or none, a title lacks, there is nothing to begin with."""
    with database.transaction():
        require_free(name)
        if not title:
            raise NotDone(422, "draft-without-title")
        return begin(name, _text(begun_with, name, title).encode(), by, now, reason)


def require_free(name: str) -> None:
    """Raises NotDone when there is a document of that name, or was, or somebody is writing one."""
    if in_force(name) is not None or Version.get_or_none(Version.name == name) is not None:
        raise NotDone(409, "document-name-taken", name=name)
    other = Draft.select(Draft.id).where(Draft.name == name, Draft.state.in_(OPEN)).first()
    if other is not None:
        raise NotDone(409, "document-being-written", name=name, draft=other.id)


def _text(begun_with: str, name: str, title: Mapping[str, str]) -> str:
    kind = begun_with.removeprefix(EMPTY)
    if begun_with.startswith(EMPTY) and kind in KINDS:
        return new_document.empty(kind, name, title)
    try:
        return new_document.copy(_text_of(begun_with), name, title)
    except new_document.NoCopy as error:
        raise NotDone(422, "document-not-copied", name=begun_with, why=str(error)) from error


def _text_of(name: str) -> str:
    standing = in_force(name)
    if standing is not None:
        return bytes(standing.data).decode("utf-8", "replace")
    for path in policy_dir().glob("*.y*ml"):
        document, _ = documents.read(path.read_bytes())
        if document is not None and document.name == name:
            return document.text
    raise NotDone(404, "unknown-document", name=name)
