"""The file of a backup: a ZIP that ordinary tools open, with one JSON-Lines member for each table, and a manifest.

A line is the list of a row's values in the order of the manifest's columns: a number, a text (bytes in base64) or
null; true and false are 1 and 0, so that the same rows are the same bytes whichever database they come from. The
comment at the very end of the file is the SHA-256 of everything before it: a file that was cut off or changed by one
bit is not read.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
BLOCK: Final = 1 << 20
_LABEL: Final = b"sha256:"
_DIGITS: Final = 64

Progress = Callable[[str, int, int | None], object]
"""Is told what is done (a table's name; empty: the file as a whole), how much of it, and of how much (None: not
known)."""


class NoBackup(ValueError):
    """The file is no backup, or not a whole one: cut off, or changed since it was written."""


class TooNewBackup(ValueError):
    """The backup was made by a newer release, which this one cannot read."""


@dataclass(frozen=True, slots=True)
class Content:
    """A table in the file: its columns with the kinds of their values. `sha256` is that of its lines: of the same rows
    the same, on either database."""

    name: str
    columns: Mapping[str, str]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the file says about itself. `step` is the last step of the database that was taken."""

    release: str
    step: str
    made_at: int
    made: str
    tables: tuple[Content, ...]
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables)

    def count(self, name: str) -> int:
        """How many rows the table of that name has."""
        return sum(table.rows for table in self.tables if table.name == name)

    def as_json(self) -> dict[str, Any]:
        """The manifest as JSON data."""
        return asdict(self)


def member(table: str) -> str:
    """The name of a table's member."""
    return f"tables/{table}.jsonl"


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """The manifest. Raises TooNewBackup, NoBackup."""
    try:
        found = json.loads(archive.read(MANIFEST))
        if found["format"] > FORMAT or numbers(found["release"]) > numbers(version("duban")):
            raise TooNewBackup(f"release {found['release']}, format {found['format']}")
        contents = tuple(
            Content(one["name"], dict(one["columns"]), one["rows"], one["sha256"]) for one in found["tables"]
        )
        return Manifest(found["release"], found["step"], found["made_at"], found["made"], contents, found["format"])
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, TooNewBackup):
            raise
        raise NoBackup("it has no manifest that can be read") from error


def numbers(release: str) -> tuple[int, ...]:
    """A release's number, to be compared: of `0.12.1` 0, 12, 1. Raises ValueError."""
    return tuple(int(part) for part in release.split(".")[:3])


# -- as a whole ----------------------------------------------------------------------------------------------------


def seal(file: IO[bytes], progress: Progress) -> None:
    """Write the digest into the comment, for which `unsealed_comment` has kept the place."""
    size = file.seek(0, os.SEEK_END) - _DIGITS
    digest = _digest(file, size, progress)
    file.seek(size)
    file.write(digest)


def unsealed_comment() -> bytes:
    """The comment of an archive that is to be sealed."""
    return _LABEL + b"0" * _DIGITS


@contextmanager
def opened(path: Path, progress: Progress) -> Iterator[zipfile.ZipFile]:
    """The archive, once every byte of it was looked at. Raises NoBackup, OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - _DIGITS
        file.seek(max(size - len(_LABEL), 0))
        if file.read(len(_LABEL)) != _LABEL:
            raise NoBackup("its end is missing, or it never was a backup")
        written = file.read()
        if _digest(file, size, progress) != written:
            raise NoBackup("its content is not what was written")
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise NoBackup(str(error)) from error
        with archive:
            try:
                yield archive
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise NoBackup(str(error)) from error


def _digest(file: IO[bytes], size: int, progress: Progress) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    left = size
    while left > 0:
        block = file.read(min(BLOCK, left))
        if not block:
            break
        digest.update(block)
        left -= len(block)
        progress("", size - left, size)
    return digest.hexdigest().encode("ascii")
