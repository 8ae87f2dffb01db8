"""The owner of a process is reminded of its review, once for each version."""

from __future__ import annotations

import pytest

from server import schedules
from server.core.moments import DAY, parse
from server.resources import data_dir
from server.store.models import AuditEntry, Message
from tests.publishing import publish
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("open_for_business")

HALF_A_YEAR_LATER = parse("2026-09-02T09:00:00+08:00")


def reminders() -> list[Message]:
    return list(Message.select().where(Message.notice == "review.complaint-monitoring").order_by(Message.id))


def test_nobody_is_reminded_before_the_time() -> None:
    schedules.run(MONDAY)
    schedules.run(HALF_A_YEAR_LATER - DAY)
    assert reminders() == []


def test_the_owning_team_is_reminded_once() -> None:
    schedules.run(MONDAY)
    for days in range(3):
        schedules.run(HALF_A_YEAR_LATER + days * DAY)
    found = reminders()
    assert len(found) == len({row.recipient for row in found}) > 1
    assert {row.to for row in found} == {"team:complaint_managers"}
    assert {row.subject for row in found if row.language == "zh"} == {"请复审流程“客户投诉监控细则”"}
    assert "2026-03-02" in found[0].body
    assert "/admin/documents/complaint-monitoring" in found[0].body
    noted = AuditEntry.select().where(AuditEntry.kind == "policy.review-due")
    assert [entry.body.count("complaint-monitoring") for entry in noted if "complaint-monitoring" in entry.body] == [1]


def test_a_new_version_is_as_young_as_its_activation_and_is_reminded_of_in_its_turn() -> None:
    schedules.run(MONDAY)
    text = (data_dir("policies") / "complaint-monitoring.yaml").read_bytes()
    publish(text + b"\n", HALF_A_YEAR_LATER - DAY)
    schedules.run(HALF_A_YEAR_LATER)
    assert reminders() == []
    schedules.run(HALF_A_YEAR_LATER + 200 * DAY)
    assert reminders() != []
