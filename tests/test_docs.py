"""The documentation leads where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from server.directory.items import KEYS
from server.directory.reading import read

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!\w+://|#|mailto:)([^)\s#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.S)
    dead = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert dead == []


def test_every_page_stands_in_the_index():
    named = LINK.findall((ROOT / "docs" / "README.md").read_text("utf-8"))
    there = {path.name for path in (ROOT / "docs").iterdir() if path.suffix == ".md" or path.is_dir()} - {"README.md"}
    assert there - {name.split("/")[0] for name in named} == set()


def rows(text: str) -> set[str]:
    """Give the requirement rows that a text names, ranges (`IN-1 … IN-4`) taken apart."""
    found = set()
    for prefix, first, last in re.findall(r"\b([A-Z]{2})-(\d+)(?: … [A-Z]{2}-(\d+))?", text):
        found.update(f"{prefix}-{number}" for number in range(int(first), int(last or first) + 1))
    return found


def test_every_requirement_row_says_where_it_is_served():
    asked = set()
    for page in (ROOT / "docs" / "requirements").glob("*.md"):
        asked |= {
            row for line in page.read_text("utf-8").splitlines() if line.startswith("| ") for row in rows(line[:9])
        }
    assert len(asked) > 90
    assert asked - rows((ROOT / "docs" / "coverage.md").read_text("utf-8")) == set()


def test_the_contract_shows_every_key_of_the_directory_in_a_file_that_can_be_imported():
    section = (ROOT / "docs" / "contract.md").read_text("utf-8").partition("### The directory's file")[2]
    shown = section.partition("```yaml\n")[2].partition("```")[0]
    _, found = read(shown.encode())
    assert found == []
    raw = yaml.safe_load(shown)
    for table, keys in KEYS.items():
        assert {key for one in raw[table] for key in one} == set(keys), table
    assert isinstance(raw["people"][0]["away"], list)
