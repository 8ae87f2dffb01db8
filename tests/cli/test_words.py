"""The texts of the commands: in both languages, with the same parameters, all in use."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
import yaml

from server.cli import MODULES
from server.resources import data_dir

TEXTS = yaml.safe_load((data_dir("schemas") / "commands.yaml").read_text("utf-8"))
SERVER = Path(__file__).resolve().parents[2] / "server"
# What is found in the audit trail is told by the commands and by the panel.
SAYING = [*(SERVER / "cli").glob("*.py"), SERVER / "evidence" / "telling.py"]
CODE = "\n".join(path.read_text("utf-8") for path in SAYING)


def parameters(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_text_is_in_both_languages_and_in_use(code: str) -> None:
    text = TEXTS[code]
    assert text.keys() == {"zh", "en"}
    assert parameters(text["zh"]) == parameters(text["en"])
    assert re.search(r"[\u4e00-\u9fff]", text["zh"])
    assert f'"{code}"' in CODE or f"'{code}'" in CODE or code.removeprefix("help-") in MODULES


def test_every_text_that_a_command_says_exists() -> None:
    said = set(re.findall(r'\b(?:say|tell|fail)\(\s*"([a-z-]+)"', CODE))
    assert len(said) > 40
    assert said - TEXTS.keys() == set()


def test_no_text_is_there_twice() -> None:
    text = (data_dir("schemas") / "commands.yaml").read_text("utf-8")
    keys = re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE)
    assert [key for key in keys if keys.count(key) > 1] == []
