"""Many issues that look real: copies of what was played are issues like any other, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import audit, demo, intake, issues, policies, populating, settings
from server.core.advance import advance
from server.core.case import load
from server.core.moments import parse
from server.core.world import Kept
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Message, PrivateValue
from tests.workloads import counted, kept

NOW = parse("2026-09-16T10:00:00+08:00")
COUNT = 70


@pytest.fixture(autouse=True)
def secret(tmp_path: Path) -> Iterator[None]:
    settings.use(settings.read({"DUBAN_DATA": str(tmp_path), "DUBAN_SECRET": "for links"}))
    yield
    settings._current = None


def test_copies_are_issues_like_any_other(open_for_business: Store) -> None:
    populating.populate(COUNT, NOW)
    assert Issue.select().count() == COUNT
    assert Message.select().where(Message.state == Message.PENDING).count() == 0, "nothing leaves"
    assert kept() == counted() != {}
    _require_replayable()
    _require_digests()
    given = {"subject": "排队", "channel": "phone", "customer": "新客户", "received": "2026-09-15T10:00:00+08:00"}
    for _ in range(3):
        assert intake.receive("complaint-monitoring", given, NOW, by="bai").created


def _require_replayable() -> None:
    """Replayed from its recorded events, each copy comes out as it stands there."""
    copies = list(Issue.select().order_by(Issue.id.desc()).limit(30))
    assert len({row.number for row in copies}) == len(copies)
    assert len({row.process for row in copies}) > 1
    for row in copies:
        process = policies.process_for(row.pins).process
        case = None
        entries = []
        for event in Event.select().where(Event.issue == row.id).order_by(Event.seq):
            body = json.loads(event.body)
            done = advance(process, case, body["event"], body["now"], Kept(body["answers"]))
            case = done.case
            entries += json.loads(json.dumps(done.entries))
            assert event.version_id == row.version_id
        assert case is not None
        assert case.dump() == row.case
        assert json.loads(json.dumps(entries)) == list(issues.entries(row.id))
        assert (row.seq, row.stage, row.owner) == (event.seq, case.stage, case.owner)
        for entry in AuditEntry.select().where(AuditEntry.issue == row.id):
            assert json.loads(entry.body)["issue"] == row.id
        for message in Message.select().where(Message.issue == row.id):
            assert message.event.issue_id == row.id
    assert len({load(row.case).facts.get("customer") for row in copies}) > len(copies) // 2


def _require_digests() -> None:
    """Private values are not in the audit trail, but their digests are."""
    newest = Issue.select(Issue.id).where(Issue.process == "complaint-monitoring").order_by(Issue.id.desc()).limit(5)
    found = 0
    for salt in PrivateValue.select().where(PrivateValue.issue.in_([row.id for row in newest])):
        value = load(Issue.get_by_id(salt.issue_id).case).facts.get(salt.field)
        if value is None:
            continue
        digest = audit.digest(bytes(salt.salt), value)
        trail = "".join(row.body for row in AuditEntry.select().where(AuditEntry.issue == salt.issue_id))
        assert digest in trail
        assert value not in trail
        found += 1
    assert found


@pytest.mark.parametrize(
    ("process", "begin", "left_out", "ends"),
    [
        ("complaint-monitoring", "2026-09-30T15:00:00+08:00", "confirm_solved", "closed"),
        ("request-response", "2026-09-30T14:30:00+08:00", "feedback", "archived"),
    ],
)
def test_a_step_that_the_clock_did_over_the_holidays_is_left_out(
    open_for_business: Store, process: str, begin: str, left_out: str, ends: str
) -> None:
    """An offer on the eve of the National Day week is answered two working hours later: nine days, and after seven
    the process has taken it as accepted."""
    (course,) = (course for course in demo.courses() if course["process"] == process)
    compiled = policies.in_force().processes[process].process
    start = parse(begin)
    times = demo.moments(compiled, start, course["steps"])
    story = demo.Story(
        compiled,
        {**course["issue"], "customer": "甲公司", "subject": "节前来电", "description": "节前"},
        course["by"],
        list(zip(times, course["steps"], strict=True)),
        start,
    )
    demo.play([story], parse("2026-10-16T10:00:00+08:00"))
    issue = Issue.get(Issue.number == story.number)
    doers = {line.get("by") for line in issues.entries(issue.id) if line.get("action") == left_out}
    assert doers <= {"system"}, "the clock was first"
    assert issue.stage == ends
    assert not AuditEntry.select().where(AuditEntry.kind == "issue.refused").exists()


def test_what_is_copied_refers_to_what_is_there(open_for_business: Store) -> None:
    """The copies are written without looking that up; whoever writes afterwards is held to it again."""
    populating.populate(COUNT, NOW)
    if open_for_business.is_postgresql:
        return  # which looks in any case
    run = open_for_business.db.execute_sql
    assert run("PRAGMA foreign_key_check").fetchall() == []
    assert run("PRAGMA foreign_keys").fetchone()[0] == 1
