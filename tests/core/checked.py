"""A small sound policy, and what `check` says when one thing in it is changed."""

from __future__ import annotations

from typing import NamedTuple

from server.core import moments
from server.core.checking import check
from server.core.findings import Finding

NOW = moments.parse("2026-03-02T09:00:00+08:00", None)

PROCESS = """\
kind: process
name: help
title: Help
calendar: office
accept: {}
fields:
  customer: {type: text, required: true}
  impact: {type: choice, options: {stopped: Stopped, none: None}}
  amount: {type: number, minimum: 0, maximum: 9}
  handler: {type: person}
  promised: {type: datetime}
  plan: {type: long_text}
severities: {A: {}, B: {}}
classify:
  severity:
    - {is: A, when: {field: impact, is: stopped}}
    - {is: B}
  size:
    from: impact
    table: {stopped: big, none: small}
    else: small
route:
  - {to: team:first, when: {field: size, is: big}}
  - {to: team:support}
stages: {new: {}, working: {}, closed: {final: true}}
actions:
  start: {from: new, to: working, by: team, assign: actor, form: {plan: required, handler: optional}}
  tell: {from: working, by: owner, set: {promised: "field:received"}}
  close: {from: working, to: closed, by: [owner, lead], not_by: receiver}
  pass_on: {from: working, opens: {process: other, fields: {subject: On, topic: easy, who: "field:customer"}}}
  edit: {by: anyone}
clocks:
  first: {on: received, until: start, within: {A: 1wh, B: 2wh}, warn: [50%]}
  reports: {on: start, until: close, every: 1wd close, met_by: tell}
  kept: {on: start, until: close, within: "field:promised", warn: 1h}
notify:
  news:
    on: [received, classified.severity]
    send: {A: always, B: ask}
    steps:
      A: [{via: email, to: [lead, "role:boss"], template: short}]
      B: [{via: [email, desk], to: lead}]
  burst: {on: watch.many.raised, steps: [{via: chat, to: lead}]}
  told: {on: tell, when: {field: impact, is: none}, steps: [{via: preferred, to: customer}]}
ladders:
  late:
    on: clock.first.breached
    until: start
    rungs:
      - {to: lead, via: email, within: 1wd}
      - {to: "team:top", steps: [{via: sms, to: "rung:late", wait: 5m}]}
automate:
  - {stage: working, at: daily 09:00, do: tell}
  - {on: survey.ask.answered, when: {happened: tell, since: start}, do: comment, with: {text: Thanks}}
surveys:
  ask:
    on: close
    via: preferred
    expires: 7d
    questions: {content: {type: rating}}
checks:
  empty: {when: {field: plan, known: false}}
watches:
  many: {count: 5, window: 1h, same: customer}
targets:
  quick: {measure: {on_time: first}, where: {field: severity, is: A}, at_least: 90%}
reports:
  monthly: {at: monthly 1 09:00, covers: month, show: [count, {satisfaction: content}], to: "team:top", via: email}
templates:
  short: {subject: {zh: 问题, en: Issue}, body: {zh: "{{ number }} {{ clocks.first.due }}", en: "{{ number }}"}}
examples:
  - {name: Clean, start: 2026-03-02T09:00:00+08:00, issue: {subject: S, customer: C}, expect: [{kind: received}]}
"""
OTHER = """\
kind: process
name: other
title: Other
calendar: office
fields:
  topic: {type: choice, required: true, options: {easy: Easy, hard: Hard}}
  who: {type: text}
  size: {type: number}
severities: {one: {}}
classify: {severity: [{is: one}]}
route: [{to: team:others}]
stages: {new: {}, closed: {final: true}}
actions: {close: {from: new, to: closed}}
"""
CALENDAR = """\
kind: calendar
name: office
title: Office
timezone: Asia/Shanghai
hours: {monday-friday: ["09:00-17:00"]}
holidays: {country: CN}
"""
CHANNELS = """\
kind: channels
name: default
title: Channels
channels:
  email: {type: email, url: env:EMAIL_URL}
  sms: {type: sms, url: env:SMS_URL}
  chat: {type: wecom, url: env:CHAT_URL}
  desk: {type: manual}
"""
SOURCE = """\
kind: source
name: inbox
title: Inbox
process: help
verify: {scheme: bearer, secret: env:INBOX}
external_id: id
fields:
  subject: title
  customer: from.name
  impact: {from: level, table: {high: stopped, low: none}, else: none}
again: {do: [start], with: {plan: text}}
"""
DRAWN = """\
kind: source
name: drawn
title: Drawn
process: other
at: monthly 8 09:00
sample: {of: help, covers: month, share: 5%, where: {field: impact, is: stopped}}
issue: {subject: Look, topic: hard}
"""
FILES = {
    "help.yaml": PROCESS,
    "other.yaml": OTHER,
    "office.yaml": CALENDAR,
    "channels.yaml": CHANNELS,
    "inbox.yaml": SOURCE,
    "drawn.yaml": DRAWN,
}


class Planted(NamedTuple):
    """A code, the file in which `old` becomes `new`, and the text at which the finding stands (`new`, if empty)."""

    code: str
    file: str
    old: str
    new: str
    at: str = ""
    level: str = "error"

    def __str__(self) -> str:
        return f"{self.code}: {self.new[:40]}"


def checked(changes: dict[str, str] | None = None, now: int = NOW) -> list[Finding]:
    """The findings on the small policy with some of its files changed."""
    files = FILES | (changes or {})
    return check([(name, text.encode()) for name, text in files.items()], now)


def planted(case: Planted) -> tuple[list[Finding], tuple[str, str, int, int]]:
    """The findings after the change, and (level, file, line, column) where the one that is looked for should stand."""
    source = FILES[case.file]
    assert source.count(case.old) == 1, f"{case.old!r} stands {source.count(case.old)} times in {case.file}"
    text = source.replace(case.old, case.new)
    at = case.at or case.new
    assert text.count(at) == 1, f"{at!r} stands {text.count(at)} times"
    before = text[: text.index(at)]
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    return checked({case.file: text}), (case.level, case.file, *place)
