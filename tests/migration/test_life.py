"""A migration from a look at it to its end: proposed, approved by somebody else, run once for each issue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import peewee
import pytest

from server import acting, issues, migration
from server.accounts import Caller, NotPermitted
from server.core.moments import HOUR, MINUTE
from server.migration import ALL, BETTER, SOME, NotDone, Selection
from server.recording import held
from server.store import database, sql
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Message, Migration, MigrationIssue
from tests.migration.conftest import APPROVER, FASTER, LATER, NAME, OWNER, PROCESS, publish
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("world")
Receive = Callable[..., str]


def proposed(kind: str = ALL, *numbers: str, stages: dict[str, str] | None = None, now: int = LATER) -> Any:
    return migration.propose(NAME, stages or {}, Selection(kind, numbers), OWNER, now, "clocks are faster")


def approved(plan: Any, now: int = LATER) -> Any:
    return migration.approve(plan.id, APPROVER, plan.sha256, now)


def run(now: int = LATER) -> int:
    done = 0
    while step := migration.run(now):
        done += step
    return done


def due(number: str) -> int:
    run = held(number).case.clocks["solution"].open
    assert run is not None
    return run.due


def states(plan: Any) -> dict[str, str]:
    return {one["number"]: one["state"] for one in migration.shown(plan.id, "en")["issues"]}


def test_open_issues_stay_with_their_version_until_they_are_migrated(receive: Receive) -> None:
    number = receive()
    publish(FASTER)
    assert due(number) == MONDAY + 2 * HOUR
    plan = approved(proposed())
    assert due(number) == MONDAY + 2 * HOUR, "approving alone moves nothing"
    run()
    assert due(number) == MONDAY + HOUR
    issue = Issue.get(Issue.number == number)
    assert issue.version_id == plan.version_id == issue.pins["process"]
    assert issue.wake_at == MONDAY + HOUR
    lines = issues.timeline(number)
    assert [line["kind"] for line in lines][-2:] == ["migrated", "clock_moved"]
    event = Event.select().order_by(Event.id.desc()).get()
    assert (event.kind, event.version_id, event.by) == ("migrated", plan.version_id, "pan")
    kinds = [entry.kind for entry in AuditEntry.select().order_by(AuditEntry.id)]
    assert [kind for kind in kinds if "migrat" in kind] == [
        "migration.proposed",
        "migration.approved",
        "issue.migrated",
        "migration.done",
    ]
    assert migration.shown(plan.id, "en")["counts"] == {"waiting": 0, "migrated": 1, "left": 0}
    assert Migration.get_by_id(plan.id).state == Migration.DONE


def test_an_issue_goes_on_under_the_new_version(receive: Receive) -> None:
    number = receive()
    publish(FASTER)
    approved(proposed())
    run()
    acting.act(number, "close", "gong", {}, LATER + MINUTE)
    assert [line["kind"] for line in issues.timeline(number)][-1] == "clock_met"
    assert Event.select().order_by(Event.id.desc()).get().version_id == Issue.get(Issue.number == number).version_id


def test_a_preview_writes_nothing_and_says_what_would_be(receive: Receive) -> None:
    graver, milder = receive(), receive("degraded")
    publish(FASTER)
    before = [Event.select().count(), AuditEntry.select().count(), Message.select().count()]
    seen = {one.number: one for one in migration.preview(NAME, {}, Selection(), MONDAY + 90 * MINUTE)}
    assert [Event.select().count(), AuditEntry.select().count(), Message.select().count()] == before
    assert seen[graver].breaches == ["solution"]
    assert seen[graver].worse == ["breach.solution"]
    assert seen[graver].clocks == [{"clock": "solution", "before": MONDAY + 2 * HOUR, "after": MONDAY + HOUR}]
    assert seen[milder].worse == ["clock.solution"]
    assert seen[milder].severity == ("B", "B")
    assert not seen[milder].breaches


def test_what_the_preview_says_is_what_then_happens(receive: Receive) -> None:
    receive()
    publish(FASTER)
    (seen,) = migration.preview(NAME, {}, Selection(), LATER)
    approved(proposed())
    run()
    assert json.loads(Event.select().order_by(Event.id.desc()).get().entries) == seen.entries


def test_only_where_it_is_better_for_the_customer(receive: Receive) -> None:
    graver, milder = receive(), receive("degraded")
    publish(FASTER)
    plan = approved(proposed(BETTER))
    assert states(plan) == {graver: "waiting"}
    run()
    assert states(plan) == {graver: "migrated"}
    assert due(milder) == MONDAY + 8 * HOUR


def test_an_issue_that_changed_meanwhile_is_judged_as_it_is_then(receive: Receive) -> None:
    late, closed = receive(), receive()
    publish(FASTER)
    plan = approved(proposed(BETTER))
    acting.act(closed, "close", "gong", {}, LATER)
    run(MONDAY + 90 * MINUTE)
    found = {one["number"]: one for one in migration.shown(plan.id, "en")["issues"]}
    assert [found[number]["state"] for number in (late, closed)] == ["left", "left"]
    assert [problem["code"] for problem in found[late]["problems"]] == ["migration-not-better"]
    assert [problem["code"] for problem in found[closed]["problems"]] == ["migration-closed"]
    assert due(late) == MONDAY + 2 * HOUR


def test_some_issues_by_number(receive: Receive) -> None:
    first, second = receive(), receive()
    publish(FASTER)
    approved(proposed(SOME, second))
    run()
    assert (due(first), due(second)) == (MONDAY + 2 * HOUR, MONDAY + HOUR)


def test_numbers_that_are_none_of_the_process_are_all_said(receive: Receive) -> None:
    number = receive()
    publish(FASTER)
    with pytest.raises(NotDone) as refused:
        proposed(SOME, "NONE-1", number, "NONE-2")
    assert [found.path for found in refused.value.findings] == [("issues", 0), ("issues", 2)]


def test_what_is_not_possible_is_listed_with_its_reason_and_stays(receive: Receive) -> None:
    moves, stays = receive(), receive()
    acting.act(stays, "accept", "gong", {}, MONDAY + MINUTE)
    without = {**FASTER, "stages": {"received": {}, "closed": {"final": True}}}
    without["actions"] = {"close": FASTER["actions"]["close"]}
    publish(without)
    plan = approved(proposed())
    run()
    assert states(plan) == {moves: "migrated", stays: "left"}
    (why,) = migration.shown(plan.id, "zh")["issues"][1]["problems"]
    assert (why["at"], why["code"]) == ("/stage", "migration-no-stage")
    assert held(stays).case.stage == "handling"
    plan = approved(proposed(stages={"handling": "received"}))
    run()
    assert states(plan) == {stays: "migrated"}
    assert held(stays).case.stage == "received"


def test_a_private_fact_without_a_field_that_hides_it_is_no_migration(receive: Receive) -> None:
    number = receive(secret="x")
    fields = {name: field for name, field in PROCESS["fields"].items() if name != "secret"}
    publish({**FASTER, "fields": fields})
    (seen,) = migration.preview(NAME, {}, Selection(), LATER)
    assert [(seen.number, problem.code) for problem in seen.problems] == [(number, "migration-private")]


def test_a_migration_of_nothing_is_none(receive: Receive) -> None:
    number = receive()
    with pytest.raises(NotDone, match="no open issue"):
        proposed()
    publish(FASTER)
    approved(proposed())
    run()
    with pytest.raises(NotDone, match="no open issue"):
        proposed()
    assert [line["kind"] for line in issues.timeline(number)].count("migrated") == 1


def test_two_plans_for_the_same_issue_move_it_once(receive: Receive) -> None:
    number = receive()
    publish(FASTER)
    first, second = proposed(), proposed()
    approved(first)
    approved(second)
    run()
    assert [states(plan)[number] for plan in (first, second)] == ["migrated", "left"]
    assert [line["kind"] for line in issues.timeline(number)].count("migrated") == 1


# -- who may ---------------------------------------------------------------------------------------------------------


def test_nobody_approves_his_own_plan_not_even_an_administrator(receive: Receive) -> None:
    receive()
    publish(FASTER)
    plan = proposed()
    everything = Caller("pan", frozenset({"policy.propose", "policy.approve", "system"}))
    with pytest.raises(NotDone) as refused:
        migration.approve(plan.id, everything, plan.sha256, LATER)
    assert refused.value.status == 403
    with pytest.raises(NotPermitted):
        migration.approve(plan.id, Caller("gong", frozenset()), plan.sha256, LATER)
    with pytest.raises(NotPermitted):
        migration.propose(NAME, {}, Selection(), Caller("gong", frozenset()), LATER, "r")


def test_exactly_one_content_is_approved_and_once(receive: Receive) -> None:
    receive()
    publish(FASTER)
    plan = proposed()
    with pytest.raises(NotDone, match="another content"):
        migration.approve(plan.id, APPROVER, "0" * 64, LATER)
    approved(plan)
    with pytest.raises(NotDone, match="approved"):
        approved(plan)
    with pytest.raises(NotDone, match="approved"):
        migration.reject(plan.id, APPROVER, LATER, "no")


def test_a_plan_that_was_rejected_or_withdrawn_moves_nothing(receive: Receive) -> None:
    number = receive()
    publish(FASTER)
    migration.reject(proposed().id, APPROVER, LATER, "not now")
    migration.withdraw(proposed().id, OWNER, LATER)
    assert run() == 0
    assert due(number) == MONDAY + 2 * HOUR


BY_HAND = (
    """UPDATE "migration" SET "state" = 'approved', "decided_by" = 'pan', "decided_sha256" = "sha256" """,
    """UPDATE "migration" SET "state" = 'approved', "decided_by" = 'han', "decided_sha256" = 'other' """,
    """UPDATE "migration" SET "state" = 'done', "decided_by" = 'han', "decided_sha256" = "sha256" """,
    """UPDATE "migration" SET "body" = '{}' """,
    """UPDATE "migration" SET "proposed_by" = 'han' """,
    """UPDATE "migration_issue" SET "state" = 'migrated' """,
    """DELETE FROM "migration_issue" """,
)


def test_the_database_refuses_it_too(receive: Receive) -> None:
    receive()
    publish(FASTER)
    proposed()
    for statement in BY_HAND:
        with pytest.raises(peewee.IntegrityError), database.transaction():
            sql.run(statement)
        assert Migration.get().state == Migration.PROPOSED
        assert MigrationIssue.get().state == MigrationIssue.WAITING


# -- cases of an older release -----------------------------------------------------------------------------------------


def test_a_case_that_an_older_release_wrote_migrates(receive: Receive, world: Store) -> None:
    """Format 1 as the first release wrote it: parts that came later are not in it."""
    number = receive()
    with database.transaction():
        row = Issue.get(Issue.number == number)
        case = json.loads(row.case)
        assert case["format"] == 1
        for clock in case["clocks"].values():
            for part in ("spent", "pauses", "paused_at", "last"):
                clock.pop(part, None)
        case.pop("timers", None)
        Issue.update(case=json.dumps(case)).where(Issue.id == row.id).execute()
    publish(FASTER)
    approved(proposed())
    run()
    assert due(number) == MONDAY + HOUR
