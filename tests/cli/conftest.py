"""A data folder as a first start leaves it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

import pytest

from server import settings
from server.starting import prepare


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], None]:
    """Makes the data folder of the environment such a one. The first start itself is made once."""
    folder = tmp_path_factory.mktemp("first") / "data"
    before = settings._current
    found = settings.with_secrets(settings.read({"DUBAN_DATA": str(folder)}))
    settings.use(found)
    prepare(found, time.time_ns() // 1_000_000)
    settings._current = before

    def start() -> None:
        shutil.copytree(folder, settings.read().data)
        settings.use(settings.with_secrets(settings.read()))

    return start
