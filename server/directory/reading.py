"""Reads a directory file: strict YAML, five sections, every problem with its line and column."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from server.core.documents import read as read_document
from server.core.findings import Finding, Path
from server.directory.content import Content
from server.directory.items import LOGIN, NOT_LOGINS, Places, Reader

__all__ = ["LOGIN", "MAX_BYTES", "NOT_LOGINS", "DirectoryFile", "read"]

MAX_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """What was read of a directory: its sections, and where each of their items stands."""

    document: Places
    content: Content  # only the sections that the file has
    places: Mapping[tuple[str, str], Path]  # (section, id) -> path of the item
    left_open: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """The attributes of an item that the file does not speak of: they stay as they are."""
    unread: Collection[tuple[str, str]] = ()
    """(section, id) of items that are there and could not be read: others may name them."""


def read(data: bytes, file: str = "") -> tuple[DirectoryFile | None, list[Finding]]:
    """Read a directory file. None: a section could not be read at all; with errors it is what could be read."""
    document, findings = read_document(data, file, MAX_BYTES)
    if document is None:
        return None, findings
    reader = Reader(document)
    content = reader.sections(document.value)
    if not reader.whole:
        return None, reader.findings
    return DirectoryFile(document, content, reader.places, unread=reader.unread), reader.findings
