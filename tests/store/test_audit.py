"""Entries of the audit trail: canonical, in the transaction of their cause, without private values."""

from __future__ import annotations

import json

import peewee
import pytest

from server import audit
from server.store import writing
from server.store.database import Store
from server.store.models import AuditEntry, Issue, PrivateValue, Version


@pytest.fixture
def issue(store: Store) -> int:
    with store.transaction():
        version = Version.create(kind="process", name="p", number=1, sha256="", data=b"", created_at=0).id
        row = {"process": "p", "version": version, "number": "P1", "stage": "s", "received_at": 0, "recorded_at": 0}
        return writing.insert(Issue, {**row, "case": "{}"})


def body_of(entry: int) -> dict[str, object]:
    return dict(json.loads(AuditEntry.get_by_id(entry).body))


def test_an_entry_is_one_canonical_text(store: Store, issue: int) -> None:
    with store.transaction():
        entry = audit.record("action", 5, {"b": 1, "a": "受理"}, by="li", issue=issue)
    row = AuditEntry.get_by_id(entry)
    assert row.body == f'{{"at":5,"body":{{"a":"受理","b":1}},"by":"li","issue":{issue},"kind":"action"}}'
    assert (row.at, row.kind, row.by, row.issue_id) == (5, "action", "li", issue)


def test_an_entry_goes_when_its_cause_goes(store: Store) -> None:
    with pytest.raises(peewee.IntegrityError), store.transaction():
        audit.record("action", 5, {}, issue=4711)
    with pytest.raises(ValueError, match="JSON"), store.transaction():
        audit.record("action", 5, {"share": float("nan")})
    assert AuditEntry.select().count() == 0


def test_private_values_stand_as_digests_wherever_facts_are(store: Store, issue: int) -> None:
    body = {
        "event": {"kind": "received", "facts": {"name": "王丽", "phone": "139", "impact": "stopped", "email": None}},
        "entries": [{"kind": "action", "with": {"phone": "139"}}, {"kind": "classified", "name": "category"}],
        "answers": [[["refuses", "improvement", {"phone": "139"}], False]],
    }
    with store.transaction():
        entry = audit.record("received", 5, body, issue=issue, private={"phone", "name", "email"})
    text = AuditEntry.get_by_id(entry).body
    assert '"139"' not in text
    assert "王丽" not in text
    stored = json.loads(text)["body"]
    assert stored["event"]["facts"]["impact"] == "stopped"
    assert stored["event"]["facts"]["email"] is None
    assert stored["entries"][1]["name"] == "category"
    digests = {
        stored["event"]["facts"]["phone"]["digest"],
        stored["entries"][0]["with"]["phone"]["digest"],
        stored["answers"][0][0][2]["phone"]["digest"],
    }
    assert len(digests) == 1
    salt = PrivateValue.get(PrivateValue.field == "phone").salt
    assert digests == {audit.digest(bytes(salt), "139")}


def test_an_issue_keeps_its_salts_and_another_has_others(store: Store, issue: int) -> None:
    with store.transaction():
        first = audit.record("action", 1, {"with": {"phone": "139"}}, issue=issue, private=["phone"])
        second = audit.record("action", 2, {"with": {"phone": "139"}}, issue=issue, private=["phone"])
        version = Version.get().id
        row = {"process": "p", "version": version, "number": "P2", "stage": "s", "received_at": 0, "recorded_at": 0}
        other = writing.insert(Issue, {**row, "case": "{}"})
        third = audit.record("action", 3, {"with": {"phone": "139"}}, issue=other, private=["phone"])
    assert body_of(first)["body"] == body_of(second)["body"]
    assert body_of(first)["body"] != body_of(third)["body"]
    with store.transaction():
        assert audit.forget(issue) == 1
    assert PrivateValue.select().count() == 1


def test_private_values_without_an_issue_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="salts"), store.transaction():
        audit.record("kept", 1, {"with": {"phone": "139"}}, private=["phone"])
