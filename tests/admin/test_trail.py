"""The audit trail as auditors read it: in words, searched, with how it stands, and a proof of each entry."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from server import audit, settings
from server.evidence import standing
from server.sealing import Sealer, Signer
from server.store import database, sql
from server.store.models import AuditEntry, Verification
from tests.admin.visiting import Panel, now, panel_app, receive

KEY = b"k" * 32


@pytest.fixture
def audited(panel: Panel) -> Panel:
    """The panel of a server with a signing key."""
    settings.use(replace(settings.current(), signing_key=KEY))
    return Panel(panel_app(), panel.base_url)


def seal() -> None:
    sealer = Sealer("test")
    while sealer.work(now(), Signer(KEY)):
        pass
    sealer.end()


def work() -> bool:
    return standing.work(settings.current(), now)


def test_entries_are_told_in_the_readers_language_with_their_lines(audited: Panel) -> None:
    number = receive(outage=True)
    page = audited.visitor("ida").text(f"/admin/trail/?issue={number}")
    for expected in (f"Issue {number}: received", "龚小燕", "Received: severity Urgent", "not sealed yet"):
        assert expected in page, expected
    chinese = audited.visitor("ida", "zh").text(f"/admin/trail/?issue={number}")
    assert f"问题 {number}：登记" in chinese
    assert "已受理：级别 紧急" in chinese
    assert '"number"' in page, "as it is sealed"


def test_every_kind_that_the_server_writes_has_its_words(audited: Panel) -> None:
    receive()
    with database.transaction():
        audit.record("message.sent", now(), {"notice": "n", "channel": "sms", "recipient": "gong"})
        audit.record("token.issued", now(), {"login": "gong", "scopes": ["issue.read"]}, by="root")
        audit.record("draft.submitted", now(), {"name": "cn-office", "draft": 4, "reason": "<b>why</b>"}, by="root")
        audit.record("something.new", now(), {"name": "x"})
    answer = audited.visitor("ida").get("/admin/trail/").text
    assert "<b>why</b>" not in answer
    page = audited.visitor("ida").text("/admin/trail/")
    for expected in (
        "Message delivered: n to 龚小燕 by text message",
        "API token of 龚小燕 issued for See issues",
        "Draft handed in: Office hours (China), draft 4: <b>why</b>",
        "something.new: x",
    ):
        assert expected in page, expected


def test_filters_narrow_the_trail_and_what_is_wrong_is_said(audited: Panel) -> None:
    receive()
    ida = audited.visitor("ida")
    assert "Signed in: Ida Inspector" in ida.text("/admin/trail/?by=ida&kind=person.")
    assert "received" not in rows(ida.get("/admin/trail/?by=ida").text)
    assert "Version 1 of Office hours (China) put in force, as shipped" in ida.text("/admin/trail/?document=cn-office")
    assert "No entry fits" in ida.text("/admin/trail/?issue=NO-SUCH")
    assert "No entry fits" in ida.text("/admin/trail/?until=2001-01-01")
    assert "No entry fits" in ida.text("/admin/trail/?since=9999-12-31&until=9999-12-31")
    assert "“soon” is no date" in ida.text("/admin/trail/?since=soon")
    assert "ends before it begins" in ida.text("/admin/trail/?since=2026-02-02&until=2026-02-01")
    for after in ("x", "1", "1-", "-1-2", "1-2-3", "9" * 30 + "-1", "²-1"):
        assert ida.get(f"/admin/trail/?after={after}").status_code in (200, 404), after
    assert ida.get("/admin/trail/?after=x").status_code == 404
    assert ida.get("/admin/trail/999999").status_code == 404


def rows(page: str) -> str:
    found = re.search(r'<table class="table list" id="trail">.*?</table>', page, re.DOTALL)
    return "" if found is None else found[0]


def test_pages_follow_one_another_without_a_gap(audited: Panel) -> None:
    with database.transaction():
        for count in range(120):
            audit.record("something.new", now(), {"name": f"N{count:03}"})
    ida = audited.visitor("ida")
    seen: list[str] = []
    path = "/admin/trail/?kind=something.new"
    while path:
        page = ida.get(path).text
        seen += re.findall(r"something.new: (N\d{3})", page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        path = link[1].replace("&amp;", "&") if link else ""
    assert seen == [f"N{count:03}" for count in range(119, -1, -1)]


def test_the_proof_of_an_entry_is_followed_and_does_not_hold_after_a_change(audited: Panel) -> None:
    number = receive()
    entry = AuditEntry.get(AuditEntry.kind == "issue.received")
    ida = audited.visitor("ida")
    assert "No block seals it yet" in ida.text(f"/admin/trail/{entry.id}")
    seal()
    page = ida.get(f"/admin/trail/{entry.id}").text
    assert "The proof holds" in page
    shown = re.search(r"The proof as JSON.*?<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert shown is not None
    proof = json.loads(html.unescape(shown[1]))
    assert proof["entry"] == entry.id
    sql.run('UPDATE "audit_entry" SET "body" = ? WHERE "id" = ?', entry.body.replace(number, "OTHER"), entry.id)
    page = ida.text(f"/admin/trail/{entry.id}")
    assert "The proof does not hold" in page
    sql.run('UPDATE "audit_entry" SET "body" = ? WHERE "id" = ?', "{<b>broken", entry.id)
    assert "{<b>broken" not in ida.get(f"/admin/trail/{entry.id}").text


def test_an_auditor_has_the_trail_verified_and_reads_the_result(audited: Panel) -> None:
    receive()
    seal()
    ida = audited.visitor("ida")
    assert "has not been verified yet" in ida.text("/admin/trail/")
    assert ida.post("/admin/trail/verify").status_code == 303
    page = ida.get("/admin/trail/").text
    assert "waits for a worker" in page
    assert 'data-poll="/admin/trail/standing"' in page
    assert work()
    piece = ida.get("/admin/trail/standing").text
    assert "<html" not in piece
    assert "data-poll" not in piece
    entries = Verification.get().result["entries"]
    assert entries > 50
    assert f"Verified up to entry {entries}, " in ida.text("/admin/trail/")
    assert "There is no anchor outside" in piece
    assert "完好" in audited.visitor("ida", "zh").text("/admin/trail/")


def test_a_trail_whose_key_is_another_now_is_sound_and_says_so(audited: Panel) -> None:
    receive()
    seal()
    settings.use(replace(settings.current(), signing_key=b"n" * 32))
    audited.visitor("ida").post("/admin/trail/verify")
    assert work()
    page = audited.visitor("ida").text("/admin/trail/")
    assert "sound" in page
    assert "1 checkpoints of other keys were passed over." in page
    assert "另有 1 个检查点由其他密钥签署，未作比对。" in audited.visitor("ida", "zh").text("/admin/trail/")


def test_a_trail_that_was_touched_says_the_first_bad_entry(audited: Panel) -> None:
    receive()
    seal()
    entry = AuditEntry.get(AuditEntry.kind == "issue.received")
    sql.run('UPDATE "audit_entry" SET "body" = ? WHERE "id" = ?', entry.body.replace("gong", "wang"), entry.id)
    ida = audited.visitor("ida")
    ida.post("/admin/trail/verify")
    assert work()
    answer = ida.get("/admin/trail/").text
    assert re.search(rf'notice notice-bad">.*?tampered with.*?{entry.id}', answer, re.DOTALL)
    assert Verification.get().state == "tampered"


def test_a_worker_that_does_not_come_is_asked_about(audited: Panel) -> None:
    standing.ask("ida", now() - 60_000)
    assert "Is one running?" in audited.visitor("ida").text("/admin/trail/")
