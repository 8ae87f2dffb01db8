"""Checking documents: schema, references, compiling, lint and examples, all at once (contract, `duban check`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from server.core import documents, lint
from server.core.documents import Document
from server.core.examples import run_examples
from server.core.findings import Finding, has_errors, in_order
from server.core.library import Library, load, located
from server.core.moments import Moment

File = tuple[str, bytes]

MISSING = ("unknown-calendar", "unknown-channels", "unknown-process")
"""Names that other documents have: of one that is there and cannot be used, its own findings say why."""


def check(
    files: Iterable[File],
    now: Moment,
    context: Iterable[File] = (),
    examples: bool = True,
    dates: Mapping[str, Mapping[str, str]] | None = None,
    told: Callable[[int], object] = lambda done: None,
) -> list[Finding]:
    """Every finding on the files, by file, line and column; `[]` when they are sound and nothing is doubtful.

    `context`: documents that the files may refer to and that are not checked themselves (those of the same folder, and
    the shipped ones). A name that the files take again is left out of it; of two in the context the first one counts.
    `dates`: by calendar name, the holidays that a stored version in the context carries. `told` hears how many files
    are done.
    """
    files = list(files)
    of_file: dict[str, list[Finding]] = {name: [] for name, _ in files}
    read = _read(files)
    own = {document.name for document in read}
    further = _referred(read, [file for file in context if file[0] not in of_file])
    carried = {name: found for name, found in (dates or {}).items() if name not in own}
    library = load([*files, *((document.file, document.data) for document in further)], carried)
    broken = own - library.documents.keys()
    for finding in library.findings:
        if finding.file in of_file and not (finding.code in MISSING and finding.params.get("name") in broken):
            of_file[finding.file].append(finding)
    for done, document in enumerate(one for one in library.documents.values() if one.file in of_file):
        told(done)
        found = of_file[document.file]
        if not has_errors(found):
            found += _judged(library, document, now, examples)
        accepted = lint.accepted(document, found, complete=not has_errors(found))
        of_file[document.file] = _placed(document, accepted)
    return in_order(finding for found in of_file.values() for finding in found)


def _read(files: Iterable[File]) -> list[Document]:
    """The documents that can be read, whatever else is wrong with them."""
    read = (documents.read(data, name)[0] for name, data in files)
    return [document for document in read if document is not None]


def _referred(own: list[Document], context: Iterable[File]) -> list[Document]:
    """Of the context what the documents do not define themselves and may refer to, directly or by one another: all
    calendars and channels, and the processes that are named."""
    there: dict[str, Document] = {}
    for document in _read(context):
        there.setdefault(document.name, document)
    for document in own:
        there.pop(document.name, None)
    found = {name: document for name, document in there.items() if document.kind in ("calendar", "channels")}
    waiting = list(own)
    while waiting:
        for name in _processes(waiting.pop().value):
            if name in there and name not in found:
                found[name] = there[name]
                waiting.append(there[name])
    return list(found.values())


def _processes(value: Any) -> Iterator[str]:
    """The processes that a document names: what actions open, what a source fills and draws from."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key in ("process", "of") and isinstance(part, str):
                yield part
            elif key != "examples":
                yield from _processes(part)
    elif isinstance(value, list):
        for part in value:
            yield from _processes(part)


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
