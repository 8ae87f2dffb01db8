"""What an example expects, in words: a line of `expect` as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core.schema_nodes import root_of
from server.core.vocabulary import Vocabulary, say
from server.core.wording import Reader, entry_value, pairs_text


def expected_text(words: Vocabulary, wanted: Mapping[str, Any], reader: Reader) -> str:
    """The kind of line, then what it must say: `deadline missed (At: 1 h after the start; Clock: First response)`."""
    node = root_of("process").child("examples").items_for([])
    entry = None if node is None else node.child("expect").items_for([])
    assert entry is not None
    language = reader.language
    parts = [
        say(
            "words.pair",
            language,
            name=entry.child(key).title(language) or key,
            value=_value(words, key, wanted, reader),
        )
        for key in wanted
        if key != "kind"
    ]
    kind = str(wanted.get("kind", ""))
    said = entry.child("kind").label(kind, language) or kind
    return said + say("words.detail", language, detail=say("words.pairs", language).join(parts)) if parts else said


def _value(words: Vocabulary, key: str, wanted: Mapping[str, Any], reader: Reader) -> str:
    value = wanted[key]
    if key in ("at", "due") and isinstance(value, str):
        if value.startswith("+"):
            return say("marks.after", reader.language, duration=reader.phrases(words).duration(value[1:]))
        return reader.printed(value)
    if isinstance(value, Mapping):
        return pairs_text(words, value, reader)
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):  # of `because`
        return say("words.list", reader.language).join(
            pairs_text(words, one, reader) if isinstance(one, Mapping) else str(one) for one in value
        )
    return entry_value(words, key, value, {"kind": "", **wanted}, reader)
