"""The audit trail over HTTP (contract, "HTTP"; docs/evidence.md)."""

from __future__ import annotations

from flask import Response

from server.api import parameters
from server.api.answers import answer
from server.evidence import trail


def page() -> Response:
    """A page of the trail, in order, with the blocks that seal it."""
    parameters.only_these("after", "limit")
    found = trail.page(parameters.integer("after", 0, 0, 999_999_999), parameters.integer("limit", 100, 1, 1000))
    following = None if found.next is None else str(found.next)
    return answer({"entries": found.entries, "blocks": found.blocks, "next": following})
