"""kill -9 while issues migrate: each of them migrates once, with its line, or waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server import crash_points, issues, migration
from server.store.database import Store
from server.store.models import AuditEntry, Event, MigrationIssue
from tests.migration.conftest import FASTER, LATER, publish, shut
from tests.migration.test_life import approved, proposed, run

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from server import migration
from server.store import database
database.open(sys.argv[1])
while migration.run(int(sys.argv[2])):
    pass
"""


@pytest.mark.parametrize("point", [name for name in crash_points.POINTS if name.startswith("migration.")])
def test_a_run_that_is_killed_goes_on_and_each_issue_migrates_once(
    point: str, world: Store, receive: Callable[..., str], tmp_path: Path
) -> None:
    numbers = [receive() for _ in range(3)]
    publish(FASTER)
    plan = approved(proposed())
    shut(world)
    (tmp_path / crash_points.KILLED).mkdir()
    (tmp_path / crash_points.MARK).touch()
    (tmp_path / point).touch()
    ended = subprocess.run(
        [sys.executable, "-c", RUN, world.url, str(LATER)],
        cwd=ROOT, env={**os.environ, crash_points.VARIABLE: str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    done = point == "migration.after_commit"
    assert Event.select().where(Event.kind == "migrated").count() == done
    assert MigrationIssue.select().where(MigrationIssue.state == MigrationIssue.MIGRATED).count() == done
    assert AuditEntry.select().where(AuditEntry.kind == "issue.migrated").count() == done
    run()
    assert migration.shown(plan.id, "en")["counts"] == {"waiting": 0, "migrated": 3, "left": 0}
    for number in numbers:
        assert [line["kind"] for line in issues.timeline(number)].count("migrated") == 1
    assert AuditEntry.select().where(AuditEntry.kind == "issue.migrated").count() == 3
