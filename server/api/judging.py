"""`decide` and `simulate` over HTTP: nothing is stored. By the processes in force, or by documents in the request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask import Response

from server import drafts, policies
from server.api import problems
from server.api.answers import answer
from server.api.problems import Failed
from server.api.requests import json_object, now, only
from server.core import deciding, documents, library
from server.core import simulate as playing
from server.core.findings import Finding, has_errors
from server.core.moments import BadTime, Moment, OutOfRange
from server.core.process import Process
from server.core.scripts import BadScript, read_script
from server.resources import data_dir
from server.store.models import Draft


def decide() -> Response:
    """Judge one issue."""
    given = json_object()
    only(given, ("process", "issue", "at", "draft", "documents"))
    processes = _processes(given)
    process = _named(processes, given.get("process") or _drafted(given), "process")
    issue = given.get("issue")
    if not isinstance(issue, dict):
        raise problems.at_fault("issue", "not-mapping")
    try:
        return answer(deciding.decide(process, issue, _moment(given.get("at"), process)))
    except deciding.Refused as error:
        errors = problems.of_values(error.problems, "/issue")
        raise Failed(422, "refused", errors, count=len(errors)) from error
    except OutOfRange as error:
        raise problems.at_fault("issue", error.code, **error.params) from error


def simulate() -> Response:
    """Play a script; the entries of its timeline."""
    given = json_object()
    only(given, ("script", "draft", "documents"))
    processes = _processes(given)
    script = script_of(given.get("script"))
    process = _named(processes, script.get("process"), "script/process")
    try:
        simulation = playing.play(read_script(script, process), process, processes)
    except BadScript as error:
        raise not_sound("bad-script", error.findings, "/script") from error
    return answer(list(playing.timeline(simulation)))


def script_of(given: Any) -> Mapping[str, Any]:
    """The script of a request, a YAML text or an object. Raises Failed."""
    if isinstance(given, str):
        document, found = documents.read(given.encode("utf-8"), "script.yaml")
        if document is None or has_errors(found):
            raise not_sound("bad-script", found, "/script")
        given = document.value
    if not isinstance(given, dict):
        raise problems.at_fault("script", "not-mapping")
    return given


def _processes(given: Mapping[str, Any]) -> Mapping[str, Process]:
    """The processes of the request's documents (which may refer to documents in force), or those in force, with that of
    the draft that is named."""
    texts = given.get("documents")
    if given.get("draft") is not None:
        if texts is not None:
            raise problems.at_fault("documents", "unknown-key", key="documents", near="draft", allowed="draft")
        return _beside(_draft(given))
    if texts is None:
        return {name: pinned.process for name, pinned in policies.in_force().processes.items()}
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise problems.at_fault("documents", "not-list")
    files = [(f"documents/{index}", text.encode("utf-8")) for index, text in enumerate(texts)]
    read = [documents.read(data, name)[0] for name, data in files]
    kinds = {document.name: document.kind for document in read if document is not None}
    loaded = library.load([*files, *_channels(kinds.values())])
    if not loaded.is_sound:
        # They may refer to what is in force: a calendar, say. Most bring all of it, and reading more takes time.
        loaded = library.load([*files, *drafts.files_in_force(but=kinds)])
        own = {name for name, _ in files}
        if errors := [one for one in loaded.findings if one.level == "error" and one.file in own]:
            raise not_sound("bad-documents", errors, "/documents")
    return loaded.processes


def _draft(given: Mapping[str, Any]) -> Draft:
    if not isinstance(given["draft"], int) or isinstance(given["draft"], bool):
        raise problems.at_fault("draft", "not-integer")
    return drafts.one(given["draft"])


def _drafted(given: Mapping[str, Any]) -> str | None:
    return None if given.get("draft") is None else _draft(given).name


def _beside(draft: Draft) -> Mapping[str, Process]:
    """The processes in force, with the draft in its document's place."""
    files = [(f"{draft.name}.yaml", bytes(draft.data)), *drafts.files_in_force(but=(draft.name,))]
    loaded = library.load(files)
    of_draft = [one for one in loaded.findings if one.level == "error" and one.file == files[0][0]]
    if of_draft:
        raise not_sound("bad-documents", of_draft, "/draft")
    return loaded.processes


def _channels(kinds: Collection[str]) -> list[tuple[str, bytes]]:
    """The shipped channels, where the documents bring none: judging and timing do not need another."""
    if "channels" in kinds:
        return []
    return [("channels.yaml", (data_dir("policies") / "channels.yaml").read_bytes())]


def _named(processes: Mapping[str, Process], name: Any, where: str) -> Process:
    if not isinstance(name, str) or not name:
        raise problems.at_fault(where, "required", name="process")
    if name not in processes:
        raise problems.at_fault(where, "unknown-process", name=name)
    return processes[name]


def _moment(given: Any, process: Process) -> Moment:
    if given is None:
        return now()
    try:
        return process.calendar.parse(given)
    except (BadTime, OutOfRange, TypeError) as error:
        raise problems.at_fault("at", "not-moment", text=str(given)) from error


def not_sound(code: str, findings: list[Finding], where: str) -> Failed:
    """The refusal (422) that these findings are."""
    errors = [
        {**error, "at": where + error["at"].rstrip("/"), "line": finding.line, "column": finding.column}
        | ({"file": finding.file} if finding.file else {})
        for error, finding in zip(problems.of_findings(findings), findings, strict=True)
    ]
    return Failed(422, code, errors, count=len(errors))
