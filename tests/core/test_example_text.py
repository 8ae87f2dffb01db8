"""An example added to a text: the rest stays byte for byte, and what is added is read again as it was meant."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from server.core import documents
from server.core.example_text import NoPlace, expected, with_example
from server.core.example_words import expected_text
from server.core.vocabulary import Vocabulary
from server.core.wording import Reader
from server.resources import data_dir

EXAMPLE: dict[str, Any] = {
    "name": '新 "案例": #1',
    "start": "2026-03-02T09:00:00+08:00",
    "issue": {"subject": "yes", "phone": "13800", "n": 1.5, "outage": True, "text": "a\nb: c # d", "none": None},
    "events": [{"at": "+30m", "do": "accept", "with": {"plan": "重启"}}],
    "expect": [{"kind": "received", "severity": "A"}, {"not": {"kind": "clock_breached"}}],
}
SHIPPED = sorted(path.name for path in (data_dir("policies")).glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_document_keeps_each_of_its_lines(name: str) -> None:
    text = (data_dir("policies") / name).read_bytes().decode()
    added = with_example(text, EXAMPLE)
    changes = list(difflib.ndiff(text.splitlines(keepends=True), added.splitlines(keepends=True)))
    assert [line for line in changes if line.startswith(("-", "?"))] == []
    document, _ = documents.read(added.encode())
    assert document is not None
    assert document.value["examples"][-1] == EXAMPLE


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("kind: process\nexamples: []  # none yet\nx: 1\n", ["# none yet", "x: 1\n"]),
        ("kind: process\nexamples:\n# below\n", ["# below"]),
        ("kind: process\nexamples:\n- {name: a}\n\n# tail\nx: 1", ["- {name: a}\n", "\n# tail\nx: 1"]),
        (
            "kind: process\nexamples:\n  - name: a\n    y: |\n      z\n\n  # last\nz: 2\n",
            ["      z\n", "  # last\nz: 2\n"],
        ),
        ("kind: process\nexamples: [{name: a}]\nx: 1\n", ["[{name: a}, ", "\nx: 1\n"]),
        ("kind: process", ["kind: process\n"]),
        ('a: "é😀"\nexamples:\n  - b: "é😀"  # c\nz: 1\n', ['  - b: "é😀"  # c\n', "z: 1\n"]),
    ],
)
def test_other_layouts_keep_their_comments(text: str, kept: list[str]) -> None:
    added = with_example(text, EXAMPLE)
    for part in kept:
        assert part in added
    document, _ = documents.read(added.encode())
    before, _ = documents.read(text.encode())
    assert document is not None
    assert before is not None
    assert document.value["examples"] == [*(before.value.get("examples") or []), EXAMPLE]
    assert {**document.value, "examples": 0} == {**before.value, "examples": 0}


def test_line_ends_stay_those_of_the_text() -> None:
    added = with_example("kind: process\r\nexamples:\r\n  - name: a # x\r\nz: 2\r\n", EXAMPLE)
    assert "\n" not in added.replace("\r\n", "")


@pytest.mark.parametrize(
    "text", ["", "- a\n", "a: [\n", "{kind: process}\n", "kind: process\nexamples: 3\n", "examples: [\n  {a: 1},\n]\n"]
)
def test_where_nothing_can_be_added_it_says_so(text: str) -> None:
    with pytest.raises(NoPlace):
        with_example(text, EXAMPLE)


def test_words_that_older_readers_take_for_others_are_quoted() -> None:
    added = with_example("kind: process\n", {"name": "x", "issue": {"a": "on", "b": "No", "c": "12:30", "d": "0o7"}})
    for quoted in ('"on"', '"No"', '"12:30"', '"0o7"'):
        assert quoted in added


def test_of_a_line_only_is_expected_what_the_process_is_for() -> None:
    line = {"at": "2026-03-02T09:00:00+08:00", "number": "SIM-1", "kind": "clock_started", "clock": "c", "run": 1}
    found = expected([{**line, "due": "2026-03-02T10:00:00+08:00"}, {**line, "kind": "clock_warned", "mark": "50%"}])
    assert found == [
        {"at": line["at"], "kind": "clock_started", "clock": "c", "due": "2026-03-02T10:00:00+08:00"},
    ]


def test_what_is_expected_is_told_in_words():
    words = Vocabulary(
        {
            "clocks": {"reply": {"title": {"zh": "首次响应", "en": "First response"}}},
            "fields": {"impact": {"type": "choice", "options": {"stopped": {"zh": "停顿", "en": "Stopped"}}}},
        }
    )

    class Plain:
        def show(self, moment: int, /) -> str:
            return str(moment)

    warned = {"at": "+45m", "kind": "clock_warned", "clock": "reply", "mark": "15m"}
    told = {"kind": "notified", "via": "sms", "to": ["role:monitor"]}
    judged = {"kind": "received", "because": [{"table": "severity", "facts": {"impact": "stopped"}}], "owner": None}
    chinese, english = (
        Reader(language, Plain(), {"role:monitor": name}) for language, name in (("zh", "监控员"), ("en", "Monitor"))
    )
    assert (
        expected_text(words, warned, chinese)
        == "时限预警（时间：开始后 45 分钟；时限：首次响应；预警点：到期前 15 分钟）"
    )
    assert expected_text(words, told, english) == "told (Via: text message; To: Monitor)"
    assert "Owner: nobody" in expected_text(words, judged, english)
