"""The story of README.md, "How a policy changes": an owner proposes that A complaints get 30 minutes and sees which of
the last ones would have been late; another person approves it for Monday at nine; it takes effect, a new issue gets the
new clock and an old one keeps its own; an auditor takes the evidence of one elsewhere and checks it there; somebody
changes a row of the database, and the trail names it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from server import acting, backtesting, drafts, intake, policies
from server.accounts import PERMISSIONS, Caller
from server.core.moments import HOUR, MINUTE, parse
from server.drafts import NotDone
from server.evidence import bundle
from server.evidence.verifying import verify
from server.recording import held
from server.resources import data_dir
from server.store import database
from server.store.models import AuditEntry, Draft
from server.sweep import Sweeper
from tests.evidence.cared import SIGNER, sealed
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("open_for_business")

NAME = "complaint-monitoring"
NEXT_MONDAY = parse("2026-03-09T09:00:00+08:00")


COMPLAINT = {
    "customer": "甲公司",
    "reference": "400-1",
    "summary": "无法支付",
    "category": "product",
    "phone": "13800000000",
}


def received(subject: str, now: int) -> str:
    return intake.receive(NAME, {"subject": subject, "outage": True, **COMPLAINT}, now).number


def answered_after(minutes: int, now: int) -> str:
    """An A complaint that its owner responded to so many minutes later."""
    number = received(f"answered after {minutes}", now)
    owner = held(number).case.owner
    assert owner is not None
    acting.act(number, "respond", owner, {}, now + minutes * MINUTE)
    return number


def late_by(draft: bytes, now: int) -> list[str]:
    """The issues whose first response was in time and would have been late by the draft."""
    with backtesting.of_store(NAME, draft, now) as outcome:
        return [
            issue["number"]
            for issue in outcome.issues()
            for clock in issue["clocks"]
            if (clock["clock"], clock["from"], clock["to"]) == ("first_response", "met", "breached")
        ]


def answer_due(number: str) -> int:
    run = held(number).case.clocks["first_response"].open
    assert run is not None
    assert run.due is not None
    return run.due


def test_an_owner_changes_a_clock_and_another_person_lets_it_take_effect_on_monday(tmp_path: Path) -> None:
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
    answered_after(20, MONDAY)
    slow = answered_after(45, MONDAY + HOUR)
    answered_after(90, MONDAY + 2 * HOUR)  # late by the old clock, too
    assert late_by(half.encode(), MONDAY + 6 * HOUR) == [slow]
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

    later = NEXT_MONDAY + HOUR
    sealed(later)
    file = tmp_path / "evidence.zip"
    file.write_bytes(bundle.export(new, later + HOUR, SIGNER, by="shen"))
    assert elsewhere(file, tmp_path) == 0
    assert verify([SIGNER.verifier]).is_sound
    with database.transaction():
        body = json.loads(AuditEntry.get(AuditEntry.kind == "draft.approved").body)
        body["by"] = "fu"
        changed = AuditEntry.get(AuditEntry.kind == "draft.approved").id
        AuditEntry.update(body=json.dumps(body)).where(AuditEntry.id == changed).execute()
    found = verify([SIGNER.verifier])
    assert not found.is_sound
    assert found.findings[0].entry == changed


def elsewhere(file: Path, folder: Path) -> int:
    """What the script of the file says in a folder where nothing of the server is."""
    alone = folder / "alone"
    alone.mkdir()
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        (alone / "verify.py").write_bytes(archive.read("verify.py"))
    command = [sys.executable, "-I", "-S", "verify.py", str(file), "--key", SIGNER.verifier.show()]
    return subprocess.run(command, cwd=alone, capture_output=True, check=False).returncode
