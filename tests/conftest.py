"""What every test can rely on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from server.accounts import passwords

# Stores on SQLite and PostgreSQL, for every folder.
pytest_plugins = ["tests.stores"]

# The machines that run this are shared: how long one example takes says nothing. CI tries the same examples every
# time, so that a red run can be repeated; on a desk each run tries new ones.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session", autouse=True)
def hasher() -> Iterator[PasswordHasher]:
    """The one of a server, which takes its time; the tests sign in hundreds of times with one that does not."""
    found, passwords.hasher = passwords.hasher, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield found
    passwords.hasher = found


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test that calls this, because something it needs is not on this machine; under CI, fail it.

    CI installs all that is needed, so a skip there would hide a test that never runs.
    """
    if os.environ.get("CI"):
        pytest.fail(f"needed under CI: {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, then those of the browser, which are long, so that no worker is left alone with
    one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name != "browser"))
