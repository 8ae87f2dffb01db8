"""What is in force, as drafts are compared with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from server.drafts.problems import NotDone
from server.store import database, sql
from server.store.models import Activation, Draft, Version

# Any number that nobody else uses for advisory locks in this database: "draft" in ASCII.
_LOCK: Final = 0x6472616674


def one_at_a_time() -> None:
    """Within the caller's transaction: nobody else approves or puts a version in force until it ends. (On SQLite every
    transaction is alone.)"""
    if database.current().is_postgresql:
        sql.run("SELECT pg_advisory_xact_lock(?)", _LOCK)


def in_force(name: str) -> Any:
    """The version of the document that is in force; None: there is none."""
    return (
        Version.select()
        .join(Activation, on=Activation.version == Version.id)
        .where(Activation.name == name, Activation.until_at.is_null())
        .first()
    )


def files_in_force(but: Collection[str] = ()) -> list[tuple[str, bytes]]:
    """Every document in force as (file name, bytes), but those of these names."""
    query = Version.select().join(Activation, on=Activation.version == Version.id).where(Activation.until_at.is_null())
    return [(f"{row.name}.yaml", bytes(row.data)) for row in query.order_by(Version.name) if row.name not in but]


def base_of(draft: Draft) -> Any:
    """The version that the draft is based on; None: there was none."""
    return None if draft.based_on_id is None else draft.based_on


def is_overtaken(draft: Draft) -> bool:
    """Whether something else is in force than what the draft was based on."""
    now = in_force(draft.name)
    return bool((None if now is None else now.id) != draft.based_on_id)


def overtaken_among(drafts: Iterable[Any]) -> frozenset[int]:
    """The ids of those of the drafts that are overtaken, without a question for each."""
    rows = Activation.select(Activation.name, Activation.version).where(Activation.until_at.is_null())
    versions = {row.name: row.version_id for row in rows}
    return frozenset(row.id for row in drafts if versions.get(row.name) != row.based_on_id)


def require_base(draft: Draft) -> None:
    """Raises NotDone when the draft is overtaken."""
    if is_overtaken(draft):
        now, base = in_force(draft.name), base_of(draft)
        raise NotDone(
            409,
            "draft-overtaken",
            draft=draft.id,
            name=draft.name,
            version=0 if now is None else now.number,
            base=0 if base is None else base.number,
        )
