"""Drills in the panel: an example is chosen, played, and its report read. Nobody is told."""

from __future__ import annotations

import json

import pytest

from server import drills, policies
from server.store.models import Message
from tests.admin.drafting import OWNER, person
from tests.admin.visiting import Panel, words

PROCESS = "contingency"


def script() -> str:
    return drills.examples(policies.in_force().processes[PROCESS].process, "zh")[0].text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_example_is_played_and_says_who_would_be_told(panel: Panel, language: str) -> None:
    owner = person(panel, OWNER, language)
    page = owner.get(f"/admin/drills/play?process={PROCESS}&example=1").text
    assert "核心系统宕机" in page
    answer = owner.post("/admin/drills/play", {"process": PROCESS, "script": script()})
    assert answer.status_code == 303, answer.text
    text = owner.text(answer.headers["Location"])
    assert ("Who would be told what" if language == "en" else "谁会收到什么") in text
    assert Message.select().count() == 0
    found = drills.shown(drills.kept(drills.newest(1)[0].id))
    assert found["messages"]
    for one in found["gaps"]["addresses"][:1]:
        assert one["name"] in text
    kept = owner.get(answer.headers["Location"] + "download")
    assert json.loads(kept.text)["drill"] == found["drill"]
    assert "attachment" in kept.headers["Content-Disposition"]
    listed = owner.text("/admin/drills/")
    assert found["name"] in listed
    assert found["process"] == PROCESS


def test_what_is_wrong_with_a_script_is_said_with_its_line_and_the_text_kept(panel: Panel) -> None:
    owner = person(panel, OWNER)
    wrong = script().replace("process: contingency", "process: <nothing>")
    for text in (wrong, script().replace("at: +10m", "at: soon"), "kind: [", ""):
        answer = owner.post("/admin/drills/play", {"script": text})
        assert answer.status_code == 422, text
        assert "The script cannot be played" in words(answer.text)
    assert "&lt;nothing&gt;" in owner.post("/admin/drills/play", {"script": wrong}).text
    said = words(owner.post("/admin/drills/play", {"script": script().replace("at: +10m", "at: soon")}).text)
    assert "Events › no. 1 › At" in said
    assert drills.newest(5) == []
    assert owner.get("/admin/drills/play?process=nothing").status_code == 404
    assert owner.get("/admin/drills/999/").status_code == 404


def test_an_auditor_reads_drills_and_plays_none(panel: Panel) -> None:
    made = person(panel, OWNER).post("/admin/drills/play", {"script": script()}).headers["Location"]
    auditor = panel.visitor("ida")
    assert auditor.get(made).status_code == 200
    assert auditor.post("/admin/drills/play", {"script": script()}).status_code == 403
    assert panel.visitor("gong").get("/admin/drills/").status_code == 403
