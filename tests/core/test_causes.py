"""Why each line of a timeline came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from admin.causes import cause_text
from admin.reading import Words
from server.core import library
from server.core.causes import Cause, causes
from server.core.library import Library
from server.core.scripts import read_script
from server.core.simulate import play
from server.core.vocabulary import Vocabulary
from server.core.wording import Reader
from server.resources import data_dir

BY_SOMEBODY = {
    "received",
    "action",
    "refused",
    "answered",
    "confirmed",
    "opened",
    "put_back",
    "set_aside",
    "classified",
}
"""Lines on which somebody stands, or whose reasons are with them."""


@pytest.fixture(scope="module")
def shipped() -> Library:
    """All shipped documents."""
    return library.load([(path.name, path.read_bytes()) for path in sorted(Path(data_dir("policies")).glob("*.yaml"))])


def played(shipped: Library, name: str, script: dict[str, Any]) -> list[tuple[dict[str, Any], Cause | None]]:
    process = shipped.processes[name]
    lines = play(read_script(script, process), process, shipped.processes).lines
    return list(zip(lines, causes(process, lines), strict=True))


def test_every_line_of_every_shipped_example_has_its_cause_in_both_languages(shipped: Library) -> None:
    kinds = set()
    for process in shipped.processes.values():
        for example in process.raw.get("examples", []):
            script = {key: value for key, value in example.items() if key not in ("expect", "because")}
            for line, cause in played(shipped, process.name, script):
                assert cause is not None or line["kind"] in BY_SOMEBODY, (process.name, example["name"], line)
                for language in ("zh", "en") if cause is not None else ():
                    words = Words(process, Vocabulary(process.raw), Reader(language, process.calendar, {}))
                    text = cause_text(cause, line, words)
                    assert "{" not in text, text
                    kinds.add(cause.kind)
    assert {"event", "waited", "mark", "due", "again", "changed", "stage", "rung", "left", "survey"} <= kinds


SCRIPT = {
    "start": "2026-03-02T09:00:00+08:00",
    "by": "gong",
    "issue": {"subject": "x", "customer": "y", "reference": "1", "summary": "z", "category": "product", "outage": True},
    "until": "2026-03-05T09:00:00+08:00",
}


def test_a_missed_deadline_names_what_did_not_happen_and_what_it_set_off(shipped: Library) -> None:
    found = played(shipped, "complaint-monitoring", SCRIPT)
    due = next(cause for line, cause in found if line["kind"] == "clock_breached" and line["clock"] == "first_response")
    assert due is not None
    assert (due.kind, due.events) == ("due", shipped.processes["complaint-monitoring"].clocks["first_response"].until)
    first, second = [(line, cause) for line, cause in found if line["kind"] == "escalated"][:2]
    assert first[1] == Cause("event", "clock.first_response.breached", first[0]["at"])
    assert second[1] is not None
    assert (second[1].kind, second[1].rung) == ("left", 1)


def test_what_is_done_by_hand_for_whoever_may_is_not_taken_for_automation(shipped: Library) -> None:
    process = shipped.processes["complaint-monitoring"]
    automation = next(one for one in process.automations if one.stage)
    before = {"at": 0, "number": "1", "kind": "received", "stage": automation.stage}
    line = {
        "at": 5,
        "number": "1",
        "kind": "action",
        "action": automation.do,
        "by": "system",
        "stage": automation.stage,
    }
    assert causes(process, [line], [before]) == [Cause("stage", at=0, id=automation.stage)]
    assert causes(process, [line], [before], {(5, automation.do)}) == [None]
