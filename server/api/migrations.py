"""Migrations of open issues over HTTP, in the words of `duban migration`."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from server import migration
from server.api import parameters, problems
from server.api.answers import answer
from server.api.problems import Failed, language
from server.api.requests import json_object, now, only
from server.migration import ALL, SELECTIONS, SOME, Selection
from server.migration.selecting import target_of


def listed() -> Response:
    """The plans, newest first."""
    parameters.only_these("process")
    return answer({"migrations": migration.listed(parameters.text("process"))})


def preview() -> Response:
    """What would become of each issue; nothing is written."""
    given = json_object()
    only(given, ("process", "stages", "selection", "issues"))
    process, table, selection = _asked(given)
    looked = migration.preview(process, table, selection, now())
    compiled = target_of(process).process
    return answer({"issues": [migration.look_shown(one, compiled, language()) for one in looked]})


def propose() -> Response:
    """Store a plan, which somebody else has to approve."""
    given = json_object()
    only(given, ("process", "stages", "selection", "issues", "reason"))
    plan = migration.propose(*_asked(given), g.caller, now(), _text(given, "reason"))
    return answer(migration.shown(plan.id, language()), 201, {"Location": f"/api/v1/migrations/{plan.id}"})


def read(migration_id: str) -> Response:
    """A plan with what became of each issue."""
    return answer(migration.shown(_number(migration_id), language()))


def approve(migration_id: str) -> Response:
    """Approve the plan with the hash given; left out, the one that it has, which nobody can change."""
    number, given = _number(migration_id), json_object()
    only(given, ("sha256", "remark"))
    sha256 = _text(given, "sha256") or migration.one(number).sha256
    migration.approve(number, g.caller, sha256, now(), _text(given, "remark"))
    return answer(migration.shown(number, language()))


def reject(migration_id: str) -> Response:
    """Turn a plan down, with a reason."""
    number, given = _number(migration_id), json_object()
    only(given, ("reason",))
    migration.reject(number, g.caller, now(), _text(given, "reason"))
    return answer(migration.shown(number, language()))


def withdraw(migration_id: str) -> Response:
    """Take a plan back: whoever proposed it."""
    number, given = _number(migration_id), json_object()
    only(given, ("reason",))
    migration.withdraw(number, g.caller, now(), _text(given, "reason") or "-")
    return answer(migration.shown(number, language()))


def _asked(given: dict[str, Any]) -> tuple[str, dict[str, str], Selection]:
    stages, numbers = _given(given, "stages", {}), _given(given, "issues", [])
    if not isinstance(stages, dict) or not all(_is_name(one) for pair in stages.items() for one in pair):
        raise problems.at_fault("stages", "not-text")
    if not isinstance(numbers, list) or not all(_is_name(one) for one in numbers):
        raise problems.at_fault("issues", "not-list")
    kind = _given(given, "selection", SOME if numbers else ALL)
    if not isinstance(kind, str) or kind not in SELECTIONS or (kind == SOME) != bool(numbers):
        params = {"name": "selection", "value": str(kind), "options": ", ".join(SELECTIONS)}
        raise problems.at_fault("selection", "not-option", **params)
    return _text(given, "process"), stages, Selection(kind, tuple(numbers))


def _given(given: dict[str, Any], key: str, otherwise: Any) -> Any:
    """What was given; only what is left out or null is nothing: `{}` is no list, and `[]` no text."""
    found = given.get(key)
    return otherwise if found is None else found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 200 and "\x00" not in value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Failed(404, "unknown-migration", migration=text)
    return int(text)


def _text(given: dict[str, Any], key: str) -> str:
    found = _given(given, key, "")
    if not isinstance(found, str) or "\x00" in found or len(found) > 10_000:
        raise problems.at_fault(key, "not-text")
    return found
