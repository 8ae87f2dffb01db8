"""Files that commands are given: documents, issues, times."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from server.cli.words import fail, fail_with, language
from server.core import library, moments
from server.core.documents import Document
from server.core.documents import read as read_document
from server.core.findings import has_errors
from server.core.library import Library
from server.core.moments import Moment
from server.resources import data_dir, policy_dir

MOST = 16 * 1024 * 1024
"""Bytes of a file that are read. What is longer is none of ours; /dev/zero has no end."""

LONGEST_LINE = 64 * 1024
"""Bytes of a line."""


def now() -> Moment:
    """What time it is: the one place where a command asks."""
    return time.time_ns() // 1_000_000


def read(path: str) -> bytes:
    """A file's bytes; ends with 2 when it cannot be read, or is longer than anything that is asked for."""
    with _opened(path) as file:
        data = file.read(MOST + 1)
    if len(data) > MOST:
        fail("too-long", file=path, limit=MOST)
    return data


def lines(path: str) -> Iterator[str]:
    """A file's lines (`-`: standard input), one after the other; ends with 2 when it cannot be read."""
    with _opened(path) as file:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                fail("too-long-line", file=path, limit=LONGEST_LINE)
            yield line.decode("utf-8", errors="replace")


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        if path == "-":
            yield sys.stdin.buffer
            return
        with Path(path).open("rb") as file:
            yield file
    except (OSError, ValueError) as error:  # ValueError: a name with NUL in it
        fail("cannot-read", file=path, why=getattr(error, "strerror", None) or str(error))


def documents(folder: str | None) -> list[tuple[str, bytes]]:
    """The documents of a folder, by file name; without one, of `policies` here, else the shipped ones."""
    root = policy_dir() if folder is None else Path(folder)
    try:
        if not root.is_dir():
            fail("no-folder", file=str(root))
        paths = sorted(path for path in root.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    except OSError as error:
        fail("cannot-read", file=str(root), why=error.strerror or str(error))
    return [(str(path), read(str(path))) for path in paths]


def beside(paths: Iterable[str]) -> list[tuple[str, bytes]]:
    """The documents that files may refer to: those of their own folders first, then those that `documents` gives."""
    folders = dict.fromkeys(str(Path(path).parent) for path in paths)
    found = [file for folder in folders if Path(folder).is_dir() for file in documents(folder)]
    return [*found, *documents(None)]


def loaded(folder: str | None) -> Library:
    """The documents of a folder, compiled; one that does not load is left out and said on use."""
    return library.load(enough(folder))


def enough(folder: str | None) -> list[tuple[str, bytes]]:
    """The documents of a folder. The channels document `default` is the shipped one where the folder has none:
    judging and timing do not need another."""
    files = documents(folder)
    if not any(b"kind: channels" in data for _, data in files):
        shipped = data_dir("policies") / "channels.yaml"
        files.append((str(shipped), read(str(shipped))))
    return files


def read_all(given: Iterable[tuple[str, bytes]]) -> list[Document]:
    """The documents that these texts are, as far as they can be read."""
    return [one for path, data in given if (one := read_document(data, path)[0]) is not None]


def process_of(policies: Library, name: str) -> Any:
    """The process of that name; ends with 2 and says why when there is none that loads."""
    if name not in policies.processes:
        _say_errors(policies)
        fail("no-process", name=name, defined=", ".join(policies.processes))
    return policies.processes[name]


def calendar_of(policies: Library, name: str) -> Any:
    """The calendar of that name; ends with 2 when there is none that loads."""
    if name not in policies.calendars:
        _say_errors(policies)
        fail("no-calendar", name=name, defined=", ".join(policies.calendars))
    return policies.calendars[name]


def _say_errors(policies: Library) -> None:
    if has_errors(policies.findings):
        fail_with(finding.line_in(language()) for finding in policies.findings if finding.level == "error")


def json_object(path: str) -> dict[str, Any]:
    """A JSON object from a file (`-`: standard input); ends with 2 when it is none."""
    from server.core.findings import Finding
    from server.payloads import BadPayload, read_json

    try:
        value = read_json(read(path))
    except BadPayload as error:
        fail("bad-json", file=path, why=Finding(error.code, (), error.params).text(language()))
    if not isinstance(value, dict):
        fail("not-object", file=path)
    return value


def moment(text: str | None, calendar: Any) -> Moment:
    """The moment of an option, in the calendar's zone when it has no offset; now when it is left out."""
    if text is None:
        return now()
    try:
        return int(calendar.parse(text))
    except (moments.BadTime, moments.OutOfRange):
        fail("bad-moment", text=text)


def dumped(value: Any) -> str:
    """One JSON document on one line, as people can read it."""
    return json.dumps(value, ensure_ascii=False)
