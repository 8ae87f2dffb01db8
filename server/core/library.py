"""A set of documents of all four kinds, read and compiled together: what `check`, `simulate`, `decide` and the server
judge by (policy language, "Four kinds of document").

A document that does not load is not in the library; its findings are, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from server.core import documents, references, schema
from server.core.calendars import BadCalendar, Calendar, compile_calendar
from server.core.channels import Channels, compile_channels
from server.core.compiling import compile_process
from server.core.documents import Document
from server.core.findings import Finding, has_errors
from server.core.process import ChannelKind, Process
from server.core.sources import Source, compile_source


@dataclass(slots=True)
class Library:
    """Documents by name, compiled by kind, and all findings of loading them."""

    documents: dict[str, Document] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    channels: dict[str, Channels] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether every document loads."""
        return not has_errors(self.findings)


def load(files: Iterable[tuple[str, bytes]], dates: Mapping[str, Mapping[str, str]] | None = None) -> Library:
    """Reads and compiles documents, given as (file name, bytes). `dates`: by calendar name, the holidays that a stored
    version carries, instead of those of the data set."""
    library = Library()
    for name, data in files:
        document, found = documents.read(data, name)
        library.findings += found
        if document is None or has_errors(found):
            continue
        found = schema.validate(document)
        library.findings += found
        if has_errors(found):
            continue
        if document.name in library.documents:
            _report(library, document, [Finding("same-name", ("name",), {"name": document.name})])
        else:
            library.documents[document.name] = document
    _compile(library, dates or {})
    return library


def _compile(library: Library, dates: Mapping[str, Mapping[str, str]]) -> None:
    by_kind = {kind: [one for one in library.documents.values() if one.kind == kind] for kind in schema.KINDS}
    for document in by_kind["calendar"]:
        _calendar(library, document, dates.get(document.name))
    for document in by_kind["channels"]:
        _channels(library, document)
    for document in by_kind["process"]:
        _process(library, document)
    for document in by_kind["source"]:
        _source(library, document)


def _report(library: Library, document: Document, found: Iterable[Finding]) -> bool:
    """Adds findings with their places; True when the document can be used."""
    placed = [located(document, finding) for finding in found]
    library.findings += placed
    return not has_errors(placed)


def located(document: Document, finding: Finding) -> Finding:
    """The finding with the file, line and column of its path in the document: of the key when the key itself is what
    is wrong (a name that nobody defined), else of the value."""
    is_key = bool(finding.path) and finding.path[-1] == finding.params.get("name") and finding.code != "bad-constant"
    return document.placed(finding, is_key or finding.code in ABOUT_DAYS)


ABOUT_DAYS: Final = ("bad-calendar-date", "bad-day", "day-twice")
"""What is wrong with a calendar's key."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What a document says, told apart by its SHA-256."""

    sha256: str
    value: Mapping[str, Any] = field(compare=False)


# Whoever tries a text loads it with all that is in force, again and again: what is made of the same is the same.
MOST_COMPILED: Final = 64


@lru_cache(maxsize=MOST_COMPILED)
def _made_calendar(text: _Text, dates: tuple[tuple[str, str], ...] | None) -> Calendar:
    return compile_calendar(text.value, None if dates is None else dict(dates))


@lru_cache(maxsize=MOST_COMPILED)
def _made_process(
    text: _Text, calendars: tuple[tuple[str, Calendar], ...], channels: tuple[ChannelKind, ...]
) -> tuple[Process, tuple[Finding, ...]]:
    process, found = compile_process(text.value, text.sha256, dict(calendars), {one.name: one for one in channels})
    return process, tuple(found)


def _calendar(library: Library, document: Document, dates: Mapping[str, str] | None) -> None:
    try:
        carried = None if dates is None else tuple(dates.items())
        library.calendars[document.name] = _made_calendar(_Text(document.sha256, document.value), carried)
    except BadCalendar as error:
        _report(library, document, [Finding(item.code, item.path, item.params) for item in error.problems])


def _channels(library: Library, document: Document) -> None:
    channels, problems = compile_channels(document.value)
    found = [Finding(code, path, params) for path, code, params in problems]
    if _report(library, document, found) and channels is not None:
        library.channels[document.name] = channels


def _process(library: Library, document: Document) -> None:
    defined = _report(library, document, references.check_process(document.value, library.documents))
    raw = document.value
    channels = library.channels.get(raw.get("channels", "default"))
    named = {raw["calendar"], *(clock["calendar"] for clock in raw.get("clocks", {}).values() if "calendar" in clock)}
    if channels is None or not named <= library.calendars.keys():
        return  # its own findings say why
    kinds = tuple(channel_kinds(channels).values())
    process, found = _made_process(_Text(document.sha256, raw), tuple(library.calendars.items()), kinds)
    if _report(library, document, found) and defined:
        library.processes[document.name] = process


def _source(library: Library, document: Document) -> None:
    if not _report(library, document, references.check_source(document.value, library.documents)):
        return
    source, problems = compile_source(document.value)
    found = [Finding(code, path, params) for path, code, params in problems]
    if _report(library, document, found) and source is not None:
        library.sources[document.name] = source


def channel_kinds(channels: Channels) -> dict[str, ChannelKind]:
    """What the interpreter needs to know of the channels, in their order."""
    return {name: ChannelKind(name, channel.type) for name, channel in channels.channels.items()}
