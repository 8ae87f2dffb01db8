"""The table of the interface, `schemas/api.yaml`: every route, who may use it, what it takes and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from server.resources import texts_of

WITHOUT_STORE: Final = ("/docs", "/docs/problems", "/healthz", "/metrics", "/openapi.json")
"""Paths that are answered whatever the database does."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `permission`: one of these is enough; empty: any known caller; None: nobody needs to sign in.
    `description` is its entry of the table."""

    id: str
    method: str
    path: str
    permission: tuple[str, ...] | None
    description: Mapping[str, Any]

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return re.sub(r"{(\w+)}", r"<\1>", self.path)


@cache
def table() -> Mapping[str, Any]:
    """The table: `routes` by id, and the `schemas` that they name."""
    return texts_of("api")


@cache
def routes() -> tuple[Route, ...]:
    """Every route of the interface."""
    return tuple(
        Route(
            id,
            entry["method"],
            entry["path"],
            None if entry["permission"] is None else tuple(entry["permission"]),
            entry,
        )
        for id, entry in table()["routes"].items()
    )
