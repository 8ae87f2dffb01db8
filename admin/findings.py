"""Findings as pages tell them: in the reader's language, each place in the words of the form."""

from __future__ import annotations

from functools import partial
from typing import Any

from admin import languages
from server.core.findings import Finding
from server.core.places import place_text

KINDS = ("process", "calendar", "source", "channels")


def text(finding: Finding, kind: str) -> str:
    """The finding as a sentence. `kind`: of the document in which its place is; another one leaves it as written."""
    language = languages.language()
    return finding.text(language, partial(place_text, kind) if kind in KINDS else None)


def as_dict(finding: Finding, kind: str) -> dict[str, Any]:
    """The finding as a script takes it."""
    return {**finding.as_dict(languages.language()), "message": text(finding, kind)}
