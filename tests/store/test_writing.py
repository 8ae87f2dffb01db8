"""Fast inserts do what the models say."""

from __future__ import annotations

from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.store import writing
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Message, PrivateValue, Version


def an_issue(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "process": "complaint",
        "number": "C1",
        "version": 1,
        "pins": {"cn-office": 2},
        "stage": "received",
        "subject": "系统无法登录",
        "received_at": 1_000,
        "recorded_at": 1_001,
        "wake_at": 5_000,
        "case": '{"seq":1}',
    }
    return {**row, **changes}


@pytest.fixture
def version(store: Store) -> int:
    with store.transaction():
        return int(Version.create(kind="process", name="complaint", number=1, sha256="0", data=b"", created_at=0).id)


def test_a_row_written_fast_reads_like_any_other(store: Store, version: int) -> None:
    with store.transaction():
        number = writing.insert(Issue, an_issue(version=version))
        assert number is not None
        event = writing.insert_event(
            {"issue": number, "seq": 1, "at": 1, "recorded_at": 2, "kind": "received", "body": "{}", "entries": "[]"}
        )
        writing.insert_messages(
            [
                {
                    "key": f"m{i}",
                    "issue": number,
                    "event": event,
                    "channel": "sms",
                    "at": 1,
                    "created_at": 1,
                    "next_at": i,
                }
                for i in range(3)
            ]
        )
        writing.insert_audit({"at": 1, "kind": "received", "issue": number, "body": "{}"})
    issue = Issue.get_by_id(number)
    assert (issue.pins, issue.seq, issue.final, issue.owner, issue.source) == ({"cn-office": 2}, 1, False, None, "")
    assert Event.get_by_id(event).issue_id == number
    assert [(m.state, m.next_at, m.fence) for m in Message.select().order_by(Message.id)] == [
        ("pending", 0, 0),
        ("pending", 1, 0),
        ("pending", 2, 0),
    ]
    assert AuditEntry.select().count() == 1


def test_each_event_gets_its_own_id(store: Store, version: int) -> None:
    with store.transaction():
        issue = writing.insert(Issue, an_issue(version=version))
        rows = [
            {
                "issue": issue,
                "seq": seq,
                "at": 0,
                "recorded_at": 0,
                "kind": "time",
                "version": version,
                "body": "{}",
                "entries": "[]",
            }
            for seq in (3, 1, 2)
        ]
        ids = writing.insert_events(rows)
    assert [Event.get_by_id(id).seq for id in ids] == [3, 1, 2]


def test_a_source_has_one_issue_of_an_external_id(store: Store, version: int) -> None:
    with store.transaction():
        for row in (
            {"source": "crm", "external_id": "7"},
            {"source": "shop", "external_id": "7"},
            {},
            {"source": "crm"},
        ):
            writing.insert(Issue, an_issue(version=version, number=f"C{len(Issue.select())}", **row))
    with pytest.raises(peewee.IntegrityError), store.transaction():
        writing.insert(Issue, an_issue(version=version, number="C9", source="crm", external_id="7"))
    assert Issue.select().count() == 4


def test_a_number_given_twice_is_an_error_and_not_a_known_issue(store: Store, version: int) -> None:
    with store.transaction():
        writing.insert(Issue, an_issue(version=version, source="crm", external_id="7"))
    with pytest.raises(peewee.IntegrityError), store.transaction():
        writing.insert(Issue, an_issue(version=version, source="crm", external_id="8"))


def test_of_two_updates_from_the_same_state_one_wins(store: Store, version: int) -> None:
    with store.transaction():
        number = writing.insert(Issue, an_issue(version=version))
        assert number is not None
        assert writing.update_issue(number, 1, {"seq": 2, "stage": "handling", "pins": {"cn-office": 3}})
        assert not writing.update_issue(number, 1, {"seq": 2, "stage": "closed"})
    issue = Issue.get_by_id(number)
    assert (issue.stage, issue.seq, issue.pins) == ("handling", 2, {"cn-office": 3})


def test_several_are_updated_each_with_its_own(store: Store, version: int) -> None:
    with store.transaction():
        ids = [writing.insert(Issue, an_issue(version=version, number=f"C{one}")) or 0 for one in range(3)]
        updates = [
            writing.Update(id, 1, {"seq": 2 + one, "pins": {"cn-office": one}, "owner": None, "wake_at": one or None})
            for one, id in enumerate(ids)
        ]
        assert writing.update_issues(updates)
        assert writing.update_issues([])
    found = [(issue.seq, issue.pins, issue.wake_at, issue.stage) for issue in Issue.select().order_by(Issue.id)]
    assert found == [(2 + one, {"cn-office": one}, one or None, "received") for one in range(3)]


@pytest.mark.parametrize("overtaken", [0, 1])
def test_of_several_one_that_somebody_else_changed_is_told(store: Store, version: int, overtaken: int) -> None:
    with store.transaction():
        ids = [writing.insert(Issue, an_issue(version=version, number=f"C{one}")) or 0 for one in range(2)]
        writing.update_issue(ids[overtaken], 1, {"seq": 2, "stage": "closed"})
    with store.transaction():
        assert not writing.update_issues([writing.Update(id, 1, {"seq": 2, "stage": "handling"}) for id in ids])
    assert Issue.get_by_id(ids[overtaken]).stage == "closed"


def test_an_update_must_move_the_sequence_on(store: Store) -> None:
    with pytest.raises(ValueError, match="seq"):
        writing.update_issue(1, 3, {"seq": 3})


@pytest.mark.parametrize("count", [1, 2])
def test_a_message_key_is_used_once(store: Store, version: int, count: int) -> None:
    rows = [{"key": "same", "channel": "sms", "at": 1, "created_at": 1} for _ in range(count)]
    with store.transaction():
        writing.insert(Message, rows[0])
    with pytest.raises(peewee.IntegrityError), store.transaction():
        writing.insert_messages(rows)


# What PostgreSQL keeps several rows apart by must not be taken for what stands in them.
TEXTS = st.text(alphabet="\x1e\x1f,{}\"'\\%N长\n", max_size=4)
MOMENTS = st.none() | st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.tuples(TEXTS, st.none() | TEXTS, MOMENTS, st.booleans(), st.binary(max_size=3)), min_size=1, max_size=4
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(ROWS)
def test_several_rows_are_read_as_they_were_written(store: Store, version: int, rows: list[tuple[Any, ...]]) -> None:
    columns = Issue.subject, Issue.owner, Issue.wake_at, Issue.final
    names = "subject", "owner", "wake_at", "final"
    with store.transaction(), store.db.savepoint() as example:
        taken = writing.take_ids(len(rows), Issue).fetchall()
        ids = [int(id) for (id,) in taken]
        given_rows = [dict(zip(names, row, strict=False)) for row in rows]
        writing.insert_many(
            Issue,
            [an_issue(version=version, id=id, number=f"C{id}", **row) for id, row in zip(ids, given_rows, strict=True)],
        )
        assert list(Issue.select(*columns).order_by(Issue.id).tuples()) == [row[:4] for row in rows]
        salts = [{"issue": id, "field": "", "salt": row[4]} for id, row in zip(ids, rows, strict=True)]
        writing.insert_many(PrivateValue, salts)
        kept = PrivateValue.select(PrivateValue.salt).order_by(PrivateValue.issue)
        assert [bytes(one.salt) for one in kept] == [row[4] for row in rows]

        events = [
            {
                "issue": id,
                "seq": 1,
                "at": 1,
                "recorded_at": 1,
                "kind": row[0],
                "by": row[1],
                "body": "{}",
                "entries": "[]",
            }
            for id, row in zip(ids, rows, strict=True)
        ]
        numbers = writing.insert_events(events)
        assert [(one.kind, one.by) for one in map(Event.get_by_id, numbers)] == [row[:2] for row in rows]
        turned = given_rows[::-1]
        assert writing.update_issues(
            [writing.Update(id, 1, {"seq": 2, **row}) for id, row in zip(ids, turned, strict=True)]
        )
        assert list(Issue.select(*columns).order_by(Issue.id).tuples()) == [row[:4] for row in rows[::-1]]
        example.rollback()


def test_an_event_of_an_issue_has_its_own_number_and_key(store: Store, version: int) -> None:
    with store.transaction():
        number = writing.insert(Issue, an_issue(version=version))
        row = {"issue": number, "seq": 1, "at": 1, "recorded_at": 1, "kind": "time", "body": "{}", "entries": "[]"}
        writing.insert_event({**row, "key": "k"})
        writing.insert_event({**row, "seq": 2})
    for clash in ({**row, "seq": 2}, {**row, "seq": 3, "key": "k"}):
        with pytest.raises(peewee.IntegrityError), store.transaction():
            writing.insert_event(clash)


def test_the_sweep_and_the_claim_use_their_partial_indexes(sqlite_store: Store) -> None:
    plans = {
        "issue_wake": (
            'SELECT "id" FROM "issue" WHERE "wake_at" IS NOT NULL AND "problem" IS NULL AND "wake_at" <= 5 '
            'ORDER BY "wake_at", "id" LIMIT 10'
        ),
        "message_pending": (
            'SELECT "id" FROM "message" WHERE "state" = \'pending\' AND "next_at" <= 5 '
            'ORDER BY "next_at", "id" LIMIT 10'
        ),
    }
    for index, sql in plans.items():
        plan = " ".join(str(row) for row in sqlite_store.db.execute_sql("EXPLAIN QUERY PLAN " + sql).fetchall())
        assert index in plan
        assert "TEMP B-TREE" not in plan
