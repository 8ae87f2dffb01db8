"""Receivers that are slow, hang, cut off, refuse, ask to wait, say yes and mean no, or point inward: the others hear in
time, and what nobody got is told to somebody."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server.channels.outgoing import Outcome
from server.core.moments import HOUR
from server.delivery import Courier
from server.delivery.breaker import SLOTS
from server.delivery.courier import MOST_UNDER_WAY
from server.delivery.handing_over import ALARM
from server.egress import Egress
from server.store.models import Message
from tests.publishing import publish
from tests.receivers import Receiver, Reply, receiver
from tests.server.desk import CALENDAR, CHANNELS, ENVIRON, PROCESS, SECOND, SETTINGS, START, Desk, people

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.slow, pytest.mark.timeout(240)]

LOCAL = Egress((ipaddress.ip_network("127.0.0.0/8"),))
IN_TIME = 3.0
"""Seconds for what is to take one at most: the machine is shared, and whatever hangs does so for fifteen."""

SICK = {
    "slow": Reply(delay=5),
    "hangs": Reply(hang=True),
    "cut": Reply(raw=b""),
    "half": Reply(raw=b"HTTP/1.1 20"),
    "error": Reply(500),
    "wait": Reply(429, headers={"Retry-After": "600"}),
    "yes_but_no": Reply.json({"errcode": 45009, "errmsg": "api freq out of limit"}),
    "inward": Reply(307, headers={"Location": "http://127.0.0.1:1/inside"}),
}
TYPES = {"yes_but_no": "wecom"}


def channel(name: str) -> str:
    return f"  {name}: {{type: {TYPES.get(name, 'webhook')}, url: env:{name.upper()}_URL}}\n"


@pytest.fixture
def there() -> Iterator[dict[str, Receiver]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(receiver()) for name in [*SICK, "well"]}


def test_receivers_in_trouble_hold_up_no_other(there: dict[str, Receiver]) -> None:
    for name, reply in SICK.items():
        there[name].answers(reply)
    channels = CHANNELS.split("channels:\n")[0] + "channels:\n" + "".join(map(channel, there))
    environ = {f"{name.upper()}_URL": found.url for name, found in there.items()}
    steps = ", ".join(f"{{via: {name}, to: lead}}" for name in there)
    desk = Desk(f"notify:\n  n: {{on: received, steps: [{steps}]}}\n", environ, channels)
    sender = Courier(SETTINGS, lambda _: desk.channels, environ, LOCAL)
    now, late = START, []
    for number in range(6):
        desk.receive(now)
        began = time.monotonic()
        while len(there["well"].requests) <= number:
            assert time.monotonic() - began < IN_TIME + 10, "it waits for the others"
            sender.deliver(now, patience=0.2)
        late.append(time.monotonic() - began)
        now += SECOND
    assert max(late) < IN_TIME, late
    # None of them got more attempts at once than it has room for, and none of them counts as reached.
    for name in SICK:
        assert len(there[name].requests) >= 1
        assert not Message.select().where(Message.channel == name, Message.state == Message.SENT).exists()
    assert len(there["hangs"].requests) <= SLOTS
    waiting = Message.select().where(Message.channel == "wait", Message.attempts > 0)
    assert all(row.next_at >= START + 600 * SECOND for row in waiting)
    errors = {row.channel: row.last_error or "" for row in Message.select().where(Message.attempts > 0)}
    assert "45009" in errors["yes_but_no"]
    assert "307" in errors["inward"]
    for found in there.values():
        found.close()
    sender.close(now)


def test_many_that_hang_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from server import channels as ways

    many = MOST_UNDER_WAY // SLOTS + 2
    names = [f"h{number}" for number in range(many)]
    ended = [False]

    def send(way: object, message: object, *_: object) -> list[Outcome]:
        name = str(getattr(way, "name"))  # noqa: B009
        until = time.monotonic() + 15
        while name != "well" and not ended[0] and time.monotonic() < until:
            time.sleep(0.05)
        return [Outcome("li", "delivered")]

    monkeypatch.setattr(ways, "send", send)
    channels = CHANNELS.split("channels:\n")[0] + "channels:\n" + "".join(map(channel, [*names, "well"]))
    environ = {f"{name.upper()}_URL": "http://127.0.0.1:1/" for name in [*names, "well"]}
    hanging = ", ".join(f"{{via: {name}, to: lead}}" for name in names)
    good = "  good: {on: accept, steps: [{via: well, to: lead}]}\n"
    desk = Desk(f"notify:\n  bad: {{on: received, steps: [{hanging}]}}\n{good}", environ, channels)
    sender = Courier(SETTINGS, lambda _: desk.channels, environ, LOCAL)
    issues = [desk.receive() for _ in range(SLOTS)]
    sender.deliver(START, patience=0.1)
    desk.act(issues[0], "accept", "li", START + SECOND)
    began = time.monotonic()
    while not Message.select().where(Message.channel == "well", Message.state == Message.SENT).exists():
        assert time.monotonic() - began < IN_TIME + 5, "there is no room left"
        sender.deliver(START + SECOND, patience=0.2)
    assert time.monotonic() - began < IN_TIME
    ended[0] = True
    sender.close(START + 2 * SECOND)


# -- what nobody got -----------------------------------------------------------------------------------------------

OWNED = PROCESS.replace("calendar: always", "calendar: always\nowner: team:support")
HOOK = "notify:\n  n: {on: received, steps: [{via: crm, to: lead}]}\n"


def test_many_dead_letters_are_one_alarm_to_administrators_and_to_whoever_owns_the_process() -> None:
    for text in (CALENDAR, CHANNELS, OWNED + HOOK):
        publish(text, START)
    with receiver() as crm, receiver() as gateway:
        crm.answers(Reply(410))
        gateway.answers(Reply.json({"errcode": 0}))
        environ = {**ENVIRON, "CRM_URL": crm.url, "WECOM_URL": gateway.url, "SMS_URL": gateway.at("127.0.0.1", "/sms")}
        del environ["EMAIL_URL"]
        desk = Desk(HOOK, environ)
        people(wu={"disabled_at": START})
        for number in range(20):
            desk.receive(START + number)
        sender = Courier(SETTINGS, lambda _: desk.channels, environ, LOCAL)
        for turn in range(8):
            sender.deliver(START + turn * SECOND, patience=2)
        dead = Message.select().where(Message.channel == "crm", Message.state == Message.DEAD).count()
        assert dead == 20
        alarms = {row.recipient: row for row in Message.select().where(Message.notice == ALARM)}
        assert Message.select().where(Message.notice == ALARM).count() == len(alarms)
        assert {login: row.to for login, row in alarms.items()} == {"root": "permission:system", "li": "team:support"}
        assert all(row.channel not in ("crm", "") for row in alarms.values())
        assert "无法登录" not in alarms["li"].body
        assert re.search(r"C00[0-2]\d", alarms["li"].body), "the first that was given up, whichever that was"
        assert "无法登录" in alarms["root"].body or "410" in alarms["root"].body
        # The next hour's failures are told of again.
        desk.receive(START + HOUR)
        sender.deliver(START + HOUR, patience=5)
        assert Message.select().where(Message.notice == ALARM).count() == 2 * len(alarms)
