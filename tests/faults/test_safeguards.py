"""A fault run can fail: each of these takes a safeguard away and is seen by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from server.store import sql
from tests.conftest import skip_or_fail
from tests.faults.campaign import Plan, run
from tests.faults.load import Ledger
from tests.faults.machine import Missing
from tests.faults.verdict import Verdict

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def without(
    safeguard: str, database: str, folder: Path, *, pauses: int = 0, enough: Callable[[Ledger], bool]
) -> Verdict:
    """What a run of at most a minute says, which ends with the load as soon as there is `enough`."""
    pace = 0.3 if pauses else 0.05
    plan = Plan(
        database, 60, points=(), pauses=pauses, random_kills=False, without=safeguard, pace=pace, enough=enough
    )  # fmt: skip
    try:
        return run(plan, folder)
    except Missing as missing:
        skip_or_fail(str(missing))


def test_without_the_unique_index_an_id_gets_two_issues(tmp_path: Path) -> None:
    twice = 'SELECT 1 FROM "issue" WHERE "external_id" IS NOT NULL GROUP BY "source", "external_id" HAVING COUNT(*) > 1'
    verdict = without("unique-index", "sqlite", tmp_path, enough=lambda _: sql.run(twice).fetchone() is not None)
    assert verdict.broken["second issues"], verdict.table()


def test_without_comparing_seq_two_at_once_spoil_an_issue(tmp_path: Path) -> None:
    # Whether an issue is spoilt, or only the unique (issue, seq) saves it with an error, depends on who is faster.
    many = 'SELECT 1 FROM "issue" WHERE "problem" IS NOT NULL UNION SELECT 1 FROM "event" WHERE "id" >= 4000'

    def enough(ledger: Ledger) -> bool:
        return bool(ledger.wrong) or sql.run(many).fetchone() is not None

    verdict = without("seq", "postgresql", tmp_path, enough=enough)
    spoilt = ("issues set apart", "due moments not exactly once", "wrong answers")
    assert any(verdict.broken[rule] for rule in spoilt), verdict.table()


def test_without_the_fence_a_worker_that_stood_still_undoes_a_claim(tmp_path: Path) -> None:
    # Each of them is seen to undo the claim in about a third of the cases; the run ends with the first.
    verdict = without("fence", "sqlite", tmp_path, pauses=12, enough=lambda _: True)
    assert verdict.broken["failures settled by a worker that had lost its claim"], verdict.table()
