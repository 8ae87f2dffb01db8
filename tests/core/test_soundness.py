"""What is told fast of a document, whether it fits its schema, is what jsonschema says of it."""

import random
from copy import deepcopy
from typing import Any

import pytest

from server.core import documents, schema
from server.core.schema import KINDS, bundled, validator
from server.core.soundness import compiled
from server.resources import policy_dir

ODD = (
    None,
    True,
    False,
    0,
    1,
    1.0,
    -1,
    0.5,
    10**30,
    "",
    "x",
    "A",
    "1h",
    "*",
    [],
    {},
    ["x"],
    [1, 1.0],
    [True, 1],
    {"x": 1},
)
CHANGES = 250

SHIPPED = [document for path in sorted(policy_dir().glob("*.yaml"))
           if (document := documents.read(path.read_bytes(), path.name)[0]) is not None]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every map or list in the value with every key or index of it."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        found += [(value, key), *places(value[key])]
    return found


def spoiled(value: dict[str, Any], choose: random.Random) -> dict[str, Any]:
    """The document with something else in one place: another value, one that stands elsewhere in it, nothing, a key
    that nobody knows, an entry twice."""
    changed = deepcopy(value)
    there = places(changed)
    holder, key = choose.choice(there)
    match choose.randrange(5):
        case 0:
            del holder[key]
        case 1:
            elsewhere, other = choose.choice(there)
            holder[key] = deepcopy(elsewhere[other])
        case 2 if isinstance(holder, dict):
            holder["unheard-of"] = choose.choice(ODD)
        case 3 if isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        case _:
            holder[key] = deepcopy(choose.choice(ODD))
    return changed


def test_documents_that_were_spoiled_somewhere_fit_exactly_when_jsonschema_finds_nothing() -> None:
    choose = random.Random(5)
    seen = set()
    for _ in range(CHANGES):
        document = choose.choice(SHIPPED)
        value = spoiled(document.value, choose)
        for _ in range(choose.randrange(2)):
            value = spoiled(value, choose)
        fits = schema._fits(document.kind)(value)
        assert fits == validator(document.kind).is_valid(value), (document.file, value)
        seen.add(fits)
    assert seen == {True, False}


@pytest.mark.parametrize(
    "asks",
    [
        {"type": "integer"},
        {"type": ["number", "null"]},
        {"enum": [1, "a", None]},
        {"const": True},
        {"uniqueItems": True},
        {"minimum": 1},
        {"maximum": 0},
        {"minLength": 1},
        {"maxLength": 1},
        {"minItems": 1},
        {"maxItems": 1},
        {"minProperties": 1},
        {"maxProperties": 0},
        {"required": ["x"]},
        {"dependentRequired": {"x": ["y"]}},
        {"properties": {"x": {"type": "string"}}, "additionalProperties": False},
        {"additionalProperties": {"type": "string"}},
        {"propertyNames": {"pattern": "^y"}},
        {"pattern": "^[a-z]$"},
        {"items": {"type": "integer"}},
        {"not": {"type": "integer"}},
        {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
        {"anyOf": [{"type": "integer"}, {"type": "array"}]},
        {"if": {"type": "number"}, "then": {"minimum": 1}, "else": {"type": "string"}},
        {
            "$ref": "#/$defs/tree",
            "$defs": {"tree": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}}},
        },
        {"x-only-with": {"x": {"y": ["a"]}}},
    ],
    ids=str,
)
def test_each_keyword_means_what_it_means_to_jsonschema(asks: dict[str, Any]) -> None:
    strict = schema._Strict(asks)
    fits = compiled(asks, schema._expression)
    values = [
        *ODD,
        "a\n",
        {"x": "y"},
        {"x": {}, "y": "b"},
        {"x": 1, "y": "a"},
        {"y": {"x": {}}},
        [[1], [1.0]],
        [[1], [True]],
    ]
    assert [fits(value) for value in values] == [strict.is_valid(value) for value in values]
    assert len({fits(value) for value in values}) == 2


def test_every_shipped_document_fits() -> None:
    for document in SHIPPED:
        assert schema._fits(document.kind)(document.value), document.file


def test_a_keyword_that_is_not_known_is_not_passed_over() -> None:
    for name in (*KINDS, "script"):
        compiled(bundled(name), schema._expression)
    with pytest.raises(ValueError, match="prefixItems"):
        compiled({"prefixItems": []}, schema._expression)
