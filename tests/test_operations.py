"""What docs/operations.md, compose.yaml and the units of systemd say is true.

Blocks fenced `sh` are run, in order, in one shell, over a store that a first start has made; a `text` block is what the
commands before it print (tests/test_readme.py). Commands of `console` blocks are parsed; what they make is used.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from server import settings
from server.cli import main
from server.delivery.breaker import SLOTS
from server.serving_threads import READ_WITHIN
from server.starting import prepare
from server.store import pool
from server.wsgi import GRACE, THREADS
from tests.serving import DUBAN, environment
from tests.test_readme import FENCE, missing

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
UNITS = sorted((ROOT / "docs" / "systemd").glob("*.service"))
NAMES = re.compile(r"\bDUBAN_[A-Z_]+[A-Z]\b")


def blocks(language: str) -> list[str]:
    return [body for name, body in FENCE.findall(PAGE) if name == language]


@pytest.mark.slow
def test_the_commands_of_the_page_work_as_they_stand(tmp_path: Path) -> None:
    env = environment({"PATH": f"{DUBAN.parent}:{os.environ['PATH']}", "DUBAN_LANGUAGE": "en"})
    found = settings.with_secrets(settings.read({"DUBAN_DATA": str(tmp_path / "data")}))
    prepare(found, 1_772_413_200_000)
    mark = "--- end of block ---"
    script = "set -euo pipefail\n" + "".join(f"{body}\necho '{mark}'\n" for body in blocks("sh"))
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    said = [(name, body) for name, body in FENCE.findall(PAGE) if name in ("sh", "text")]
    printed = done.stdout.split(mark)
    assert len(printed) == len(blocks("sh")) + 1
    expected: list[list[str]] = []
    for name, body in said:
        if name == "sh":
            expected.append([])
        else:
            expected[-1] += body.splitlines()
    for lines, text in zip(expected, printed, strict=False):
        assert lines
        assert missing(lines, text) is None, text


def commands() -> Iterator[list[str]]:
    """Every call of `duban` that somebody is told to make."""
    for body in blocks("console") + blocks("sh"):
        for found in re.findall(r"(?<![\w./-])duban ([a-z][^;|#)\n]*)", re.sub(r"\\\n", " ", body)):
            yield shlex.split(found)
    for unit in UNITS:
        for found in re.findall(r"/opt/duban/bin/duban ([^'\n]+)", unit.read_text("utf-8")):
            yield shlex.split(found.replace("$$", "$").replace("%%", "%"))
    for service in COMPOSE["services"].values():
        if "duban" in service.get("command", [])[:1]:
            yield service["command"][1:]


CALLS = sorted({" ".join(call): call for call in commands()}.items())


@pytest.mark.parametrize("call", [call for _, call in CALLS], ids=[name for name, _ in CALLS])
def test_a_command_that_is_named_can_be_called_so(call: list[str]) -> None:
    command: click.Command = main
    context: click.Context | None = click.Context(main, info_name="duban")
    words = list(call)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, call
        command = found
        words = words[1:]
    command.make_context(command.name, words, parent=context)


def test_there_are_commands_to_call() -> None:
    called = {call[0] for _, call in CALLS}
    assert {"web", "worker", "backup", "restore", "outgoing", "user"} <= called


def named_in(path: Path) -> set[str]:
    return set(NAMES.findall(path.read_text("utf-8")))


@pytest.mark.parametrize(
    "path", [*UNITS, ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "docs" / "operations.md"], ids=str
)
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    not_of_the_server = {name for name in named_in(path) if name.startswith("DUBAN_BENCH_") or name == "DUBAN_BUNDLE"}
    assert named_in(path) - not_of_the_server - named_in(ROOT / "server" / "settings.py") == set()


def test_the_settings_that_the_page_makes_can_be_used(tmp_path: Path) -> None:
    (program,) = re.findall(r"<<'END'\n(.*?)^END$", PAGE, re.M | re.S)
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    found = settings.read({"DUBAN_DATA": str(tmp_path), **dict(line.split("=", 1) for line in made.splitlines())})
    assert found.signing_key is not None
    assert found.secret
    assert found.database.startswith("postgresql://")
    assert found.queue.startswith("redis://")
    assert not shlex.quote(made.splitlines()[-1]).startswith("'"), "a shell reads the file, too"


def test_compose_starts_any_number_of_web_servers_and_workers_with_the_same_settings() -> None:
    services: dict[str, Any] = COMPOSE["services"]
    assert services["web"]["environment"] == services["worker"]["environment"]
    told = services["web"]["environment"]
    for name in ("DUBAN_SECRET", "DUBAN_SIGNING_KEY"):
        assert told[name].startswith("${%s:?" % name), "without it nothing starts"  # noqa: UP031
        assert f"{name}=" in PAGE
    for name in ("web", "worker"):
        assert "ports" not in services[name], "two could not share a port of the host"
        assert set(services[name]["depends_on"]) == {"postgres", "redis"}


def test_postgresql_has_enough_connections() -> None:
    web, worker = (int(found) for found in re.findall(r"^\| each w.* \| up to (\d+) \|$", PAGE, re.M))
    figures, asking = 1, 1  # asking: whether the server answers at all (server.store.silence)
    assert web == THREADS + figures + asking <= pool.MOST
    loops = {"sweeper", "scheduler", "deliverer", "sealer", "anchorer", "verifier", "backtester"}
    assert worker >= len(loops) + figures + asking
    needed = 2 * 2 * web + 3 * worker + 10
    assert f"2 × 2 × {web} + 3 × {worker} + 10 = {needed}" in PAGE
    (setting,) = re.findall(r"max_connections=(\d+)", " ".join(COMPOSE["services"]["postgres"]["command"]))
    assert int(setting) >= needed, "two web servers with two processes each, and three workers"


def test_what_senders_and_receivers_are_given_is_as_the_page_says() -> None:
    assert f"not arrived whole after {READ_WITHIN:.0f} s is answered with 408" in PAGE
    assert f"at most {SLOTS} messages of a worker under way at once" in PAGE
    assert READ_WITHIN <= GRACE, "or what was arriving when the server was told to end would be cut off"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_ends_gently_reads_the_settings_and_may_write_to_its_folder_only(unit: Path) -> None:
    text = unit.read_text("utf-8")
    for line in ("User=duban", "EnvironmentFile=/etc/duban/duban.env", "ProtectSystem=strict", "StateDirectory=duban"):
        assert f"\n{line}\n" in text
    if unit.stem != "duban-backup":
        assert re.search(r"\nTimeoutStopSec=(\d+)\n", text)[1] == "45"  # type: ignore[index]
        assert "\nRestart=always\n" in text
