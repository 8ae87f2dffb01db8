"""What the shipped processes tell arrives: from receipt through the documents in force to a mail server."""

from __future__ import annotations

import dataclasses
import ipaddress

import pytest

from server import delivery, directory, policies, settings
from server.core import values
from server.receipts import record_new
from server.store import database
from server.store.database import Store
from server.store.models import Message
from tests import beginnings
from tests.server.desk import SETTINGS, START
from tests.server.test_delivery import LONG, smtp

PEOPLE = """\
people:
  - {login: chen, name: 陈静, email: chen@duban.example}
teams:
  - {id: management, title: 管理层, members: [chen]}
"""


def test_a_major_complaint_is_told_by_mail(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    local = (ipaddress.ip_network("127.0.0.0/8"),)
    monkeypatch.setattr(settings, "_current", dataclasses.replace(SETTINGS, allow_nets=local))
    with smtp() as (box, url):
        monkeypatch.setenv("EMAIL_URL", url)
        beginnings.shipped(START)
        with database.transaction():
            plan, _ = directory.plan(PEOPLE.encode(), "people.yaml")
            assert plan is not None
            directory.carry_out(plan, START, None)
        pinned = policies.in_force().processes["complaint-monitoring"]
        facts, problems = values.new_issue(
            pinned.process, {"subject": "多地收银停顿", "customer": "甲公司", "summary": "停", "lawsuit": True}, START
        )
        assert not problems, problems
        assert record_new(pinned, facts, START) is not None
        try:
            assert delivery.deliver(START + 100, patience=LONG) >= 1
        finally:
            delivery.close(START + 200)
        told = {mail["To"]: mail["Subject"] for mail in box.mails}
    assert "多地收银停顿" in told["陈静 <chen@duban.example>"]
    assert not Message.select().where(Message.state == Message.PENDING).exists()
