"""Rows of what was correctly signed and could not be taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server import audit
from server.core.moments import Moment
from server.core.values import Problem
from server.store import database
from server.store.models import Kept


def keep(
    source: str,
    external_id: str,
    body: bytes,
    headers: Mapping[str, str],
    item: int | None,
    problems: Sequence[Problem],
    now: Moment,
) -> int:
    """Keep a delivery (`item` None) or an item of one with its problems; give its id. What is kept already, byte for
    byte, is not kept twice: senders try again."""
    with database.transaction():
        for row in Kept.select().where(Kept.state == Kept.KEPT, Kept.source == source, Kept.external_id == external_id):
            if bytes(row.body) == body and row.item == item:
                Kept.update(problem=as_json(problems)).where(Kept.id == row.id).execute()
                return int(row.id)
        row = Kept.create(
            source=source,
            external_id=external_id,
            body=body,
            headers=dict(headers),
            item=item,
            problem=as_json(problems),
            at=now,
        )
        audit.record(
            "delivery.kept",
            now,
            {"kept": row.id, "source": source, "problems": as_json(problems)},
            by=f"source:{source}",
        )
    return int(row.id)


def as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems as they are stored."""
    return [{"at": problem.at, "code": problem.code, "params": dict(problem.params)} for problem in problems]


def problems_of(row: Any) -> list[Problem]:
    """The problems of a kept row."""
    return [Problem(one["at"], one["code"], one["params"]) for one in row.problem]
