"""What a text changes in what is in force, in words."""

from __future__ import annotations

from typing import Any

from server import policies
from server.core import documents
from server.core.difference_words import as_dicts
from server.core.differences import differences
from server.core.vocabulary import Naming
from server.trying.beside import Beside


def changes(tried: Beside, names: Naming | None = None) -> list[dict[str, Any]] | None:
    """Every difference in meaning from the text in force, as `duban policy diff --json` has them; None when there is
    nothing to compare: the document is new, or one of the two texts is not sound."""
    sound = tried.library.documents.get(tried.name)
    if tried.before is None or sound is None or sound.data != tried.data:
        return None
    before, _ = documents.read(tried.before, f"{tried.name}.yaml")
    if before is None or before.kind != sound.kind:
        return None
    found = differences(sound.kind, before.value, sound.value)
    return as_dicts(found, sound.kind, before.value, sound.value, policies.standing(tried.name), names)
