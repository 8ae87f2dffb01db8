"""From planned messages to delivered ones, with real servers on this machine, on both databases."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from server import delivery
from server.channels.outgoing import Outcome
from server.delivery import LEASE, Courier
from server.delivery.breaker import FIRST_PAUSE, SLOTS, TRIPS_AT
from server.delivery.claiming import Settlement, claim, settle
from server.delivery.handing_over import ALARM
from server.delivery.ways import Channelling
from server.egress import Egress
from server.messages import FOLD_FOR
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Message
from tests.receivers import Reply, receiver
from tests.server.desk import ENVIRON, HOUR, MINUTE, SECOND, SETTINGS, START, Desk, people, sent_rows, without

pytestmark = pytest.mark.usefixtures("store")

LOCAL = Egress((ipaddress.ip_network("127.0.0.0/8"),))
LONG = 20.0  # seconds that a test waits for its own servers

MAIL = "notify:\n  first: {title: {zh: 首次通知, en: First notice}, on: received, steps: [{via: email, to: lead}]}\n"
HOOK = "notify:\n  crm: {on: received, steps: [{via: crm, to: lead}]}\n"
TIMED = """\
clocks:
  reply: {title: {zh: 答复, en: Reply}, on: received, until: accept, within: 1h}
  second: {title: {zh: 二次, en: Second}, on: received, until: accept, within: 2h}
notify:
  late: {title: {zh: 超时, en: Overdue}, on: clock.reply.breached, steps: [{via: email, to: lead}]}
  later: {title: {zh: 再超时, en: Overdue again}, on: clock.second.breached, steps: [{via: email, to: lead}]}
"""


class Mailbox:
    """What an SMTP server got; it answers as `says` tells it for an address."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.says: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.says:
            return self.says[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@contextmanager
def smtp() -> Iterator[tuple[Mailbox, str]]:
    """A mail server: what it gets, and its address."""
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}?from=duban@duban.example"
    finally:
        controller.stop()


@pytest.fixture
def mail() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    """A mail server and an environment in which the channel `email` is it."""
    with smtp() as (box, url):
        yield box, {**ENVIRON, "EMAIL_URL": url}


def courier(desk: Desk, environ: Mapping[str, str]) -> Courier:
    """A courier for the desk's channels document."""
    return Courier(SETTINGS, lambda name: desk.channels if name == "default" else None, environ, LOCAL)


def one(**where: Any) -> Message:
    """The only message with these columns."""
    (found,) = Message.select().where(True, *(getattr(Message, name) == value for name, value in where.items()))
    return found


def audited(kind: str) -> int:
    return AuditEntry.select().where(AuditEntry.kind == kind).count()


# --- delivered, tried again, given up ---------------------------------------------------------------------------------


def test_a_message_is_sent_once_and_its_outcome_is_audited(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.receive()
    sender = courier(desk, environ)
    assert sender.deliver(START, patience=LONG) == 1
    assert sender.deliver(START + SECOND, patience=LONG) == 0
    (got,) = box.mails
    assert got["To"] == "李明 <li@duban.example>"
    assert got["Subject"] == "【一般】C0001 首次通知：无法登录"
    row = one()
    assert (row.state, row.attempts, row.lease_until, row.lease_by) == (Message.SENT, 1, 0, None)
    assert START <= row.sent_at < START + LONG * 1000
    (entry,) = AuditEntry.select().where(AuditEntry.kind == "message.sent")
    assert entry.issue_id == row.issue_id
    assert "li@duban.example" not in entry.body


def test_a_failure_is_tried_again_with_growing_pauses_and_the_same_id(store: Store) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        desk.receive()
        sender = courier(desk, environ)
        there.answers(Reply(500), Reply(503), Reply(200))
        now, pauses = START, []
        for _ in range(2):
            assert sender.deliver(now, patience=LONG) == 1
            row = one()
            assert row.state == Message.PENDING
            assert row.last_error.startswith("HTTP 50")
            # The courier goes on with the real clock from there; a busy machine is given a second.
            assert sender.deliver(row.next_at - 1_400, patience=LONG) == 0
            pauses.append(row.next_at - now)
            now = row.next_at
        assert 1500 <= pauses[0] <= 2500 + LONG * 1000
        assert pauses[1] > 3000
        assert sender.deliver(now, patience=LONG) == 1
        assert one().state == Message.SENT
        assert one().attempts == 3
        assert len({request.headers["webhook-id"] for request in there.requests}) == 1
        assert len({request.body for request in there.requests}) == 1


def test_retry_after_is_honoured(store: Store) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        desk.receive()
        there.answers(Reply(429, headers={"Retry-After": "120"}))
        courier(desk, environ).deliver(START, patience=LONG)
        assert one().next_at >= START + 120 * SECOND


def test_webhooks_are_tried_for_three_days(store: Store) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        desk.receive()
        there.answers(Reply(500))
        now = START
        for _ in range(100):
            # A courier of its own each time: this test is about the message's pauses, not the breaker's.
            courier(desk, environ).deliver(now, patience=LONG)
            row = Message.get_by_id(1)
            if row.state != Message.PENDING:
                break
            now = row.next_at
        assert row.state == Message.DEAD
        assert START + 72 * HOUR <= now <= START + 76 * HOUR
        assert row.attempts < 60


def test_who_is_refused_does_not_hold_up_the_others_of_a_message(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.receive()
    row = one()
    to = [
        {"id": name, "name": name, "person": True, "address": f"{name}@duban.example"} for name in ("li", "wu", "mia")
    ]
    Message.update(payload={"to": to}).where(Message.id == row.id).execute()
    box.says = {"wu@duban.example": "550 no such user", "mia@duban.example": "451 later"}
    sender = courier(desk, environ)
    sender.deliver(START, patience=LONG)
    assert [mail["To"] for mail in box.mails] == ["li <li@duban.example>"]
    row = Message.get_by_id(row.id)
    assert row.state == Message.PENDING
    assert [one["id"] for one in row.payload["to"]] == ["mia"]
    assert audited("message.refused") == 1
    box.says = {}
    sender.deliver(row.next_at, patience=LONG)
    assert [mail["To"] for mail in box.mails] == ["li <li@duban.example>", "mia <mia@duban.example>"]
    assert Message.get_by_id(row.id).state == Message.SENT


def test_a_dead_letter_is_handed_over_to_otherwise(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    with receiver() as gateway:
        environ["SMS_URL"] = gateway.at("127.0.0.1", "/sms")
        gateway.answers(Reply.json({"code": 17, "message": "bad number"}))
        desk = Desk("notify:\n  n: {on: received, steps: [{via: sms, to: lead}]}\n", environ)
        desk.receive()
        sender = courier(desk, environ)
        sender.deliver(START, patience=LONG)
        sender.deliver(START + SECOND, patience=LONG)
    dead, instead = sent_rows()
    assert (dead.state, dead.channel) == (Message.DEAD, "sms")
    assert "bad number" in dead.last_error
    assert (instead.state, instead.channel, instead.reason) == (Message.SENT, "email", "instead:sms")
    assert (instead.replaces_id, instead.issue_id) == (dead.id, dead.issue_id)
    assert [mail["To"] for mail in box.mails] == ["李明 <li@duban.example>"]
    assert (audited("message.dead"), audited("message.handed_over"), audited("message.sent")) == (1, 1, 1)


def test_a_dead_letter_that_nothing_takes_over_raises_an_alarm_by_another_channel(store: Store) -> None:
    with smtp() as (box, url), receiver() as gateway:
        environ = {**ENVIRON, "EMAIL_URL": url, "WECOM_URL": gateway.url}
        gateway.answers(Reply.json({"errcode": 0}))
        box.says = {"li@duban.example": "550 no such user", "wu@duban.example": "550 no such user"}
        desk = Desk("notify:\n  n: {on: received, steps: [{via: email, to: team:support}]}\n", environ)
        desk.receive()
        sender = courier(desk, environ)
        sender.deliver(START, patience=LONG)
        sender.deliver(START + SECOND, patience=LONG)
        assert [row.state for row in sent_rows()] == [Message.DEAD, Message.DEAD, Message.SENT]
        alarm = one(notice=ALARM)
        assert (alarm.recipient, alarm.channel) == ("root", "wecom")  # root has no telephone
        (posted,) = gateway.requests
        assert "未能送达" in posted.json()["text"]["content"]


def test_an_alarm_that_dies_raises_none(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with smtp() as (box, url), receiver() as gateway:
        environ = {**ENVIRON, "EMAIL_URL": url, "WECOM_URL": gateway.url}
        gateway.answers(Reply.json({"errcode": 93000}))
        box.says = {"li@duban.example": "550 li@duban.example unknown", "root@duban.example": "550 no"}
        desk = Desk(MAIL, environ)
        desk.receive()
        sender = courier(desk, environ)
        for number in range(4):
            sender.deliver(START + number * SECOND, patience=LONG)
    assert Message.select().where(Message.notice == ALARM, Message.channel == "wecom").count() == 1
    assert not Message.select().where(Message.state == Message.PENDING).exists()
    assert "was given up" in caplog.text
    assert not AuditEntry.select().where(AuditEntry.body.contains("li@duban.example unknown")).exists()
    assert AuditEntry.select().where(AuditEntry.body.contains("550 … unknown")).count() == 1


# --- leases -----------------------------------------------------------------------------------------------------------


def test_a_worker_killed_after_sending_leads_to_a_second_sending_with_the_same_id(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        desk.receive()
        first = courier(desk, environ)
        monkeypatch.setattr(first, "_write_all", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            first.deliver(START, patience=LONG)
        assert len(there.wait_for(1)) == 1
        second = courier(desk, environ)
        assert second.deliver(START + LEASE - 1, patience=LONG) == 0
        assert second.deliver(START + LEASE + LONG * 1000, patience=LONG) == 1
        assert len(there.requests) == 2
        assert len({request.headers["webhook-id"] for request in there.requests}) == 1
        assert (one().state, one().attempts) == (Message.SENT, 2)


def test_the_only_server_of_a_store_recovers_leases_at_once_when_it_starts(store: Store) -> None:
    desk = Desk(HOOK)
    desk.receive()
    Message.update(not_before=None).execute()
    assert len(claim(START, "a worker that dies", {}, 10, 4)) == 1
    assert delivery.recover(START + SECOND, alone=False) == 0
    assert claim(START + SECOND, "another", {}, 10, 4) == []
    assert delivery.recover(START + SECOND, alone=True) == 1
    (again,) = claim(START + SECOND, "another", {}, 10, 4)
    assert (again.attempts, again.fence) == (2, 2)


def test_a_stale_worker_may_not_settle_a_failure_but_a_delivery_counts(store: Store) -> None:
    desk = Desk(HOOK)
    desk.receive()
    Message.update(not_before=None).execute()
    (stale,) = claim(START, "slow", {}, 10, 4)
    (fresh,) = claim(START + LEASE, "quick", {}, 10, 4)
    failed = {"state": Message.DEAD, "last_error": "too slow"}
    with database.transaction():
        assert settle([Settlement(stale.id, stale.fence, False, failed)]) == []
        assert one().state == Message.PENDING
        assert settle([Settlement(stale.id, stale.fence, True, {"state": Message.SENT})]) == [stale.id]
        assert settle([Settlement(fresh.id, fresh.fence, False, failed)]) == []
    assert one().state == Message.SENT


def test_two_workers_never_claim_the_same_message(store: Store) -> None:
    desk = Desk(HOOK)
    for _ in range(6):
        desk.receive()
    Message.update(not_before=None).execute()
    first = claim(START, "one", {}, 10, 4)
    second = claim(START, "two", {}, 10, 4)
    assert (len(first), len(second)) == (4, 2)
    assert not {row.id for row in first} & {row.id for row in second}


def test_a_channel_that_stumbles_concerns_one_message(
    mail: tuple[Mailbox, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.receive(subject="一")
    desk.receive(START + 1, subject="二")
    from server import channels

    real = channels.send

    def send(way: Any, message: Any, *more: Any) -> list[Outcome]:
        if "一" in message.subject.rpartition("：")[2]:
            raise ZeroDivisionError("a bug")
        return real(way, message, *more)

    monkeypatch.setattr(channels, "send", send)
    courier(desk, environ).deliver(START + SECOND, patience=LONG)
    first, second = sent_rows()
    assert (first.state, first.last_error) == (Message.PENDING, "ZeroDivisionError: a bug")
    assert second.state == Message.SENT
    assert len(box.mails) == 1


# --- slow and dead receivers ------------------------------------------------------------------------------------------


def test_a_receiver_that_hangs_delays_others_by_less_than_a_second(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    both = "notify:\n  n: {on: received, steps: [{via: crm, to: lead}, {via: email, to: lead}]}\n"
    with receiver() as slow:
        slow.answers(Reply(hang=True))
        environ["CRM_URL"] = slow.url
        desk = Desk(both, environ)
        for number in range(SLOTS * 3):
            desk.receive(START + number)
        sender = courier(desk, environ)
        began = time.monotonic()
        while len(box.mails) < SLOTS * 3 and time.monotonic() - began < 10:
            sender.deliver(START + SECOND, patience=0.2)
        took = time.monotonic() - began
        assert len(box.mails) == SLOTS * 3
        assert took < 2.5  # 12 mails, of which none waited for the one that hangs for 15 s
        assert len(slow.requests) == 4, "as many as docs/operations.md says"
        held = Message.select().where(Message.lease_by == sender.name, Message.channel == "crm").count()
        assert held == 4, "what cannot be sent yet is left for other workers"
    sender.close(START + 2 * SECOND)
    assert sender.under_way == 0


def test_a_destination_that_fails_again_and_again_is_left_alone_for_a_while(store: Store) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        for number in range(TRIPS_AT * 2):
            desk.receive(START + number)
        there.answers(Reply(500))
        sender = courier(desk, environ)
        for _ in range(4):
            sender.deliver(START + SECOND, patience=LONG)
        tried = len(there.requests)
        assert TRIPS_AT <= tried < TRIPS_AT + SLOTS
        sender.deliver(START + SECOND + FIRST_PAUSE // 2, patience=LONG)
        assert len(there.requests) == tried
        there.answers(Reply(200))
        sender.deliver(START + MINUTE + LONG * 1000, patience=LONG)
        assert Message.select().where(Message.state == Message.SENT).count() == TRIPS_AT * 2


def test_messages_do_not_wait_for_ever_for_a_destination_that_is_left_alone(
    mail: tuple[Mailbox, dict[str, str]],
) -> None:
    box, environ = mail
    with receiver() as there:
        environ["SMS_URL"] = there.url
        desk = Desk("notify:\n  n: {on: received, steps: [{via: sms, to: lead}]}\n", environ)
        for number in range(40):
            desk.receive(START + number)
        there.answers(Reply(500))
        sender = courier(desk, environ)
        now = START + SECOND
        while now < START + 40 * MINUTE:
            sender.deliver(now, patience=LONG)
            now += 20 * SECOND
        assert not Message.select().where(Message.channel == "sms", Message.state == Message.PENDING).exists()
        assert len(box.mails) == 40


# --- folding ----------------------------------------------------------------------------------------------------------


def test_what_fell_due_at_one_instant_for_several_issues_leaves_as_one(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(TIMED, environ)
    for _ in range(3):
        desk.receive()
    due = START + HOUR
    desk.happens("C0001", {"kind": "time"}, due)
    sender = courier(desk, environ)
    assert sender.deliver(due + 100, patience=LONG) == 0  # two more are due at this very moment
    desk.happens("C0002", {"kind": "time"}, due + 200)
    desk.happens("C0003", {"kind": "time"}, due + 300)
    assert sender.deliver(due + 400, patience=LONG) == 1
    (got,) = box.mails
    assert got["Subject"] == "3 项：【一般】C0001 超时：无法登录 等"
    text = got.get_content()
    assert text.count("时限“答复”超时") == 3
    assert all(f"C000{number} 无法登录" in text for number in (1, 2, 3))
    batch = Message.get(Message.id == 4)
    assert (batch.state, batch.issue_id, batch.notice) == (Message.SENT, None, "notice.late")
    assert [(row.state, row.batch_id) for row in sent_rows()[:3]] == [(Message.FOLDED, 4)] * 3


def test_a_batch_is_stored_with_its_id_before_the_first_attempt(store: Store) -> None:
    desk = Desk(TIMED, without(ENVIRON))
    for _ in range(2):
        desk.receive()
    desk.sweep(START + HOUR)
    sender = courier(desk, ENVIRON)  # nobody listens at its mail server
    sender.deliver(START + HOUR, patience=LONG)
    batch = one(notice="notice.late", batch=None)
    assert (batch.state, batch.attempts) == (Message.PENDING, 1)
    key = batch.key
    sender.deliver(batch.next_at, patience=LONG)
    assert one(notice="notice.late", batch=None).key == key
    assert one(notice="notice.late", batch=None).attempts == 2


def test_a_message_that_time_caused_waits_no_longer_than_half_a_minute(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(TIMED, environ)
    desk.receive()
    desk.receive()
    due = START + HOUR
    desk.happens("C0001", {"kind": "time"}, due)
    sender = courier(desk, environ)
    sender.deliver(due + FOLD_FOR - 1, patience=LONG)
    assert box.mails == []
    sender.deliver(due + FOLD_FOR, patience=LONG)
    assert len(box.mails) == 1


def test_a_set_apart_issue_holds_up_no_message(mail: tuple[Mailbox, dict[str, str]]) -> None:
    from server.store.models import Issue

    box, environ = mail
    desk = Desk(TIMED, environ)
    desk.receive()
    desk.receive()
    due = START + HOUR
    desk.happens("C0001", {"kind": "time"}, due)
    Issue.update(problem="{}").where(Issue.number == "C0002").execute()
    courier(desk, environ).deliver(due + 1, patience=LONG)
    assert len(box.mails) == 1


def test_after_a_downtime_messages_say_by_how_much_they_are_late(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(TIMED, environ)
    desk.receive()
    desk.sweep(START + HOUR + 25 * MINUTE)
    courier(desk, environ).deliver(START + HOUR + 25 * MINUTE, patience=LONG)
    (got,) = box.mails
    assert got.get_content().startswith("（迟发 25 分钟）")


def test_after_a_downtime_a_person_gets_one_summary_instead_of_more_than_five_messages(
    mail: tuple[Mailbox, dict[str, str]],
) -> None:
    box, environ = mail
    desk = Desk(TIMED, environ)
    for number in range(6):
        desk.receive(START + number * MINUTE)
    back = START + 90 * MINUTE
    sender = courier(desk, environ)
    desk.happens("C0001", {"kind": "time"}, back)
    assert sender.deliver(back, patience=LONG) == 0  # the others are overdue: all of it belongs together
    desk.sweep(back)
    sender.deliver(back, patience=LONG)
    (got,) = box.mails
    assert got["Subject"] == "停机期间的 6 条消息"
    lines = got.get_content().strip().splitlines()
    assert lines[0] == "2026-03-02 10:00:00 【一般】C0001 超时：无法登录 （迟发 30 分钟）"
    assert [line.split()[2][4:9] for line in lines] == [f"C000{number}" for number in range(1, 7)]


def test_five_late_messages_leave_one_by_one(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(TIMED, environ)
    for number in range(5):
        desk.receive(START + number * MINUTE)
    back = START + 90 * MINUTE
    desk.sweep(back)
    courier(desk, environ).deliver(back, patience=LONG)
    assert len(box.mails) == 5


def test_planned_before_a_downtime_and_sent_after_it_says_so_too(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.receive()
    courier(desk, environ).deliver(START + 3 * HOUR, patience=LONG)
    (got,) = box.mails
    assert got.get_content().startswith("（迟发 3 小时）")


def test_data_for_another_system_is_never_folded(store: Store) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        for _ in range(7):
            desk.receive()
        sender = courier(desk, environ)
        sender.deliver(START + 3 * HOUR, patience=LONG)
        numbers = sorted(request.json()["data"]["number"] for request in there.requests)
        assert numbers == [f"C000{number}" for number in range(1, 8)]


# --- not set, held ----------------------------------------------------------------------------------------------------


def test_a_channel_unset_since_it_was_planned_keeps_its_message(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.receive()
    courier(desk, without(environ, "EMAIL_URL")).deliver(START, patience=LONG)
    row = one()
    assert (row.state, row.reason) == (Message.UNSENT, "not_configured")
    there = Channelling(lambda _: desk.channels, environ)
    people(li={"email": "new@duban.example"})
    assert delivery.resend(row.id, START + HOUR, "root", there)
    courier(desk, environ).deliver(START + HOUR, patience=LONG)
    assert len(box.mails) == 1
    assert one().state == Message.SENT
    assert box.mails[0]["To"] == "李明 <new@duban.example>"
    assert not delivery.resend(row.id, START + HOUR, "root", there)


def test_held_messages_wait_for_an_administrator(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.held = True
    desk.receive()
    desk.receive(START + 1)
    sender = courier(desk, environ)
    sender.deliver(START + HOUR, patience=LONG)
    assert [row.state for row in sent_rows()] == [Message.HELD, Message.HELD]
    assert delivery.release(START + HOUR, "root", [1]) == 1
    assert delivery.discard(START + HOUR, "root") == 1
    sender.deliver(START + HOUR, patience=LONG)
    assert [row.state for row in sent_rows()] == [Message.SENT, Message.CANCELLED]
    assert len(box.mails) == 1


def test_nothing_leaves_while_everything_is_held(mail: tuple[Mailbox, dict[str, str]]) -> None:
    box, environ = mail
    desk = Desk(MAIL, environ)
    desk.receive()
    delivery.hold_outgoing(START, "a restored backup")
    sender = courier(desk, environ)
    assert sender.deliver(START, patience=LONG) == 0
    assert delivery.is_outgoing_held()
    assert delivery.release_outgoing(START + SECOND, "root", send=True) == 1
    assert sender.deliver(START + SECOND, patience=LONG) == 1
    assert len(box.mails) == 1


def test_somebody_who_left_is_not_written_to_by_the_channel_that_takes_over(store: Store) -> None:
    with smtp() as (box, url), receiver() as gateway:
        environ = {**ENVIRON, "EMAIL_URL": url, "SMS_URL": gateway.url}
        gateway.answers(Reply.json({"code": 17}))
        desk = Desk("notify:\n  n: {on: received, steps: [{via: sms, to: lead}]}\n", environ)
        desk.receive()
        people(li={"disabled_at": START})
        sender = courier(desk, environ)
        sender.deliver(START, patience=LONG)
        sender.deliver(START + SECOND, patience=LONG)
        assert [mail["To"] for mail in box.mails] == ["管理员 <root@duban.example>"]
        assert one(notice=ALARM).state == Message.SENT


def test_the_next_moment_is_that_of_the_next_attempt(store: Store) -> None:
    with receiver() as there:
        environ = {**ENVIRON, "CRM_URL": there.url}
        desk = Desk(HOOK, environ)
        assert delivery.next_moment(START) is None
        desk.receive()
        there.answers(Reply(500))
        courier(desk, environ).deliver(START, patience=LONG)
        assert delivery.next_moment(START) == one().next_at
