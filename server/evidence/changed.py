"""Who changed what in a document, and when: the differences of consecutive versions in words, searched by them.

Versions never change, so what lies between two of them is worked out once in a process, until somebody or something is
called otherwise.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peewee import JOIN

from server import calling
from server.core import documents
from server.core.difference_words import as_dicts
from server.core.differences import differences
from server.core.vocabulary import LANGUAGES
from server.store import database
from server.store.models import Activation, Version

AT_ONCE: Final = 8
"""Pairs of versions that one search works out; whoever wants more goes on from where it ended."""

LOOKED_AT: Final = 200
"""Versions that one search looks at, worked out before or not."""

_REMEMBERED: Final = 5_000
_known: OrderedDict[tuple[str, str, int], Sequence[Mapping[str, Any]]] = OrderedDict()
_lock = threading.Lock()

Told = Sequence[Mapping[str, Any]]

_COLUMNS: Final = [field for field in Version._meta.sorted_fields if field is not Version.data]  # the texts are long


@dataclass(frozen=True, slots=True)
class Change:
    """A version with what is another in it than in the one before: `changes` as `policy diff` gives them, those that
    were looked for; None: it is the first, or one of the two cannot be read. `since`: when it came into force."""

    version: Any
    before: int | None
    changes: Told | None
    since: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """Changes, newest first, and the version to go on from (None: that was all)."""

    changes: Sequence[Change]
    next: int | None


def search(document: str, part: str, words: str, language: str, before: int | None, limit: int) -> Found:
    """Changes of a document (empty: of all) in a part of it (`clocks`; empty: anywhere) whose sentences have all the
    words, from versions with a smaller id than `before`. Raises Unavailable."""
    fits, called = matching(words), _called()
    found: list[Change] = []
    worked_out = 0
    last: int | None = None
    with database.session():
        for row, earlier in _pairs(document, before):
            if len(found) >= limit or worked_out >= AT_ONCE:
                return Found(found, last)
            if earlier is not None and (earlier.sha256, row.sha256, called) not in _known:
                worked_out += 1
            told = None if earlier is None else between(earlier, row, called)
            change = _change(row, earlier, told, part, fits if words.strip() else None, language)
            if change is not None:
                found.append(change)
            last = int(row.id)
    return Found(found, last if _is_more(document, last) else None)


def _pairs(document: str, before: int | None) -> Iterator[tuple[Any, Any]]:
    """Versions, newest first, each with the one before it (None: it is the first)."""
    earlier = Version.alias()
    is_before = (earlier.name == Version.name) & (earlier.number == Version.number - 1)
    query = Version.select(*_COLUMNS, *(getattr(earlier, field.name) for field in _COLUMNS))
    query = query.join(earlier, JOIN.LEFT_OUTER, on=is_before, attr="earlier")
    if document:
        query = query.where(Version.name == document)
    if before is not None:
        query = query.where(Version.id < before)
    for row in query.order_by(Version.id.desc()).limit(LOOKED_AT):
        yield row, getattr(row, "earlier", None)


def _is_more(document: str, last: int | None) -> bool:
    if last is None:
        return False
    query = Version.select().where(Version.id < last)
    return bool((query.where(Version.name == document) if document else query).exists())


def _change(
    row: Any, earlier: Any, told: Told | None, part: str, fits: Callable[[str], bool] | None, language: str
) -> Change | None:
    """The change, or None when it is not looked for. Its place counts as its words do: it has the ids."""
    wanted = None
    if told is not None:
        wanted = [
            one
            for one in told
            if (not part or one["at"].split("/")[1] == part)
            and (fits is None or fits(f"{one['text'][language]} {one['at']}"))
        ]
    if (part or fits is not None) and not wanted:
        return None
    first = Activation.select().where(Activation.version == row.id).order_by(Activation.id).first()
    number = None if earlier is None else int(earlier.number)
    return Change(row, number, wanted, None if first is None else int(first.from_at))


def between(earlier: Any, later: Any, called: int) -> Told | None:
    """What is another in the later version, in both languages; None when one of them cannot be read."""
    key = (earlier.sha256, later.sha256, called)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    older, newer = (documents.read(_text(row), f"{row.name}.yaml")[0] for row in (earlier, later))
    if older is None or newer is None:
        return None
    found = differences(later.kind, older.value, newer.value)
    told = as_dicts(found, later.kind, older.value, newer.value, names=calling.naming(newer.value))
    with _lock:
        _known[key] = told
        if len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return told


def _called() -> int:
    """Another number whenever something that sentences name is called otherwise."""
    found = [calling.names(language, {}) for language in LANGUAGES]
    return hash(
        tuple(pair for one in found for part in (one.people, one.channels, one.documents) for pair in part.items())
    )


def _text(row: Any) -> bytes:
    return bytes(Version.select(Version.data).where(Version.id == row.id).scalar())


# -- words ---------------------------------------------------------------------------------------------------------


def matching(words: str) -> Callable[[str], bool]:
    """Whether a sentence has all the words. Latin ones begin a word of it, and of one or two letters are whole words
    (`A` is a severity, not every a); others may stand anywhere."""
    patterns = [pattern_of(word) for word in words.split()]
    return lambda text: all(pattern.search(text) for pattern in patterns)


def pattern_of(word: str) -> re.Pattern[str]:
    """How a word is looked for."""
    escaped = re.escape(word)
    if word.isascii() and word.isalnum():
        escaped = rf"(?<![0-9A-Za-z]){escaped}" + (r"(?![0-9A-Za-z])" if len(word) <= 2 else "")
    return re.compile(escaped, re.IGNORECASE)
