"""The first text of a new document."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from server.core import documents, library
from server.core.new_document import NoCopy, copy, empty
from server.core.schema import KINDS
from server.resources import data_dir

TITLE = {"zh": "新的：“流程”", "en": "New: a #1 process"}
SHIPPED = sorted(Path(data_dir("policies")).glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_copy_of_a_shipped_document_has_its_own_name_and_title_and_keeps_all_else(path: Path) -> None:
    text = path.read_text("utf-8")
    made = copy(text, "copied-1", TITLE)
    before, after = documents.read(text.encode())[0], documents.read(made.encode())[0]
    assert before is not None
    assert after is not None
    assert after.value == {**before.value, "name": "copied-1", "title": TITLE}
    lines = [line for line in difflib.ndiff(text.splitlines(), made.splitlines()) if line[0] in "+-"]
    assert [line[2:].split(":")[0] for line in lines if line[0] == "+"] == ["name", "title"]
    assert not [line for line in lines if line[0] == "-" and "#" in line and line.split("#", 1)[1] not in made]


@pytest.mark.parametrize(
    ("title", "rest"),
    [
        ("title:\n  zh: 一\n  en: One # first\n\n# behind\n", "# behind\n"),
        ("title: |\n  一\n\n# behind\n", "\n# behind\n"),
        ("title: >-\n  一\n  二\n", ""),
        ('title: "一" # quoted\n', " # quoted\n"),
        ("title: 一\r\n", "\r\n"),
    ],
)
def test_a_title_is_replaced_however_it_is_written(title: str, rest: str) -> None:
    text = f"kind: calendar\nname: one   # why\n{title}timezone: Asia/Shanghai\n"
    made = copy(text, "two", {"en": "Two"})
    assert made.startswith("kind: calendar\nname: two   # why\ntitle: {en: Two}")
    assert made.endswith(f"{rest}timezone: Asia/Shanghai\n")


@pytest.mark.parametrize("text", ["", "a: [", "- a\n", "kind: calendar\nname: one\n", "{kind: calendar"])
def test_what_has_no_name_and_title_cannot_be_copied(text: str) -> None:
    with pytest.raises(NoCopy):
        copy(text, "two", TITLE)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_document_lacks_what_its_kind_requires_and_has_no_other_fault(kind: str) -> None:
    found = library.load([("new.yaml", empty(kind, "new", TITLE).encode())]).findings
    lacks = {"missing-key", "exactly-one-of"} if kind == "source" else {"missing-key"}
    assert {one.code for one in found if one.level == "error"} == lacks
