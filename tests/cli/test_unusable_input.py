"""Every command with what it cannot use: it ends with 2 and says why in a line, and never with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from server.cli import MODULES, files, main
from server.cli.files import MOST
from server.core.library import Library

LONG_RUNNING = {"serve", "web", "worker"}
PROCESS = "complaint-monitoring"
START = "process: complaint-monitoring\nstart: 2026-03-02T09:00:00+08:00\n"

UNUSABLE: dict[str, bytes] = {
    "binary": bytes(range(256)) * 40,
    "nul": b"\0" * 100,
    "utf-16": "kind: process".encode("utf-16"),
    "bad-utf-8": b"kind: \xff\xfe\n",
    "surrogate": b'"\xed\xa0\x80"',
    "escaped-surrogate": b'{"a": "\\ud800"}',
    "escaped-nul": b'{"a": "\\u0000"}',
    "too-long": b'{"a": "' + b"x" * (3 << 20) + b'"}',
    "longer-than-any": b" " * (MOST + 1),
    "deep": b"[" * 100_000,
    "deep-and-closed": b"[" * 33 + b"]" * 33,
    "list": b"[1, 2]",
    "number": b"42",
    "text": b"hello there",
    "long-number": b'{"a": ' + b"9" * 5000 + b"}",
    "two-documents": b"a: 1\n---\nb: 2\n",
    "tabs": b"a:\n\t- b\n",
    "key-twice": b'{"a": 1, "a": 2}',
    "alias-bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "merge-key": b"a: &a {x: 1}\nb: {<<: *a}\n",
    "tag": b"a: !!python/object/apply:os.system ['true']\n",
    "strange-keys": b"{1: 2, [a]: 3, null: 4}\n",
    "wrong-types": b"process: complaint-monitoring\nstart: x\nissue: 3\nevents: 7\npeople: 1\nuntil: []\n",
    "process-list": b"process: [a]\n",
    "unknown-process": START.replace(PROCESS, "nothing").encode(),
    "unknown-key": (START + "issue: {subject: x, nonsense: 1}\n").encode(),
    "far-event": (START + "issue: {subject: x}\nevents: [{at: +99999999999999999y, do: x}]\n").encode(),
    "end-of-time": b"process: complaint-monitoring\nstart: 9999-12-31T23:59:59Z\nissue: {subject: a}\nuntil: +5y\n",
    "empty": b"",
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a command may be given for a file, by what is wrong with it."""
    folder = tmp_path_factory.mktemp("corpus")
    found = {}
    for name, data in UNUSABLE.items():
        (folder / name).write_bytes(data)
        found[name] = str(folder / name)
    return found | {
        "folder": str(folder),
        "missing": str(folder / "missing"),
        "no-name": "",
        "nul-in-name": "a\0b",
        "long-name": "x" * 5000,
        "name-no-utf-8": "a\udcff",
        "unreadable": "/proc/self/mem",
        "endless": "/dev/zero",
    }


@pytest.fixture(autouse=True)
def in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUBAN_LANGUAGE", "en")
    monkeypatch.setenv("DUBAN_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DUBAN_DATABASE", raising=False)


@pytest.fixture
def started(first_start: Callable[[], None]) -> None:
    """The data folder after a first start."""
    first_start()


@pytest.fixture(scope="module")
def shipped() -> Library:
    """The shipped documents, compiled."""
    return files.loaded(None)


@pytest.fixture
def loaded_once(shipped: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands need not compile the shipped documents again."""
    monkeypatch.setattr(files, "loaded", lambda folder: shipped)


def duban(*arguments: str, given: bytes = b"") -> Result:
    result = CliRunner().invoke(main, arguments, input=given)
    shown = [argument[:60] for argument in arguments]
    assert result.exception is None or isinstance(result.exception, SystemExit), (shown, result.exc_info)
    assert result.exit_code in (0, 1, 2), (shown, result.exit_code)
    assert "Traceback" not in result.stderr
    return result


def refused(*arguments: str, given: bytes = b"") -> str:
    """What the command says that ends with 2."""
    result = duban(*arguments, given=given)
    assert result.exit_code == 2, ([argument[:60] for argument in arguments], result.exit_code, result.output[:300])
    assert result.stdout == ""
    assert result.stderr.strip()
    return result.stderr


def test_no_file_makes_a_script_play(corpus: dict[str, str], loaded_once: None) -> None:
    for path in corpus.values():
        assert len(refused("simulate", path).splitlines()) <= 100


def test_no_file_is_taken_for_an_issue(corpus: dict[str, str], loaded_once: None) -> None:
    for path in corpus.values():
        refused("decide", PROCESS, path, "--json")


def test_no_file_makes_people(corpus: dict[str, str], started: None) -> None:
    for name, path in corpus.items():
        if name not in ("empty", "strange-keys"):
            refused("directory", "import", path, "--yes")


def test_a_document_that_cannot_be_read_ends_with_2_and_one_that_is_none_with_1_and_its_place(
    corpus: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "beside", lambda paths: [])
    for name, path in corpus.items():
        result = duban("check", path)
        assert result.exit_code == (1 if name in UNUSABLE and name != "longer-than-any" else 2), name
        if result.exit_code == 1:
            assert all(line.startswith(f"{path}:") for line in result.stdout.splitlines())


def test_a_folder_of_documents_that_cannot_be_read_ends_with_2(corpus: dict[str, str]) -> None:
    for name in ("missing", "nul-in-name", "long-name", "number", "endless"):
        refused("calendar", "add", "cn-office", "2026-03-02", "1d", "--policies", corpus[name])
    # The present folder, which has none.
    assert "cn-office" in refused("calendar", "add", "cn-office", "2026-03-02", "1d", "--policies", "")


def test_a_batch_answers_each_line_and_reads_on(corpus: dict[str, str], loaded_once: None) -> None:
    for name in ("binary", "bad-utf-8", "escaped-surrogate", "list", "alias-bomb"):
        result = duban("calendar", "batch", corpus[name])
        assert result.exit_code == 0, name
        assert '{"error": ' in result.stdout
    for name in ("missing", "folder", "nul-in-name", "endless", "too-long", "unreadable"):
        refused("calendar", "batch", corpus[name])


VALUES = [
    "", "x", "\udcff", "²", "9" * 400, "1e9", "{}", "{0}", "%s", "x" * 20_000, "2026-02-30", "0000-00-00",
    "99999999999y", "9999999999wd", "٣d", "\n", "a\x1b[2J", "NaN", "1d2d", "-1d", "--nonsense", "-",
]  # fmt: skip


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield path, command


def test_no_argument_of_any_command_is_a_failure(started: None, loaded_once: None) -> None:
    called = 0
    for path, command in leaves(main):
        if path[0] in LONG_RUNNING:
            continue
        places = sum(isinstance(one, click.Argument) for one in command.params)
        options = [one for one in command.params if isinstance(one, click.Option) and not one.is_flag]
        needed = [text for one in options if one.required for text in (one.opts[0], "agent")]
        for value in VALUES:
            duban(*path, *[value] * places, *needed, given=b"correct horse battery\n")
            called += 1
        for option, value in product(options, VALUES[:12]):
            duban(*path, *["x"] * places, *needed, option.opts[0], value, given=b"correct horse battery\n")
    assert called > 200


def test_what_is_missing_or_too_much_is_said() -> None:
    for path, command in leaves(main):
        assert "Usage:" in refused(*path, "--nonsense")
        if any(one.required for one in command.params):
            assert "Missing" in refused(*path)
        assert "Usage:" in refused(*path, *["x"] * 20) or any(one.nargs == -1 for one in command.params)
    for group in {path[:-1] for path, _ in leaves(main)} | {()}:
        # `duban drill` takes a script where others take the name of a command.
        said = "Cannot read" if group == ("drill",) else "No such command"
        assert said in refused(*group, "nothing")
    assert set(MODULES) == {path[0] for path, _ in leaves(main)}


# -- as a process ----------------------------------------------------------------------------------------------------


def run(*arguments: str | bytes, output: str | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    command = [Path(sys.executable).with_name("duban"), *arguments]
    known = {**os.environ, **env}
    if output is None:
        return subprocess.run(command, capture_output=True, env=known, timeout=60, check=False)
    with Path(output).open("wb") as file:
        return subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=known, timeout=60, check=False)


def test_output_that_nobody_can_take_ends_with_2() -> None:
    ended = run("--version", output="/dev/full")
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert b"No space left" in ended.stderr


@pytest.mark.parametrize("command", [("user", "list"), ("worker",)])
def test_a_data_folder_that_cannot_be_one_ends_with_2(command: tuple[str, ...]) -> None:
    ended = run(*command, DUBAN_DATA="/etc/hostname/data")
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert b"/etc/hostname/data" in ended.stderr


def test_a_file_whose_name_is_no_utf_8_is_checked_also_on_a_terminal_that_knows_few_letters(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(path, "wb") as file:
        file.write(b"kind: [\n")
    ended = run("check", path, DUBAN_LANGUAGE="zh", PYTHONIOENCODING="latin-1")
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert b":1:" in ended.stdout
