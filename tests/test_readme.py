"""The commands of README.md do what it says.

Blocks fenced `sh` are run, in order, in one shell, in an empty folder, beside a server started as the page says.
`yaml` blocks that begin with `# NAME` are written to that file first. A `text` block is what the commands before it
print: its lines occur in that order, and `…` stands for anything. `console` blocks are shown only; what they make is
checked by name.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.serving import DUBAN, environment, serving

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
ADDRESS = "http://127.0.0.1:8080"


@dataclass
class Step:
    """Commands of one block, and the lines that they print."""

    commands: str
    lines: list[str] = field(default_factory=list)


def blocks(language: str) -> list[str]:
    """Give the bodies of the blocks fenced with this language."""
    return [body for name, body in FENCE.findall(README) if name == language]


def files() -> dict[str, str]:
    """Give the files that the page asks the reader to write: path and content."""
    named = [(re.match(r"# (\S+\.yaml)\n", body), body) for body in blocks("yaml")]
    return {match[1]: body for match, body in named if match}


def steps() -> list[Step]:
    """Give the blocks to run, each with what it prints."""
    found: list[Step] = []
    for language, body in FENCE.findall(README):
        if language == "sh":
            found.append(Step(body))
        elif language == "text":
            found[-1].lines += body.splitlines()
    return found


def missing(lines: list[str], printed: str) -> str | None:
    """Give the first of the expected lines that does not occur, after the one before it, in what was printed."""
    at = 0
    for line in lines:
        pattern = re.escape(line).replace("…", "[^\n]*?")
        match = re.compile(pattern).search(printed, at)
        if not match:
            return line
        at = match.end()
    return None


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_commands_of_the_readme_work_as_they_stand(tmp_path):
    for name, content in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    token = re.search(r"ALERT_TOKEN=(\S+) make serve", README)
    assert token
    with serving(tmp_path, "--demo", env={"ALERT_TOKEN": token[1]}) as address:
        mark = "--- end of block ---"
        script = "set -euo pipefail\n" + "".join(
            f"{step.commands.replace(ADDRESS, address)}\necho; echo '{mark}'\n" for step in steps()
        )
        env = environment({"PATH": f"{DUBAN.parent}:{os.environ['PATH']}"})
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for step, printed in zip(steps(), done.stdout.split(mark), strict=False):
        assert missing(step.lines, printed) is None, f"{step.commands}\nprinted\n{printed}"


def test_the_readme_has_commands_files_and_outputs():
    assert len(steps()) >= 5
    assert sorted(files()) == ["first-script.yaml", "first/hello.yaml", "first/hours.yaml"]
    assert sum(bool(step.lines) for step in steps()) >= 3


def test_an_output_that_is_not_printed_would_be_noticed():
    assert missing(['…"b": 2…', '…"c"…'], '{"a": 1, "b": 2}\n{"c": 3}\n') is None
    assert missing(['…"c"…', '…"b": 2…'], '{"a": 1, "b": 2}\n{"c": 3}\n') == '…"b": 2…'


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)", "\n".join(blocks("console"))))))
def test_what_the_readme_makes_can_be_made(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_first_policy_has_ten_lines():
    assert len(files()["first/hello.yaml"].splitlines()) - len(["# first/hello.yaml"]) == 10
