"""What a document of a kind may hold: its JSON Schema, and what is wrong with a document by it.

The schemas in `schemas/` are the only list of keys: validation, the panel's form and the reference pages read them.
Nothing is fetched: the registry knows the shipped schemas and no others.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from server.core.documents import Document
from server.core.findings import Finding, in_order
from server.core.kinds import near
from server.core.schema_findings import Translator
from server.core.soundness import Fits, compiled
from server.resources import data_dir

KINDS: Final = ("process", "calendar", "source", "channels")

Schema = dict[str, Any]


def validate(document: Document, schema: str = "") -> list[Finding]:
    """Every problem of the document by the schema of its kind (or the one named, such as `script`), in its order.

    Names that refer to something else are not looked up here.
    """
    if not schema and document.kind not in KINDS:
        return [_kind_finding(document)]
    key = (schema or document.kind, document.sha256)
    if key in _sound:
        return []
    if _fits(schema or document.kind)(document.value):
        return _noted(key)
    translator = Translator(document)
    for error in validator(schema or document.kind).iter_errors(document.value):
        translator.add(error)
    found = in_order(translator.findings())
    return found or _noted(key)


def _noted(key: tuple[str, str]) -> list[Finding]:
    """Nothing is wrong with that text."""
    if len(_sound) >= MOST_SOUND:
        _sound.clear()
    _sound.add(key)
    return []


MOST_SOUND: Final = 5_000
_sound: set[tuple[str, str]] = set()
"""Texts, by their SHA-256, in which nothing was found: what stays as it is need not be looked through again, which
takes most of the time of loading a document."""


@cache
def schema_of(name: str) -> Schema:
    """The schema of a kind (or `common`, `script`) as it is shipped."""
    text = (data_dir("schemas") / f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: Schema = json.loads(text)
    return loaded


@cache
def bundled(name: str) -> Schema:
    """The schema with all that it refers to among its own `$defs`, as a browser needs it: every `$ref` is local."""
    definitions: Schema = {}

    def local(node: Any, home: str) -> Any:
        if isinstance(node, list):
            return [local(part, home) for part in node]
        if not isinstance(node, dict):
            return node
        result = {key: local(value, home) for key, value in node.items() if key != "$defs"}
        if isinstance(reference := node.get("$ref"), str):
            there, _, key = reference.partition("#/$defs/")
            origin = there.removesuffix(".schema.json") or home
            result["$ref"] = f"#/$defs/{key}"
            if key not in definitions:
                definitions[key] = None  # being made: definitions may refer to themselves
                definitions[key] = local(schema_of(origin)["$defs"][key], origin)
        return result

    whole: Schema = local(schema_of(name), name)
    return {**whole, "$defs": definitions}


@cache
def validator(name: str) -> Validator:
    """The validator of a kind, made once."""
    strict: Any = extend(_Strict, {"$ref": partial(_reference, name)})  # type: ignore[no-untyped-call]
    made: Validator = strict(bundled(name))
    return made


@cache
def _fits(name: str) -> Fits:
    return compiled(bundled(name), _expression)


MOST_PARTS: Final = 50_000
_sound_parts: set[tuple[str, str, bytes]] = set()
"""Parts of documents by kind, what they must be, and their SHA-256, in which nothing was found: of a text that somebody
is writing, all but a few are as they were."""


def _reference(name: str, validator: Any, reference: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    """`$ref`, which is local in a bundled schema."""
    written = json.dumps(instance, separators=(",", ":"))
    key = (name, reference, hashlib.sha256(written.encode()).digest())
    if key in _sound_parts:
        return
    sound = True
    for error in validator.descend(instance, bundled(name)["$defs"][reference.removeprefix("#/$defs/")]):
        sound = False
        yield error
    if sound:
        if len(_sound_parts) >= MOST_PARTS:
            _sound_parts.clear()
        _sound_parts.add(key)


def _kind_finding(document: Document) -> Finding:
    value, allowed = document.value.get("kind"), ", ".join(KINDS)
    if value is None:
        return document.finding("missing-kind", (), allowed=allowed)
    return document.finding("unknown-kind", ("kind",), value=str(value), near=near(str(value), KINDS), allowed=allowed)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


def _pattern(_: Validator, pattern: str, instance: Any, __: Mapping[str, Any]) -> Iterator[ValidationError]:
    """As JavaScript and RE2 read it: `$` is the very end, not before a last line break."""
    if isinstance(instance, str) and not _expression(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _only_with(_: Validator, rules: Any, instance: Any, __: Mapping[str, Any]) -> Iterator[ValidationError]:
    """`x-only-with: {KEY: {OTHER: [VALUES]}}`: the key goes only with such a value of the other key."""
    if not isinstance(instance, dict):
        return
    for key, needs in rules.items():
        for other, values in needs.items():
            if key in instance and isinstance(instance.get(other), str) and instance[other] not in values:
                yield ValidationError(f"{key!r} goes only with {other!r}: {values}")


_Strict: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "x-only-with": _only_with}
)
