"""`duban drill`: played, kept, listed, shown."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from server.store.database import Store
from tests.server.conftest import open_for_business
from tests.serving import DUBAN, environment

__all__ = ["open_for_business"]

SCRIPT = """
name: {zh: 夜间故障, en: A failure at night}
process: contingency
start: 2026-12-05T23:50:00+08:00
by: gong
issue: {subject: 核心系统宕机, class: technical, matter: security}
people: {gong: role:monitor, ghost: owner}
until: +3h
"""


@pytest.fixture(autouse=True)
def script(tmp_path: Path) -> None:
    (tmp_path / "fire.yaml").write_text(SCRIPT, "utf-8")
    (tmp_path / "list.yaml").write_text(SCRIPT.replace("security", "nonsense"), "utf-8")


def duban(folder: Path, store: Store, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        "DUBAN_DATA": str(folder),
        "DUBAN_DATABASE": store.url,
        "DUBAN_LANGUAGE": "en",
        "SMS_URL": "http://127.0.0.1:1",
    }
    return subprocess.run(
        [DUBAN, "drill", *words], env=environment(env), cwd=folder, capture_output=True, text=True, timeout=60
    )  # fmt: skip


@pytest.mark.usefixtures("open_for_business")
def test_a_drill_is_played_kept_listed_and_shown(store: Store, tmp_path: Path) -> None:
    made = duban(tmp_path, store, "fire.yaml", "--as", "meng")
    assert made.returncode == 0, made.stderr
    assert "Drill 1 is kept; nobody was told." in made.stderr
    assert "2026-12-05T23:50:00+08:00 SIM-1 notice.alarm: by sms\n  陆建国 <13800000001>\n  | SIM-1" in made.stdout
    assert (
        "Clocks missed\n  2026-12-06T00:05:00+08:00 SIM-1 respond (run 1), due 2026-12-06T00:05:00+08:00" in made.stdout
    )
    assert "command rung 2 (team:leading_group): lu, han, zhou, fu" in made.stdout
    assert "Channels that are not set\n  email: " in made.stdout
    assert "  gong is not role:monitor\n  ghost is not in the directory, or disabled" in made.stdout

    shown = duban(tmp_path, store, "show", "1", "--json")
    report = json.loads(shown.stdout)
    assert (report["name"], report["by"], report["in_force"]) == ("A failure at night", "meng", True)
    listed = [json.loads(line) for line in duban(tmp_path, store, "list", "--json").stdout.splitlines()]
    assert [(one["drill"], one["totals"]) for one in listed] == [(1, report["totals"])]
    assert duban(tmp_path, store, "show", "2").returncode == 2

    refused = duban(tmp_path, store, "fire.yaml", "--as", "chen")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "policy.propose" in refused.stderr
    bad = duban(tmp_path, store, "list.yaml")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("list.yaml:6:")
    assert len(duban(tmp_path, store, "list").stdout.splitlines()) == 1
