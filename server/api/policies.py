"""Policy documents over HTTP: which there are, their versions, since when each is in force, what differs."""

from __future__ import annotations

from typing import Any

from flask import Response

from server import drafts
from server.api import parameters
from server.api.answers import answer
from server.api.problems import Failed


def documents() -> Response:
    """Every document in force, by name."""
    return answer({"policies": drafts.documents()})


def versions(name: str) -> Response:
    """The versions of a document, newest first."""
    return answer({"versions": drafts.versions(name)})


def version(name: str, version: str) -> Response:
    """One version with its text."""
    row = _one(name, version)
    return answer(drafts.version(row.name, row.number))


def difference(name: str) -> Response:
    """What differs between two versions: in the words of the process, and as a unified diff."""
    parameters.only_these("from", "to")
    first, second = (_one(name, str(parameters.integer(which, None, 1, 999_999_999))) for which in ("from", "to"))
    return answer({"from": first.number, "to": second.number, **drafts.difference(first, second)})


def _one(name: str, number: str) -> Any:
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise Failed(404, "unknown-version", name=name, version=number)
    return drafts.version_row(name, int(number))
