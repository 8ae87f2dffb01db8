"""A draft from its first word until it is in force, and every way in which it does not get there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server import drafts, intake, policies
from server.accounts import Caller, NotPermitted
from server.core.moments import HOUR
from server.drafts import NotDone
from server.store.models import Activation, AuditEntry, Draft, Version
from tests.drafts.conftest import CALENDAR, CHANNELS, MATTERS, NAME, approved, changed, submitted, who
from tests.publishing import publish
from tests.server.conftest import MONDAY


def refused(code: str, status: int) -> Any:
    """Expects NotDone with that code and status."""
    return pytest.raises(NotDone, check=lambda error: (error.code, error.status) == (code, status))


def entries(kind: str) -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in AuditEntry.select().where(AuditEntry.kind == kind).order_by(AuditEntry.id)]


def test_a_draft_is_written_checked_submitted_approved_and_in_force() -> None:
    fu, meng, han = who("fu"), who("meng"), who("han")
    draft = drafts.begin(NAME, None, fu, MONDAY, "sooner")
    assert bytes(draft.data).decode() == MATTERS  # begun from what is in force
    draft = drafts.write(draft.id, changed(), meng, MONDAY + 1)
    assert drafts.check(draft, MONDAY) == []
    draft = drafts.submit(draft.id, fu, MONDAY + 2)
    assert (draft.state, draft.submitted_by, draft.approvals) == (Draft.SUBMITTED, "fu", 1)
    assert policies.in_force().versions[NAME] == draft.based_on_id
    draft = drafts.approve(draft.id, han, draft.sha256, MONDAY + 3, "right")
    assert draft.state == Draft.ACTIVE
    version = Version.get_by_id(policies.in_force().versions[NAME])
    assert bytes(version.data) == changed()
    assert (version.number, version.author, version.approver, version.reason) == (2, "fu", "han", "sooner")
    assert (version.origin, version.based_on_id) == (Version.PROPOSED, draft.based_on_id)
    issue = intake.receive(NAME, {"subject": "x", "grave": True}, MONDAY + HOUR)
    assert issue.created
    steps = [row.kind for row in AuditEntry.select().order_by(AuditEntry.id) if "draft" in row.kind]
    assert steps == ["draft.begun", "draft.written", "draft.submitted", "draft.approved"]
    assert entries("draft.approved")[0]["by"] == "han"
    assert entries("draft.approved")[0]["body"]["sha256"] == version.sha256
    assert (
        entries("policy.activated")[-1]["body"] | {"draft": draft.id, "version": 2}
        == (entries("policy.activated")[-1]["body"])
    )


def test_what_is_approved_supersedes_what_was() -> None:
    first = approved(submitted())
    second = approved(submitted(changed(("A: 1h", "A: 20m"), ("T10:00", "T09:20"))))
    assert Draft.get_by_id(first.id).state == Draft.SUPERSEDED
    assert second.state == Draft.ACTIVE
    assert Activation.select().where(Activation.name == NAME, Activation.until_at.is_null()).count() == 1


def test_a_new_document_can_be_proposed() -> None:
    text = CALENDAR.replace("always", "nights").encode()
    draft = drafts.begin("nights", text, who("meng"), MONDAY, "for the night shift")
    approved(drafts.submit(draft.id, who("meng"), MONDAY))
    assert "nights" in policies.in_force().calendars


# -- the check ---------------------------------------------------------------------------------------------------------


def test_errors_are_kept_in_a_draft_and_stop_it_from_being_submitted() -> None:
    draft = drafts.begin(NAME, changed(("calendar: always", "calendar: nowhere")), who("fu"), MONDAY, "why not")
    with refused("draft-not-sound", 422) as told:
        drafts.submit(draft.id, who("fu"), MONDAY)
    assert "unknown-calendar" in {finding.code for finding in told.value.findings}
    draft = drafts.write(draft.id, b"kind: [", who("fu"), MONDAY)
    with refused("draft-not-sound", 422):
        drafts.submit(draft.id, who("fu"), MONDAY)


def test_examples_that_fail_stop_it() -> None:
    draft = drafts.begin(NAME, changed(("A: 1h", "A: 30m")), who("fu"), MONDAY, "its example says an hour")
    with refused("draft-not-sound", 422) as told:
        drafts.submit(draft.id, who("fu"), MONDAY)
    assert [finding.code for finding in told.value.findings] == ["example-missing"]


def test_what_would_break_another_document_in_force_stops_it() -> None:
    draft = drafts.begin("default", CHANNELS.replace("by_hand", "to_do").encode(), who("meng"), MONDAY, "a better name")
    with refused("draft-not-sound", 422) as told:
        drafts.submit(draft.id, who("meng"), MONDAY)
    assert {finding.file for finding in told.value.findings} == {"matters.yaml"}


def test_warnings_must_be_acknowledged_by_code_and_place() -> None:
    text = changed(("  closed: {", "  limbo: {title: {zh: 无, en: Limbo}}\n  closed: {"))
    draft = drafts.begin(NAME, text, who("fu"), MONDAY, "a stage for later")
    warnings = [drafts.place(finding) for finding in drafts.check(draft, MONDAY)]
    assert warnings
    with refused("draft-not-acknowledged", 422) as told:
        drafts.submit(draft.id, who("fu"), MONDAY, acknowledge=[{**one, "at": "/elsewhere"} for one in warnings])
    assert len(told.value.findings) == len(warnings)
    draft = drafts.submit(draft.id, who("fu"), MONDAY, acknowledge=warnings)
    assert draft.acknowledged == warnings
    assert entries("draft.submitted")[0]["body"]["acknowledged"] == warnings


def test_a_text_of_another_document_is_no_draft_of_this_one() -> None:
    for data, code in (
        (CALENDAR.encode(), "draft-of-another"),
        (CALENDAR.replace("always", NAME).encode(), "draft-of-another-kind"),
        (b"#" * 300_000, "draft-too-large"),
    ):
        with refused(code, 422):
            drafts.begin(NAME, data, who("fu"), MONDAY)
    with refused("draft-bad-name", 422):
        drafts.begin("No Name", b"kind: process\nname: No Name\n", who("fu"), MONDAY)
    with refused("unknown-document", 404):
        drafts.begin("nothing", None, who("meng"), MONDAY)


# -- steps out of order ------------------------------------------------------------------------------------------------


def test_each_step_has_its_state() -> None:
    draft = submitted()
    with refused("draft-state", 409):
        drafts.write(draft.id, MATTERS.encode(), who("fu"), MONDAY)
    with refused("draft-state", 409):
        drafts.submit(draft.id, who("fu"), MONDAY)
    approved(draft)
    for step in (
        lambda: approved(draft, "tao"),
        lambda: drafts.reject(draft.id, who("han"), MONDAY, "no"),
        lambda: drafts.withdraw(draft.id, who("fu"), MONDAY),
    ):
        with refused("draft-state", 409):
            step()
    with refused("unknown-draft", 404):
        drafts.withdraw(99, who("fu"), MONDAY)


def test_a_draft_is_rejected_with_a_reason_or_withdrawn() -> None:
    draft = submitted()
    with refused("draft-without-reason", 422):
        drafts.reject(draft.id, who("han"), MONDAY, " ")
    draft = drafts.reject(draft.id, who("han"), MONDAY, "too short")
    assert (draft.state, draft.closed_by, draft.remark) == (Draft.REJECTED, "han", "too short")
    other = drafts.withdraw(submitted(changed(("事项", "各项"))).id, who("meng"), MONDAY)
    assert other.state == Draft.WITHDRAWN
    assert [entry["by"] for kind in ("draft.rejected", "draft.withdrawn") for entry in entries(kind)] == ["han", "meng"]
    assert Version.select().where(Version.name == NAME).count() == 1


def test_a_submission_needs_a_change_and_a_time_ahead() -> None:
    draft = drafts.begin(NAME, None, who("fu"), MONDAY)
    with refused("draft-of-no-change", 409):
        drafts.submit(draft.id, who("fu"), MONDAY, "because")
    draft = drafts.write(draft.id, changed(), who("fu"), MONDAY)
    with refused("draft-in-the-past", 422):
        drafts.submit(draft.id, who("fu"), MONDAY, "because", effective_at=MONDAY)


def test_whoever_read_an_older_text_does_not_overwrite_a_newer_one() -> None:
    draft = drafts.begin(NAME, None, who("fu"), MONDAY, "both write")
    drafts.write(draft.id, changed(), who("meng"), MONDAY, if_seq=draft.seq)
    with refused("draft-changed", 409):
        drafts.write(draft.id, MATTERS.encode(), who("fu"), MONDAY, if_seq=draft.seq)


def test_of_two_drafts_with_the_same_base_the_second_is_overtaken() -> None:
    first, second = submitted(), submitted(changed(("事项", "各项")))
    approved(first)
    with refused("draft-overtaken", 409) as told:
        approved(second)
    assert (told.value.params["base"], told.value.params["version"]) == (1, 2)


# -- two approvers -----------------------------------------------------------------------------------------------------


def test_a_document_that_asks_for_two_approvers_gets_two() -> None:
    text = changed(("calendar: always", "calendar: always\napprovals: 2"))
    draft = submitted(text)
    assert draft.approvals == 2
    draft = approved(draft)
    assert (draft.state, drafts.approvers(draft)) == (Draft.SUBMITTED, ["han"])
    with refused("draft-approved-already", 409):
        approved(draft)
    draft = approved(draft, "tao")
    assert (draft.state, drafts.approvers(draft)) == (Draft.ACTIVE, ["han", "tao"])
    # Nor can one person alone say that one is enough.
    draft = submitted()
    assert draft.approvals == 2
    assert approved(draft).state == Draft.SUBMITTED


# -- who ---------------------------------------------------------------------------------------------------------------


def test_the_owner_team_and_who_holds_the_permission_may_propose() -> None:
    assert submitted(by="meng")
    assert submitted(by="mo")  # a monitor holds policy.propose
    for login in ("lu", "han", "shen"):
        with pytest.raises(NotPermitted):
            drafts.begin(NAME, None, who(login), MONDAY)
    with pytest.raises(NotPermitted):  # a team of its own is nobody's permission for another's document
        drafts.begin("default", None, who("chen"), MONDAY)


def test_a_member_of_the_owner_team_may_propose_without_the_permission_but_not_by_a_token() -> None:
    text = CALENDAR.replace("hours:", "owner: team:service_supervisors\nhours:").encode()
    draft = drafts.begin("always", text, who("meng"), MONDAY, "an owner")
    approved(drafts.submit(draft.id, who("meng"), MONDAY))
    assert not who("chen").may("policy.propose")
    assert drafts.begin("always", None, who("chen"), MONDAY)
    with pytest.raises(NotPermitted):
        drafts.begin("always", None, Caller("chen", frozenset({"issue.read"}), token=1), MONDAY)


def test_only_who_holds_the_permission_approves_or_rejects() -> None:
    draft = submitted()
    for login in ("meng", "lu", "mo"):
        with pytest.raises(NotPermitted):
            approved(draft, login)
        with pytest.raises(NotPermitted):
            drafts.reject(draft.id, who(login), MONDAY, "no")
    assert approved(draft, "admin").state == Draft.ACTIVE


def test_what_cannot_be_judged_beside_a_document_that_is_broken_is_not_submitted() -> None:
    publish(CHANNELS.replace(", url: env:EMAIL_URL", ""), MONDAY)
    draft = drafts.begin(NAME, changed(), who("fu"), MONDAY, "sooner")
    with refused("draft-not-sound", 422) as told:
        drafts.submit(draft.id, who("fu"), MONDAY)
    assert {finding.file for finding in told.value.findings} == {"default.yaml"}
