"""A store as a first start leaves it: the shipped documents in force, and the people of the seeds."""

from __future__ import annotations

import pytest

from server import directory, policies
from server.core.moments import parse
from server.resources import data_dir
from server.store.database import Store

MONDAY = parse("2026-03-02T09:00:00+08:00")


@pytest.fixture
def open_for_business(store: Store) -> Store:
    """The store with documents and people, on Monday at nine."""
    policies.load_shipped(MONDAY)
    plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes())
    assert plan is not None, findings
    directory.carry_out(plan, MONDAY)
    return store
