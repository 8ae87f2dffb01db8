"""kill -9 while somebody approves: the approval is there with all that it sets off, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server import crash_points, policies
from server.store.database import Store
from server.store.models import Activation, Approval, AuditEntry, Draft, Version
from tests.drafts.conftest import NAME, approved, submitted
from tests.server.conftest import MONDAY

ROOT = Path(__file__).resolve().parents[2]
APPROVE = """
import sys
from server import drafts
from server.store import database
url, draft, sha256, now = sys.argv[1:]
store = database.open(url)
drafts.approve(int(draft), drafts.caller("han"), sha256, int(now))
"""


@pytest.mark.parametrize("point", [name for name in crash_points.POINTS if name.startswith("drafts.")])
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


def shut(store: Store) -> None:
    """Let go of the database, as SQLite's tests need: the other process is the only one."""
    store.release()
