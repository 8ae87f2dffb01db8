"""Findings as pages tell them: in the reader's language, each place in the words of the form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from flask import url_for

from admin import languages
from admin.languages import gettext
from admin.reading import PanelReader
from server import calling, policies
from server.core import documents
from server.core.example_words import expected_text
from server.core.findings import Finding
from server.core.places import place_text
from server.core.vocabulary import Vocabulary, in_language

KINDS: Final = ("process", "calendar", "source", "channels", "script")
NO_TEXTS: Final[Mapping[str, bytes]] = {}
_KIND: Final = re.compile(rb"^kind:[ \t]*([a-z]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words, with what a page asks of it. `line` 0: of another document than the page is about."""

    level: str
    code: str
    line: int
    text: str


def text(finding: Finding, kind: str) -> str:
    """The finding as a sentence. `kind`: of the document in which its place is; another one leaves it as written."""
    language = languages.language()
    return finding.text(language, partial(place_text, kind) if kind in KINDS else None)


def told(found: Iterable[Finding], kinds: Mapping[str, str], texts: Mapping[str, bytes] = NO_TEXTS) -> list[Told]:
    """Findings of several files, each by the kind of its file; one of another document in force says which. `texts`:
    of the files, for what examples expect."""
    return [_told(one, kinds, texts) for one in found]


def of_texts(found: Iterable[Finding], texts: Mapping[str, bytes]) -> list[Told]:
    """Findings of these files."""
    return told(found, {file: kind_of(data) for file, data in texts.items()}, texts)


def _told(finding: Finding, kinds: Mapping[str, str], texts: Mapping[str, bytes]) -> Told:
    own = not finding.file or finding.file in kinds
    kind = kinds.get(finding.file, "") if own else in_force(finding.file)
    said = _of_example(finding, texts.get(finding.file)) or text(finding, kind)
    shown = said[:1].upper() + said[1:] if own else f"{finding.file}: {said}"
    return Told(finding.level, finding.code, finding.line if own else 0, shown)


@lru_cache(maxsize=8)  # a page tells several findings of one text
def _read(data: bytes) -> Mapping[str, Any] | None:
    document, _ = documents.read(data)
    return None if document is None else document.value


def _of_example(finding: Finding, data: bytes | None) -> str:
    """What an example expects in vain, in words; empty for another finding."""
    if finding.code not in ("example-missing", "example-unexpected") or data is None:
        return ""
    value = _read(data)
    process = policies.in_force().processes.get(finding.file.removesuffix(".yaml"))
    if value is None or process is None:
        return ""
    _, place, _, row = finding.path
    example = value["examples"][place]
    wanted = example["expect"][row]
    language = languages.language()
    names = calling.names(language, value)
    reader = PanelReader(language, process.process.calendar, names.people, names.channels, names.documents)
    line = expected_text(Vocabulary(value), wanted.get("not", wanted), reader)
    name = in_language(example.get("name"), language, str(int(place) + 1))
    if "not" in wanted:
        return gettext("Example “%(name)s”: this must not happen: %(line)s", name=name, line=line)
    return gettext("Example “%(name)s”: this does not happen: %(line)s", name=name, line=line)


def in_force(file: str) -> str:
    """The kind of the document in force that has the name of the file; empty when there is none."""
    name, found = file.removesuffix(".yaml"), policies.in_force()
    for kind, known in (("process", found.processes), ("calendar", found.calendars), ("source", found.sources)):
        if name in known:
            return kind
    return "channels" if name in {one.channels.name for one in found.processes.values()} else ""


def kind_of(data: bytes) -> str:
    """The kind of document that a text says it is, even when it cannot be read."""
    found = _KIND.search(data)
    return "" if found is None else found[1].decode()


def place_in_editor(draft: int, finding: Finding) -> str:
    """The address of the editor at the place that the finding is about (its script reads the fragment)."""
    return url_for("panel_editor.edit", draft=draft, _anchor=f"at/{'/'.join(map(str, finding.path))}")


def as_dict(finding: Finding, kind: str) -> dict[str, Any]:
    """The finding as a script takes it."""
    return {**finding.as_dict(languages.language()), "message": text(finding, kind)}
