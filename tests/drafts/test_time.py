"""Drafts that take effect later, versions that come back, drafts with an older base."""

from __future__ import annotations

from typing import Any

import pytest

from server import drafts, intake, policies
from server.accounts import NotPermitted
from server.core.moments import DAY, HOUR, MINUTE
from server.drafts import NotDone
from server.drafts.returning import merged
from server.recording import held
from server.store.models import Activation, AuditEntry, Draft, Message, Version
from server.sweep import Sweeper, next_wake
from tests.drafts.conftest import MATTERS, NAME, approved, changed, submitted, who
from tests.drafts.test_life import entries, refused
from tests.server.conftest import MONDAY

LATER = MONDAY + DAY


def version() -> int:
    """The number of the version in force."""
    return int(Version.get_by_id(policies.in_force().versions[NAME]).number)


def swept(now: int) -> None:
    Sweeper("test").work(now, now)


def test_an_approved_draft_takes_effect_when_its_time_comes_and_once() -> None:
    draft = approved(submitted(effective_at=LATER))
    assert (draft.state, version()) == (Draft.SCHEDULED, 1)
    first = intake.receive(NAME, {"subject": "before", "grave": True}, MONDAY + HOUR)
    swept(LATER - 1)
    assert version() == 1
    assert next_wake(LATER - 1) == LATER
    swept(LATER)
    assert (version(), Draft.get_by_id(draft.id).state) == (2, Draft.ACTIVE)
    swept(LATER + 1)
    assert Activation.select().where(Activation.name == NAME).count() == 2
    assert Activation.get(Activation.version == draft.version_id).from_at == LATER
    second = intake.receive(NAME, {"subject": "after", "grave": True}, LATER + HOUR)
    assert held(first.number).pinned.version != held(second.number).pinned.version == draft.version_id


def test_the_approver_may_say_when() -> None:
    draft = approved(submitted(), effective_at=LATER)
    assert (draft.state, draft.effective_at) == (Draft.SCHEDULED, LATER)
    with refused("draft-in-the-past", 422):
        approved(submitted(changed(("事项", "各项"))), effective_at=MONDAY)


def test_after_a_downtime_what_is_due_takes_effect_in_the_order_of_its_times() -> None:
    approved(submitted(effective_at=LATER))
    swept(LATER + 3 * DAY)
    assert version() == 2
    assert Activation.get(Activation.until_at.is_null(), Activation.name == NAME).from_at == LATER + 3 * DAY


def told_of(subject: str) -> list[Any]:
    """The messages about documents whose subject says so."""
    return [row for row in Message.select().where(Message.issue.is_null()) if subject in row.subject]


def test_those_who_may_approve_are_told_of_a_draft_and_its_authors_what_became_of_it() -> None:
    draft = submitted(effective_at=LATER)
    assert {row.recipient for row in told_of("待您审批")} == {"han", "tao", "admin"}
    approved(draft)
    assert [row.recipient for row in told_of("到时生效")] == ["fu"]
    drafts.withdraw(draft.id, who("fu"), MONDAY + 1, "not yet")
    assert [row.recipient for row in told_of("已审批的修改被撤回")] == ["han"]
    other = drafts.begin(NAME, changed(("事项", "各项")), who("fu"), MONDAY + 2)
    drafts.submit(other.id, who("fu"), MONDAY + 2)
    drafts.reject(other.id, who("tao"), MONDAY + 3, "too short")
    (back,) = told_of("被退回")
    assert (back.recipient, "too short" in back.body) == ("fu", True)
    assert f"/admin/drafts/{other.id}/" in back.body
    drafts.withdraw(drafts.begin(NAME, changed(), who("fu"), MONDAY + 4).id, who("meng"), MONDAY + 5)
    assert len(told_of("撤回")) == 1


def test_a_draft_that_was_sent_back_goes_on_as_another_of_the_same_authors() -> None:
    draft = submitted()
    drafts.reject(draft.id, who("tao"), MONDAY + 1, "too short")
    assert drafts.possible(drafts.one(draft.id), who("fu")) == {"again"}
    fresh = drafts.again(draft.id, who("meng"), MONDAY + 2)
    assert (bytes(fresh.data), fresh.state, drafts.authors(fresh)) == (changed(), Draft.DRAFT, {"fu", "meng"})
    with refused("draft-state", 409):
        drafts.again(fresh.id, who("meng"), MONDAY + 2)
    approved(submitted(changed(("事项", "各项"))))
    with refused("draft-overtaken", 409):
        drafts.again(draft.id, who("meng"), MONDAY + 3)
    assert drafts.possible(drafts.one(draft.id), who("fu")) == {"rebase"}


def test_what_somebody_may_do_with_a_draft_is_what_the_steps_take() -> None:
    draft = submitted()
    assert drafts.possible(draft, who("fu")) == {"withdraw"}
    assert drafts.possible(draft, who("han")) == {"approve", "reject"}
    assert drafts.possible(draft, who("lu")) == set()
    assert drafts.possible(drafts.begin(NAME, None, who("fu"), MONDAY), who("meng")) == {"write", "submit", "withdraw"}
    late = approved(submitted(changed(("事项", "各项")), effective_at=LATER), "tao")
    assert drafts.possible(late, who("han")) == {"reject"}
    assert "approve" not in drafts.possible(drafts.one(draft.id), who("fu"))


def test_one_that_is_overtaken_is_refused_and_both_people_are_told() -> None:
    late = approved(submitted(effective_at=LATER))
    approved(submitted(changed(("事项", "各项"))), "tao")
    swept(LATER)
    late = Draft.get_by_id(late.id)
    assert (late.state, version()) == (Draft.REFUSED, 3)
    assert entries("draft.refused")[0]["body"]["why"] == "overtaken by version 3"
    told = told_of("未能按时生效")
    assert {row.recipient for row in told} == {"fu", "han"}
    assert str(late.id) in told[0].body
    swept(LATER + 1)
    assert len(told_of("未能按时生效")) == len(told)


def test_a_scheduled_one_can_still_be_taken_back() -> None:
    draft = approved(submitted(effective_at=LATER))
    drafts.withdraw(draft.id, who("fu"), MONDAY + 1, "not yet")
    swept(LATER)
    assert version() == 1


# -- back --------------------------------------------------------------------------------------------------------------


def test_an_older_version_becomes_a_draft_that_goes_the_usual_way() -> None:
    approved(submitted())
    draft = drafts.rollback(NAME, 1, who("meng"), MONDAY + 1, "it was better")
    assert bytes(draft.data).decode() == MATTERS
    assert draft.origin == Draft.ROLLBACK
    draft = drafts.submit(draft.id, who("meng"), MONDAY + 1)
    assert approved(draft).state == Draft.ACTIVE
    assert version() == 3


def test_in_an_emergency_the_version_before_is_back_at_once_and_the_owners_are_told() -> None:
    approved(submitted())
    with pytest.raises(NotPermitted):
        drafts.emergency(NAME, who("han"), MONDAY + 1, "it hurts")
    with refused("emergency-without-reason", 422):
        drafts.emergency(NAME, who("admin"), MONDAY + 1, "")
    drafts.emergency(NAME, who("admin"), MONDAY + 1, "it hurts")
    assert version() == 1
    body = entries("policy.activated")[-1]["body"]
    assert (body["emergency"], body["reason"], body["instead_of"]) == (True, "it hurts", 2)
    assert {row.recipient for row in told_of("紧急退回")} == {"fu", "meng"}
    with refused("no-version-before", 409):
        drafts.emergency(NAME, who("admin"), MONDAY + 2, "and forth")
    with refused("no-version-before", 409):
        drafts.emergency("always", who("admin"), MONDAY + 2, "there is but one")
    assert Draft.get(Draft.name == NAME).state == Draft.SUPERSEDED


# -- rebase ------------------------------------------------------------------------------------------------------------


def test_a_draft_is_put_onto_what_is_in_force_now() -> None:
    second = submitted(changed(("B: {title: {zh: 缓", "B: {title: {zh: 慢")), by="mo")
    approved(submitted())
    fresh = drafts.rebase(second.id, who("meng"), MONDAY + MINUTE)
    assert bytes(fresh.data) == changed(
        ("A: 1h", "A: 30m"), ("T10:00", "T09:30"), ("B: {title: {zh: 缓", "B: {title: {zh: 慢")
    )
    assert drafts.authors(fresh) == {"meng", "mo"}
    assert Draft.get_by_id(second.id).state == Draft.WITHDRAWN
    assert approved(drafts.submit(fresh.id, who("meng"), MONDAY + MINUTE)).state == Draft.ACTIVE


def test_what_both_changed_is_named_in_words() -> None:
    second = submitted(changed(("A: 1h", "A: 20m"), ("T10:00", "T09:20")))
    with refused("rebase-not-needed", 409):
        drafts.rebase(second.id, who("fu"), MONDAY)
    approved(submitted())
    with pytest.raises(NotDone) as told:
        drafts.rebase(second.id, who("fu"), MONDAY)
    assert told.value.code == "rebase-conflict"
    conflict = next(one for one in told.value.conflicts if "within" in one["at"])
    assert "20 min" in conflict["mine"]["en"]
    assert "30 min" in conflict["theirs"]["en"]


def test_lines_are_put_together_only_where_they_are_apart() -> None:
    base = b"a\nb\nc\nd\ne\n"
    assert merged(base, b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\nE\nf\n") == b"A\nb\nc\nd\nE\nf\n"
    assert merged(base, b"a\nc\nd\ne\n", b"a\nb\nc\nX\ne\n") == b"a\nc\nX\ne\n"
    assert merged(base, b"A\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n") == b"A\nb\nc\nd\ne\n"
    assert merged(base, b"A\nb\nc\nd\ne\n", b"B\nb\nc\nd\ne\n") is None
    assert merged(base, b"a\nB\nc\nd\ne\n", b"a\nb\nC\nd\ne\n") is None


def test_nobody_wrote_what_the_trail_does_not_tell() -> None:
    approved(submitted(effective_at=LATER))
    swept(LATER)
    assert {row.kind for row in AuditEntry.select()} >= {"draft.begun", "draft.submitted", "draft.approved"}
    assert entries("policy.activated")[-1]["by"] == "han"
