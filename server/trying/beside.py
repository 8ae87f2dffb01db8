"""A text compiled beside the documents in force, in the place of the document of its name."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from server import policies
from server.core import documents, library
from server.core.documents import Document
from server.core.findings import Finding
from server.core.library import Library
from server.core.process import Process
from server.drills.playing import Plan, of_library
from server.store import database

MOST: Final = 32
"""Texts that a server process keeps compiled: whoever tries one asks again and again."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A text beside what is in force. `document` is None when it cannot be read, `process` when it is no process or
    cannot be used; `findings` are its own errors. `before` is the text in force of that name, if there is one."""

    name: str
    data: bytes
    sha256: str
    library: Library
    document: Document | None = None
    process: Process | None = None
    findings: tuple[Finding, ...] = ()
    before: bytes | None = None

    @property
    def plan(self) -> Plan:
        """What a drill would try. Only of a process that can be used."""
        assert self.process is not None
        return of_library(self.library, self.process)

    @property
    def is_changed(self) -> bool:
        """Whether it is another text than the one in force."""
        return self.before != self.data


_lock = threading.Lock()
_kept: OrderedDict[tuple[Any, ...], Beside] = OrderedDict()


def beside(name: str, data: bytes) -> Beside:
    """The text of that document beside those in force, compiled once as long as neither changes."""
    key = (id(database.current()), policies.revision(), name, hashlib.sha256(data).hexdigest())
    with _lock:
        found = _kept.get(key)
        if found is not None:
            _kept.move_to_end(key)
            return found
    found = _compiled(name, data, key[3])
    with _lock:
        _kept[key] = found
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return found


def _compiled(name: str, data: bytes, sha256: str) -> Beside:
    file = f"{name}.yaml"
    texts, dates = policies.texts_in_force()
    document, _ = documents.read(data, file)
    # Compiling those that it does not name would only take time.
    named = [(path, text) for path, text in texts if path != file and _is_named(text, path, data)]
    found = library.load([(file, data), *named], dates)
    own = tuple(one for one in found.findings if one.file == file and one.level == "error")
    usable = found.processes.get(name)
    if usable is not None and found.documents[name].file != file:
        usable = None
    before = next((text for path, text in texts if path == file), None)
    return Beside(name, data, sha256, found, document, usable, own, before)


def _is_named(text: bytes, path: str, data: bytes) -> bool:
    document, _ = documents.read(text, path)
    if document is None:
        return False
    return document.kind in ("channels", "calendar") or document.name.encode() in data
