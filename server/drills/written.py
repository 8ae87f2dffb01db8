"""Scripts as people write them: read, played through the process in force, and examples to begin with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from server.core import documents
from server.core.findings import has_errors
from server.core.library import located
from server.core.moments import Moment
from server.core.process import Process
from server.core.scripts import BadScript, read_script
from server.core.vocabulary import in_language
from server.directory.snapshot import Snapshot
from server.drills.casting import cast
from server.drills.keeping import run
from server.drills.playing import in_force

FILE = "script.yaml"


@dataclass(frozen=True, slots=True)
class Example:
    """A script to begin with: one of the process's own examples."""

    number: int
    name: str
    text: str


def examples(process: Process, language: str, directory: Snapshot | None = None) -> list[Example]:
    """The examples of a process as scripts, without what they expect; played by people of the directory, if given."""
    found = []
    for number, one in enumerate(process.raw.get("examples") or (), 1):
        name = in_language(one.get("name"), language, f"{process.name} {number}")
        script = {key: value for key, value in one.items() if key not in ("expect", "name", "process")}
        played = script if directory is None else cast(script, directory)
        whole = {"name": name, "process": process.name, **played}
        text = yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=100)
        found.append(Example(number, name, text))
    return found


def run_text(
    text: str, now: Moment, language: str, *, by: str, environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Play a script as it was written through the process in force that it names, and keep what it shows. Raises
    BadScript, whose findings have their lines."""
    document, found = documents.read(text.encode("utf-8", "replace"), FILE)
    if document is None or has_errors(found):
        raise BadScript(found)
    name = document.value.get("process")
    plan = in_force(name) if isinstance(name, str) else None
    if plan is None:
        raise BadScript([document.finding("unknown-process", ("process",), name=str(name or ""))])
    called = in_language(document.value.get("name"), language)
    try:
        return run(plan, read_script(document.value, plan.process), text, now, name=called, by=by, environ=environ)
    except BadScript as error:
        raise BadScript([located(document, finding) for finding in error.findings]) from error
