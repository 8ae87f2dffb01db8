"""The story of README.md, "How a policy changes": an owner proposes that A complaints get 30 minutes, another person
approves it for Monday at nine, it takes effect, a new issue gets the new clock and an old one keeps its own."""

from __future__ import annotations

import pytest

from server import drafts, intake, policies
from server.accounts import PERMISSIONS, Caller
from server.core.moments import HOUR, MINUTE, parse
from server.drafts import NotDone
from server.recording import held
from server.resources import data_dir
from server.store.models import AuditEntry, Draft
from server.sweep import Sweeper
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("open_for_business")

NAME = "complaint-monitoring"
NEXT_MONDAY = parse("2026-03-09T09:00:00+08:00")


def received(subject: str, now: int) -> str:
    return intake.receive(NAME, {"subject": subject, "outage": True, "customer": "甲公司"}, now).number


def answer_due(number: str) -> int:
    run = held(number).case.clocks["first_response"].open
    assert run is not None
    assert run.due is not None
    return run.due


def test_an_owner_changes_a_clock_and_another_person_lets_it_take_effect_on_monday() -> None:
    fu, han = drafts.caller("fu"), drafts.caller("han")
    sweeper = Sweeper("story")
    text = (data_dir("policies") / f"{NAME}.yaml").read_text("utf-8")
    half = text.replace("within: {A: 1h, B: 4h, C: 24h}", "within: {A: 30m, B: 4h, C: 24h}")
    assert half != text
    # The owner forgot what the document itself gives as an example.
    with pytest.raises(NotDone, match="To be mended"):
        drafts.propose([(f"{NAME}.yaml", half.encode())], fu, MONDAY, "A complaints wait too long")
    due = "first_response, due: 2026-03-02T{}:00+08:00"
    half = half.replace(due.format("10:00"), due.format("09:30"))
    (draft,) = drafts.propose([(f"{NAME}.yaml", half.encode())], fu, MONDAY, "A complaints wait too long")
    changes = drafts.read(draft, MONDAY, "en")["changes"]
    assert "severity A, Within 1 h → 30 min" in changes[0]["text"]["en"]
    with pytest.raises(NotDone, match="another person"):
        drafts.approve(draft.id, Caller("fu", frozenset(PERMISSIONS)), draft.sha256, MONDAY)
    draft = drafts.approve(draft.id, han, draft.sha256, MONDAY + HOUR, "agreed", NEXT_MONDAY)
    assert draft.state == Draft.SCHEDULED

    old = received("before", NEXT_MONDAY - 10 * MINUTE)
    sweeper.work(NEXT_MONDAY, NEXT_MONDAY)
    assert Draft.get_by_id(draft.id).state == Draft.ACTIVE
    new = received("after", NEXT_MONDAY + MINUTE)
    assert answer_due(new) - (NEXT_MONDAY + MINUTE) == 30 * MINUTE
    assert answer_due(old) - (NEXT_MONDAY - 10 * MINUTE) == 60 * MINUTE
    assert held(old).pinned.process is not held(new).pinned.process
    assert policies.in_force().versions[NAME] == held(new).pinned.version
    trail = [row.kind for row in AuditEntry.select().order_by(AuditEntry.id) if row.kind.startswith("draft.")]
    assert trail == ["draft.begun", "draft.submitted", "draft.approved"]
