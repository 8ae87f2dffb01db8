"""The words of the editor's script: each that it says is in the catalogue, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path

from admin.editing.texts import SAID, WORDS

SOURCES = Path(__file__).parents[2] / "admin" / "web" / "src" / "editor"
# Keys that are put together: by the day of the week, what a day is, how an event ends, a state of saving, a join.
MADE = re.compile(r"weekday_\d|day_\w+|event_\w+|all|any")


def test_every_word_that_the_script_says_is_in_the_catalogue() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.js"))
    said = set(re.findall(r"\bt\('(\w+)'", text))
    assert said - WORDS.keys() - SAID.keys() == set()
    quoted = set(re.findall(r"'(\w+)'", text))
    assert {key for key in (*WORDS, *SAID) if key not in quoted and not MADE.fullmatch(key)} == set()
