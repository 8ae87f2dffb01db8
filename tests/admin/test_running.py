"""What those who run the server do in the panel: messages, kept deliveries, channels, health, tokens."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from server import backup, delivery, working
from server.accounts import caller_of_token
from server.core.moments import DAY, SECOND
from server.delivery import faring, trying
from server.health import BAD, UNSIGNED, WARN, troubles
from server.sealing import Sealer
from server.settings import current
from server.store import database, migrating
from server.store.models import AuditEntry, Kept, Lease, Message, Schedule, Token
from tests.admin.visiting import Panel, now, receive


def dead(count: int = 1) -> list[int]:
    """Some messages that nobody got."""
    while Message.select().count() < count:
        receive(outage=True)
    ids = [row.id for row in Message.select().order_by(Message.id).limit(count)]
    Message.update(state=Message.DEAD, last_error="550 <b>no", reason=None, attempts=3).where(
        Message.id.in_(ids)
    ).execute()
    Message.update(state=Message.SENT).where(Message.id.not_in(ids)).execute()
    return ids


# -- the queue -----------------------------------------------------------------------------------------------------


def test_a_message_is_sent_again_by_its_button(panel: Panel) -> None:
    (id_,) = dead()
    root = panel.visitor("root")
    assert "tried 3 times" in root.text("/admin/queue/?state=dead")
    answer = root.post("/admin/queue/decide", {"do": "retry", "message": str(id_)}, follow_redirects=True)
    assert "1 message is sent again." in answer.text
    row = Message.get_by_id(id_)
    assert (row.state, row.attempts) == (Message.PENDING, 0)
    assert AuditEntry.get(AuditEntry.kind == "message.resent").by == "root"


def test_nobody_drops_a_message_without_saying_why(panel: Panel) -> None:
    (id_,) = dead()
    root = panel.visitor("root")
    assert "Nobody will get these messages" in root.text(f"/admin/queue/decide?do=drop&message={id_}")
    refused = root.post("/admin/queue/decide", {"do": "drop", "message": str(id_), "reason": "  "})
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert Message.get_by_id(id_).state == Message.DEAD
    root.post("/admin/queue/decide", {"do": "drop", "message": str(id_), "reason": "told by <i>telephone"})
    assert (Message.get_by_id(id_).state, Message.get_by_id(id_).reason) == (Message.CANCELLED, "told by <i>telephone")
    entry = AuditEntry.get(AuditEntry.kind == "message.cancelled")
    assert json.loads(entry.body)["body"]["reason"] == "told by <i>telephone"
    assert entry.issue_id == Message.get_by_id(id_).issue_id


def test_all_of_a_channel_are_decided_together_and_no_others(panel: Panel) -> None:
    ids = dead(3)
    Message.update(channel="fax").where(Message.id.in_(ids[:2])).execute()
    root = panel.visitor("root")
    page = root.text("/admin/queue/decide?do=drop&channel=fax")
    assert "Drop 2 messages" in page
    root.post("/admin/queue/decide", {"do": "drop", "channel": "fax", "reason": "no fax any more"})
    assert [Message.get_by_id(id_).state for id_ in ids] == [Message.CANCELLED, Message.CANCELLED, Message.DEAD]


def test_what_waits_or_was_sent_is_not_decided_about(panel: Panel) -> None:
    (id_,) = dead()
    Message.update(state=Message.SENT).execute()
    root = panel.visitor("root")
    root.post("/admin/queue/decide", {"do": "retry", "message": str(id_)})
    root.post("/admin/queue/decide", {"do": "drop", "message": str(id_), "reason": "x"})
    assert Message.get_by_id(id_).state == Message.SENT
    assert root.get("/admin/queue/decide?do=drop&state=pending").status_code == 400
    assert root.get("/admin/queue/decide?do=burn").status_code == 400
    assert root.get("/admin/queue/decide?do=drop&message=999999").status_code == 404


# -- kept deliveries -----------------------------------------------------------------------------------------------


def kept(body: bytes) -> int:
    problem = [{"at": "", "code": "required", "params": {"name": "subject"}}]
    row = Kept.create(source="alertmanager", external_id="x", body=body, problem=problem, at=now(), item=None)
    return int(row.id)


def test_a_kept_delivery_is_played_again_or_stays_with_its_problem(panel: Panel) -> None:
    labels = {"alertname": "Login is down", "severity": "critical"}
    good = {"status": "firing", "fingerprint": "c0ffee", "startsAt": "2026-11-28T10:00:00Z", "labels": labels}
    root = panel.visitor("root")
    first, second = kept(json.dumps({"alerts": [good]}).encode()), kept(b"{<b>")
    taken = root.post(f"/admin/kept/{first}/replay", follow_redirects=True).text
    assert re.search(r"Taken: \w+\.", taken)
    assert Kept.get_by_id(first).state == Kept.REPLAYED
    assert "still cannot be taken" in root.post(f"/admin/kept/{second}/replay", follow_redirects=True).text
    assert Kept.get_by_id(second).state == Kept.KEPT
    assert root.post(f"/admin/kept/{first}/replay").status_code == 404


def test_a_kept_delivery_is_dropped_with_a_reason(panel: Panel) -> None:
    id_ = kept(b"{}")
    root = panel.visitor("root")
    assert root.post(f"/admin/kept/{id_}/drop", {"reason": ""}).status_code == 422
    assert root.post(f"/admin/kept/{id_}/drop", {"reason": "a test"}).status_code == 303
    assert json.loads(AuditEntry.get(AuditEntry.kind == "delivery.dropped").body)["body"]["reason"] == "a test"
    assert root.post(f"/admin/kept/{id_}/drop", {"reason": "x"}).status_code == 404


# -- channels ------------------------------------------------------------------------------------------------------


def test_channels_say_what_is_missing_and_never_a_secret(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_SECRET", raising=False)
    monkeypatch.setenv("CRM_URL", "https://crm.example/hook?key=topsecret")
    monkeypatch.setenv("EMAIL_URL", "smtp://user:topsecret@mail.example")
    page = panel.visitor("root").get("/admin/channels/").text
    assert "topsecret" not in page
    text = panel.visitor("root").text("/admin/channels/")
    assert "Missing settings: CRM_SECRET" in text
    assert "Missing settings: SMS_URL" in text
    assert "env:EMAIL_URL" in text


def test_a_test_goes_the_way_of_every_message_and_its_outcome_is_shown(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:9")  # nobody listens there
    root = panel.visitor("root")
    assert "type one" in root.post("/admin/channels/test", {"document": "default", "channel": "email"}).text
    answer = root.post("/admin/channels/test", {"document": "default", "channel": "email", "address": "a@example.com"})
    place = answer.headers["Location"]
    assert "waits for a worker" in root.text(place)
    for _ in range(20):
        delivery.deliver(now(), patience=2)
        if Message.get(Message.notice == trying.TEST).state != Message.PENDING:
            break
    delivery.close(now())
    row = Message.get(Message.notice == trying.TEST)
    assert (row.state, row.attempts) == (Message.CANCELLED, 1), "tried once; no dead letter"
    page = root.text(place)
    assert "failed" in page
    assert row.last_error
    assert row.last_error in page
    assert not Message.select().where(Message.notice == "alarm").exists(), "nobody else is told"
    entry = AuditEntry.get(AuditEntry.kind == "channel.tested")
    assert (entry.by, "a@example.com" in entry.body) == ("root", False)
    channels = root.text("/admin/channels/")
    assert "0 delivered, 1 failed" in channels
    assert faring.faring(now())["default/email"].failed == 1


def test_what_cannot_be_tried_is_said(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMS_URL", raising=False)
    root = panel.visitor("root")
    for channel, status in (("sms", 422), ("phone", 422), ("nowhere", 404)):
        answer = root.post("/admin/channels/test", {"document": "default", "channel": channel, "address": "1"})
        assert answer.status_code == status, channel
    assert root.get("/admin/channels/tests/999").status_code == 404
    assert not Message.select().where(Message.notice == trying.TEST).exists()


# -- health --------------------------------------------------------------------------------------------------------


def test_that_nobody_lets_time_pass_is_said_on_every_page_of_an_administrator(panel: Panel) -> None:
    assert [one.code for one in troubles(current(), now()) if one.level == BAD] == ["no-sweeper"]
    assert "No worker lets time pass" in panel.visitor("root").text("/admin/issues/")
    assert "No worker lets time pass" not in panel.visitor("gong").text("/admin/issues/")


def test_the_page_of_health_shows_who_works_and_how_old_the_backup_is(panel: Panel) -> None:
    Lease.create(name="sweep", holder="machine/7/x", until=now() + 60_000, fence=1)
    working.seen(now() - DAY, {"default/sms": now() + 60_000}, now())
    receive()
    dead()
    root = panel.visitor("root")
    page = root.text("/admin/health/")
    for expected in (
        "at work", "machine/7", "SQLite", migrating.last_step(database.current()),
        "1 message was given up.", "No backup was made yet",
        "no anchor outside", "1 worker is at work.", "needs attention: none yet", "Last checkpoint none yet",
        "Sweep behind 0 seconds",
    ):  # fmt: skip
        assert expected in page, expected
    assert "No worker lets time pass" not in page
    assert "left alone until" in root.text("/admin/channels/") or "not set up" in root.text("/admin/channels/")
    assert "运行状况" in panel.visitor("root", "zh").text("/admin/health/")


def test_a_backup_is_noted_when_it_was_made(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert backup.last_made() is None
    at = now() - 8 * DAY
    manifest = backup.write(database.current(), tmp_path_factory.mktemp("b") / "b.zip", at)
    backup.made(manifest, at)
    found = backup.last_made()
    assert found is not None
    assert found["at"] == at
    assert "The last backup is of" in panel.visitor("root").text("/admin/health/")
    assert AuditEntry.select().where(AuditEntry.kind == "store.backed-up").exists()


def test_workers_that_are_silent_are_shown_as_such_and_leave_nothing_alone(panel: Panel) -> None:
    working.seen(0, {"default/sms": now() + DAY}, now() - working.SILENT - 1)
    page = panel.visitor("root").text("/admin/health/")
    assert "not heard of" in page
    assert "No worker is at work; the last one was heard of: 1 minute" in page
    assert working.left_alone(now()) == {}
    working.gone()
    assert working.workers(now()) == []


def test_entries_that_wait_long_for_a_checkpoint_are_told(panel: Panel) -> None:
    signing = replace(current(), signing_key=bytes(range(32)))
    receive()
    sealer = Sealer("test")
    while sealer.work(now(), None):
        pass
    assert "checkpoint-late" not in [one.code for one in troubles(signing, now())]
    late = [one for one in troubles(signing, now() + UNSIGNED + SECOND) if one.code == "checkpoint-late"]
    assert [one.level for one in late] == [WARN]
    assert "checkpoint-late" not in [one.code for one in troubles(current(), now() + UNSIGNED + SECOND)]  # nobody signs


# -- tokens --------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_works_until_it_is_revoked(panel: Panel) -> None:
    gong = panel.visitor("gong")
    answer = gong.post("/admin/tokens/", {"scope": "issue.read", "label": "<b>report", "days": "30"})
    made = re.search(r"duban_[\w-]{30,}", answer.text)
    assert made is not None
    found = caller_of_token(made[0], now())
    assert found is not None
    assert (found.login, found.permissions) == ("gong", frozenset({"issue.read"}))
    page = gong.get("/admin/tokens/").text
    assert made[0] not in page
    assert "<b>report" not in page
    row = Token.get()
    assert row.expires_at - row.created_at == 30 * DAY
    gong.post(f"/admin/tokens/{row.id}/revoke")
    assert caller_of_token(made[0], now()) is None
    assert "revoked on" in gong.text("/admin/tokens/")


def test_tokens_of_others_are_for_administrators_alone(panel: Panel) -> None:
    root, gong = panel.visitor("root"), panel.visitor("gong")
    assert "A new token for 龚小燕" in root.text("/admin/tokens/?person=gong")
    made = root.post("/admin/tokens/", {"person": "gong", "scope": "issue.read", "days": ""})
    assert made.status_code == 200
    row = Token.get()
    assert (row.person_id, row.expires_at) == ("gong", None)
    assert json.loads(AuditEntry.get(AuditEntry.kind == "token.issued").body)["by"] == "root"
    assert gong.get("/admin/tokens/?person=root").status_code == 404
    assert gong.post("/admin/tokens/", {"person": "root", "scope": "system", "days": "30"}).status_code == 404
    rita = panel.visitor("rita")
    assert f"#{row.id}" not in rita.text("/admin/tokens/")
    assert rita.post(f"/admin/tokens/{row.id}/revoke").status_code == 404
    assert Token.get().revoked_at is None


def test_a_token_cannot_do_more_than_its_person(panel: Panel) -> None:
    rita = panel.visitor("rita")
    for scopes, said in ((["system"], "cannot be made"), ([], "at least one thing"), (["<b>"], "cannot be made")):
        answer = rita.post("/admin/tokens/", {"scope": scopes, "days": "30"})
        assert answer.status_code == 422
        assert said in answer.text
        assert "<b>" not in answer.text
    assert rita.post("/admin/tokens/", {"scope": "issue.read", "days": "99999"}).status_code == 400
    assert Token.select().count() == 0


def test_schedules_tokens_and_sources_are_told_by_what_they_do(panel: Panel) -> None:
    for kind, name in (("review", "complaint-monitoring"), ("report", "complaint-monitoring/monthly")):
        Schedule.create(kind=kind, name=name, key=f"{kind}:{name}", next_at=now())
    root = panel.visitor("root", "zh")
    text = root.text("/admin/schedules/")
    assert "提醒复审 客户投诉监控细则" in text
    assert "报告 客户投诉监控细则 · " in text
    assert "记录问题并执行动作" in root.text("/admin/tokens/") or "issue.write" in root.text("/admin/tokens/")
    assert "短信 sms" in root.text("/admin/channels/")
    english = panel.visitor("root").text("/admin/tokens/")
    assert "Record issues and act on them issue.write" in english
    assert "令牌" in root.text("/admin/sources/")
