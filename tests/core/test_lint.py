"""What is probably not meant, one planted case for each code; the shipped policies, of which nothing is said."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.core import documents, lint, moments
from server.core.checking import check
from server.core.findings import WORDS, catalogue
from server.resources import data_dir
from tests.core.checked import NOW, PROCESS, Planted, checked, planted


def doubt(code: str, old: str, new: str, at: str = "") -> Planted:
    return Planted(code, "help.yaml", old, new, at, "warning")


def wrong(code: str, old: str, new: str, at: str = "") -> Planted:
    return Planted(code, "help.yaml", old, new, at)


RULES = [
    doubt("rule-unreachable", "    - {is: B}\n", "    - {is: B}\n    - {is: A}\n", "{is: A}\n"),
    doubt(
        "rule-unreachable",
        "    - {is: B}\n",
        "    - {is: B}\n    - {is: A, when: {field: amount, is: 1}}\n",
        "{is: A, when: {field: amount",
    ),
    doubt("rule-unreachable", "- {to: team:support}", "- {to: team:support}\n  - {to: team:late}", "{to: team:late}"),
    doubt(
        "rule-contradicts-itself",
        "{field: impact, is: stopped}}\n    - {is: B}",
        "[{field: amount, is: 1}, {field: amount, is: 2}]}\n    - {is: B}",
        "{is: A, when: [{field",
    ),
    doubt(
        "options-unnamed",
        "table: {stopped: big, none: small}\n    else: small",
        "table: {stopped: big}",
        "{stopped: big}",
    ),
    doubt(
        "condition-never", "{field: plan, known: false}", "[{field: plan, known: true}, {field: plan, known: false}]"
    ),
    doubt(
        "condition-never",
        "where: {field: severity, is: A}",
        "where: [{field: severity, is: A}, {field: severity, is: B}]",
        "[{field: severity, is: A}",
    ),
    doubt(
        "action-never",
        "{from: new, to: working, by: team",
        "{from: new, to: working, when: {field: stage, is: closed}, by: team",
        "{field: stage, is: closed}",
    ),
    doubt("table-reads-later", "when: {field: impact, is: stopped}", "when: {field: size, is: big}", "- {is: A"),
    doubt(
        "severity-never-given",
        "severities: {A: {}, B: {}}",
        "severities: {A: {}, B: {}, Z: {title: Last}}",
        "Z: {title: Last}",
    ),
    doubt(
        "no-route", "route:\n  - {to: team:first, when: {field: size, is: big}}\n  - {to: team:support}\n", "", "help\n"
    ),
    doubt("route-without-last", "  - {to: team:support}\n", "", "- {to: team:first"),
]
FLOW = [
    doubt("no-final-stage", "closed: {final: true}", "closed: {}", "{new: {}"),
    doubt("first-stage-final", "{new: {}, working", "{new: {final: true}, working", "{final: true}, working"),
    doubt("stage-never-entered", "working: {}, closed", "working: {}, lost: {}, closed", "{}, closed"),
    doubt("stage-never-left", "close: {from: working", "close: {from: new", "{}, closed: {final"),
    doubt("to-own-stage", "tell: {from: working,", "tell: {from: working, to: working,", "working, by: owner"),
    doubt("reopens-to-final", "to: closed, by", "to: closed, reopens: true, by", "true, by"),
    doubt("assign-finds-nobody", "assign: actor", "assign: anyone", "anyone, form"),
    doubt(
        "set-over-form",
        'set: {promised: "field:received"}',
        'form: {promised: optional}, set: {promised: "field:received"}',
        'promised: "field:received"',
    ),
    doubt(
        "private-copied",
        "customer: {type: text, required: true}",
        "customer: {type: text, required: true, private: true}",
        'who: "field:customer"',
    ),
    doubt(
        "action-by-nobody", "by: [owner, lead], not_by: receiver", "by: owner, not_by: [owner, lead]", "[owner, lead]}"
    ),
    wrong("limits-crossed", "minimum: 0, maximum: 9", "minimum: 10, maximum: 9", "10, maximum"),
    doubt(
        "name-hidden-in-templates",
        "  plan: {type: long_text}",
        "  plan: {type: long_text}\n  link: {type: url}",
        "link: {type: url}",
    ),
]
EVENTS = [
    doubt(
        "event-never-happens",
        "until: start\n    rungs",
        "until: clock.reports.warned\n    rungs",
        "clock.reports.warned",
    ),
    doubt(
        "event-never-happens",
        "until: start\n    rungs",
        "until: ladder.late.exhausted\n    rungs",
        "ladder.late.exhausted",
    ),
    doubt(
        "event-never-happens",
        "happened: tell, since",
        "happened: notice.burst.confirmed, since",
        "notice.burst.confirmed",
    ),
    doubt("timed-in-final", "kept: {on: start", "kept: {on: stage.closed", "stage.closed"),
    doubt("timed-in-final", "kept: {on: start", "kept: {on: close", "close, until: close, within"),
]
TIMING = [
    doubt("clock-without-until", "until: start, within", "within", "{on: received, within"),
    doubt("clock-without-met-by", ", met_by: tell", "", "{on: start, until: close, every"),
    wrong(
        "duration-uses-now",
        "{A: 1wh, B: 2wh}",
        "[{is: 1wh, when: {field: received, longer_ago_than: 1d}}]",
        "[{is: 1wh",
    ),
    wrong(
        "clock-restarts-itself",
        "clocks:\n",
        'clocks:\n  spin: {on: [start, clock.spin.breached], until: clock.spin.breached, within: "field:promised"}\n',
        "[start, clock.spin",
    ),
    wrong("every-does-not-move", "every: 1wd close", "every: now", "now, met_by"),
    doubt("due-at-once", "{A: 1wh, B: 2wh}", "{A: now, B: 2wh}", "now, B"),
    doubt("due-at-once", "expires: 7d", "expires: now", "now\n"),
    doubt("graver-has-more-time", "{A: 1wh, B: 2wh}", "{A: 3wh, B: 2wh}", "3wh"),
    doubt("graver-has-more-time", "{A: 1wh, B: 2wh}", "{A: 5wd close, B: 24h}", "5wd"),
    doubt("graver-has-more-time", "{A: 1wh, B: 2wh}", "{B: 2wh, A: 3wh}", "3wh"),
    doubt("warn-before-start", "{A: 1wh, B: 2wh}, warn: [50%]", "{A: 1h, B: 2h}, warn: [50%, 1h]", "1h]"),
    doubt("pause-in-final", "every: 1wd close", "pause: [closed], every: 1wd close", "closed], every"),
    doubt("elapsed-hours", "{A: 1wh, B: 2wh}", "{A: 1wh, B: 8h}", "8h"),
    doubt("ladder-without-until", "    until: start\n", "", "on: clock.first.breached"),
    doubt("rung-never-reached", ", within: 1wd}", "}", '{to: "team:top", steps'),
    doubt("repeat-never", "    until: start\n    rungs", "    until: start\n    repeat: 2\n    rungs", "2\n    rungs"),
    doubt("automate-in-final", "stage: working", "stage: closed", "closed, at"),
    doubt("automate-never-possible", "stage: working", "stage: new", "tell}\n  - {on: survey"),
    doubt(
        "automate-loops",
        "- {stage: working, at: daily 09:00, do: tell}",
        "- {on: tell, do: tell}",
        "tell}\n  - {on: survey",
    ),
]
TELLING = [
    doubt("tells-nobody", "{via: chat, to: lead}", "{via: chat, to: anyone}", "anyone}]"),
    doubt("tells-nobody", "B: [{via: [email, desk], to: lead}]", "B: [{via: [email, desk], to: anyone}]", "anyone}]"),
    doubt(
        "preferred-without-customer", "via: preferred, to: customer", "via: preferred, to: lead", "preferred, to: lead"
    ),
    doubt("preferred-without-customer", 'to: "team:top", via: email}', 'to: "team:top", via: preferred}', "preferred}"),
    doubt("customer-by-robot", "via: preferred, to: customer", "via: chat, to: customer", "chat, to: customer"),
    doubt("customer-by-robot", "via: preferred\n", "via: chat\n", "chat\n"),
    doubt("notice-never-sent", "send: {A: always, B: ask}", "send: never", "never\n"),
    doubt("send-without-steps", "      B: [{via: [email, desk], to: lead}]\n", "", "ask}\n"),
    doubt("steps-never-sent", "{A: always, B: ask}", "{A: always}", "[{via: [email, desk]"),
    doubt("survey-never-expires", "    expires: 7d\n", "", "on: close\n"),
    doubt("survey-asks-nobody", "    expires: 7d\n", "    expires: 7d\n    share: 0%\n", "0%\n"),
    doubt("watch-unheard", "on: watch.many.raised", "on: start", "{count: 5"),
    doubt("watch-of-one", "count: 5", "count: 1", "1, window"),
    doubt("template-lacks-language", "subject: {zh: 问题, en: Issue}", "subject: {zh: 问题}", "{zh: 问题}"),
    doubt("template-unused", ", template: short", "", "{subject: {zh"),
    wrong("unknown-name-in-template", "{{ clocks.first.due }}", "{{ clocks.frist.due }}", '"{{ number }} {{ clocks'),
    wrong("template-syntax", 'en: "{{ number }}"}}', 'en: "{{ number"}}', '"{{ number"'),
    doubt("report-to-nobody", 'to: "team:top", via: email}', "to: lead, via: email}", "lead, via: email}\ntemplates"),
    doubt("report-repeats", "monthly 1 09:00, covers", "daily 09:00, covers", "daily 09:00, covers"),
    doubt("report-leaves-out", "covers: month", "covers: week", "monthly 1 09:00"),
    wrong("target-unlike", "at_least: 90%", "at_least: 3h", "3h}"),
    wrong("target-without-figure", "{on_time: first}, where", "trend, where", "trend,"),
    wrong("unknown-field", "where: {field: severity, is: A}", "where: {field: severty, is: A}", "severty"),
    doubt("accept-unused", "accept: {}", "accept: {elapsed-hours: We do}", "We do"),
]
OTHERS = [
    Planted(
        "source-unverified",
        "inbox.yaml",
        "{scheme: bearer, secret: env:INBOX}",
        "{scheme: none}",
        "none}\nexternal",
        "warning",
    ),
    Planted("again-without-external-id", "inbox.yaml", "external_id: id\n", "", "{do: [start]", "warning"),
    Planted("sample-draws-nothing", "drawn.yaml", "share: 5%", "share: 0%", "0%", "warning"),
    Planted(
        "condition-never",
        "drawn.yaml",
        "where: {field: impact, is: stopped}",
        "where: [{field: impact, is: stopped}, {field: impact, is: none}]",
        "[{field",
        "warning",
    ),
    Planted("report-repeats", "drawn.yaml", "at: monthly 8 09:00", "at: workdays 09:00", "workdays", "warning"),
    Planted("close-before-midnight", "office.yaml", "09:00-17:00", "09:00-23:59", '"09:00-23:59"', "warning"),
]


@pytest.mark.parametrize("case", [*RULES, *FLOW, *EVENTS, *TIMING, *TELLING, *OTHERS], ids=str)
def test_a_planted_doubt_is_found_at_its_place(case):
    found, place = planted(case)
    assert (case.code, place) in [(f.code, (f.level, f.file, f.line, f.column)) for f in found], [str(f) for f in found]
    assert [finding for finding in found if finding.level == "error" and case.level == "warning"] == []


def test_a_sample_of_issues_that_never_close_draws_none():
    found = checked({"help.yaml": PROCESS.replace("closed: {final: true}", "closed: {}")})
    assert ("drawn.yaml", "sample-never-closed") in [(finding.file, finding.code) for finding in found]


def test_every_code_of_lint_has_a_planted_case():
    tried = {case.code for case in (*RULES, *FLOW, *EVENTS, *TIMING, *TELLING, *OTHERS)} | {
        "sample-never-closed",
        "stage-never-closes",
        "calendar-year-missing",
    }
    modules = Path(lint.__file__).parent.glob("lint*.py")
    named = {code for module in modules for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', module.read_text("utf-8"))}
    codes = {code for code in catalogue() if code != WORDS and code in named}
    assert codes - tried == set()


def test_a_stage_from_which_nothing_closes_is_named():
    text = PROCESS.replace("close: {from: working", "close: {from: new").replace(
        "tell: {from: working,",
        "back: {from: lost, to: working}\n  lose: {from: working, to: lost}\n  tell: {from: working,",
    )
    text = text.replace("working: {}, closed", "working: {}, lost: {}, closed")
    found = checked({"help.yaml": text})
    assert [finding.params["stage"] for finding in found if finding.code == "stage-never-closes"] == ["working", "lost"]


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        ("2026-11-30T12:00:00+08:00", []),
        ("2036-06-01T12:00:00+08:00", ["2036"]),
        ("2036-12-01T12:00:00+08:00", ["2036, 2037"]),
    ],
)
def test_holidays_that_are_not_announced_are_missed_in_time(now, missing):
    found = checked(now=moments.parse(now, None))
    assert [finding.params["years"] for finding in found if finding.code == "calendar-year-missing"] == missing


def test_severities_are_compared_as_they_are_ranked_not_as_their_times_are_written():
    assert checked({"help.yaml": PROCESS.replace("{A: 1wh, B: 2wh}", "{B: 2wh, A: 1wh}")}) == []


def test_an_accepted_warning_is_not_given():
    text = PROCESS.replace("{A: 1wh, B: 2wh}", "{A: 1wh, B: 8h}")
    assert [finding.code for finding in checked({"help.yaml": text})] == ["elapsed-hours"]
    assert checked({"help.yaml": text.replace("accept: {}", "accept: {elapsed-hours: By the clock}")}) == []


SPINNING = {
    "by itself": ("spin: {on: [received, clock.spin.breached], until: clock.spin.breached, within: now}", ["spin"]),
    "through another": (
        """spin: {on: [received, clock.other.breached], until: clock.other.breached, within: now}
  other: {on: clock.spin.breached, until: clock.spin.breached, within: now}""",
        ["spin", "other"],
    ),
    "for one severity": (
        "spin: {on: [received, clock.spin.breached], until: clock.spin.breached, within: {A: now, B: 1h}}",
        ["spin"],
    ),
    "from a moment that is past": (
        'spin: {on: [received, clock.spin.breached], until: clock.spin.breached, within: 1h, from: "field:promised"}',
        ["spin"],
    ),
    "not: time passes": ("spin: {on: [received, clock.spin.breached], until: clock.spin.breached, within: 1h}", []),
    "not: it stays open": ("spin: {on: [received, clock.spin.breached], until: close, within: now}", []),
    "not: it starts before it ends": (
        """spin: {on: [received, clock.two.breached], until: clock.three.breached, within: now}
  two: {on: clock.spin.breached, until: close, within: now}
  three: {on: clock.two.breached, until: close, within: now}""",
        [],
    ),
}


@pytest.mark.parametrize(("clocks", "spinning"), SPINNING.values(), ids=SPINNING)
def test_a_clock_that_its_own_breach_starts_again_at_the_same_instant_is_refused(clocks, spinning):
    found = checked({"help.yaml": PROCESS.replace("clocks:\n", f"clocks:\n  {clocks}\n", 1)})
    refused = [finding for finding in found if finding.code == "clock-restarts-itself"]
    assert [finding.params["clock"] for finding in refused] == spinning
    assert all(finding.level == "error" for finding in refused)


def test_an_error_cannot_be_accepted():
    text = PROCESS.replace("every: 1wd close", "every: now").replace("accept: {}", "accept: {every-does-not-move: So}")
    assert [finding.code for finding in checked({"help.yaml": text})] == ["every-does-not-move"]


def test_an_example_that_fails_is_an_error():
    found, place = planted(
        wrong(
            "example-missing",
            "expect: [{kind: received}]",
            "expect: [{kind: received, severity: A}]",
            "{kind: received, severity: A}",
        )
    )
    assert [(f.code, (f.level, f.file, f.line, f.column)) for f in found] == [("example-missing", place)]


# -- the shipped policies ----------------------------------------------------------------------------------------------


def shipped() -> list[tuple[str, bytes]]:
    folder = data_dir("policies")
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if path.suffix == ".yaml"]


def test_nothing_is_said_of_the_shipped_policies():
    assert [str(finding) for finding in check(shipped(), NOW)] == []


def test_checking_all_shipped_policies_takes_no_four_seconds():
    files = shipped()
    start = time.process_time()
    check(files, NOW)
    assert time.process_time() - start < 4


def test_a_shipped_policy_alone_finds_what_it_refers_to():
    files = shipped()
    for file in files:
        assert check([file], NOW, [other for other in files if other != file], examples=False) == []


# -- whatever is written -----------------------------------------------------------------------------------------------

VALUES = {name: document.value for name, data in shipped() if (document := documents.read(data, name)[0])}
TEXTS = (
    "x",
    "A",
    "now",
    "0d eod",
    "1wd",
    "field:customer",
    "field:x",
    "rung:late",
    "did:x",
    "received",
    "50%",
    "solve",
    "preferred",
    "customer",
    "anyone",
    "{{ x }}",
    "daily 09:00",
    "severity",
    "{{",
    "99999wd",
    "close",
    "stage.x",
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every part of a document: the map or list that holds it, and its key."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from places(part)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, bytes]:
    """A shipped document with a few parts deleted, renamed, or replaced by others of the same key."""
    name = draw(st.sampled_from(sorted(VALUES)))
    value = json.loads(json.dumps(VALUES[name]))
    value.pop("examples", None)
    for _ in range(draw(st.integers(1, 3))):
        parts = list(places(value))
        holder, key = parts[draw(st.integers(0, len(parts) - 1))]
        match draw(st.sampled_from(["delete", "rename", "text", "like", "like"])):
            case "delete":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["x", "received", "severity", "A", "edit", f"{key}x"]))] = holder.pop(key)
            case "text":
                holder[key] = draw(st.sampled_from(TEXTS))
            case _:
                alike = [other[same] for other, same in parts if same == key]
                holder[key] = json.loads(json.dumps(draw(st.sampled_from(alike))))
    return name, json.dumps(value, ensure_ascii=False).encode()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(mutations())
def test_no_change_of_a_shipped_policy_stops_the_check(file):
    for finding in check([file], NOW, [other for other in shipped() if other[0] != file[0]]):
        assert finding.file == file[0]
        assert finding.code in catalogue()
        assert finding.text("zh")
        assert "{at}" not in finding.text("en")
