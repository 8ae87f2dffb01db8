"""Drills over HTTP: played through the process in force, kept, read again (docs/drills.md)."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, g

from server import drills
from server.api import parameters, problems
from server.api.answers import answer
from server.api.judging import not_sound, script_of
from server.api.problems import Failed, language
from server.api.requests import json_object, now, only
from server.core.scripts import BadScript, read_script
from server.core.vocabulary import in_language

_LONGEST_ID = 18  # digits


def play() -> Response:
    """Play a script and keep what it shows; nobody is told."""
    given = json_object()
    only(given, ("script",))
    written = given.get("script")
    script = script_of(written)
    name = script.get("process")
    plan = drills.in_force(name) if isinstance(name, str) else None
    if plan is None:
        raise problems.at_fault("script/process", "unknown-process", name=str(name or ""))
    text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    called = in_language(script.get("name"), language())
    try:
        found = drills.run(plan, read_script(script, plan.process), text, now(), name=called, by=g.caller.login)
    except BadScript as error:
        raise not_sound("bad-script", error.findings, "/script") from error
    return answer(found, 201, {"Location": f"/api/v1/drills/{found['drill']}"})


def page() -> Response:
    """The drills that were played, newest first."""
    parameters.only_these("after", "limit")
    limit = parameters.integer("limit", 50, 1, 200)
    after = parameters.integer("after", 0, 0, 999_999_999)
    rows = drills.newest(limit + 1, after or None)
    following = str(rows[limit - 1].id) if len(rows) > limit else None
    return answer({"drills": [drills.brief(row) for row in rows[:limit]], "next": following})


def one(drill: str) -> Response:
    """A drill with its report."""
    try:
        return answer(drills.shown(_row(drill)))
    except drills.UnknownDrill as error:
        raise Failed(404, "unknown-drill", id=drill) from error


def _row(drill: str) -> Any:
    if not (drill.isascii() and drill.isdigit() and len(drill) <= _LONGEST_ID):
        raise drills.UnknownDrill(drill)
    return drills.kept(int(drill))
