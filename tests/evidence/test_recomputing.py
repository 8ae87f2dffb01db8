"""What is recorded can be computed anew, bit for bit; each change is named, and what is erased is said to be."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from server import acting, erasing, intake, policies
from server.evidence import recomputing
from server.evidence.recomputing import one, recompute
from server.store import database, sql
from server.store.database import Store
from server.store.models import Event, Issue, PrivateValue, Version
from tests.evidence.cared import FLOW, HOUR, flow_in_force, lived
from tests.server.conftest import MONDAY, open_for_business

__all__ = ["open_for_business"]

COMPLAINT = {"subject": "Charged twice", "category": "price", "harm": ["money"], "amount": 12000}


@pytest.fixture
def number(open_for_business: Store) -> str:
    flow_in_force()
    return lived()


def codes(number: str) -> list[tuple[str, int | None, int | None]]:
    return [(found.code, found.seq, found.line) for found in one(number).differences]


def change(number: str, seq: int, column: str, old: str, new: str) -> None:
    row = Event.select().join(Issue).where(Issue.number == number, Event.seq == seq).get()
    text = getattr(row, column)
    assert old in text
    with database.transaction():
        sql.run(f'UPDATE "event" SET "{column}" = ? WHERE "id" = ?', text.replace(old, new, 1), row.id)


def test_everything_is_the_same_whatever_is_in_force_now(number: str) -> None:
    intake.receive("complaint-monitoring", COMPLAINT, MONDAY)
    flow_in_force(FLOW.replace("A: 1h", "A: 30m"), MONDAY + 3 * HOUR)
    lived(MONDAY + 4 * HOUR)
    told: list[tuple[int, int]] = []
    found = recompute(lambda done, total: told.append((done, total)))
    assert (found.issues, found.events, found.erased, found.differences) == (3, Event.select().count(), [], [])
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_changed_line_is_named_with_what_differs(number: str) -> None:
    change(number, 1, "entries", '"severity":"A"', '"severity":"B"')
    first, second = one(number).differences
    assert (first.code, first.seq, first.keys) == ("entry-differs", 1, ["entries"])
    assert (second.code, second.seq, second.line) == ("line-differs", 1, 1)
    assert (second.keys, second.recorded, second.computed) == (["severity"], {"severity": "B"}, {"severity": "A"})


CHANGES: list[tuple[Callable[[str], None], set[str]]] = [
    (lambda n: change(n, 4, "entries", "clock_breached", "clock_met"), {"entry-differs", "line-differs"}),
    (lambda n: change(n, 4, "entries", "[{", "[ {"), {"line-differs"}),
    (lambda n: change(n, 1, "body", "urgent", "calm__"), {"entry-differs", "line-differs", "case-differs"}),
    (lambda n: change(n, 1, "body", '"answers":[[', '"answers":[],"x":[['), {"entry-differs", "not-computed"}),
    (lambda n: change(n, 2, "body", "{", "x"), {"event-unreadable"}),
    (lambda n: change(n, 5, "body", "13987654321", "13987654322"), {"entry-differs", "case-differs"}),
]


@pytest.mark.parametrize("at", range(len(CHANGES)))
def test_each_change_of_an_event_is_named(number: str, at: int) -> None:
    do, expected = CHANGES[at]
    do(number)
    assert expected <= {code for code, _, _ in codes(number)}


def test_lines_that_are_missing_or_too_many_are_named(number: str) -> None:
    row = Event.select().join(Issue).where(Issue.number == number, Event.seq == 4).get()
    lines = json.loads(row.entries)
    for texts, expected in ((lines[:-1], "line-missing"), ([*lines, lines[-1]], "line-added")):
        with database.transaction():
            text = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
            sql.run('UPDATE "event" SET "entries" = ? WHERE "id" = ?', text, row.id)
        assert (expected, 4, max(len(texts), len(lines))) in codes(number)


def test_a_changed_case_and_a_change_of_the_versions_are_named(number: str) -> None:
    issue = Issue.get(Issue.number == number)
    with database.transaction():
        Issue.update(case=issue.case.replace('"stage":"end"', '"stage":"first"')).where(Issue.id == issue.id).execute()
    (found,) = one(number).differences
    assert (found.code, found.keys) == ("case-differs", ["stage"])
    flow_in_force(FLOW.replace("A: 1h", "A: 9h"), MONDAY + 3 * HOUR)
    newer = policies.in_force().processes["flow"].pins
    with database.transaction():
        Issue.update(case=issue.case, pins=newer).where(Issue.id == issue.id).execute()
    (found,) = one(number).differences
    assert (found.code, found.keys) == ("case-differs", ["pins"]), "the trail says which versions judged it"


def test_a_case_that_says_what_is_as_it_begins_is_no_other_one(number: str) -> None:
    """As releases before wrote them."""
    issue = Issue.get(Issue.number == number)
    state = json.loads(issue.case)
    for clock in state["clocks"].values():
        clock |= {name: clock.get(name) for name in ("open", "last", "paused_at")}
        clock |= {name: clock.get(name, []) for name in ("pauses", "spent")}
    written = json.dumps(state, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert written != issue.case
    with database.transaction():
        Issue.update(case=written).where(Issue.id == issue.id).execute()
    assert one(number).differences == []


def unguarded(store: Store) -> None:
    """Whoever owns the database can do without the guards that keep versions from being changed."""
    if store.is_postgresql:
        sql.run('ALTER TABLE "version" DISABLE TRIGGER ALL')
        return
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'version'"
    for (name,) in sql.run(query).fetchall():
        sql.run(f'DROP TRIGGER "{name}"')


def test_a_version_whose_text_was_changed_is_named(number: str) -> None:
    version = Version.select().where(Version.name == "flow").get()
    with database.transaction():
        unguarded(database.current())
        Version.update(data=FLOW.replace("1h", "9h").encode()).where(Version.id == version.id).execute()
        if database.current().is_postgresql:
            sql.run('ALTER TABLE "version" ENABLE TRIGGER ALL')
    assert ("version-changed", None, None) in codes(number)


def test_an_event_whose_entry_was_removed_is_named(number: str) -> None:
    with database.transaction():
        sql.run('DELETE FROM "audit_entry" WHERE "kind" = \'issue.time\'')
    assert codes(number) == [("event-without-entry", 4, None)]


def test_what_keep_has_erased_is_erased_and_no_difference(number: str) -> None:
    id_ = Issue.get(Issue.number == number).id
    erasing.erase(id_, MONDAY + 3 * HOUR)
    found = recompute()
    assert (found.erased, found.differences) == ([number], [])
    change(number, 4, "entries", "clock_breached", "clock_met")
    assert codes(number) == [("entry-differs", 4, None)], "what is left is still compared with the trail"
    change(number, 4, "entries", "clock_met", "clock_breached")
    with database.transaction():
        sql.run('DELETE FROM "audit_entry" WHERE "kind" = \'issue.erased\'')
    assert ("erased-without-entry", None, None) in codes(number)


def test_salts_that_are_gone_without_erasing_are_named(number: str) -> None:
    with database.transaction():
        PrivateValue.delete().execute()
    assert {code for code, _, _ in codes(number)} == {"entry-differs"}


def test_an_issue_that_is_not_there_is_said_so_and_one_that_is_broken_holds_up_no_other(number: str) -> None:
    with pytest.raises(recomputing.UnknownIssue):
        one("nothing")
    other = intake.receive("flow", {"subject": "x"}, MONDAY + 3 * HOUR).number
    acting.act(other, "wait", "li", {}, MONDAY + 3 * HOUR)
    with database.transaction():
        Issue.update(pins={"process": 999, "calendars": {}, "channels": 1}).where(Issue.number == number).execute()
    found = recompute()
    assert [(one.code, one.issue) for one in found.differences] == [("version-unusable", number)]
    assert found.issues == 2
