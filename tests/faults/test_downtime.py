"""Ten minutes' downtime: everything that fell due meanwhile happens once, in order, timed at its due time; whoever is
told gets one summary."""

from __future__ import annotations

import ipaddress
import json
import time

import pytest

from server import directory, intake
from server.core.moments import MINUTE, SECOND
from server.delivery import Courier
from server.egress import Egress
from server.store import database
from server.store.database import Store
from server.store.models import Event, Issue, Message
from server.store.writing import insert
from server.sweep import Sweeper
from tests.publishing import publish
from tests.server.conftest import MONDAY
from tests.server.desk import CALENDAR, CHANNELS, PEOPLE, SETTINGS
from tests.server.test_delivery import smtp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MOMENTS = 10_000
DOWNTIME = 10 * MINUTE

TICKING = """\
kind: process
name: ticking
title: Ticking
calendar: always
number: "T{serial:6}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
clocks: {soon: {title: Soon, on: received, until: finish, within: 1h}}
notify: {late: {title: Late, on: clock.soon.breached, steps: [{via: email, to: receiver}]}}
"""


def issues_that_fall_due(count: int) -> None:
    """So many issues, whose hour is over within ten minutes, received by turns by two people; one, copied."""
    people = ("li", "wu")
    text, row = {}, None
    for person in people:
        intake.receive("ticking", {"subject": "x"}, MONDAY, person)
    for issue, person in zip(Issue.select().order_by(Issue.id), people, strict=True):
        text[person], row = issue.case, issue
    assert row is not None
    columns = [name for name in Issue._meta.fields if name not in ("id", "number", "case", "version", "wake_at")]
    same = {column: getattr(row, column) for column in columns} | {"version": row.version_id}
    due = row.wake_at
    with database.transaction():
        # The two that were copied never fall due.
        Issue.update(wake_at=None).execute()
        for index in range(count):
            # Not in the order of their rows.
            later = (index * 7919 % count) * (DOWNTIME - MINUTE) // count
            case = text[people[index % 2]]
            for moment in (MONDAY, due):
                case = case.replace(str(moment), str(moment + later))
            number = f"N{index:06}"
            case = json.dumps({**json.loads(case), "number": number})
            insert(Issue, {**same, "number": number, "case": case, "wake_at": due + later})


def test_what_fell_due_in_a_downtime_happens_once_in_order_and_is_told_in_one_summary(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp() as (box, url):
        monkeypatch.setenv("EMAIL_URL", url)
        people_there()
        for text in (CALENDAR, CHANNELS, TICKING):
            publish(text, MONDAY)
        issues_that_fall_due(MOMENTS)
        back = MONDAY + 60 * MINUTE + DOWNTIME
        sweeper = Sweeper("after the downtime")
        began = time.monotonic()
        now = back
        while Issue.select().where(Issue.wake_at <= now).exists():
            now = back + int((time.monotonic() - began) * 1000)
            sweeper.work(now, now - MONDAY)
        took = time.monotonic() - began
        print(f"{MOMENTS} due moments in {took:.1f} s: {MOMENTS / took:.0f}/s")

        rows = Event.select(Event.at, Event.issue, Event.entries).order_by(Event.id).tuples()
        lines = [(line, issue) for _, issue, entries in rows for line in json.loads(entries)]
        breaches = [(line["at"], issue) for line, issue in lines if line["kind"] == "clock_breached"]
        assert len(breaches) == MOMENTS
        assert len({issue for _, issue in breaches}) == MOMENTS, "each once"
        assert breaches == sorted(breaches), "in order of their due moments"
        dues = sorted((index * 7919 % MOMENTS) * (DOWNTIME - MINUTE) // MOMENTS for index in range(MOMENTS))
        assert [at - MONDAY - 60 * MINUTE for at, _ in breaches] == dues, "each timed at its due time"

        sender = Courier(SETTINGS, egress=Egress((ipaddress.ip_network("127.0.0.0/8"),)))
        for turn in range(5):
            sender.deliver(now + turn * SECOND, patience=5)
        sender.close(now + 10 * SECOND)
    assert sorted(mail["To"] for mail in box.mails) == ["Wu Hao <wu@duban.example>", "李明 <li@duban.example>"]
    for mail in box.mails:
        assert f"{MOMENTS // 2}" in mail["Subject"]
        told = mail.get_content().strip().splitlines()
        assert all("迟发" in line or "late" in line for line in told[:-1])
        assert f"{MOMENTS // 2 - 200}" in told[-1], "and how many more"
    batches = Message.select().where(Message.state == Message.SENT)
    assert sum(row.payload["count"] for row in batches) == MOMENTS
    assert not Message.select().where(Message.state == Message.PENDING).exists()


def people_there() -> None:
    plan, findings = directory.plan(PEOPLE.encode(), "people.yaml")
    assert plan is not None, findings
    directory.carry_out(plan, MONDAY, "root")
