"""A version as its overview tells it, in the reader's words: with the names of teams, roles, channels, documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin import languages
from admin.documents import kept
from server.core.overview import Names, Overview, overview
from server.core.schema_nodes import root_of
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.drafts.past import in_force_now
from server.store.models import Activation, Version


def told(row: Any) -> Overview:
    """The overview of a version."""
    language = languages.language()
    value = kept.value_of(row)
    return overview(row.kind, value, language, names(value, language))


def names(value: Mapping[str, Any], language: str) -> Names:
    """What a document's text does not say: how teams, roles, channels and other documents are called now."""
    current = in_force_now()
    titles = kept.titles(((one.id, one.name, one.sha256) for one in current), language)
    return Names(snapshot().names(language), channel_names(str(value.get("channels") or "default"), language), titles)


def channel_names(document: str, language: str) -> dict[str, str]:
    """The channels of the document in force by their titles, or else by their kinds."""
    row = (
        Version.select()
        .join(Activation, on=Activation.version == Version.id)
        .where(Version.name == document, Version.kind == "channels", Activation.until_at.is_null())
        .first()
    )
    if row is None:
        return {}
    kinds = root_of("channels").child("channels").child("c").child("type")
    found = {}
    for name, one in (kept.value_of(row).get("channels") or {}).items():
        kind = kinds.label(one.get("type"), language) or str(name)
        found[str(name)] = in_language(one.get("title"), language, kind)
    return found
