"""Issues that are received at the same time are written together, and each is as if it had come by itself."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from server import intake, policies, receipts
from server.core.moments import MINUTE
from server.events import LIVE
from server.evidence.recomputing import recompute
from server.issues import timeline
from server.receipts import Receipt
from server.resources import policy_dir
from server.store import database, sql
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Message, PrivateValue, Serial, Version, WatchWindow
from tests.publishing import publish
from tests.server.conftest import MONDAY

COMPLAINT = {"subject": "系统无法登录", "customer": "甲公司", "phone": "13900000000", "outage": True}
PATIENCE = 60

pytestmark = pytest.mark.usefixtures("open_for_business")


def receipt(external_id: str | None = None, **changes: Any) -> Receipt:
    pinned = policies.in_force().processes["complaint-monitoring"]
    facts = {**COMPLAINT, "received": MONDAY, **changes}
    event = {"kind": "received", "facts": facts, "by": "gong", "watchers": []}
    return Receipt(pinned, event, MONDAY, "crm" if external_id else "", external_id, None, LIVE, 0, None)


def written(*together: Receipt) -> list[Any]:
    with database.transaction():
        return receipts._write(together)


def test_each_gets_its_number_messages_and_audit_entry_in_the_order_in_which_they_came() -> None:
    found = written(*(receipt(subject=f"no. {one}") for one in range(4)))
    assert [one.number for one in found] == [f"YS2026030200{serial}" for serial in range(1, 5)]
    assert [Issue.get_by_id(one.issue).subject for one in found] == [f"no. {one}" for one in range(4)]
    assert [Event.get_by_id(one.event).issue_id for one in found] == [one.issue for one in found]
    told = {(row.issue_id, row.event_id) for row in Message.select()}
    assert told == {(one.issue, one.event) for one in found}
    entries = AuditEntry.select().where(AuditEntry.kind == "issue.received").order_by(AuditEntry.id)
    assert [entry.issue_id for entry in entries] == [one.issue for one in found]
    assert len({bytes(row.salt) for row in PrivateValue.select().where(PrivateValue.field == "phone")}) == 4
    assert list(recompute().differences) == []


def test_what_is_counted_goes_on_from_one_to_the_next_of_them() -> None:
    one_by_one = [written(receipt(category="price"))[0] for _ in range(4)]
    found = written(*(receipt(category="price") for _ in range(7)))
    raised = [line["kind"] == "raised" for one in found for line in timeline(one.number) if line["kind"] == "raised"]
    assert len(raised) == 1
    assert any(line["kind"] == "raised" for line in timeline(found[5].number)), "the tenth of all"
    assert len(WatchWindow.get(WatchWindow.key == '["price"]').moments) == 11
    owners = Counter(one.case.owner for one in (*one_by_one, *found))
    assert max(owners.values()) - min(owners.values()) <= 1, (
        "the least busy one is who has the fewest, those before counted"
    )
    assert Serial.get().last == 11


def test_the_answers_are_those_of_one_after_the_other(open_for_business: Store) -> None:
    changes = [{"category": "price"}, {"department": "finance"}, {}, {"category": "price", "department": "finance"}]
    with database.transaction() as _, database.current().db.atomic() as savepoint:
        alone = [written(receipt(**one))[0] for one in changes]
        bodies = [Event.get_by_id(one.event).body for one in alone]
        cases = [Issue.get_by_id(one.issue).case for one in alone]
        savepoint.rollback()
    found = written(*(receipt(**one) for one in changes))
    assert [Event.get_by_id(one.event).body for one in found] == bodies
    assert [Issue.get_by_id(one.issue).case for one in found] == cases


def test_of_two_with_the_same_external_id_the_first_one_is_an_issue() -> None:
    written(receipt("known"))
    found = written(receipt("a"), receipt("known"), receipt("a", subject="again"), receipt("b"))
    assert [one is not None for one in found] == [True, False, False, True]
    assert [one.number for one in found if one] == ["YS20260302002", "YS20260302003"]
    assert Serial.get().last == 3
    assert written(receipt("known"), receipt("b")) == [None, None]
    assert written(receipt("c"))[0].number == "YS20260302004", "no number is left out"


def test_several_processes_count_in_their_own_rows() -> None:
    improvement = policies.in_force().processes["improvement"]
    event = {
        "kind": "received",
        "facts": {"subject": "改进", "origin": "root_cause", "received": MONDAY},
        "by": "gong",
        "watchers": ["li"],
    }
    other = Receipt(improvement, event, MONDAY, "", None, None, LIVE, 0, None)
    found = written(receipt(), other, receipt())
    assert [one.number for one in found] == ["YS20260302001", "GJ20260302001", "YS20260302002"]
    assert [person.person_id for person in Issue.get_by_id(found[1].issue).watchers] == ["li"]


# -- threads -------------------------------------------------------------------------------------------------------


def together(store: Store, monkeypatch: pytest.MonkeyPatch, works: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Let threads work at the same time: the first one waits while it is judged until all others stand behind it."""
    outcomes: dict[str, Any] = {}
    real, arrived, go_on = receipts.advance, threading.Event(), threading.Event()

    def waits(*given: Any) -> Any:
        if given[2]["facts"]["subject"] == "first":
            arrived.set()
            assert go_on.wait(PATIENCE)
        if given[2]["facts"]["subject"] == "bad":
            raise ZeroDivisionError("a bug in what the policy became")
        return real(*given)

    def run(name: str) -> None:
        try:
            outcomes[name] = works[name]()
        except Exception as error:
            outcomes[name] = error
        finally:
            store.close() if not store.is_postgresql else None

    monkeypatch.setattr(receipts, "advance", waits)
    threads = [threading.Thread(target=run, args=(name,)) for name in works]
    threads[0].start()
    assert arrived.wait(PATIENCE)
    for count, thread in enumerate(threads[1:], 1):
        thread.start()
        until = time.monotonic() + PATIENCE
        while len(store._together._waiting) < count and time.monotonic() < until:
            time.sleep(0.002)
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE)
    return outcomes


def receive(subject: str, **more: Any) -> Any:
    return intake.receive("complaint-monitoring", {**COMPLAINT, "subject": subject}, MONDAY, "gong", **more)


def test_one_whose_policy_fails_harms_none_of_the_others(
    open_for_business: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("first", "second", "bad", "third")
    outcomes = together(open_for_business, monkeypatch, {name: lambda name=name: receive(name) for name in names})
    assert isinstance(outcomes.pop("bad"), ZeroDivisionError)
    assert [outcomes[name].number for name in names if name != "bad"] == [f"YS2026030200{one}" for one in (1, 2, 3)]
    assert Serial.get().last == Issue.select().count() == 3
    assert list(recompute().differences) == []


def test_a_number_that_was_given_by_hand_is_passed_over_by_all_of_them(
    open_for_business: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(receipt(number="YS20260302003"))
    names = ("first", "a", "b", "c")
    outcomes = together(open_for_business, monkeypatch, {name: lambda name=name: receive(name) for name in names})
    assert [outcomes[name].number for name in names] == [f"YS2026030200{one}" for one in (1, 2, 4, 5)]
    assert Serial.get().last == 5


def test_who_comes_while_one_is_written_is_written_with_the_others(
    open_for_business: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = receipts._write

    def counted(given: Any) -> Any:
        sizes.append(len(given))
        return real(given)

    monkeypatch.setattr(receipts, "_write", counted)
    works = {name: lambda name=name: receive(name) for name in ("first", "a", "b", "c")}
    works |= {name: lambda: receive("x", source="crm", external_id="1") for name in ("d", "e")}
    outcomes = together(open_for_business, monkeypatch, works)
    assert sizes == [1, 5]
    assert sorted(outcomes[name].created for name in ("d", "e")) == [False, True]
    assert outcomes["d"].number == outcomes["e"].number
    assert Issue.select().count() == Serial.get().last == 5


# -- documents that changed meanwhile ------------------------------------------------------------------------------

DELIVERY = {"id": "1", "title": "x", "text": "退款", "received_at": "2026-03-02T09:00:00+08:00", "channel": "email"}
ALERT = json.dumps(
    {"alerts": [{"status": "firing", "labels": {"alertname": "Down", "severity": "critical"}, "annotations": {},
                 "startsAt": "2026-03-02T08:59:30+08:00", "fingerprint": "f1"}]}
).encode()  # fmt: skip


def take(now: int = MONDAY) -> list[intake.Outcome]:
    return intake.take("alertmanager", {"Authorization": "Bearer s"}, ALERT, now, {"ALERT_TOKEN": "s"})


def test_a_delivery_goes_by_the_documents_that_are_in_force_when_it_is_written() -> None:
    before = policies.in_force()
    text = (policy_dir() / "contingency.yaml").read_text("utf-8")
    later = publish(text + "\n# another version\n", MONDAY, "a", "b")
    # As in another process, which has not looked since.
    policies._latest[database.current()] = before
    (outcome,) = take()
    assert outcome.created
    assert Issue.get_by_id(outcome.issue).version_id == later


def test_a_delivery_that_has_nothing_wrong_asks_the_database_nothing_before_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policies.in_force()
    store = database.current()
    said: list[str] = []
    real = store.db.execute_sql

    def heard(sql: str, *more: Any) -> Any:
        said.append(f"{store.db.transaction_depth()} {sql}")
        return real(sql, *more)

    monkeypatch.setattr(store.db, "execute_sql", heard)
    (outcome,) = take()
    assert outcome.created
    assert [one for one in said if one.startswith("0 SELECT")] == []
    del said[:]
    (again,) = take(MONDAY + MINUTE)
    assert (again.created, again.number) == (False, outcome.number)
    assert [one for one in said if one.startswith("0 SELECT")]


@pytest.mark.parametrize("was_analyzed", [False, True])
@pytest.mark.parametrize("before", [3, receipts.GROWN])
def test_what_a_source_has_sent_is_looked_up_also_where_the_store_was_nearly_empty_a_moment_ago(
    store: Store, monkeypatch: pytest.MonkeyPatch, before: int, was_analyzed: bool
) -> None:
    """PostgreSQL would keep the plan that it made for an empty table, and guess wrongly how many a source has sent."""
    version = Version.create(kind="process", name="p", number=1, sha256="", data=b"", created_at=0).id
    columns = {"process": "p", "version": version, "stage": "s", "received_at": 0, "recorded_at": 0, "case": "{}"}
    asked: Any = [SimpleNamespace(source="crm", external_id=str(number)) for number in range(12)]

    def found() -> set[str]:
        return {id for _, cursor in receipts._ask_for_sent(asked) for (id,) in cursor.fetchall()}

    def looked_at() -> int:
        counted = "pg_stat_get_xact_tuples_fetched(oid) + pg_stat_get_xact_tuples_returned(oid)"
        return int(sql.run(f"SELECT {counted} FROM pg_class WHERE oid = 'issue'::regclass").fetchone()[0])

    def receive(numbers: range) -> None:
        rows = [{**columns, "number": f"P{one}", "source": "crm", "external_id": str(one)} for one in numbers]
        for start in range(0, len(rows), 500):
            Issue.insert_many(rows[start : start + 500]).execute()

    with store.session():
        receive(range(before))
        monkeypatch.setattr(receipts._Seen, "issues", before)
        if was_analyzed:
            sql.run('VACUUM FULL ANALYZE "issue"' if store.is_postgresql else "ANALYZE")
        for _ in range(20):
            assert found() == {one.external_id for one in asked if int(one.external_id) < before}
        receive(range(before, 3_000))
        with store.transaction():
            looked = looked_at() if store.is_postgresql else 0
            assert found() == {one.external_id for one in asked}
            assert not store.is_postgresql or looked_at() - looked <= 2 * len(asked)


def test_postgresql_keeps_the_plan_by_which_it_looks_up_what_was_sent_once_there_are_enough_issues(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[str] = []
    for name in ("run", "run_planned"):
        real = getattr(sql, name)
        monkeypatch.setattr(
            sql, name, lambda text, *values, real=real, name=name: ways.append(name) or real(text, *values)
        )
    monkeypatch.setattr(receipts, "GROWN", 2)
    monkeypatch.setattr(receipts._Seen, "issues", 0)
    for one in range(4):
        del ways[:]
        assert written(receipt(f"no. {one}"))[0] is not None
        kept = "run_planned" not in ways
        assert kept == (one >= 2 or not store.is_postgresql), one
    assert written(receipt("no. 0")) == [None]
    assert receipts._Seen.issues == 4, "one that was known makes none"
