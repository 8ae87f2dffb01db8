"""From a `notified` line to messages: who gets which words by which channel."""

from __future__ import annotations

import pytest

from server.store.database import Store
from server.store.models import Message
from tests.server.desk import START, Desk, sent_rows

pytestmark = pytest.mark.usefixtures("store")


def test_each_person_of_a_step_gets_a_message_in_his_language(store: Store) -> None:
    desk = Desk(
        "notify:\n  first: {title: {zh: 首次通知, en: First notice}, on: received, steps: [{via: email, to: [team:support, lead]}]}\n"
    )
    desk.receive(impact="stopped", customer="甲公司")
    rows = sent_rows()
    assert [(row.recipient, row.address, row.state, row.language) for row in rows] == [
        ("li", "li@duban.example", Message.PENDING, "zh"),
        ("wu", "wu@duban.example", Message.PENDING, "en"),
    ]
    assert rows[0].subject == "【严重】C0001 首次通知：无法登录"
    assert rows[1].subject == "[Grave] C0001 First notice: 无法登录"
    assert "Received: severity Grave, team Support" in rows[1].body
    assert rows[1].body.endswith("https://duban.example/issues/C0001")
    assert rows[0].at == rows[0].not_before == START
