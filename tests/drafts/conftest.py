"""A small world: three documents in force, the people of the seeds, and who they are in these tests."""

from __future__ import annotations

import pytest

from server import directory, drafts
from server.accounts import Caller
from server.resources import data_dir
from server.store.database import Store
from server.store.models import Draft
from tests.publishing import publish
from tests.server.conftest import MONDAY

NAME = "matters"
CALENDAR = """\
kind: calendar
name: always
title: {zh: 全天, en: Always}
timezone: Asia/Shanghai
hours: {daily: ["00:00-24:00"]}
"""
CHANNELS = """\
kind: channels
name: default
title: {zh: 渠道, en: Channels}
channels:
  email: {type: email, url: env:EMAIL_URL}
  by_hand: {type: manual}
"""
MATTERS = """\
# What the desk takes up.
kind: process
name: matters
title: {zh: 事项, en: Matters}
owner: team:complaint_managers
calendar: always
number: "M{date}{serial:4}"
fields:
  grave: {type: boolean, label: {zh: 严重, en: Grave}}
severities: {A: {title: {zh: 急, en: Urgent}}, B: {title: {zh: 缓, en: Plain}}}
classify:
  severity: [{is: A, when: {field: grave, is: true}}, {is: B}]
route: [{to: team:complaint_specialists}]
stages:
  received: {title: {zh: 已接收, en: Received}}
  closed: {title: {zh: 已关闭, en: Closed}, final: true}
actions:
  close: {title: {zh: 关闭, en: Close}, from: received, to: closed, by: anyone}
clocks:
  answer: {title: {zh: 响应, en: Answer}, on: received, until: close, within: {A: 1h, B: 4h}}
notify:
  told: {title: {zh: 告知, en: Told}, on: received, steps: [{via: by_hand, to: team:complaint_managers}]}
examples:
  - name: An urgent one
    start: 2026-03-02T09:00:00+08:00
    issue: {subject: x, grave: true}
    until: +1m
    expect:
      - {kind: clock_started, clock: answer, due: 2026-03-02T10:00:00+08:00}
"""


def changed(*pairs: tuple[str, str], text: str = MATTERS) -> bytes:
    """The process with other words in it; without any, half an hour for what is urgent, as its example says, too."""
    for before, after in pairs or (("A: 1h", "A: 30m"), ("T10:00", "T09:30")):
        assert before in text
        text = text.replace(before, after)
    return text.encode()


@pytest.fixture(autouse=True)
def world(store: Store) -> Store:
    """Three documents in force since Monday at nine, and people."""
    for text in (CALENDAR, CHANNELS, MATTERS):
        publish(text, MONDAY)
    plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes())
    assert plan is not None, findings
    directory.carry_out(plan, MONDAY)
    return store


def who(login: str) -> Caller:
    """fu and meng own the process (team complaint_managers), mo may propose, han and tao approve, admin may do
    everything, lu nothing of this."""
    return drafts.caller(login)


def submitted(data: bytes | None = None, by: str = "fu", now: int = MONDAY, **more: object) -> Draft:
    """A draft that waits for approval."""
    draft = drafts.begin(NAME, changed() if data is None else data, who(by), now, "sooner")
    return drafts.submit(draft.id, who(by), now, **more)  # type: ignore[arg-type]


def approved(draft: Draft, by: str = "han", now: int = MONDAY, **more: object) -> Draft:
    """The draft after somebody approved its text."""
    return drafts.approve(draft.id, who(by), draft.sha256, now, **more)  # type: ignore[arg-type]
