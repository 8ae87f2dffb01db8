"""The schemas say what a document may hold; whatever does not fit is found, with its place."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from server.core import schema
from server.core.documents import Document, read
from server.core.schema import KINDS, bundled, schema_of, validate, validator

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("common", *KINDS, "script")

PROCESS = """\
kind: process
name: p
title: T
calendar: c
severities: {A: {title: a}, B: {}}
classify: {severity: [{is: A}]}
stages: {open: {}, shut: {final: true}}
"""
CALENDAR = "kind: calendar\nname: c\ntitle: T\ntimezone: UTC\n"
SOURCE = "kind: source\nname: s\ntitle: T\nprocess: p\n"
HOOK = SOURCE + "verify: {scheme: none}\nfields: {subject: a}\n"
CHANNELS = "kind: channels\nname: d\ntitle: T\n"


def document(text: str) -> Document:
    """Give a document that can be read."""
    found, findings = read(text.encode(), "f.yaml")
    assert [str(finding) for finding in findings] == []
    assert found is not None
    return found


def wrong(text: str, schema: str = "") -> list[tuple[str, int, int]]:
    """Give code, line and column of everything that does not fit."""
    return [(finding.code, finding.line, finding.column) for finding in validate(document(text), schema)]


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every schema within a schema, with its place."""
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from nodes(part, f"{path}/{index}")
    elif isinstance(schema, dict):
        yield path, schema
        for key, part in schema.items():
            if key in ("properties", "$defs"):
                for name, inner in part.items():
                    yield from nodes(inner, f"{path}/{key}/{name}")
            elif key in (
                "items",
                "additionalProperties",
                "propertyNames",
                "not",
                "if",
                "then",
                "else",
                "oneOf",
                "anyOf",
            ):
                yield from nodes(part, f"{path}/{key}")


def resolved(node: dict[str, Any], home: str) -> dict[str, Any]:
    """Give the node with what it refers to filled in."""
    if "$ref" not in node:
        return node
    there, _, key = node["$ref"].partition("#/$defs/")
    origin = there.removesuffix(".schema.json") or home
    return {**resolved(schema_of(origin)["$defs"][key], origin), **node}


# --- the schemas themselves


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_valid_schema(name):
    Draft202012Validator.check_schema(schema_of(name))
    Draft202012Validator.check_schema(bundled(name))
    assert schema_of(name)["$id"] == f"{name}.schema.json"
    assert schema_of(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_explained_in_both_languages(name):
    count = 0
    for path, node in nodes(schema_of(name)):
        conditional = re.search(r"/(if|then|else|not)(/|$)", path)
        for key, property_ in {} if conditional else node.get("properties", {}).items():
            told = resolved(property_, name)
            count += 1
            assert told.get("title"), f"{path}: {key} has no title"
            assert told.get("description"), f"{path}: {key} has no description"
            assert told["x-zh"].keys() == {"title", "description"}, f"{path}: {key}"
            assert re.search(r"[\u4e00-\u9fff]", told["x-zh"]["description"]), f"{path}: {key}"
            assert not re.search(r"[\u4e00-\u9fff]", told["title"] + told["description"]), f"{path}: {key}"
    assert count > 2


@pytest.mark.parametrize("name", NAMES)
def test_alternatives_have_titles_to_choose_by(name):
    for path, node in nodes(schema_of(name)):
        for branch in node.get("oneOf", ()):
            if set(branch) != {"required"}:
                assert branch["title"], path
                assert branch["x-zh"]["title"], path


@pytest.mark.parametrize("name", NAMES)
def test_no_map_takes_keys_that_nobody_knows(name):
    for path, node in nodes(schema_of(name)):
        if node.get("type") == "object" and not re.search(r"/(if|then|else|not)(/|$)", path):
            free = node.get("additionalProperties")
            assert free is False or isinstance(free, dict), path
            if isinstance(free, dict) and not path.endswith("/rows"):
                assert "propertyNames" in node, path


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_to_a_shipped_schema(name):
    for path, node in nodes(schema_of(name)):
        if "$ref" in node:
            assert resolved(node, name), path
    for path, node in nodes(bundled(name)):
        if "$ref" in node:
            assert node["$ref"].removeprefix("#/$defs/") in bundled(name)["$defs"], path


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_holds_no_two_things_under_one_name(name):
    own = schema_of(name).get("$defs", {})
    shared = schema_of("common")["$defs"]
    assert [key for key in own if name != "common" and key in shared] == []


@pytest.mark.parametrize("name", NAMES)
def test_patterns_hold_for_the_whole_text_and_read_alike_everywhere(name):
    for path, node in nodes(schema_of(name)):
        if "pattern" in node:
            assert re.fullmatch(r"\^.*\$", node["pattern"]), path
            assert not re.search(r"\\[dwbs]", node["pattern"].replace(r"[^\s]", "")), path
            assert node.get("x-word"), path
            for example in node.get("examples", ()):
                assert re.fullmatch(node["pattern"], example), (path, example)


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_in_the_catalogue(name):
    from server.core.findings import WORDS, catalogue

    words = {node["x-word"] for _, node in nodes(schema_of(name)) if "x-word" in node}
    assert words - catalogue()[WORDS].keys() == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_has_labels_in_both_languages_or_is_a_term_of_the_timeline(name):
    for path, node in nodes(schema_of(name)):
        if "x-labels" in node:
            assert list(node["x-labels"]["zh"]) == list(node["x-labels"]["en"]) == node["enum"], path


# --- documents


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_document_is_valid(path):
    found, findings = read(path.read_bytes(), path.name)
    assert findings == []
    assert found is not None
    assert [str(finding) for finding in validate(found)] == []
    assert Draft202012Validator(bundled(found.kind)).is_valid(found.value)


@pytest.mark.parametrize(
    "text",
    [PROCESS, CALENDAR + "hours: {daily: ['00:00-24:00']}\n", HOOK, CHANNELS + "channels: {v: {type: manual}}\n"],
)
def test_the_smallest_documents_are_valid(text):
    assert wrong(text) == []


LANGUAGE = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "policy-language.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", LANGUAGE, ids=lambda block: block.split(":")[0])
def test_every_example_of_the_language_page_is_valid(block):
    text = re.sub(r", where: …\}", "}", block)
    if text.startswith("kind: process"):
        text += "severities: {A: {}}\nclassify: {severity: [{is: A}]}\nstages: {a: {}}\n"
    elif not text.startswith("kind:"):
        kept = [line for line in PROCESS.splitlines() if not re.match(line.split(":")[0] + ":", text, re.MULTILINE)]
        text = "\n".join(line for line in kept if f"\n{line.split(':')[0]}:" not in f"\n{text}") + "\n" + text
    found = document(text if "title:" in text.split("severities")[0] else text.replace("\n", "\ntitle: T\n", 1))
    assert [str(finding) for finding in validate(found)] == []


@pytest.mark.parametrize(
    "text",
    [
        "title: {zh: 题, en: T, zh-TW: 題, de: T}",
        "approvals: 2\nlanguage: 1\nowner: team:Q-1",
        "accept: {elapsed-hours: {zh: 按钟表, en: by the clock}}",
        ("fields: {f: {type: choice, many: true, options: {a: A, b: {zh: 乙}}}, r: {type: rating, of: 10}, n: "
        "{type: number, minimum: -1.5, maximum: 3}, t: {type: text, max_length: 5, pattern: '[a-z]+'}}"),
        ("clocks: {c: {on: received, within: [{is: field:due, when: {field: due, known: true}}, {is: 3wd close}], "
        "warn: [50%, 1h30m], pause: [open], calendar: other, from: field:aware, until: [clock.c.warned.50%, "
        "clock.c.breached, stage.shut, notice.n.confirmed, watch.w.raised]}}"),
        "clocks: {c: {on: received, every: {A: 1d, B: 1mo15d}, first: 0wd close, met_by: [comment]}}",
        ("notify: {n: {on: received, send: [{is: ask, when: {field: stage, is: open}}, {is: never}], steps: {A: "
        "[{via: [email, preferred], to: [supervisor+1, role:a-b, duty:t, rung:l, did:x, field:f, anyone], wait: "
        "monday 09:00}], B: [{via: sms, to: owner, wait: 1h30m}]}}}"),
        "ladders: {l: {climb_on: up, rungs: [{to: lead, steps: {A: [{via: sms, to: lead}]}}], repeat: 0}}",
        "automate: [{stage: open, at: [daily 18:00, yearly 02-29 09:00], do: x, with: {a: null, b: [1, 2], c: true}}]",
        ("surveys: {s: {on: x, via: email, share: [{is: 12.5%}], questions: {q: {type: choice, options: {a: A}, "
        "label: L}}}}"),
        ("targets: {t: {measure: {mean: {of: {from: received, to: x}, by: owner}}, at_most: 24wh}, u: {measure: "
        "{share: {field: a, is: 1}}, at_least: 5}, v: {measure: {share: {of: [{field: a, is: 1}], where: {field: "
        "b, known: true}}}, at_least: 1, at_most: 2}}"),
        ("reports: {r: {at: [daily 18:00, monthly 31 09:00], covers: day, show: [complete, {top: {of: a, n: 3}}, "
        "{top: a}, {returned: {of: s}}, {count: {where: {field: a, in: field:b}, by: c}}], to: team:t, via: "
        "email}}"),
        ("checks: {k: {when: {any: [{not: [{field: a, is: 1}, {happened: clock.c.warned.15m, since: received}]}, "
        "{all: []}, [{field: b, at_least: field:c+2h}]]}}}"),
        ("actions: {edit: {by: owner, when: [{field: a, known: true}]}, go: {assign: route, set: {a: field:b, c: "
        "null}, opens: {process: q}}}"),
        "route: [{to: field:dept, assign: on_duty}]",
        "number: 'AB-{serial:5}/{date}'",
        ("examples: [{name: {zh: 例}, start: 2026-03-02, issue: {subject: a, many: [x]}, people: {li: [owner, "
        "did:x]}, events: [{at: +0m, receive: {subject: b}}, {at: +1wd close, issue: SIM-2, send: n, by: li}], "
        "until: 2026-03-03T09:00:00+08:00, expect: [{not: {kind: raised}}, {kind: routed, owner: null, team: "
        "null}, {kind: classified, to: null, due: null}]}]"),
    ],
)  # fmt: skip
def test_what_the_language_page_allows_is_valid(text):
    start = PROCESS.replace("title: T\n", "") if text.startswith("title") else PROCESS
    assert [str(finding) for finding in validate(document(start + text))] == []


@pytest.mark.parametrize(
    "text",
    [
        CALENDAR + "hours: {saturday-monday: ['09:00-12:00', '13:00-24:00'], tuesday: []}\nholidays: {country: CN}\n"
        "dates: {2026-02-13: closed, 2026-02-28: ['09:00-12:00']}\n",
        SOURCE + "verify: {scheme: hmac-sha256, secret: env:S, header: X-Hub-Signature-256}\nextra: true\n"
        "fields: {a: x, b: {from: y, table: {1: one, true: yes}, else: z}, c: {value: [a, b]}}\n"
        "again: {do: solve, with: {n: {value: 1}}}\n",
        SOURCE + "at: monthly 1 09:00\nissue: {subject: S}\nsample: {of: q, covers: week, share: 5%}\n",
        CHANNELS + "channels: {a: {type: webhook, url: https://example.com/x, secret: env:S}, b: {type: sms, "
        "url: env:U, otherwise: a, max_length: 70, title: {zh: 短信}}, "
        "c: {type: email, url: 'smtp://li@example.com:25'}, "
        "d: {type: webhook, url: 'http://10.0.0.1:8080/a:b@c?d=:@'}, e: {type: webhook, url: 'http://[::1]:80'}}\n",
    ],
)  # fmt: skip
def test_other_kinds_take_what_the_language_page_allows(text):
    assert [str(finding) for finding in validate(document(text))] == []


BAD_PROCESS = [
    ("clcks: {}", [("unknown-key", 8, 1)]),
    ("on: x", [("unknown-key", 8, 1)]),
    ("language: 2", [("not-one-of", 8, 11)]),
    ("approvals: 3", [("too-big", 8, 12)]),
    ("approvals: 0", [("too-small", 8, 12)]),
    ("owner: finance", [("bad-form", 8, 8)]),
    ("review: soon", [("bad-form", 8, 9)]),
    ("accept: [x]", [("wrong-type", 8, 9)]),
    ("accept: {Elapsed: x, a: 5}", [("bad-key", 8, 10), ("wrong-type", 8, 25)]),
    ("number: 'X{date}'", [("bad-form", 8, 9)]),
    ("number: 'X{day}{serial:3}'", [("bad-form", 8, 9)]),
    ("channels: Default", [("bad-form", 8, 11)]),
    ("fields:", [("wrong-type", 8, 8)]),
    ("fields: [a]", [("wrong-type", 8, 9)]),
    ("fields:\n  1st: {type: text}\n  名: {type: text}", [("bad-key", 9, 3), ("bad-key", 10, 3)]),
    ("fields: {f: {type: txt}}", [("not-one-of", 8, 20)]),
    ("fields: {f: {type: 3}}", [("wrong-type", 8, 20)]),
    ("fields: {f: {label: 5, type: text}}", [("wrong-type", 8, 21)]),
    ("fields: {f: {label: x}}", [("missing-key", 8, 10)]),
    ("fields: {f: {type: choice}}", [("missing-key", 8, 10)]),
    ("fields: {f: {type: choice, options: {}}}", [("too-few", 8, 37)]),
    ("fields: {f: {type: choice, options: [a]}}", [("wrong-type", 8, 37)]),
    ("fields: {f: {type: text, options: {a: b}, many: true}}", [("key-not-with", 8, 26), ("key-not-with", 8, 43)]),
    ("fields: {f: {type: text, required: yes}}", [("wrong-type", 8, 36)]),
    ("fields: {f: {type: text, minimum: 1, of: 5}}", [("key-not-with", 8, 26), ("key-not-with", 8, 38)]),
    ("actions: {edit: {from: open}}", [("unknown-key", 8, 18)]),
    ("actions: {go: {to: [open]}}", [("wrong-type", 8, 20)]),
    ("actions: {go: {by: Bob}}", [("bad-form", 8, 20)]),
    ("actions: {go: {by: [owner, 'team: x']}}", [("bad-form", 8, 28)]),
    ("actions: {go: {from: []}}", [("too-few", 8, 22)]),
    ("actions: {go: {form: {x: needed}}}", [("not-one-of", 8, 26)]),
    ("actions: {go: {set: {a: {b: 1}}}}", [("wrong-type", 8, 25)]),
    ("actions: {go: {assign: nobody}}", [("bad-form", 8, 24)]),
    ("actions: {go: {opens: {fields: {}}}}", [("missing-key", 8, 16)]),
    ("clocks: {c: {on: received}}", [("exactly-one-of", 8, 10)]),
    ("clocks: {c: {within: 1h}}", [("missing-key", 8, 10)]),
    ("clocks: {c: {on: received, within: 1h, every: 2h}}", [("exactly-one-of", 8, 10)]),
    ("clocks: {c: {on: received, within: 1h, first: 2h}}", [("needs-key", 8, 40)]),
    ("clocks: {c: {on: received, within: 5x}}", [("bad-form", 8, 36)]),
    ("clocks: {c: {on: received, within: 5}}", [("wrong-type", 8, 36)]),
    ("clocks: {c: {on: received, within: {A: 5x, b c: 1h}}}", [("bad-form", 8, 40), ("bad-key", 8, 44)]),
    ("clocks: {c: {on: received, within: [{when: {field: a, known: true}}]}}", [("missing-key", 8, 37)]),
    ("clocks: {c: {on: received, within: [{is: 1h, if: x}]}}", [("unknown-key", 8, 46)]),
    ("clocks: {c: {on: received, every: field:x}}", [("bad-form", 8, 35)]),
    ("clocks: {c: {on: [received, a b], within: 1h}}", [("bad-form", 8, 29)]),
    ("clocks: {c: {on: clock.x.done, within: 1h}}", [("bad-form", 8, 18)]),
    ("clocks: {c: {on: received, within: 1h, warn: [150%, 1wd]}}", [("bad-form", 8, 47), ("bad-form", 8, 53)]),
    ("clocks: {c: {on: received, within: 1h, from: aware}}", [("bad-form", 8, 46)]),
    ("notify: {n: {on: x, send: sometimes, steps: []}}", [("not-one-of", 8, 27), ("too-few", 8, 45)]),
    ("notify: {n: {on: [a, a], steps: [{via: e, to: owner}]}}", [("repeated-item", 8, 18)]),
    ("notify: {n: {on: x, steps: [{via: e, to: owner, wait: monday}]}}", [("bad-form", 8, 55)]),
    ("notify: {n: {on: x, steps: {A: [{via: email}]}}}", [("missing-key", 8, 33)]),
    ("notify: {n: {on: x, steps: email}}", [("bad-form", 8, 28)]),
    ("ladders: {l: {rungs: [{to: lead, via: e}]}}", [("at-least-one-of", 8, 11)]),
    ("ladders: {l: {on: x, rungs: [{to: lead}]}}", [("exactly-one-of", 8, 30)]),
    ("ladders: {l: {on: x, rungs: []}}", [("too-few", 8, 29)]),
    ("ladders: {l: {on: x, rungs: [{to: lead, via: e}], repeat: -1}}", [("too-small", 8, 59)]),
    ("automate: [{do: x}]", [("exactly-one-of", 8, 12)]),
    ("automate: [{on: x, stage: y, do: x}]", [("exactly-one-of", 8, 12)]),
    ("automate: [{after: 7d, do: x}]", [("needs-key", 8, 13)]),
    ("automate: [{stage: a, at: daily, do: x}]", [("bad-form", 8, 27)]),
    ("automate: {on: x, do: y}", [("wrong-type", 8, 11)]),
    ("surveys: {s: {on: x, via: e, share: 50, questions: {q: {type: rating}}}}", [("wrong-type", 8, 37)]),
    ("surveys: {s: {on: x, via: e, share: 101%, questions: {}}}", [("bad-form", 8, 37), ("too-few", 8, 54)]),
    ("checks: {k: {title: x}}", [("missing-key", 8, 10)]),
    ("watches: {w: {count: 0, window: 1h}}", [("too-small", 8, 22)]),
    ("targets: {t: {measure: on_time}}", [("at-least-one-of", 8, 11), ("needs-argument", 8, 24)]),
    ("targets: {t: {measure: {on_tme: x}, at_least: 90%}}", [("unknown-key", 8, 25)]),
    ("targets: {t: {measure: {count: {}, open: {}}, at_least: 9}}", [("too-many", 8, 24)]),
    ("reports: {r: {at: daily 18:00, covers: year, show: [], to: x, via: e}}", [
        ("not-one-of", 8, 40), ("too-few", 8, 52), ("bad-form", 8, 60),
    ]),
    ("templates: {t: {subject: ''}}", [("missing-key", 8, 13), ("empty-text", 8, 26)]),
    ("route: [{to: finance, assign: anybody}]", [("bad-form", 8, 14), ("not-one-of", 8, 31)]),
    ("examples: [{name: x, start: now, issue: {}, events: [{at: +5}], expect: [{kind: recieved}]}]", [
        ("bad-form", 8, 29), ("exactly-one-of", 8, 54), ("wrong-type", 8, 59), ("not-one-of", 8, 81),
    ]),
    ('name: "open\\n"\nstages: {"open\\n": {}}', [("bad-form", 1, 7), ("bad-key", 2, 10)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD_PROCESS, ids=[text[:50] for text, _ in BAD_PROCESS])
def test_what_does_not_fit_a_process_is_found_at_its_place(text, expected):
    if text.startswith("name"):
        kept = [line for line in PROCESS.splitlines() if not line.startswith(("name", "stages"))]
        assert wrong(text + "\n" + "\n".join(kept)) == expected
    else:
        assert wrong(PROCESS + text) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("{field: x}", [("no-operator", 8, 20)]),
        ("{field: x, is: 1, in: [1]}", [("several-operators", 8, 20)]),
        ("{field: x, is: 1, is_not: 2, foo: 3}", [("several-operators", 8, 20), ("unknown-key", 8, 49)]),
        ("{feild: x, is: 1}", [("unknown-key", 8, 21)]),
        ("{is: 1}", [("missing-key", 8, 14)]),
        ("{field: x, iss: 1}", [("unknown-key", 8, 31)]),
        ("{}", [("bad-condition", 8, 20)]),
        ("{foo: 1}", [("bad-condition", 8, 20)]),
        ("{all: [{field: x}], any: []}", [("bad-condition", 8, 20)]),
        ("{field: x, is: 1, happened: y}", [("bad-condition", 8, 20)]),
        ("{happened: a b, sinc: c}", [("bad-form", 8, 31), ("unknown-key", 8, 36)]),
        ("{al: [{field: x, is: 1}]}", [("unknown-key", 8, 21)]),
        ("{all: {field: x, is: 1}}", [("wrong-type", 8, 26)]),
        ("{all: [{field: x}, {any: [{field: y, is: 1, in: [2]}]}]}", [
            ("no-operator", 8, 27), ("several-operators", 8, 46),
        ]),
        ("[{field: x, is: 1}, [{field: y, known: yes}]]", [("wrong-type", 8, 59)]),
        ("{not: {any: [{field: 1, in: 3}]}}", [("wrong-type", 8, 41), ("wrong-type", 8, 48)]),
        ("{field: x, is: {a: 1}}", [("wrong-type", 8, 35)]),
        ("{field: x, is: }", [("wrong-type", 8, 35)]),
        ("{field: x, in: []}", [("too-few", 8, 35)]),
        ("{field: x, in: y}", [("bad-form", 8, 35)]),
        ("{field: x, within_next: 2 days}", [("bad-form", 8, 44)]),
        ("{field: x, during: Office}", [("bad-form", 8, 39)]),
        ("yes", [("bad-form", 8, 20)]),
        ("5", [("wrong-type", 8, 20)]),
        ("", [("wrong-type", 8, 20)]),
    ],
)  # fmt: skip
def test_conditions_that_are_none_are_found_at_their_place(condition, expected):
    assert wrong(f"{PROCESS}checks: {{k: {{when: {condition}}}}}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", [("missing-kind", 1, 1)]),
        ("kind:\n", [("missing-kind", 1, 1)]),
        ("kind: proces\n", [("unknown-kind", 1, 7)]),
        ("kind: script\n", [("unknown-kind", 1, 7)]),
        ("kind: common\n", [("unknown-kind", 1, 7)]),
        ("kind: [process]\n", [("unknown-kind", 1, 7)]),
        ("kind: channels\n", [("missing-key", 1, 1)] * 3),
        (CALENDAR + "hours: {}\n", [("too-few", 5, 8)]),
        (CALENDAR + "hours: {monday: 09:00-12:00}\n", [("bad-form", 5, 17)]),
        (CALENDAR + "hours: {monday: ['9:00-12:00', '12:00-25:00']}\n", [("bad-form", 5, 18), ("bad-form", 5, 32)]),
        (CALENDAR + "hours: {mon: ['09:00-12:00']}\n", [("bad-key", 5, 9)]),
        (CALENDAR + "hours: {daily: closed}\ndates: {2026-2-3: closed, 2026-02-03: open}\n", [
            ("bad-key", 6, 9), ("bad-form", 6, 39),
        ]),
        (CALENDAR + "hours: {daily: closed}\nholidays: {country: China}\n", [("bad-form", 6, 21)]),
        (CALENDAR + "hours: {daily: closed}\nholidays: CN\n", [("wrong-type", 6, 11)]),
        (SOURCE, [("exactly-one-of", 1, 1)]),
        (HOOK + "at: daily 18:00\nissue: {subject: x}\n", [("exactly-one-of", 1, 1)]),
        (SOURCE + "verify: {scheme: none}\n", [("missing-key", 1, 1)]),
        (SOURCE + "verify: {scheme: bearer}\nfields: {a: b}\n", [("missing-key", 5, 1)]),
        (SOURCE + "verify: {scheme: bearer, secret: hunter2}\nfields: {a: b}\n", [("bad-form", 5, 34)]),
        (SOURCE + "verify: {scheme: none, secret: env:A}\nfields: {a: b}\n", [("key-not-with", 5, 24)]),
        (SOURCE + "at: daily 18:00\n", [("missing-key", 1, 1)]),
        (SOURCE + "at: daily 18:00\nissue: {text: x}\n", [("missing-key", 6, 1)]),
        (SOURCE + "at: daily 18:00\nissue: {subject: x}\neach: a\n", [("needs-key", 7, 1)]),
        (HOOK.replace("subject: a", "subject: {frm: x, table: {a: b}}"), [("unknown-key", 6, 20)]),
        (HOOK.replace("subject: a", "subject: 5"), [("wrong-type", 6, 19)]),
        (CHANNELS + "channels: {m: {type: pigeon}}\n", [("not-one-of", 4, 22)]),
        (CHANNELS + "channels: {m: {type: manual, url: env:X}}\n", [("key-not-with", 4, 30)]),
        (CHANNELS + "channels: {m: {type: sms, url: example.com}}\n", [("bad-form", 4, 32)]),
        (CHANNELS + "channels: {m: {type: email, url: 'smtp://li:geheim@example.com'}}\n", [("bad-form", 4, 34)]),
    ],
)  # fmt: skip
def test_what_does_not_fit_other_kinds_is_found_at_its_place(text, expected):
    assert wrong(text) == expected


def test_a_script_has_a_schema_of_its_own():
    good = "process: p\nstart: 2026-03-02T09:00:00+08:00\nissue: {subject: x}\nevents: [{at: +1h, do: go}]\n"
    assert wrong(good, "script") == []
    assert wrong(good + "until: 5\nexpect: []\n", "script") == [("wrong-type", 5, 8), ("unknown-key", 6, 1)]


def test_a_finding_names_what_was_meant():
    [finding] = validate(document(PROCESS + "clcks: {}\n"))
    assert finding.params == {"key": "clcks", "near": "clocks", "allowed": ""}
    assert finding.path == ("clcks",)
    [finding] = validate(document(PROCESS + "fields: {f: {type: txt}}\n"))
    assert finding.params["near"] == "text"
    assert finding.path == ("fields", "f", "type")


def test_a_key_that_is_misspelt_is_not_missing_besides():
    findings = validate(document(PROCESS.replace("calendar:", "calender:")))
    assert [(f.code, f.params["near"]) for f in findings] == [("unknown-key", "calendar")]


def test_a_number_that_should_be_text_is_to_be_put_in_quotes_only_where_that_helps():
    findings = validate(
        document(PROCESS + "fields: {f: {label: True, type: text}, g: {label: 0777, type: text}}\nreview: 5\n")
    )
    assert [f.params["quoted"] for f in findings] == ['"True"', '"0777"', ""]  # as written: nothing of it is lost


def test_a_text_that_should_be_a_number_is_not_told_to_be_what_it_looks_like():
    [finding] = validate(document(PROCESS + "language: '1'\n"))
    assert finding.text() == "language must be a whole number, not text"


def test_a_measure_that_needs_an_argument_is_known_nevertheless():
    [finding] = validate(document(PROCESS + "targets: {t: {measure: on_time, at_least: 9}}\n"))
    assert finding.text() == "targets.t.measure: 'on_time' must say of what, such as {on_time: …}"


def test_every_finding_has_words_in_both_languages():
    for text, _ in BAD_PROCESS:
        for finding in validate(document(text if text.startswith("name") else PROCESS + text)):
            assert re.search(r"[\u4e00-\u9fff]", finding.text("zh"))
            assert finding.text("en").isprintable()


def test_nothing_is_fetched_for_a_reference():
    for name in NAMES:
        for reference in re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema_of(name))):
            assert "//" not in reference
    assert validator("process") is validator("process")


plain = st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["", "owner", "1h", "received", "A", "50%"])
keys = st.sampled_from(
    ["field", "is", "in", "all", "any", "not", "when", "on", "to", "via", "steps", "within", "A", "type", "options",
     "of", "table", "from", "x y", "rungs", "title", "zh", "measure", "share", "at", "do", "stage", "after"]
)  # fmt: skip
things = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=15
)
sections = st.sampled_from([key for key in schema_of("process")["properties"] if key != "kind"])


@given(st.dictionaries(sections, st.dictionaries(keys, things, max_size=3) | st.lists(things, max_size=3) | plain))
def test_no_document_makes_validation_raise_and_all_agree_whether_it_fits(data):
    value = {"kind": "process", **data}
    found = document(json.dumps(value))
    findings = validate(found)
    assert bool(findings) == (not Draft202012Validator(bundled("process")).is_valid(value)) or all(
        finding.code == "key-not-with" for finding in findings
    )
    assert all(finding.text("zh") and finding.text("en") for finding in findings)


def test_what_was_sound_before_hides_nothing_that_is_wrong_now():
    """Parts that were sound are not looked at again: neither is a wrong one passed over, nor one elsewhere."""
    text = (Path(__file__).parents[2] / "policies" / "contingency.yaml").read_bytes()
    sound, _ = read(text)
    assert validate(sound) == []
    wrong, _ = read(text.replace(b"from: received", b"from: [1]", 1))
    found = validate(wrong)
    assert found
    schema._sound_parts.clear()
    assert validate(wrong) == found
    assert validate(read(text + b"\n# once more\n")[0]) == []
