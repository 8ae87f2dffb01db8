"""What is another in a newer text, in its meaning and in words (server.core.differences, .difference_words)."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from server.core import documents
from server.core.difference_words import as_dicts
from server.core.differences import differences
from server.core.schema_nodes import root_of
from server.core.vocabulary import Names
from server.resources import data_dir
from tests.core.schema_walk import KEYS, document_with, sample

SHIPPED = sorted((data_dir("policies")).glob("*.yaml"))

BASE = """\
kind: process
name: care
title: {zh: 客户关怀, en: Care}
calendar: office
fields:
  impact: {type: choice, options: {stopped: Stopped, none: None}}
  amount: {type: number, label: {zh: 金额, en: Amount}}
severities: {A: {title: Grave}, B: {title: Plain}, C: {title: Slight}}
classify:
  severity: [{is: A, when: {field: impact, is: stopped}}, {is: B, when: {field: amount, at_least: 100}}, {is: C}]
  kind_of: {from: [impact, severity], table: {stopped: {A: bad, B: bad}, none: {A: odd}}, else: fine}
stages: {open: {title: Open}, waiting: {title: Waiting}, done: {title: Done, final: true}}
actions:
  ask: {from: open, to: waiting, by: [owner, team]}
  finish: {title: Finish, from: [open, waiting], to: done}
clocks:
  first_response: {title: First response, on: received, until: finish, within: {A: 1h, B: 4h, C: 24h}, warn: 50%}
  long_one: {on: received, until: finish, within: 7d, pause: waiting}
notify:
  first_notice:
    on: [received, classified.severity]
    steps:
      A: [{via: sms, to: supervisor}, {via: email, to: [team, "team:directors"]}]
      C: [{via: email, to: supervisor, wait: 1h}]
targets: {on_time: {measure: {on_time: first_response}, at_least: 90%}}
"""


def read(text: str) -> dict[str, Any]:
    document, found = documents.read(text.encode(), "care.yaml")
    assert document is not None, found
    value: dict[str, Any] = document.value
    return value


def told(before: str, after: str, language: str = "en", kind: str = "process", **more: Any) -> list[str]:
    older, newer = read(before), read(after)
    return [one["text"][language] for one in as_dicts(differences(kind, older, newer), kind, older, newer, **more)]


def changed(old: str, new: str, language: str = "en", **more: Any) -> list[str]:
    assert old in BASE
    return told(BASE, BASE.replace(old, new), language, **more)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_document_is_no_different_from_itself_without_comments_and_layout(path):
    document, _ = documents.read(path.read_bytes(), path.name)
    assert document is not None
    again = read(yaml.safe_dump(document.value, allow_unicode=True, sort_keys=False, width=40))
    assert differences(document.kind, document.value, again) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("warn: 50%", "warn: [50%]"),
        ("within: 7d", "within: 1w"),
        ("within: 7d", "within: {A: 7d, B: 7d, C: 1w}"),
        ("B: 4h", "B: 240m"),
        ("by: [owner, team]", "by: [team, owner]"),
        ("when: {field: impact, is: stopped}", "when: [{field: impact, is: stopped}]"),
        ("when: {field: impact, is: stopped}", "when: {all: [{is: stopped, field: impact}]}"),
        ("at_least: 100}", "at_least: 100.0}"),
        ("calendar: office", "calendar: office\nchannels: default\nlanguage: 1\napprovals: 1"),
        ("done: {title: Done, final: true}", "done: {final: true, title: Done}"),
        ("open: {title: Open}", "open: {title: Open, final: false}"),
    ],
)
def test_another_way_to_write_the_same_is_no_difference(old, new):
    assert changed(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ("{A: 1h,", "{A: 30m,", ["clock first_response “First response”: severity A, Within 1 h → 30 min"]),
        ("within: 7d", "within: {A: 7d, B: 1d, C: 7d}", ["clock long_one: severity B, Within 7 days → 1 day"]),
        ("{A: 1h, B: 4h, C: 24h}", "{A: 1h, B: 4h}",
         ["clock first_response “First response”: severity C, Within is gone (it was 24 h)"]),
        ("      C: [{via: email, to: supervisor, wait: 1h}]\n", "", ["notice first_notice: C no longer told"]),
        ("      C: [{", "      B: [{via: sms, to: owner}]\n      C: [{",
         ["notice first_notice: B is now told: Via: text message, To: the owner"]),
        ("{is: B, when", "{is: A, when: {field: amount, more_than: 9000}}, {is: B, when",
         ["judging of severity “Severity”: new rule before rule 2: A if Amount is more than 9000"]),
        ("{is: B, when: {field: amount, at_least: 100}}, ", "",
         ["judging of severity “Severity”: rule 2 removed: B if Amount is at least 100"]),
        ("at_least: 100}", "at_least: 50}",
         ["judging of severity “Severity”, rule 2: If Amount is at least 100 → Amount is at least 50"]),
        ("{A: bad, B: bad}", "{A: bad, B: odd}", ["judging of kind_of, row stopped: row B bad → odd"]),
        ("to: [team, \"team:directors\"]", "to: [lead, team]",
         ["notice first_notice, severity A, step 2: To: now also the team's lead, no longer the team “directors”"]),
        ("{A: {title: Grave}, B: {title: Plain}", "{B: {title: Plain}, A: {title: Grave}",
         ["the order of Severities: A, B, C → B, A, C"]),
        ("{title: Grave}", "{title: Dire}", ["severity A “Dire”: Title Grave → Dire"]),
        ("calendar: office", "calendar: allday", ["Calendar office → allday"]),
        ("by: [owner, team]", "by: [owner, team], not_by: did:finish",
         ["action ask: Not by whoever did “Finish” (it had none)"]),
        ("{via: sms, to: supervisor}, {via: email, to: [team, \"team:directors\"]}",
         "{via: email, to: [team, \"team:directors\"]}, {via: sms, to: supervisor}",
         ["notice first_notice, severity A: step 2 is now step 1"]),
    ],
)  # fmt: skip
def test_it_tells_a_change_in_the_words_of_the_process(old, new, sentences):
    assert changed(old, new) == sentences


def test_it_tells_it_in_chinese():
    assert changed("{A: 1h,", "{A: 30m,", "zh") == [
        "时限“First response”（first_response）：级别 A，时限：1 小时 → 30 分钟"
    ]


def test_a_stage_that_is_gone_says_how_many_open_issues_stand_in_it():
    text = BASE.replace(", waiting: {title: Waiting}", "").replace("[open, waiting]", "open")
    text = text.replace("  ask: {from: open, to: waiting, by: [owner, team]}\n", "").replace(", pause: waiting", "")
    assert "stage waiting “Waiting” removed: 3 open issues stand in it" in told(BASE, text, standing={"waiting": 3})
    assert "stage waiting “Waiting” removed" in told(BASE, text)


def test_a_renamed_id_is_one_difference_wherever_it_is_named():
    text = re.sub(r"\bwaiting\b", "pending", BASE)
    assert told(BASE, text) == ["stage waiting is now called pending"]
    text = re.sub(r"\bfirst_response\b", "answer", BASE)
    assert told(BASE, text) == ["clock first_response is now called answer"]
    text = re.sub(r"\bimpact\b", "effect", BASE)
    assert told(BASE, text) == ["field impact is now called effect"]
    text = re.sub(r"\bC\b", "D", BASE)
    assert told(BASE, text) == ["severity C is now called D"]
    text = re.sub(r"\bfinish\b", "end", BASE)
    assert told(BASE, text) == ["action finish is now called end"]


def test_a_renamed_id_that_changed_besides_is_told_with_its_change():
    text = re.sub(r"\bfirst_response\b", "answer", BASE).replace("{A: 1h,", "{A: 2h,")
    assert told(BASE, text) == [
        "clock first_response is now called answer",
        "clock answer “First response”: severity A, Within 1 h → 2 h",
    ]


def test_what_is_gone_and_what_is_new_are_not_taken_for_one_without_likeness():
    text = BASE.replace("  long_one: {on: received, until: finish, within: 7d, pause: waiting}\n",
                        "  other: {on: ask, until: finish, within: 3wd, calendar: days}\n")  # fmt: skip
    assert told(BASE, text) == [
        "new clock other: Starts on: ask, Ends with: Finish, Within: 3 working days, Calendar: days",
        "clock long_one removed",
    ]


def test_every_difference_has_a_pointer_that_leads_to_it():
    older, newer = read(BASE), read(BASE.replace("{A: 1h,", "{A: 30m,"))
    assert [one.pointer for one in differences("process", older, newer)] == ["/clocks/first_response/within/A"]


# -- every key of the schemas has its sentence ------------------------------------------------------------------------


def test_the_walk_reaches_all_of_the_schemas():
    assert len(KEYS) > 330
    assert {
        "process:clocks.some_key.within",
        "process:notify.some_key.steps.0.wait",
        "process:examples.0.expect.0.kind",
        "calendar:hours",
        "source:verify.scheme",
        "channels:channels.some_key.url",
    } <= {key.id for key in KEYS}


@pytest.mark.parametrize(("kind", "path", "node"), KEYS)
def test_every_key_has_its_sentence_in_both_languages(kind, path, node):
    whole = document_with(path, sample(node, 0))
    without = document_with(path[:-1], {})
    other = document_with(path, sample(node, 1))
    pairs = [(without, whole), (whole, without)]
    if sample(node, 0) != sample(node, 1):
        pairs.append((whole, other))
    for before, after in pairs:
        found = differences(kind, before, after)
        default = node.schema.get("default")
        assert found or (default is not None and sample(node, 0) == default), (before, after)
        for one in as_dicts(found, kind, before, after):
            english, chinese = one["text"]["en"], one["text"]["zh"]
            assert english, one
            assert re.search(r"[一-鿿]", chinese), one
            assert not re.search(r"[一-鿿{}]|NOTHING", english), one
            if " → " in english:
                told, _, became = english.partition(" → ")
                assert not told.endswith(became), one


@pytest.mark.parametrize("path", [one for one in SHIPPED if b"kind: process" in one.read_bytes()], ids=lambda p: p.stem)
def test_whatever_is_taken_out_of_a_shipped_process_is_told(path):
    """Each key and item of the document, taken out alone, gives at least one difference (or was a default)."""
    whole = read(path.read_text("utf-8"))
    for place in itertools.islice(paths(whole), 0, None, 37):
        less = copy.deepcopy(whole)
        parent: Any = less
        node = root_of("process")
        for step in place[:-1]:
            parent = parent[step]
            node = (node.items_for([]) or node) if isinstance(step, int) else node.child(step)
        value = parent.pop(place[-1])
        found = differences("process", whole, less)
        is_default = isinstance(place[-1], str) and node.child(place[-1]).schema.get("default") == value
        assert found or is_default, place
        assert all(one["text"]["en"] for one in as_dicts(found, "process", whole, less))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in steps:
        yield (*path, step)
        yield from paths(part, (*path, step))


def test_a_text_that_is_another_in_the_other_language_only_is_told_in_words() -> None:
    before = {"kind": "process", "name": "x", "title": {"zh": "投诉", "en": "Complaint"}}
    after = {**before, "title": {"zh": "投诉", "en": "Complaints"}}
    told = as_dicts(differences("process", before, after), "process", before, after)
    assert [one["text"]["zh"] for one in told] == ["标题（英文）：Complaint → Complaints"]
    added = {
        **before,
        "title": {"zh": "投诉", "en": "Complaint"},
        "severities": {"A": {"title": {"zh": "甲", "en": "Bad"}}},
    }
    only = {**added, "severities": {"A": {"title": {"zh": "甲"}}}}
    texts = [one["text"]["zh"] for one in as_dicts(differences("process", only, added), "process", only, added)]
    assert texts == ["级别“甲”（A）：标题（英文）：Bad（原来没有）"]


IN_ENGLISH = Names(
    people={"role:monitor": "Monitor", "team:directors": "Directors"},
    channels={"wecom": "WeCom group"},
    documents={"allday": "Round the clock"},
)
IN_CHINESE = Names({"role:monitor": "监控员", "team:directors": "总监组"}, {"wecom": "企业微信群"}, {"allday": "全天"})


@pytest.mark.parametrize(
    ("old", "new", "english", "chinese"),
    [
        ("by: [owner, team]", 'by: [owner, "role:monitor"]',
         "action ask: By: now also Monitor, no longer the team", "动作 ask：谁可以做：增加 监控员，去掉 团队全体"),
        ("      C: [{", '      B: [{via: wecom, to: "team:directors"}]\n      C: [{',
         "notice first_notice: B Plain is now told: Via: WeCom group, To: Directors",
         "通知 first_notice：级别 B Plain 现在也通知：渠道：企业微信群，发给：总监组"),
        ("{A: 1h,", "{A: 30m,", "clock “First response”: severity A Grave, Within 1 h → 30 min",
         "时限“First response”：级别 A Grave，时限：1 小时 → 30 分钟"),
        ("warn: 50%", "warn: [50%, 15m]",
         "clock “First response”: Warn: now also 15 min before it is due",
         "时限“First response”：预警：增加 到期前 15 分钟"),
        ("calendar: office", "calendar: allday", "Calendar office → Round the clock", "日历：office → 全天"),
    ],
)  # fmt: skip
def test_with_names_it_says_no_ids_of_what_has_a_title(old, new, english, chinese):
    given = {"en": IN_ENGLISH, "zh": IN_CHINESE}
    assert [changed(old, new, language, names=given.get) for language in given] == [[english], [chinese]]
