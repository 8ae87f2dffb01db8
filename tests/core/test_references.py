"""Every name that a document uses must be defined: one planted mistake for each kind, with its place."""

from __future__ import annotations

import pytest

from server.core.checking import check
from server.core.findings import Finding
from tests.core.checked import FILES, NOW, PROCESS, Planted, checked, planted

REFUSED_WHEN_DONE = ("lacks-form-field", "not-in-form")


def help_(code: str, old: str, new: str, at: str = "", level: str = "error") -> Planted:
    return Planted(code, "help.yaml", old, new, at, "warning" if code in REFUSED_WHEN_DONE else level)


PLANTED = [
    help_("unknown-calendar", "calendar: office", "calendar: offce", "offce"),
    help_("unknown-calendar", "every: 1wd close", "calendar: night, every: 1wd close", "night"),
    help_("unknown-channels", "accept: {}", "channels: none", "none\nfields"),
    help_("unknown-channel", "via: sms", "via: smss", "smss"),
    help_("unknown-channel", "[email, desk]", "[email, dsk]", "dsk"),
    help_("unknown-channel", "via: email, within", "via: fax, within", "fax"),
    help_("unknown-channel", 'to: "team:top", via: email', 'to: "team:top", via: letter', "letter"),
    help_("unknown-channel", "via: preferred\n", "via: post\n", "post"),
    help_("unknown-stage", "{from: new, to: working", "{from: nwe, to: working", "nwe"),
    help_("unknown-stage", "to: closed,", "to: close,", "close, by"),
    help_("unknown-stage", "warn: [50%]", "pause: [waiting]", "waiting"),
    help_("unknown-stage", "stage: working", "stage: work", "work,"),
    help_("unknown-action", "do: comment", "do: coment", "coment"),
    help_("unknown-action", "not_by: receiver", 'not_by: "did:finish"', '"did:finish"'),
    help_("unknown-event", "on: received,", "on: recieved,", "recieved"),
    help_("unknown-event", "until: start, within", "until: begin, within", "begin"),
    help_("unknown-event", "met_by: tell", "met_by: telling", "telling"),
    help_("unknown-event", "on: clock.first.breached", "on: clock.frist.breached", "clock.frist.breached"),
    help_("unknown-event", "on: clock.first.breached", "on: clock.first.warned.25%", "clock.first.warned.25%"),
    help_("unknown-event", "classified.severity", "classified.sizes", "classified.sizes"),
    help_("unknown-event", "on: survey.ask.answered", "on: survey.asks.answered", "survey.asks.answered"),
    help_("unknown-event", "on: close\n", "on: closing\n", "closing"),
    help_("unknown-event", "since: start", "since: begin", "begin"),
    help_("unknown-event", "{on_time: first}", "{mean: {from: received, to: done}}", "done"),
    help_("unknown-field", "plan: required", "plans: required", "plans: required"),
    help_("unknown-field", 'set: {promised: "field:received"}', "set: {promise: null}", "promise: null"),
    help_("unknown-field", '"field:received"', '"field:reseived"'),
    help_("unknown-field", 'within: "field:promised"', 'within: "field:promise"', '"field:promise"'),
    help_("unknown-field", "by: team, assign", 'by: "field:boss", assign', '"field:boss"'),
    help_("unknown-field", "assign: actor", 'assign: "field:boss"', '"field:boss"'),
    help_("unknown-field", "same: customer", "same: customers", "customers"),
    help_("unknown-field", "{satisfaction: content}", "{satisfaction: contents}", "contents"),
    help_("unknown-field", "[count,", "[{count: {by: product}},", "product"),
    help_("unknown-field", "[count,", "[{top: cause},", "cause"),
    help_("unknown-field", "{to: team:support}", '{to: "field:team_of"}', '"field:team_of"'),
    help_("unknown-field", 'who: "field:customer"', 'whom: "field:customer"', 'whom: "field:customer"'),
    help_("unknown-field", 'who: "field:customer"', 'who: "field:client"', '"field:client"'),
    help_("unknown-severity", "{is: A, when: {field: impact", "{is: AA, when: {field: impact", "AA"),
    help_("wrong-type", "{is: A, when: {field: impact", "{is: true, when: {field: impact", "true, when"),
    help_("unknown-severity", "      B: [{via", "      D: [{via", "D: [{via: [email, desk]"),
    help_("unknown-severity", "{A: 1wh, B: 2wh}", "{A: 1wh, D: 2wh}", "D: 2wh"),
    help_("unknown-template", "template: short", "template: shrt", "shrt"),
    help_("unknown-ladder", '"rung:late"', '"rung:later"'),
    help_("unknown-clock", "{on_time: first}", "{on_time: frist}", "frist"),
    help_("unknown-survey", "[count,", "[{returned: asked},", "asked"),
    help_("unknown-process", "process: other", "process: others", "others"),
    help_(
        "unknown-table",
        "do: comment, with: {text: Thanks}",
        "do: reclassify, with: {sise: big, reason: R}",
        "sise: big, reason",
    ),
    help_(
        "unknown-outcome", "do: comment, with: {text: Thanks}", "do: reclassify, with: {size: huge, reason: R}", "huge"
    ),
    help_(
        "one-classified-name", "do: comment, with: {text: Thanks}", "do: reclassify, with: {reason: R}", "{on: survey"
    ),
    help_("name-twice", "  plan: {type: long_text}", "  size: {type: long_text}", "size:\n    from: impact"),
    help_(
        "name-twice", "questions: {content:", "questions: {plan: {type: text}, content:", "plan: {type: text}, content"
    ),
    help_(
        "name-built-in",
        "  plan: {type: long_text}",
        "  plan: {type: long_text}\n  stage: {type: text}",
        "stage: {type: text}\n",
    ),
    help_("name-built-in", "  edit: {by: anyone}", "  received: {by: anyone}", "received: {by: anyone}"),
    help_("severity-without-last-rule", "    - {is: B}\n", "", "- {is: A"),
    help_("wrong-field-type", "by: team, assign", 'by: "field:amount", assign', '"field:amount"'),
    help_("wrong-field-type", 'within: "field:promised"', 'within: "field:customer"', '"field:customer", warn'),
    help_("wrong-field-type", "{satisfaction: content}", "{satisfaction: amount}", "amount}"),
    help_("wrong-field-type", "{to: team:support}", '{to: "field:amount"}', '"field:amount"'),
    help_("not-a-declared-field", "plan: required", "subject: required", "subject: required, handler"),
    help_("not-a-declared-field", 'set: {promised: "field:received"}', "set: {owner: li}", "owner: li}"),
    help_("unlike-copy", '"field:received"', '"field:customer"', '"field:customer"}}\n  close'),
    help_("lacks-required-field", "topic: easy, ", "", "{process: other", "warning"),
    help_("lacks-required-field", "subject: On, ", "", "{process: other", "warning"),
    help_("lacks-form-field", "do: comment, with: {text: Thanks}", "do: comment", "{on: survey"),
    help_("lacks-form-field", "do: tell}", "do: start}", "{stage: working"),
    help_("not-in-form", "{text: Thanks}", "{text: Thanks, plan: P}", "plan: P}"),
    help_("not-in-form", "do: tell}", "do: tell, with: {plan: P}}", "plan: P}"),
    help_("not-by-itself", "do: comment, with: {text: Thanks}", "do: attach", "attach"),
    help_("bad-constant", "topic: easy", "topic: heavy", "heavy", "warning"),
    help_("bad-constant", 'set: {promised: "field:received"}', "set: {amount: many}", "many}"),
    help_(
        "rung-circle",
        "{to: lead, via: email, within: 1wd}",
        '{to: "rung:late", via: email, within: 1wd}',
        '"rung:late", via',
    ),
    Planted("unknown-process", "inbox.yaml", "process: help", "process: hlp", "hlp"),
    Planted("unknown-process", "drawn.yaml", "of: help", "of: halp", "halp"),
    Planted("unknown-field", "inbox.yaml", "  impact:", "  impct:", "impct: {from: level"),
    Planted("unknown-field", "drawn.yaml", "topic: hard", "topic: hard, colour: red", "colour: red"),
    Planted("unknown-field", "drawn.yaml", "field: impact", "field: impct", "impct"),
    Planted("unknown-action", "inbox.yaml", "do: [start]", "do: [strat]", "strat"),
    Planted("lacks-required-field", "inbox.yaml", "  customer: from.name\n", "", "subject: title"),
    Planted("lacks-required-field", "drawn.yaml", ", topic: hard", "", "{subject: Look"),
    Planted("lacks-form-field", "inbox.yaml", "with: {plan: text}", "with: {handler: text}", "start]", "warning"),
    Planted(
        "not-in-form", "inbox.yaml", "with: {plan: text}", "with: {plan: text, amount: n}", "amount: n}", "warning"
    ),
    Planted("bad-constant", "inbox.yaml", "high: stopped", "high: down", "down"),
    Planted("bad-constant", "drawn.yaml", "topic: hard", "topic: harder", "harder"),
]


@pytest.mark.parametrize("case", PLANTED, ids=str)
def test_a_planted_mistake_is_found_at_its_place(case):
    found, place = planted(case)
    assert (case.code, place) in [(f.code, (f.level, f.file, f.line, f.column)) for f in found], [str(f) for f in found]


def test_the_small_policy_is_clean():
    assert [str(finding) for finding in checked()] == []


def test_everything_is_reported_at_once():
    text = PROCESS.replace("template: short", "template: shrt").replace("do: comment", "do: coment")
    text = text.replace("field: impact, is: stopped", "field: impct, is: stopped")
    codes = [finding.code for finding in checked({"help.yaml": text}) if finding.level == "error"]
    assert codes == ["unknown-field", "unknown-template", "unknown-action"]


def test_a_near_name_is_offered():
    found, _ = planted(help_("unknown-event", "on: clock.first.breached", "on: clock.frist.breached"))
    text = next(finding.text() for finding in found if finding.code == "unknown-event")
    assert "did you mean 'clock.first.breached'?" in text
    assert "received" not in text, "of a hundred events only those of clocks are named"


def test_a_day_that_is_none_is_found_at_its_key():
    calendar = "kind: calendar\nname: c\ntitle: C\ntimezone: UTC\n"
    days = "hours: {monday: ['09:00-12:00'], friday-monday: closed}\ndates: {2026-02-30: closed}\n"
    found = checked({"c.yaml": calendar + days})
    places = [(item.code, item.line, item.column) for item in found if item.file == "c.yaml"]
    assert places == [("bad-calendar-date", 6, 9)]
    found = checked({"c.yaml": calendar + "hours: {monday-friday: ['09:00-12:00'], friday-sunday: closed}\n"})
    assert [(item.code, item.line, item.column) for item in found if item.file == "c.yaml"] == [("day-twice", 5, 41)]


def test_a_broken_calendar_is_not_called_missing():
    found = checked({"office.yaml": FILES["office.yaml"].replace("Asia/Shanghai", "Asia/Shanghi")})
    assert {finding.code for finding in found} == {"bad-time-zone"}


def test_only_the_named_files_are_reported():
    context = [(name, text.encode()) for name, text in FILES.items() if name != "help.yaml"]
    broken = [("broken.yaml", FILES["other.yaml"].replace("to: closed", "to: gone").encode())]
    assert check([("help.yaml", PROCESS.encode())], NOW, [*context, *broken]) == []


def test_a_document_that_is_nowhere_is_missing():
    found: list[Finding] = check([("help.yaml", PROCESS.encode())], NOW)
    assert [finding.code for finding in found if finding.level == "error"] == [
        "unknown-calendar",
        "unknown-channels",
        "unknown-process",
    ] or {finding.code for finding in found} == {"unknown-calendar", "unknown-channels", "unknown-process"}


def test_a_ladder_may_be_entered_by_climbing_alone():
    assert [
        str(finding)
        for finding in checked(
            {"help.yaml": PROCESS.replace("on: clock.first.breached", "climb_on: clock.first.breached")}
        )
    ] == []


def test_steps_of_a_rung_may_go_by_severity():
    text = PROCESS.replace(
        'steps: [{via: sms, to: "rung:late", wait: 5m}]', 'steps: {A: [{via: sms, to: "rung:late", wait: 5m}]}'
    )
    assert [str(finding) for finding in checked({"help.yaml": text})] == []
