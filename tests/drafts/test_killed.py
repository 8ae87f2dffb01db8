"""kill -9 while somebody approves: the approval is there with all that it sets off, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server import crash_points, policies
from server.core.moments import DAY
from server.store.database import Store
from server.store.models import Activation, Approval, AuditEntry, Draft, Version
from tests.drafts.conftest import NAME, approved, submitted
from tests.server.conftest import MONDAY

ROOT = Path(__file__).resolve().parents[2]
APPROVING = ("drafts.approved", "drafts.before_commit", "drafts.after_commit")
APPROVE = """
import sys
from server import drafts
from server.store import database
url, draft, sha256, now = sys.argv[1:]
store = database.open(url)
drafts.approve(int(draft), drafts.caller("han"), sha256, int(now))
"""


SWEEP = """
import sys
from server import drafts
from server.store import database
store = database.open(sys.argv[1])
with store.session():
    drafts.activate_due(int(sys.argv[2]))
"""


@pytest.mark.parametrize("point", APPROVING)
def test_an_approval_that_is_killed_is_whole_or_was_never_given(point: str, world: Store, tmp_path: Path) -> None:
    draft = submitted()
    shut(world)
    (tmp_path / crash_points.KILLED).mkdir()
    (tmp_path / crash_points.MARK).touch()
    (tmp_path / point).touch()
    ended = subprocess.run(
        [sys.executable, "-c", APPROVE, world.url, str(draft.id), draft.sha256, str(MONDAY)],
        cwd=ROOT, env={**os.environ, crash_points.VARIABLE: str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    done = point == "drafts.after_commit"
    found = Draft.get_by_id(draft.id)
    assert found.state == (Draft.ACTIVE if done else Draft.SUBMITTED)
    assert Approval.select().count() == done
    assert Version.select().where(Version.name == NAME).count() == 1 + done
    assert Activation.select().where(Activation.name == NAME).count() == 1 + done
    assert AuditEntry.select().where(AuditEntry.kind == "draft.approved").count() == done
    assert (policies.in_force().versions[NAME] == found.version_id) is done
    if not done:  # and it can be given again
        assert approved(draft).state == Draft.ACTIVE


def test_an_activation_that_is_killed_happens_in_the_next_sweep_and_once(world: Store, tmp_path: Path) -> None:
    later = MONDAY + DAY
    draft = approved(submitted(effective_at=later))
    shut(world)
    (tmp_path / crash_points.KILLED).mkdir()
    (tmp_path / crash_points.MARK).touch()
    (tmp_path / "drafts.activated").touch()
    ended = [
        subprocess.run(
            [sys.executable, "-c", SWEEP, world.url, str(later)],
            cwd=ROOT, env={**os.environ, crash_points.VARIABLE: str(tmp_path)}, capture_output=True, text=True,
        ).returncode
        for _ in range(2)
    ]  # fmt: skip
    assert ended == [-signal.SIGKILL, 0]
    assert Draft.get_by_id(draft.id).state == Draft.ACTIVE
    assert policies.in_force().versions[NAME] == draft.version_id
    assert Activation.select().where(Activation.name == NAME).count() == 2


def shut(store: Store) -> None:
    """Let go of the database, as SQLite's tests need: the other process is the only one."""
    store.release()
