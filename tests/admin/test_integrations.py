"""What integrators do in the panel: sources with a sample payload, and subscriptions."""

from __future__ import annotations

import json
import re

import pytest

from server import subscriptions
from server.store.models import AuditEntry, Issue, Kept, Message, Subscription
from tests.admin.visiting import Panel, receive

ALERT = {
    "status": "firing",
    "fingerprint": "c0ffee",
    "startsAt": "2026-11-28T10:00:00Z",
    "labels": {"alertname": "<b>Login is down", "severity": "critical"},
}


def test_a_sample_payload_says_what_would_be_recorded_and_nothing_is(panel: Panel) -> None:
    root = panel.visitor("root")
    before = AuditEntry.select().count()
    answer = root.post("/admin/sources/alertmanager", {"body": json.dumps({"alerts": [ALERT, {"status": "x"}]})})
    assert answer.status_code == 200
    assert "would become an issue" in answer.text
    assert "2 items" in answer.text
    assert "<b>Login" not in answer.text
    for wrong in ("{", "[1e999]", "\x00", '{"a": 1, "a": 2}'):
        assert root.post("/admin/sources/alertmanager", {"body": wrong}).status_code == 422, wrong
    assert root.post("/admin/sources/alertmanager", {"body": "[]"}).status_code == 200
    assert (Issue.select().count(), Kept.select().count()) == (0, 0)
    assert AuditEntry.select().count() == before
    assert root.get("/admin/sources/nowhere").status_code == 404
    assert root.get("/admin/sources/daily-data-check").status_code == 404, "it takes no deliveries"


def test_sources_say_how_they_are_verified_and_never_a_secret(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_TOKEN", "topsecret other")
    root = panel.visitor("root")
    page = root.text("/admin/sources/")
    assert "2 secrets, each is accepted" in page
    assert "/hooks/alertmanager" in page
    made = root.post("/admin/sources/alertmanager/secret").text
    secret = re.search(r'id="made"[^>]*>([^<]{30,})<', made)
    assert secret is not None
    for path in ("/admin/sources/", "/admin/sources/alertmanager"):
        text = root.get(path).text
        assert "topsecret" not in text
        assert secret[1] not in text
    entry = AuditEntry.get(AuditEntry.kind == "source.secret_made")
    assert entry.by == "root"
    assert secret[1] not in entry.body
    monkeypatch.delenv("ALERT_TOKEN")
    assert "no secret is set" in root.text("/admin/sources/alertmanager")


def test_a_subscription_is_made_with_its_secret_shown_once(panel: Panel) -> None:
    root = panel.visitor("root")
    refused = root.post("/admin/subscriptions/", {"url": "http://127.0.0.1/x", "events": "recieved <b>"})
    assert refused.status_code == 422
    assert "recieved" in refused.text
    assert "<b>" not in refused.text
    assert Subscription.select().count() == 0
    made = root.post("/admin/subscriptions/", {"url": "https://crm.example/x", "events": "received"})
    secret = Subscription.get().secret
    assert secret in made.text
    assert secret not in root.get("/admin/subscriptions/").text
    id_ = Subscription.get().id
    rotated = root.post(f"/admin/subscriptions/{id_}/rotate").text
    assert Subscription.get().secret in rotated
    assert Subscription.get().former_secret == secret
    assert secret not in rotated


def test_events_are_delivered_again_and_a_test_is_sent(panel: Panel) -> None:
    root = panel.visitor("root")
    receive()
    made = subscriptions.create({"url": "https://crm.example/x", "events": ["received"]}, "root", 1)
    assert "first day" in root.post(f"/admin/subscriptions/{made.id}/replay", follow_redirects=True).text
    again = root.post(f"/admin/subscriptions/{made.id}/replay", {"since": "2026-01-01"}, follow_redirects=True)
    assert "1 event is delivered again." in again.text
    root.post(f"/admin/subscriptions/{made.id}/test")
    rows = Message.select().where(Message.channels == subscriptions.DOCUMENT)
    assert sorted(row.notice for row in rows) == ["event.received", "test"]
    root.post(f"/admin/subscriptions/{made.id}/off")
    assert "cannot be tried" in root.post(f"/admin/subscriptions/{made.id}/test", follow_redirects=True).text
    off = root.post(f"/admin/subscriptions/{made.id}/replay", {"since": "2026-01-01"}, follow_redirects=True)
    assert "cannot be replayed" in off.text
    root.post(f"/admin/subscriptions/{made.id}/delete")
    assert Subscription.select().count() == 0
    for what in ("delete", "rotate", "replay", "off"):
        assert root.post(f"/admin/subscriptions/{made.id}/{what}").status_code == 404
