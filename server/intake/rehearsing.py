"""A sample payload through the mapping in force: what would be recorded, and nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from server import payloads, policies
from server.core import deciding
from server.core.deciding import Refused
from server.core.moments import Moment, OutOfRange
from server.core.sources import Item
from server.core.values import Problem
from server.intake.deliveries import UnknownSource
from server.intake.receiving import find
from server.store import database

DELIVERY: Final = "sample"
"""Stands for the id that a delivery would have."""

SHOWN: Final = 50
"""Items that are judged; of more, their number is told."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What an item would come to: `outcome` is created, known (an issue has its external id already), again (an action
    on that issue), nothing, or kept (for `problems`); the facts that are mapped, and how the issue would be judged."""

    external_id: str
    outcome: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    judged: Mapping[str, Any] | None = None
    number: str = ""
    actions: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def rehearse(name: str, body: bytes, now: Moment) -> tuple[list[Rehearsed], int]:
    """What this delivery would come to, item by item, and how many items it has. Nothing is verified, stored or sent.
    Raises UnknownSource, payloads.BadPayload, Unavailable."""
    source = policies.in_force().sources.get(name)
    if source is None or source.verify is None:
        raise UnknownSource(name)
    items = source.items(payloads.read_json(body), DELIVERY)
    with database.session():
        return [_item(name, source.process, item, now) for item in items[:SHOWN]], len(items)


def _item(name: str, process: str, item: Item, now: Moment) -> Rehearsed:
    if item.problem is not None:
        problem = Problem(item.problem.at, item.problem.code, item.problem.params)
        return Rehearsed(item.external_id, "kept", problems=(problem,))
    known = find(name, item.external_id)
    if known is not None:
        actions = () if item.again is None else tuple(item.again.do)
        return Rehearsed(
            item.external_id, "again" if actions else "known", item.facts, number=known.number, actions=actions
        )
    if not item.creates:
        return Rehearsed(item.external_id, "nothing")
    pinned = policies.in_force().processes.get(process)
    if pinned is None:
        problem = Problem("", "unknown-process", {"name": process})
        return Rehearsed(item.external_id, "kept", item.facts, problems=(problem,))
    try:
        judged = deciding.decide(pinned.process, item.facts, now)
    except Refused as refused:
        return Rehearsed(item.external_id, "kept", item.facts, problems=tuple(refused.problems))
    except OutOfRange as error:
        problem = Problem("/received", error.code, error.params)
        return Rehearsed(item.external_id, "kept", item.facts, problems=(problem,))
    return Rehearsed(item.external_id, "created", item.facts, judged)
