"""An issue with a history, of a process with private fields, in a store that is open for business."""

from __future__ import annotations

from server import acting, intake
from server.sealing import Sealer, Signer
from server.sweep import sweep
from tests.publishing import publish
from tests.server.conftest import MONDAY

HOUR = 3_600_000
SEED = b"s" * 32
SIGNER = Signer(SEED)
PHONE = "13912345678"
FLOW = """\
kind: process
name: flow
title: Flow
calendar: cn-office
keep: 1y
severities: {A: {title: A}, B: {title: B}}
fields: {phone: {type: phone, private: true}, text: {type: text}, waits: {type: boolean}}
classify: {severity: [{is: A, when: {field: text, is: urgent}}, {is: B}]}
route: [{to: team:support}]
stages: {first: {title: First}, waiting: {title: Waiting}, end: {title: End, final: true}}
actions:
  finish: {title: Finish, from: [first, waiting], to: end, by: anyone, form: {phone: optional}}
  wait: {title: Wait, from: first, to: waiting, by: team}
  go_on: {title: Go on, from: waiting, to: first, by: team}
clocks:
  reply: {on: received, until: finish, within: {A: 1h, B: 4h}, warn: [50%], pause: [waiting]}
notify:
  told: {on: received, steps: [{via: email, to: lead, template: full}]}
  late: {on: clock.reply.breached, steps: [{via: email, to: lead, template: full}]}
templates: {full: {subject: "{{ number }}", body: "{{ phone }}"}}
"""


def flow_in_force(text: str = FLOW, now: int = MONDAY) -> None:
    publish(text, now)


def lived(now: int = MONDAY) -> str:
    """An issue that was received, waited, went on, was late and is finished; gives its number."""
    given = {"subject": "down", "phone": PHONE, "text": "urgent"}
    number = intake.receive("flow", given, now, "gong").number
    acting.act(number, "wait", "li", {}, now + HOUR // 4)
    acting.act(number, "go_on", "li", {}, now + HOUR // 2)
    sweep(now + 2 * HOUR)
    acting.act(number, "finish", "li", {"phone": "13987654321"}, now + 2 * HOUR)
    return number


def sealed(now: int) -> None:
    """Everything is sealed and signed."""
    while Sealer("test").work(now, SIGNER):
        pass
