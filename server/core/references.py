"""References: every name that a document uses and that must be defined, in it or in another document.

Policy language, sections 2 and 4. What conditions and values by case name is found when they are compiled; here is
the rest. Everything is reported at once, with its path in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core import references_flow, references_names, references_sources, references_telling, references_timing
from server.core.defined import Defined, Report
from server.core.documents import Document
from server.core.findings import Finding


def check_process(raw: Mapping[str, Any], documents: Mapping[str, Document]) -> list[Finding]:
    """What a process document names and nobody defines, and what it names but cannot be meant. `documents`: all that
    are present, by name. The document is valid by its schema."""
    report = Report()
    process = Defined(raw)
    _documents(report, raw, documents)
    references_names.check(report, process)
    references_flow.check(report, process, documents)
    references_timing.check(report, process)
    references_telling.check(report, process, _channels(raw, documents))
    return report.findings


def check_source(raw: Mapping[str, Any], documents: Mapping[str, Document]) -> list[Finding]:
    """The same for a source document."""
    report = Report()
    references_sources.check(report, raw, documents)
    return report.findings


def _documents(report: Report, raw: Mapping[str, Any], documents: Mapping[str, Document]) -> None:
    calendars = _of_kind(documents, "calendar")
    report.known(("calendar",), "unknown-calendar", raw["calendar"], calendars)
    for id, clock in raw.get("clocks", {}).items():
        if "calendar" in clock:
            report.known(("clocks", id, "calendar"), "unknown-calendar", clock["calendar"], calendars)
    report.known(("channels",), "unknown-channels", raw.get("channels", "default"), _of_kind(documents, "channels"))


def _channels(raw: Mapping[str, Any], documents: Mapping[str, Document]) -> tuple[str, ...] | None:
    """The channels that the process may name; None when its channels document is missing (it was reported)."""
    document = documents.get(raw.get("channels", "default"))
    if document is None or document.kind != "channels":
        return None
    return tuple(document.value.get("channels", {}))


def _of_kind(documents: Mapping[str, Document], kind: str) -> tuple[str, ...]:
    return tuple(name for name, document in documents.items() if document.kind == kind)
