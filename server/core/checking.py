"""Checking documents: schema, references, compiling, lint and examples, all at once (contract, `duban check`)."""

from __future__ import annotations

from collections.abc import Iterable

from server.core import documents, lint
from server.core.documents import Document
from server.core.examples import run_examples
from server.core.findings import Finding, has_errors, in_order
from server.core.library import Library, load, located
from server.core.moments import Moment

File = tuple[str, bytes]

MISSING = ("unknown-calendar", "unknown-channels", "unknown-process")
"""Names that other documents have: of one that is there and cannot be used, its own findings say why."""


def check(files: Iterable[File], now: Moment, context: Iterable[File] = (), examples: bool = True) -> list[Finding]:
    """Every finding on the files, by file, line and column; `[]` when they are sound and nothing is doubtful.

    `context`: documents that the files may refer to and that are not checked themselves (those of the same folder, and
    the shipped ones). A name that the files take again is left out of it; of two in the context the first one counts.
    """
    files = list(files)
    of_file: dict[str, list[Finding]] = {name: [] for name, _ in files}
    own = _names(files)
    library = load([*files, *_further(own, [file for file in context if file[0] not in of_file])])
    broken = own - library.documents.keys()
    for finding in library.findings:
        if finding.file in of_file and not (finding.code in MISSING and finding.params.get("name") in broken):
            of_file[finding.file].append(finding)
    for document in library.documents.values():
        if document.file in of_file:
            found = of_file[document.file]
            if not has_errors(found):
                found += _judged(library, document, now, examples)
            accepted = lint.accepted(document, found, complete=not has_errors(found))
            of_file[document.file] = _placed(document, accepted)
    return in_order(finding for found in of_file.values() for finding in found)


def _names(files: Iterable[File]) -> set[str]:
    """The names of the documents that can be read, whatever else is wrong with them."""
    read = (documents.read(data, name)[0] for name, data in files)
    return {document.name for document in read if document is not None}


def _further(own: set[str], context: Iterable[File]) -> list[File]:
    """The documents of the context that are not defined yet."""
    names = set(own)
    further: list[File] = []
    for file in context:
        new = _names([file]) - names
        if new:
            names |= new
            further.append(file)
    return further


def _judged(library: Library, document: Document, now: Moment, examples: bool) -> list[Finding]:
    """Lint and, when nothing is wrong, the examples of a document that compiles."""
    name = document.name
    if document.kind == "calendar" and name in library.calendars:
        return _placed(document, lint.lint_calendar(document.value, library.calendars[name], now))
    if document.kind == "source" and name in library.sources:
        return _placed(document, lint.lint_source(document.value, library.processes))
    process = library.processes.get(name) if document.kind == "process" else None
    if process is None:
        return []
    found = lint.lint_process(process, library.calendars)
    if examples and not has_errors(found):
        found += run_examples(process, library.processes)
    return _placed(document, found)


def _placed(document: Document, found: Iterable[Finding]) -> list[Finding]:
    return [finding if finding.file else located(document, finding) for finding in found]
