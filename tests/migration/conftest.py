"""A store with a small process in force, its issues under it, and a newer version of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from server import intake
from server.accounts import Caller
from server.core.moments import HOUR, MINUTE
from server.store import database
from server.store.database import Store
from tests import publishing
from tests.server.conftest import MONDAY, open_for_business
from tests.stores import cleaner, migrated_postgres, postgres_store, postgres_url, sqlite_store, sqlite_template, store

__all__ = [
    "cleaner",
    "migrated_postgres",
    "open_for_business",
    "postgres_store",
    "postgres_url",
    "sqlite_store",
    "sqlite_template",
    "store",
]

LATER = MONDAY + 30 * MINUTE
NAME = "outage"
OWNER, APPROVER = Caller("pan", frozenset({"policy.propose"})), Caller("han", frozenset({"policy.approve"}))

PROCESS: dict[str, Any] = {
    "kind": "process",
    "name": NAME,
    "title": "Outage",
    "calendar": "cn-office",
    "number": "OUT{serial:3}",
    "fields": {
        "impact": {"type": "choice", "options": {"stopped": "stopped", "degraded": "degraded"}},
        "old": {"type": "text"},
        "secret": {"type": "text", "private": True},
    },
    "severities": {"A": {}, "B": {}},
    "classify": {"severity": [{"is": "A", "when": {"field": "impact", "is": "stopped"}}, {"is": "B"}]},
    "stages": {"received": {}, "handling": {}, "closed": {"final": True}},
    "actions": {
        "accept": {"from": "received", "to": "handling", "by": "anyone"},
        "close": {"to": "closed", "by": "anyone"},
    },
    "clocks": {"solution": {"on": "received", "until": "close", "within": {"A": "2h", "B": "8h"}}},
}

FASTER: dict[str, Any] = {**PROCESS, "clocks": {"solution": {**PROCESS["clocks"]["solution"], "within": {"A": "1h"}}}}
FASTER["clocks"]["solution"]["within"] = {"A": "1h", "B": "9h"}


def text_of(process: dict[str, Any]) -> bytes:
    return json.dumps(process, ensure_ascii=False, indent=1).encode()


def publish(process: dict[str, Any], now: int = MONDAY) -> int:
    """Put the process in force; give its version."""
    return publishing.publish(text_of(process), now)


@pytest.fixture
def world(open_for_business: Store) -> Store:
    """The process is in force."""
    publish(PROCESS)
    return open_for_business


@pytest.fixture
def receive(world: Store) -> Callable[..., str]:
    """Receives an issue; gives its number."""

    def made(impact: str = "stopped", **more: Any) -> str:
        given = {"subject": "S", "impact": impact, **more}
        number = intake.receive(NAME, given, MONDAY, "gong").number
        assert isinstance(number, str)
        return number

    return made


def shut(store: Store) -> None:
    """Let go of the database: another process is at work on it."""
    store.release()


__all__ += ["FASTER", "HOUR", "LATER", "MONDAY", "NAME", "PROCESS", "database"]
