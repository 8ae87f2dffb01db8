"""The server under kill -9, on both databases (CONTRIBUTING, "Faults")."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.faults.campaign import Plan, run
from tests.faults.machine import Missing

# A busy machine may take several times as long as an idle one.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_twice_or_early_however_often_it_is_killed(database: str, tmp_path: Path) -> None:
    try:
        verdict = run(Plan(database, 30), tmp_path)
    except Missing as missing:
        skip_or_fail(str(missing))
    assert verdict.holds, verdict.table()
