"""What a draft would have changed on past issues (architecture, "One idea").

`of_store` plays the recorded events of stored issues through the draft, `of_lines` issues of a file; both give an
`Outcome`. How events and questions are treated that were not possible or not asked then is in `server.core.replaying`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from server import policies
from server.backtesting import stored, written
from server.backtesting.comparing import Comparer, Part
from server.backtesting.running import CHUNK, CHUNK_OF_DECISIONS, Outcome, Progress, all_cores, run
from server.backtesting.stored import Chosen, Unreadable
from server.backtesting.stored import one as past_issue
from server.core import library
from server.core.documents import read as read_document
from server.core.findings import Finding
from server.core.moments import LAST, Moment
from server.core.process import Process
from server.store import database

__all__ = [
    "Outcome",
    "Unreadable",
    "UnusableDraft",
    "WrongProcess",
    "all_cores",
    "count",
    "of_lines",
    "of_store",
    "past_issue",
]

SINCE_EVER: Final = 0

File = tuple[str, bytes]
"""A document: where it stands, and its text."""

Dates = Mapping[str, Mapping[str, str]]
"""Holidays that stored calendars carry, by the calendar's name."""


class UnusableDraft(ValueError):
    """A document that does not compile: `findings` say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = list(findings)


class WrongProcess(ValueError):
    """A draft of another document than the one that is asked for: `name` is its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def of_store(
    process: str,
    draft: bytes | File,
    now: Moment,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    percent: float | None = None,
    decisions: bool = False,
    processes: int = 1,
    binding: bool = True,
    progress: Progress | None = None,
) -> Outcome:
    """What the draft (a document's text) would have changed on the stored issues of the process that were received in
    [`start`, `end`), or on `percent` % of them. `decisions`: only how they were judged at receipt, which is much
    faster. With one process everything happens in the caller's; more are for commands. `binding` is for stores in
    which nobody's rights were checked. Raises UnusableDraft, WrongProcess, Unavailable."""
    documents, dates = policies.texts_in_force()
    file = ("draft", draft) if isinstance(draft, bytes) else draft
    work = _Stored(now, decisions, binding)
    made = _draft(process, file, documents, dates)
    chosen = _chosen(process, start, end, percent)
    show = made.calendar.show
    head = {
        "process": process,
        "draft": f"sha256:{made.sha256}",
        "at": show(now),
        "from": None if start is None else show(start),
        "to": None if end is None else show(end),
        "sample": percent,
        "decisions": decisions,
    }
    comparer = Comparer(made, decisions)
    chunks = stored.chunks(chosen, CHUNK_OF_DECISIONS if decisions else CHUNK)
    return run(work, chunks, head, comparer, processes, progress, stored.count(chosen))


def count(process: str, start: Moment | None = None, end: Moment | None = None) -> int:
    """How many issues of the process were received in that period."""
    return stored.count(_chosen(process, start, end, None))


def _chosen(process: str, start: Moment | None, end: Moment | None, percent: float | None) -> Chosen:
    return Chosen(process, SINCE_EVER if start is None else start, LAST if end is None else end, percent)


def of_lines(
    process: str,
    draft: File,
    documents: Sequence[File],
    lines: Iterable[str],
    now: Moment,
    *,
    decisions: bool = False,
    processes: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """The same for the issues of a file (`written` says what a line is), judged by the documents (path and text), in
    which the draft takes the place of its process. Raises UnusableDraft, WrongProcess."""
    before = library.load(documents)
    if process not in before.processes:
        raise UnusableDraft(before.findings)
    work = _Lines(before.processes[process], before.processes, now)
    made = _draft(process, draft, documents)
    head = {
        "process": process,
        "draft": f"sha256:{made.sha256}",
        "at": made.calendar.show(now),
        "decisions": decisions,
    }
    return run(work, _numbered(lines), head, Comparer(made, decisions), processes, progress)


def _numbered(lines: Iterable[str]) -> Iterator[tuple[list[tuple[int, str]], int]]:
    """Lines that are not empty, with their numbers, so many at a time."""
    numbered = ((place, line) for place, line in enumerate(lines, 1) if line.strip())
    while chunk := list(islice(numbered, CHUNK)):
        yield chunk, len(chunk)


def _draft(process: str, draft: File, documents: Iterable[File], dates: Dates | None = None) -> Process:
    """The draft compiled among the documents, of which it takes the place of its own."""
    file, data = draft
    document = read_document(data, file)[0]
    # The others are not judged by; compiling those that it does not name would only take time.
    named = [(path, text) for path, text in documents if _is_named(text, path, data)]
    found = library.load([draft, *named], dates)
    if document is not None and document.name != process:
        raise WrongProcess(document.name)
    # Of two documents of one name the first is taken that can be.
    if process not in found.processes or found.documents[process].file != file:
        raise UnusableDraft([one for one in found.findings if one.file == file])
    return found.processes[process]


def _is_named(text: bytes, path: str, data: bytes) -> bool:
    document = read_document(text, path)[0]
    return document is not None and (document.kind == "channels" or document.name.encode() in data)


@dataclass(frozen=True)
class _Stored:
    """The work on stored issues."""

    now: Moment
    decisions: bool
    binding: bool

    def begin(self) -> None:
        database.current().dispose()

    def do(self, comparer: Comparer, chunk: Sequence[int]) -> Part:
        return comparer.compare(stored.issues(chunk, self.now, self.decisions, self.binding))


@dataclass(frozen=True)
class _Lines:
    """The work on the lines of a file; `processes` are those of the documents."""

    before: Process
    processes: Mapping[str, Process]
    now: Moment

    def begin(self) -> None:
        pass

    def do(self, comparer: Comparer, chunk: Sequence[tuple[int, str]]) -> Part:
        return comparer.compare(written.issues(chunk, self.before, self.processes, self.now))
