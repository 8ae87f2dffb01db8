"""Other systems are told of events: what they asked for, signed, once per line, again when it fails or is asked for."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from server import delivery, settings, subscriptions
from server.core.moments import DAY, HOUR, MINUTE, to_datetime
from server.delivery import Courier
from server.egress import Egress
from server.events import Surroundings
from server.recording import record_event
from server.store.models import AuditEntry, Message, Subscription
from tests.api.calling import Api, Clock, problem
from tests.receivers import Receiver, Reply, Request, receiver
from tests.server.conftest import MONDAY

HERE = (ipaddress.ip_network("127.0.0.0/8"),)
LONG = 20.0
ISSUE = {
    "process": "complaint-monitoring",
    "subject": "Charged twice",
    "customer": "Company A",
    "phone": "13800000000",
    "reference": "call 4711",
    "summary": "The customer was charged twice.",
    "category": "price",
}
PATH = "/api/v1/subscriptions"


@pytest.fixture
def admin(app: Flask, calls: Any) -> Api:
    settings.use(replace(settings.current(), allow_nets=HERE))
    api: Api = calls("admin")
    return api


@pytest.fixture
def gong(calls: Any) -> Api:
    api: Api = calls("gong")
    return api


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def subscribe(api: Api, there: Receiver, **more: Any) -> dict[str, Any]:
    answer = api.post(PATH, {"url": there.url, **more})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.json
    return found


def deliver(now: int) -> int:
    sender = Courier(settings.current(), environ={}, egress=Egress(HERE))
    try:
        return sender.deliver(now, patience=LONG)
    finally:
        sender.close(now)


def told(there: Receiver) -> list[dict[str, Any]]:
    return [request.json() for request in there.requests]


def verified(secret: str, request: Request, monkeypatch: pytest.MonkeyPatch) -> Any:
    # The reference implementation refuses stamps that are more than five minutes off.
    monkeypatch.setattr(Webhook, "_Webhook__verify_timestamp", lambda self, stamp: to_datetime(int(stamp) * 1000))
    return Webhook(secret).verify(request.body, dict(request.headers))


def test_each_line_is_one_signed_delivery_with_process_and_links(
    admin: Api, gong: Api, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = subscribe(admin, there)
    number = gong.post("/api/v1/issues", ISSUE).json["number"]
    lines = gong.get(f"/api/v1/issues/{number}/timeline").json
    assert deliver(MONDAY) == len(lines) > 2
    assert len({request.headers["webhook-id"] for request in there.requests}) == len(lines)
    by_line = {json.dumps(body["data"], sort_keys=True): body for body in told(there)}
    for line in lines:
        expected = {
            **line,
            "process": "complaint-monitoring",
            "seq": 1,
            "links": {
                "issue": f"http://127.0.0.1:8080/api/v1/issues/{number}",
                "timeline": f"http://127.0.0.1:8080/api/v1/issues/{number}/timeline",
                "page": f"http://127.0.0.1:8080/issues/{number}",
            },
        }
        body = by_line[json.dumps(expected, sort_keys=True)]
        assert (body["type"], body["timestamp"]) == (line["kind"], "2026-03-02T01:00:00+00:00")
    assert verified(made["secret"], there.requests[0], monkeypatch)["data"]["number"] == number
    shown = admin.get(f"{PATH}/{made['id']}").json
    assert shown["delivered"] is not None
    assert (shown["failing_since"], shown["last_error"]) == (None, None)
    assert "secret" not in shown
    assert made["secret"] not in json.dumps([entry.body for entry in AuditEntry.select()])


def test_only_what_is_asked_for_is_told(admin: Api, gong: Api, there: Receiver) -> None:
    subscribe(admin, there, events=["received", "stage.handling", "comment"], processes=["complaint-monitoring"])
    subscribe(admin, there, events=["received"], processes=["contingency"])
    number = gong.post("/api/v1/issues", ISSUE).json["number"]
    gong.post(f"/api/v1/issues/{number}/actions/comment", {"with": {"text": "x"}})
    deliver(MONDAY)
    assert sorted(body["type"] + "/" + body["data"].get("action", "") for body in told(there)) == [
        "action/comment",
        "received/",
    ]


def test_private_fields_are_sent_only_when_asked_for_and_permitted(
    admin: Api, calls: Any, gong: Api, there: Receiver
) -> None:
    may_not = calls("admin", "integration.edit")
    problem(may_not.post(PATH, {"url": there.url, "private": True}), 403, "permission-missing")
    subscribe(may_not, there, events=["edit"])
    with receiver() as trusted:
        subscribe(admin, trusted, events=["edit"], private=True)
        number = gong.post("/api/v1/issues", ISSUE).json["number"]
        answer = gong.post(f"/api/v1/issues/{number}/actions/edit", {"with": {"phone": "13900000000", "customer": "B"}})
        assert answer.status_code == 200
        deliver(MONDAY)
        assert told(there)[0]["data"]["with"] == {"customer": "B"}
        assert told(trusted)[0]["data"]["with"] == {"phone": "13900000000", "customer": "B"}
        # Whoever asked for them may not read them any more.
        Subscription.update(private_by="gong").where(Subscription.private_by.is_null(False)).execute()
        subscriptions.known.changed()
        gong.post(f"/api/v1/issues/{number}/actions/edit", {"with": {"phone": "13700000000", "customer": "C"}})
        deliver(MONDAY)
        assert told(trusted)[1]["data"]["with"] == {"customer": "C"}


def test_both_secrets_sign_for_a_day_after_a_rotation(
    admin: Api, gong: Api, there: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = subscribe(admin, there, events=["received"])
    rotated = admin.post(f"{PATH}/{made['id']}/rotate").json
    assert base64.b64decode(rotated["secret"].removeprefix("whsec_"))
    assert rotated["secret"] != made["secret"]
    assert rotated["former_secret_until"] == "2026-03-03T01:00:00+00:00"
    gong.post("/api/v1/issues", ISSUE)
    deliver(MONDAY)
    for secret in (made["secret"], rotated["secret"]):
        verified(secret, there.requests[0], monkeypatch)
    gong.post("/api/v1/issues", ISSUE)
    deliver(MONDAY + DAY)
    verified(rotated["secret"], there.requests[1], monkeypatch)
    with pytest.raises(WebhookVerificationError):
        verified(made["secret"], there.requests[1], monkeypatch)


def test_a_failure_is_tried_again_with_the_same_id_and_shown(admin: Api, gong: Api, there: Receiver) -> None:
    made = subscribe(admin, there, events=["received"])
    there.answers(Reply(500, b"broken <b>"), Reply(200))
    gong.post("/api/v1/issues", ISSUE)
    deliver(MONDAY)
    shown = admin.get(f"{PATH}/{made['id']}").json
    assert shown["failing_since"] is not None
    assert shown["last_error"]["message"] == "HTTP 500: broken <b>"
    deliver(MONDAY + MINUTE)
    first, second = there.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    shown = admin.get(f"{PATH}/{made['id']}").json
    assert shown["failing_since"] is None
    assert shown["last_error"] is not None


def test_after_three_days_it_is_given_up_seen_by_administrators_and_can_be_replayed(
    admin: Api, gong: Api, there: Receiver, clock: Clock
) -> None:
    made = subscribe(admin, there, events=["received"])
    there.answers(Reply(503))
    gong.post("/api/v1/issues", ISSUE)
    Message.update(attempts=30, created_at=MONDAY - 3 * DAY, next_at=MONDAY).where(
        Message.channels == subscriptions.DOCUMENT
    ).execute()
    deliver(MONDAY)
    (dead,) = Message.select().where(Message.channels == subscriptions.DOCUMENT)
    assert dead.state == Message.DEAD
    alarms = list(Message.select().where(Message.notice == "alarm").order_by(Message.recipient))
    assert [(alarm.recipient, alarm.channels) for alarm in alarms] == [
        ("admin", "default"), ("fu", "default"), ("meng", "default"),
    ]  # fmt: skip
    assert dead.last_error in alarms[0].body
    there.answers(Reply())
    answer = admin.post(f"{PATH}/{made['id']}/replay?from=2026-03-02T09:00:00%2B08:00&to=2026-03-02T10:00:00%2B08:00")
    assert answer.json == {"deliveries": 1, "next": None}
    deliver(MONDAY + HOUR)
    first, second = there.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert Message.get_by_id(dead.id).state == Message.SENT


def test_a_replay_tells_what_happened_before_somebody_subscribed_and_only_the_time_asked_for(
    admin: Api, gong: Api, there: Receiver, clock: Clock
) -> None:
    number = gong.post("/api/v1/issues", ISSUE).json["number"]
    clock.now = MONDAY + HOUR
    gong.post(f"/api/v1/issues/{number}/actions/comment", {"with": {"text": "x"}})
    made = subscribe(admin, there, events=["received", "comment", "stage.recorded"])
    assert deliver(MONDAY + HOUR) == 0

    def replayed(query: str) -> Any:
        return admin.post(f"{PATH}/{made['id']}/replay?{query}").json["deliveries"]

    assert replayed("from=2026-03-02T01:30:00Z") == 1
    # By itself, the issue went on to `recorded`.
    assert replayed("from=2026-03-02T01:00:00Z&to=2026-03-02T02:00:00Z") == 2
    assert replayed("from=2026-03-02T01:00:00Z") == 0, "all wait already"
    deliver(MONDAY + 2 * HOUR)
    assert sorted(body["data"].get("action", "") for body in told(there)) == ["", "comment", "record"]
    problem(admin.post(f"{PATH}/{made['id']}/replay"), 400, "bad-parameter")
    problem(admin.post(f"{PATH}/{made['id']}/replay?from=yesterday"), 400, "bad-parameter")


def test_a_long_replay_says_where_to_go_on(admin: Api, gong: Api, there: Receiver, clock: Clock) -> None:
    for minute in range(3):
        clock.now = MONDAY + minute * MINUTE
        gong.post("/api/v1/issues", ISSUE)
    made = subscribe(admin, there, events=["received"])
    one = subscriptions.wanted(subscriptions.one(made["id"]))
    original, subscriptions.replaying._AT_ONCE = subscriptions.replaying._AT_ONCE, 1
    try:
        done = subscriptions.replay(one, MONDAY, MONDAY + HOUR, clock.now, "admin", most=1)
        assert done == subscriptions.Replayed(1, MONDAY + MINUTE)
        assert subscriptions.replay(one, done.next, MONDAY + HOUR, clock.now, "admin").deliveries == 2
    finally:
        subscriptions.replaying._AT_ONCE = original


def test_410_ends_a_subscription_until_it_is_turned_on_again(admin: Api, gong: Api, there: Receiver) -> None:
    made = subscribe(admin, there, events=["received"])
    there.answers(Reply(410))
    gong.post("/api/v1/issues", ISSUE)
    deliver(MONDAY)
    shown = admin.get(f"{PATH}/{made['id']}").json
    assert (shown["active"], shown["reason"]) == (False, "gone")
    gong.post("/api/v1/issues", ISSUE)
    assert Message.select().where(Message.channels == subscriptions.DOCUMENT).count() == 1
    problem(admin.post(f"{PATH}/{made['id']}/replay?from=2026-03-02T01:00:00Z"), 409, "subscription-not-active")
    there.answers(Reply())
    assert admin.client.patch(f"{PATH}/{made['id']}", json={"active": True}, headers=admin.headers).json["active"]
    assert admin.post(f"{PATH}/{made['id']}/replay?from=2026-03-02T01:00:00Z").json["deliveries"] == 2
    deliver(MONDAY + HOUR)
    assert len(there.requests) == 3


def test_what_is_deleted_or_turned_off_is_not_told_what_waited(admin: Api, gong: Api, there: Receiver) -> None:
    off, gone = (subscribe(admin, there, events=["received"]) for _ in range(2))
    gong.post("/api/v1/issues", ISSUE)
    admin.client.patch(f"{PATH}/{off['id']}", json={"active": False}, headers=admin.headers)
    assert admin.client.delete(f"{PATH}/{gone['id']}", headers=admin.headers).json == {"id": gone["id"]}
    deliver(MONDAY)
    assert there.requests == []
    states = {message.channel: message.state for message in Message.select()}
    assert (states[off["id"]], states[gone["id"]]) == (Message.UNSENT, Message.CANCELLED)
    problem(admin.get(f"{PATH}/{gone['id']}"), 404, "unknown-subscription")
    assert [one["id"] for one in admin.get(PATH).json["subscriptions"]] == [off["id"]]


def test_what_cannot_be_is_refused_with_its_place(admin: Api) -> None:
    given = {"url": "ftp://x", "events": ["stage.nowhere", 3], "processes": ["none"], "private": "yes", "more": 1}
    found = problem(admin.post(PATH, given), 422, "refused-subscription")
    assert {error["at"] for error in found["errors"]} == {
        "/url", "/events/0", "/events/1", "/processes/0", "/private", "/more",
    }  # fmt: skip
    problem(admin.post(PATH, {}), 422, "refused-subscription")
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "http://u:p@example.com/", "http://[::1", "//x"):
        problem(admin.post(PATH, {"url": url}), 422, "refused-subscription")
    assert Subscription.select().count() == 0


def test_a_destination_inside_is_never_reached(admin: Api, gong: Api, there: Receiver) -> None:
    subscribe(admin, there, events=["received"])
    gong.post("/api/v1/issues", ISSUE)
    sender = Courier(settings.current(), environ={}, egress=Egress())
    sender.deliver(MONDAY, patience=LONG)
    sender.close(MONDAY)
    assert there.requests == []
    assert "address" in Subscription.get().last_error


def test_messages_of_a_demo_stay_held(admin: Api, gong: Api, there: Receiver) -> None:
    subscribe(admin, there)
    number = gong.post("/api/v1/issues", ISSUE).json["number"]
    Message.delete().execute()
    event = {"kind": "action", "action": "comment", "by": "gong", "with": {"text": "x"}}
    record_event(number, event, MONDAY, by="gong", surroundings=Surroundings(hold_messages=True))
    assert {message.state for message in Message.select()} == {Message.HELD}
    assert deliver(MONDAY) == 0
    (waiting,) = Subscription.select()
    assert subscriptions.replay(subscriptions.wanted(waiting), MONDAY, MONDAY + 1, MONDAY, "admin").deliveries > 0
    assert Message.select().where(Message.state == Message.HELD).count() == 1
    delivery.discard(MONDAY, "admin")


def test_without_subscriptions_an_event_writes_nothing_more(admin: Api, gong: Api) -> None:
    gong.post("/api/v1/issues", ISSUE)
    assert Message.select().where(Message.channels == subscriptions.DOCUMENT).count() == 0
