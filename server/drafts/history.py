"""Which documents there are, their versions, since when each is in force, and what differs: as JSON has it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from server import policies
from server.core.moments import show
from server.drafts.problems import NotDone
from server.store.models import Activation, Version


def documents() -> list[dict[str, Any]]:
    """Every document in force, by name."""
    query = (
        Activation.select(Activation, Version)
        .join(Version)
        .where(Activation.until_at.is_null())
        .order_by(Activation.name)
    )
    return [
        {
            "name": row.name,
            "kind": row.version.kind,
            "version": row.version.number,
            "sha256": row.version.sha256,
            "origin": row.version.origin,
            "since": show(row.from_at),
        }
        for row in query
    ]


def versions(name: str) -> list[dict[str, Any]]:
    """The versions of a document, newest first. Raises NotDone when there is none."""
    rows = list(Version.select().where(Version.name == name).order_by(Version.number.desc()))
    if not rows:
        raise NotDone(404, "unknown-document", name=name)
    activations = list(Activation.select().where(Activation.name == name).order_by(Activation.id))
    return [_described(row, activations) for row in rows]


def version(name: str, number: int) -> dict[str, Any]:
    """One version with its text. Raises NotDone when there is none."""
    row = version_row(name, number)
    activations = Activation.select().where(Activation.version == row.id).order_by(Activation.id)
    return {**_described(row, activations), "yaml": row.text}


def difference(first: Any, second: Any) -> dict[str, Any]:
    """What differs between two versions or drafts of a document: in its words, and as a unified diff."""
    return {"changes": policies.changes(first, second), "diff": unified(first, second)}


def unified(first: Any, second: Any) -> str:
    """The unified diff of the texts of two versions or drafts."""
    texts = [bytes(row.data).decode("utf-8", "replace") for row in (first, second)]
    lines = difflib.unified_diff(
        texts[0].splitlines(keepends=True), texts[1].splitlines(keepends=True), _called(first), _called(second)
    )
    # A file may end without a line's end; the next line must not be glued to it.
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def version_row(name: str, number: int) -> Any:
    """The row of a version. Raises NotDone when there is none."""
    found = Version.get_or_none(Version.name == name, Version.number == number) if 0 < number < 2**31 else None
    if found is None:
        raise NotDone(404, "unknown-version", name=name, version=number)
    return found


def _called(row: Any) -> str:
    return f"{row.name} {row.number}" if isinstance(row, Version) else f"{row.name} draft {row.id}"


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
