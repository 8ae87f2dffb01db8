"""What differs between two versions, for a page: in meaning, in the words of the process; and in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin import languages
from admin.documents import kept
from admin.documents.sides import Pair, sides
from server import calling, policies


@dataclass(frozen=True, slots=True)
class Compared:
    """The differences. `changes` None: a text does not say anything that could be compared."""

    changes: Sequence[str] | None
    pairs: Sequence[Pair]
    same_text: bool
    whole: bool

    @property
    def folded(self) -> int:
        """How many lines are not shown."""
        return sum(pair.count for pair in self.pairs)


def compared(older: Any, newer: Any, whole: bool) -> Compared:
    """Compare two versions of a document."""
    language = languages.language()
    changes: list[str] | None
    try:
        changes = [
            str(one["text"][language]) for one in policies.changes(older, newer, calling.naming(kept.value_of(newer)))
        ]
    except policies.Unusable:
        changes = None
    texts = [bytes(row.data).decode("utf-8", "replace") for row in (older, newer)]
    return Compared(changes, sides(texts[0], texts[1], whole), older.sha256 == newer.sha256, whole)
