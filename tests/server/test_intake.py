"""An issue is received once, judged, and on disk with everything that belongs to it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from typing import Any

import peewee
import pytest

from server import intake, policies, sweep
from server.core.moments import MINUTE, parse
from server.issues import timeline
from server.receipts import record_new
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Kept, Message, PrivateValue, Serial
from tests.publishing import publish
from tests.server.conftest import MONDAY

COMPLAINT = {"subject": "系统无法登录", "customer": "甲公司", "phone": "13900000000", "outage": True}

pytestmark = pytest.mark.usefixtures("open_for_business")


def receive(**changes: Any) -> intake.Received:
    return intake.receive("complaint-monitoring", {**COMPLAINT, **changes}, MONDAY, "gong")


# -- one issue -----------------------------------------------------------------------------------------------------


def test_an_issue_is_judged_and_stored_with_its_event_and_audit_entry() -> None:
    received = receive()
    assert (received.number, received.severity, received.stage, received.created) == (
        "YS20260302001",
        "A",
        "received",
        True,
    )
    issue = Issue.get_by_id(received.issue)
    assert (issue.team, issue.subject, issue.seq, issue.final) == ("support", "系统无法登录", 1, False)
    assert issue.version_id == policies.in_force().processes["complaint-monitoring"].version
    assert issue.wake_at == MONDAY + 15 * MINUTE  # "recording begins" is the first clock that is due
    event = Event.get(Event.issue == issue)
    assert (event.seq, event.kind, event.by, event.at) == (1, "received", "gong", MONDAY)
    assert [line["kind"] for line in timeline(received.number)][:2] == ["received", "clock_started"]
    entry = AuditEntry.get(AuditEntry.issue == issue)
    assert entry.kind == "issue.received"


def test_private_values_stand_in_the_audit_trail_as_digests_only() -> None:
    received = receive()
    entry = AuditEntry.get(AuditEntry.issue == received.issue)
    assert "13900000000" not in entry.body
    assert "甲公司" in entry.body
    assert PrivateValue.get(PrivateValue.issue == received.issue).field == "phone"


def test_numbers_count_each_day_of_the_calendar_and_each_process_by_itself() -> None:
    late = parse("2026-03-02T23:59:00+08:00")
    numbers = [
        receive().number,
        receive().number,
        intake.receive("complaint-monitoring", COMPLAINT, late).number,
        intake.receive("complaint-monitoring", COMPLAINT, late + MINUTE).number,
        intake.receive("improvement", {"subject": "改进", "origin": "root_cause"}, MONDAY).number,
    ]
    assert numbers == ["YS20260302001", "YS20260302002", "YS20260302003", "YS20260303001", "GJ20260302001"]


def test_a_number_that_was_given_by_hand_is_passed_over() -> None:
    pinned = policies.in_force().processes["complaint-monitoring"]
    record_new(pinned, {"subject": "x", "received": MONDAY, "number": "YS20260302001"}, MONDAY)
    assert receive().number == "YS20260302002"


def test_what_the_process_refuses_is_not_stored_and_every_reason_is_given() -> None:
    with pytest.raises(intake.Refused) as refused:
        receive(subject="", amount=-1, colour="red", goes_on="nobody-of-that-name")
    assert {(problem.at, problem.code) for problem in refused.value.problems} == {
        ("/subject", "required"),
        ("/amount", "too-small-value"),
        ("/colour", "no-such-field"),
        ("/goes_on", "unknown-person"),
    }
    assert (
        Issue.select().count()
        == Serial.select().count()
        == AuditEntry.select().where(AuditEntry.kind == "issue.received").count()
        == 0
    )


def test_a_process_that_is_not_in_force_is_unknown() -> None:
    with pytest.raises(intake.UnknownProcess):
        intake.receive("nonsense", COMPLAINT, MONDAY)


def test_messages_of_the_receipt_are_written_with_it() -> None:
    received = receive(lawsuit=True)
    notices = {row.notice for row in Message.select().where(Message.issue == received.issue)}
    assert notices == {"notice.take_care", "notice.major"}


def test_the_same_external_id_makes_one_issue_however_often_it_comes() -> None:
    first = intake.receive("complaint-monitoring", COMPLAINT, MONDAY, source="crm", external_id="1")
    again = intake.receive("complaint-monitoring", {"subject": "other"}, MONDAY, source="crm", external_id="1")
    other = intake.receive("complaint-monitoring", COMPLAINT, MONDAY, source="shop", external_id="1")
    assert (again.number, again.created) == (first.number, False)
    assert other.created
    assert Issue.select().count() == 2


def test_one_external_id_from_many_threads_at_once_is_one_issue_and_one_number(open_for_business: Store) -> None:
    found: list[intake.Received] = []
    start = threading.Barrier(6)

    def hand_in() -> None:
        start.wait()
        found.append(intake.receive("complaint-monitoring", COMPLAINT, MONDAY, source="crm", external_id="1"))
        open_for_business.close() if not open_for_business.is_postgresql else None

    threads = [threading.Thread(target=hand_in) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.number for one in found}) == 1
    assert sum(one.created for one in found) == 1
    assert Serial.get().last == 1


def test_many_threads_give_each_issue_a_number_of_its_own(open_for_business: Store) -> None:
    found: list[str] = []

    def hand_in() -> None:
        found.extend(receive().number for _ in range(4))
        open_for_business.close() if not open_for_business.is_postgresql else None

    threads = [threading.Thread(target=hand_in) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"YS20260302{serial:03}" for serial in range(1, 21)]


def test_the_unique_index_and_not_only_care_keeps_a_second_issue_out() -> None:
    first = intake.receive("complaint-monitoring", COMPLAINT, MONDAY, source="crm", external_id="1")
    row = Issue.select().where(Issue.id == first.issue).dicts().get()
    del row["id"]
    with pytest.raises(peewee.IntegrityError), database.transaction():
        Issue.insert(**{**row, "number": "another"}).execute()


def test_a_watch_counts_what_is_received_and_not_what_was_rolled_back() -> None:
    numbers = [receive(category="price").number for _ in range(9)]
    with database.transaction() as _, database.current().db.atomic() as savepoint:
        receive(category="price")
        savepoint.rollback()
    tenth = receive(category="price")
    raised = [line for line in timeline(tenth.number) if line["kind"] == "raised"]
    assert raised == [
        {
            "at": "2026-03-02T09:00:00+08:00",
            "number": tenth.number,
            "kind": "raised",
            "watch": "batch",
            "values": {"category": "price"},
        }
    ]
    assert tenth.number == "YS20260302010"
    assert not any(line["kind"] == "raised" for number in numbers for line in timeline(number))


# -- deliveries ----------------------------------------------------------------------------------------------------

ALERT_TOKEN = {"ALERT_TOKEN": "s3cret-s3cret"}
BEARER = {"Authorization": "Bearer s3cret-s3cret"}


def alert(name: str = "Down", status: str = "firing", fingerprint: str = "f1", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {"summary": "It is down"},
        "startsAt": "2026-03-02T08:59:30+08:00",
        "fingerprint": fingerprint,
    }


def deliver(*alerts: Any, now: int = MONDAY) -> list[intake.Outcome]:
    body = json.dumps({"alerts": list(alerts)}).encode()
    return intake.take("alertmanager", BEARER, body, now, ALERT_TOKEN)


def test_each_item_of_a_delivery_is_an_issue_and_repeats_make_none() -> None:
    created = deliver(alert(), alert(fingerprint="f2"))
    assert [(one.number, one.severity, one.created) for one in created] == [
        ("YJ20260302001", "I", True),
        ("YJ20260302002", "I", True),
    ]
    again = deliver(alert(), alert(fingerprint="f2"), now=MONDAY + MINUTE)
    assert [(one.number, one.created) for one in again] == [("YJ20260302001", False), ("YJ20260302002", False)]
    assert Issue.select().count() == 2
    repeated = AuditEntry.select().where(AuditEntry.kind == "delivery.repeated")
    assert [entry.issue_id for entry in repeated] == [one.issue for one in created]


def test_another_text_under_a_known_id_is_noted_as_differing() -> None:
    deliver(alert())
    deliver(alert(name="Up again"))
    entry = AuditEntry.get(AuditEntry.kind == "delivery.differs")
    body = json.loads(entry.body)["body"]
    assert body["first"] != body["sha256"]
    assert Issue.get().subject == "Down"


def test_a_resolved_alert_does_the_first_possible_action_once() -> None:
    number = deliver(alert())[0].number
    resolved = [deliver(alert(status="resolved"), now=MONDAY + MINUTE) for _ in range(3)]
    assert [[one.number for one in outcome] for outcome in resolved] == [[number]] * 3
    actions = [line for line in timeline(str(number)) if line["kind"] in ("action", "refused")]
    assert [(line["kind"], line["action"], line["by"]) for line in actions] == [("action", "withdraw", "system")]
    assert Issue.get().final


def test_a_resolved_alert_that_nobody_knows_makes_no_issue() -> None:
    assert deliver(alert(status="resolved")) == []
    assert Issue.select().count() == Kept.select().count() == 0


def test_one_bad_item_is_kept_and_does_not_hold_up_the_others() -> None:
    bad = {"status": "firing", "labels": {}, "annotations": {}, "startsAt": "yesterday", "fingerprint": "f9"}
    outcomes = deliver(alert(), bad, alert(fingerprint="f2"))
    assert [one.created for one in outcomes] == [True, False, True]
    assert {(problem.at, problem.code) for problem in outcomes[1].problems} == {
        ("/subject", "required"),
        ("/received", "not-datetime"),
    }
    row = Kept.get_by_id(outcomes[1].kept)
    assert (row.source, row.item, row.state) == ("alertmanager", 1, Kept.KEPT)
    assert json.loads(bytes(row.body)) == bad
    # The sender tries again: what is kept already is not kept twice.
    assert deliver(bad, alert(fingerprint="f3"))[0].kept is not None
    deliver(alert(), bad)
    assert Kept.select().where(Kept.item == 1).count() == 1


COMPUTED = """\
kind: source
name: alertmanager
process: contingency
verify: {scheme: bearer, secret: env:ALERT_TOKEN}
each: "alerts[].{id: id, n: to_number(n)}"
external_id: id
fields: {subject: id, background: "n && [n]", class: {value: technical}}
"""


def test_an_item_that_is_no_json_once_it_is_computed_is_kept_with_the_whole_delivery() -> None:
    publish(COMPUTED, MONDAY)
    outcomes = deliver({"id": "a"}, {"id": "b", "n": "1e999"}, {"id": "c"})
    assert [one.created for one in outcomes] == [True, False, True]
    assert [(problem.at, problem.code) for problem in outcomes[1].problems] == [("/background", "unusable-value")]
    row = Kept.get_by_id(outcomes[1].kept)
    assert row.item is None
    assert len(json.loads(bytes(row.body))["alerts"]) == 3


def test_a_signed_body_that_is_no_json_is_kept_whole() -> None:
    outcomes = intake.take("alertmanager", BEARER, b'{"alerts": [', MONDAY, ALERT_TOKEN)
    assert [problem.code for problem in outcomes[0].problems] == ["payload-not-json"]
    row = Kept.get_by_id(outcomes[0].kept)
    assert (bytes(row.body), row.item) == (b'{"alerts": [', None)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret-s3cret"}])
def test_what_is_not_signed_is_neither_read_nor_kept(headers: dict[str, str]) -> None:
    with pytest.raises(intake.Unverified):
        intake.take("alertmanager", headers, b"{", MONDAY, ALERT_TOKEN)
    assert Kept.select().count() == 0


@pytest.mark.parametrize("name", ["nonsense", "drill", "contingency"])
def test_only_sources_with_a_signature_take_deliveries(name: str) -> None:
    with pytest.raises(intake.UnknownSource):
        intake.take(name, {}, b"{}", MONDAY, {})


MENDED = """\
kind: source
name: alertmanager
process: contingency
verify: {scheme: bearer, secret: env:ALERT_TOKEN}
each: alerts
external_id: fingerprint
fields: {subject: "labels.alertname || 'unnamed'", class: {value: technical}}
"""


def test_what_was_kept_is_played_again_after_the_mapping_was_mended() -> None:
    bad = {"status": "firing", "labels": {}, "annotations": {}, "startsAt": "yesterday", "fingerprint": "f9"}
    kept = deliver(alert(), bad)[1].kept
    assert kept is not None
    assert intake.replay_kept(kept, MONDAY, "zhou")[0].kept == kept  # as bad as before
    publish(MENDED, MONDAY)
    outcomes = intake.replay_kept(kept, MONDAY + MINUTE, "zhou")
    assert [(one.created, one.severity) for one in outcomes] == [(True, "III")]
    row = Kept.get_by_id(kept)
    assert (row.state, row.issue_id) == (Kept.REPLAYED, outcomes[0].issue)
    with pytest.raises(intake.NotKept):
        intake.replay_kept(kept, MONDAY + MINUTE)


def test_hmac_deliveries_without_an_id_are_known_by_their_bytes() -> None:
    text = """\
kind: source
name: shop
process: improvement
verify: {scheme: hmac-sha256, secret: env:SHOP}
fields: {subject: title, origin: {value: root_cause}}
"""
    publish(text, MONDAY)
    body = '{"title": "改进"}'.encode()
    signature = hmac.new(b"key-key-key", body, hashlib.sha256).hexdigest()
    taken = [
        intake.take("shop", {"X-Signature": signature}, body, MONDAY, {"SHOP": "key-key-key"})[0] for _ in range(2)
    ]
    assert [one.created for one in taken] == [True, False]
    assert taken[0].number == taken[1].number


def test_a_policy_that_fails_at_run_time_keeps_its_item_and_lets_the_others_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from server.intake import deliveries

    receive_one = deliveries.receive

    def failing(process: str, given: Any, *rest: Any, **more: Any) -> Any:
        if given["subject"] == "Poison":
            raise ZeroDivisionError
        return receive_one(process, given, *rest, **more)

    monkeypatch.setattr(deliveries, "receive", failing)
    outcomes = deliver(alert("Poison"), alert(fingerprint="f2"))
    assert [one.created for one in outcomes] == [False, True]
    assert outcomes[0].problems[0].code == "not-judged"
    assert outcomes[0].kept is not None


def test_the_sweep_knows_when_something_is_due_next() -> None:
    assert sweep.next_wake(MONDAY) is None
    receive()
    assert sweep.next_wake(MONDAY) == MONDAY + 15 * MINUTE
    assert sweep.next_wake(MONDAY + 20 * MINUTE) == MONDAY + 20 * MINUTE
