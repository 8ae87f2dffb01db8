"""Policy documents over HTTP: which there are, their versions, since when each is in force, what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from flask import Response

from server import policies
from server.api import parameters
from server.api.answers import answer
from server.api.problems import Failed
from server.core.moments import show
from server.store.models import Activation, Version


def documents() -> Response:
    """Every document in force, by name."""
    query = (
        Activation.select(Activation, Version)
        .join(Version)
        .where(Activation.until_at.is_null())
        .order_by(Activation.name)
    )
    return answer({"policies": [_in_force(row) for row in query]})


def _in_force(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.version.kind,
        "version": row.version.number,
        "sha256": row.version.sha256,
        "origin": row.version.origin,
        "since": show(row.from_at),
    }


def versions(name: str) -> Response:
    """The versions of a document, newest first."""
    rows = list(_versions(name))
    if not rows:
        raise Failed(404, "unknown-document", name=name)
    activations = list(Activation.select().where(Activation.name == name).order_by(Activation.id))
    return answer({"versions": [_described(row, activations) for row in rows]})


def version(name: str, version: str) -> Response:
    """One version with its text."""
    row = _one(name, version)
    activations = Activation.select().where(Activation.version == row.id).order_by(Activation.id)
    return answer({**_described(row, activations), "yaml": row.text})


def difference(name: str) -> Response:
    """What differs between two versions, as a unified diff."""
    parameters.only_these("from", "to")
    first, second = (_one(name, str(parameters.integer(which, None, 1, 999_999_999))) for which in ("from", "to"))
    lines = difflib.unified_diff(
        first.text.splitlines(keepends=True),
        second.text.splitlines(keepends=True),
        f"{name} {first.number}",
        f"{name} {second.number}",
    )
    # A file may end without a line's end; the next line must not be glued to it.
    diff = "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)
    changes = policies.changes(first, second)
    return answer({"from": first.number, "to": second.number, "changes": changes, "diff": diff})


def _versions(name: str) -> Any:
    return Version.select().where(Version.name == name).order_by(Version.number.desc())


def _one(name: str, number: str) -> Any:
    found = None
    if number.isascii() and number.isdigit() and len(number) <= 9:
        found = Version.get_or_none(Version.name == name, Version.number == int(number))
    if found is None:
        raise Failed(404, "unknown-version", name=name, version=number)
    return found


def _described(row: Any, activations: Iterable[Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "version": row.number,
        "sha256": row.sha256,
        "origin": row.origin,
        "author": row.author,
        "reviewer": row.approver,
        "reason": row.reason,
        "created": show(row.created_at),
        "in_force": [
            {"from": show(one.from_at), "until": None if one.until_at is None else show(one.until_at), "by": one.by}
            for one in activations
            if one.version_id == row.id
        ],
    }
