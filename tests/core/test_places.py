"""Places in documents in words: what a finding says of where it is, to people who see a form and no text."""

from __future__ import annotations

import pytest

from server.core.findings import Finding, Path
from server.core.places import place_text

PLACES: list[tuple[str, Path, str, str]] = [
    ("process", ("templates", "idle"), "模板 › idle", "Templates › idle"),
    ("process", ("clocks", "reply", "warn", 1), "时限 › reply › 预警 › 第 2 项", "Clocks › reply › Warn › no. 2"),
    ("channels", ("channels", "sms", "type"), "渠道 › sms › 类型", "Channels › sms › Kind"),
    ("process", ("nonsense", "x"), "nonsense › x", "nonsense › x"),
    ("calendar", (), "文档", "the document"),
]


@pytest.mark.parametrize(("kind", "path", "zh", "en"), PLACES)
def test_a_place_is_told_by_the_titles_of_its_parts(kind: str, path: Path, zh: str, en: str) -> None:
    assert (place_text(kind, path, "zh"), place_text(kind, path, "en")) == (zh, en)


def test_a_finding_begins_with_the_place_in_words_or_as_it_is_written() -> None:
    finding = Finding("template-unused", ("templates", "idle"), {"template": "idle"})
    told = finding.text("zh", lambda path, language: place_text("process", path, language))
    assert told.startswith("模板 › idle：")
    assert finding.text("zh").startswith("templates.idle：")
