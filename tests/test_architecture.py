"""What the map of the rooms promises (docs/architecture.md), beyond the direction of imports."""

from __future__ import annotations

import ast
import logging
import re
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / "server" / "core").rglob("*.py"))


@pytest.fixture
def loggers_as_they_were():
    """import-linter configures logging, which switches off every logger that is there already."""
    disabled = {name for name in logging.root.manager.loggerDict if logging.getLogger(name).disabled}
    yield
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).disabled = name in disabled


@pytest.mark.usefixtures("loggers_as_they_were")
def test_imports_go_downward_only(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_every_module_of_the_server_has_its_layer():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = " ".join(next(contract for contract in contracts if contract["id"] == "layers")["layers"])
    placed = set(re.findall(r"server\.(\w+)", layers))
    there = {path.stem if path.is_file() else path.name for path in (ROOT / "server").iterdir()} - {
        "__init__",
        "__pycache__",
    }
    assert there - placed == set(), "give these a layer in pyproject.toml, [tool.importlinter]"


# What would make the interpreter look at the world: it is given every moment, and every document, as an argument.
WORLDLY_CALLS = {"open", "print", "input", "eval", "breakpoint", "__import__"}
CLOCKS = {
    f"{owner}.{method}"
    for owner in ("datetime", "date", "datetime.datetime", "datetime.date")
    for method in ("now", "utcnow", "today")
}


def worldly(tree: ast.AST) -> list[str]:
    """Give what in this module reads a clock, a file or a terminal, as `LINE name`."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS:
            found.append(f"{node.lineno} {node.func.id}")
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in CLOCKS:
            found.append(f"{node.lineno} {ast.unparse(node.func)}")
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_interpreter_reads_no_clock_and_writes_nothing(path):
    assert worldly(ast.parse(path.read_text("utf-8"))) == []


def test_reading_the_clock_would_be_noticed():
    assert worldly(ast.parse("import datetime\nx = datetime.datetime.now()\nprint(x)")) == [
        "2 datetime.datetime.now",
        "3 print",
    ]


def test_nothing_is_called_utils():
    vague = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    named = [path for room in ("server", "admin", "jobs", "tests") for path in (ROOT / room).rglob("*.py")]
    assert [path for path in named if path.stem in vague] == []
