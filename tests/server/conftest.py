"""A store as a first start leaves it: the shipped documents in force, and the people of the seeds."""

from __future__ import annotations

import pytest

from server.core.moments import parse
from server.store.database import Store
from tests import beginnings

MONDAY = parse("2026-03-02T09:00:00+08:00")


@pytest.fixture
def open_for_business(store: Store) -> Store:
    """The store with documents and people, on Monday at nine."""
    beginnings.open_for_business(MONDAY)
    return store
