"""`duban clock`: what it shows, and an administrator's word for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from server import clock
from server.store.database import Store
from server.store.models import AuditEntry, Meta
from tests.server.conftest import open_for_business
from tests.serving import DUBAN, environment

__all__ = ["open_for_business"]


def duban(folder: Path, store: Store, *words: str) -> subprocess.CompletedProcess[str]:
    env: Mapping[str, str] = {
        "DUBAN_DATA": str(folder),
        "DUBAN_DATABASE": store.url,
        "DUBAN_LANGUAGE": "en",
    }
    return subprocess.run(
        [DUBAN, "clock", *words], env=environment(env), capture_output=True, text=True, timeout=60
    )  # fmt: skip


@pytest.mark.usefixtures("open_for_business")
def test_a_held_clock_is_shown_and_confirmed_by_an_administrator(store: Store, tmp_path: Path) -> None:
    shown = duban(tmp_path, store, "show", "--json")
    assert (shown.returncode, json.loads(shown.stdout)["held"]) == (0, None)
    assert duban(tmp_path, store, "confirm", "--as", "admin").returncode == 1
    now = clock.machine_clock()
    row = {"since": now, "by": 3_600_000, "holder": "w/1", "boot": "", "last": None, "jumped": [now, 1]}
    Meta.create(key=clock.HELD, value=row)
    shown = duban(tmp_path, store, "show")
    assert shown.returncode == 1
    assert "jumped forward by 3600 s" in shown.stderr
    refused = duban(tmp_path, store, "confirm", "--as", "gong")
    assert refused.returncode == 2
    assert "system" in refused.stderr
    confirmed = duban(tmp_path, store, "confirm", "--as", "admin")
    assert confirmed.returncode == 0, confirmed.stderr
    assert clock.held() is None
    assert AuditEntry.get(AuditEntry.kind == "clock.confirmed-by-hand").by == "admin"
    assert Meta.get(Meta.key == clock.CONFIRMED).value["by"] == "admin"
