"""Deciding and simulating over HTTP: what the commands give, and nothing is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from server import policies
from server.core import library
from server.core.deciding import decide
from server.core.scripts import read_script
from server.core.simulate import play, timeline
from server.resources import data_dir
from server.store.models import Event, Issue
from tests.api.calling import Api, problem

ISSUE = {"subject": "x", "outage": True}
AT = "2026-03-02T09:00:00+08:00"
CALENDAR = """\
kind: calendar
name: hours
title: Hours
timezone: Asia/Shanghai
hours: {monday-friday: ["09:00-12:00", "13:00-18:00"]}
"""
HELLO = """\
kind: process
name: hello
title: Hello
calendar: hours
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {open: {title: Open}, done: {title: Done, final: true}}
actions: {finish: {title: Finish, from: open, to: done, by: anyone}}
clocks: {answer: {title: Answer, on: received, until: finish, within: 8wh}}
"""
SCRIPT = {
    "process": "hello",
    "start": "2026-03-06T17:30:00+08:00",
    "issue": {"subject": "x"},
    "events": [{"at": "2026-03-09T18:00:00+08:00", "do": "finish", "by": "li"}],
}


@pytest.fixture
def owner(calls: Any) -> Api:
    """A process owner, who may propose documents."""
    api: Api = calls("admin", "policy.propose")
    return api


def test_an_issue_is_judged_by_the_process_in_force(owner: Api) -> None:
    answer = owner.post("/api/v1/decide", {"process": "complaint-monitoring", "issue": ISSUE, "at": AT})
    assert answer.status_code == 200
    process = policies.in_force().processes["complaint-monitoring"].process
    expected = decide(process, ISSUE, process.calendar.parse(AT))
    assert answer.get_data(as_text=True) == json.dumps(expected, ensure_ascii=False)
    assert Issue.select().count() == Event.select().count() == 0


def test_without_a_time_it_is_judged_now(owner: Api) -> None:
    answer = owner.post("/api/v1/decide", {"process": "complaint-monitoring", "issue": ISSUE})
    assert answer.json["at"] == AT


def test_documents_in_the_request_are_judged_by_instead(owner: Api) -> None:
    body = {"process": "hello", "issue": {"subject": "x"}, "at": AT, "documents": [HELLO, CALENDAR]}
    assert owner.post("/api/v1/decide", body).json["clocks"] == [
        {"clock": "answer", "due": "2026-03-02T18:00:00+08:00"}
    ]
    problem(owner.post("/api/v1/decide", {**body, "process": "complaint-monitoring"}), 422, "refused")


def test_documents_in_the_request_may_refer_to_what_is_in_force(owner: Api) -> None:
    hello = HELLO.replace("calendar: hours", "calendar: cn-office")
    body = {"process": "hello", "issue": {"subject": "x"}, "at": AT, "documents": [hello]}
    assert owner.post("/api/v1/decide", body).json["clocks"] == [
        {"clock": "answer", "due": "2026-03-02T18:00:00+08:00"}
    ]
    shorter = CALENDAR.replace("name: hours", "name: cn-office").replace("18:00", "17:00")
    answer = owner.post("/api/v1/decide", {**body, "documents": [hello, shorter]})
    assert answer.json["clocks"][0]["due"] == "2026-03-03T10:00:00+08:00", "its own calendar goes before"
    found = problem(owner.post("/api/v1/decide", {**body, "documents": [HELLO]}), 422, "bad-documents")
    assert [(error["file"], error["code"]) for error in found["errors"]] == [("documents/0", "unknown-calendar")]


def test_a_script_is_played_by_documents_in_the_request(owner: Api) -> None:
    shipped = [("channels.yaml", (data_dir("policies") / "channels.yaml").read_bytes())]
    loaded = library.load([("hello.yaml", HELLO.encode()), ("hours.yaml", CALENDAR.encode()), *shipped])
    process = loaded.processes["hello"]
    expected = list(timeline(play(read_script(SCRIPT, process), process, loaded.processes)))
    for script in (SCRIPT, json.dumps(SCRIPT)):
        answer = owner.post("/api/v1/simulate", {"script": script, "documents": [CALENDAR, HELLO]})
        assert (answer.status_code, answer.json) == (200, expected)
    assert "clock_finished_late" in [line["kind"] for line in expected]


def test_a_script_is_played_by_the_process_in_force(owner: Api) -> None:
    script = {"process": "complaint-monitoring", "start": AT, "issue": ISSUE, "until": "+1h"}
    answer = owner.post("/api/v1/simulate", {"script": script})
    assert answer.status_code == 200
    assert (answer.json[0]["kind"], answer.json[0]["number"]) == ("received", "SIM-1")


def test_what_cannot_be_judged_is_422_and_says_where(owner: Api) -> None:
    good = {"process": "complaint-monitoring", "issue": ISSUE}
    for change, code, place in (
        ({"process": "none"}, "refused", "/process"),
        ({"process": None}, "refused", "/process"),
        ({"issue": []}, "refused", "/issue"),
        ({"issue": {"subject": "x", "outage": "yes"}}, "refused", "/issue/outage"),
        ({"at": "tomorrow"}, "refused", "/at"),
        ({"at": 5}, "refused", "/at"),
        ({"more": 1}, "refused", "/more"),
        ({"documents": "x"}, "refused", "/documents"),
        ({"documents": [5]}, "refused", "/documents"),
        ({"documents": ["kind: nothing"]}, "bad-documents", "/documents/kind"),
    ):
        found = problem(owner.post("/api/v1/decide", {**good, **change}), 422, code)
        assert place in [error["at"] for error in found["errors"]], found
        assert not found["errors"][0]["message"].startswith(" "), "it says what is at fault"


def test_a_script_that_cannot_be_played_is_422_and_says_where(owner: Api) -> None:
    for script, code, place in (
        (None, "refused", "/script"),
        ({"start": AT}, "refused", "/script/process"),
        ({"process": "hello", "start": "x"}, "bad-script", "/script/start"),
        ({"process": "hello", "start": AT, "issue": {}}, "bad-script", "/script/issue/subject"),
        ("a: [", "bad-script", None),
    ):
        body = {"script": script, "documents": [HELLO, CALENDAR]}
        found = problem(owner.post("/api/v1/simulate", body), 422, code)
        assert found["errors"], found
        if place:
            assert place in [error["at"] for error in found["errors"]], found


def test_findings_name_the_document_and_the_line(owner: Api) -> None:
    bad = HELLO.replace("until: finish", "until: finnish")
    body = {"process": "hello", "issue": {"subject": "x"}, "documents": [CALENDAR, bad]}
    found = problem(owner.post("/api/v1/decide", body), 422, "bad-documents")
    assert found["errors"][0]["file"] == "documents/1"
    assert found["errors"][0]["line"] == 9


def test_a_script_that_never_ends_is_refused(app: Flask, owner: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.core.simulate.MOST_LINES", 5)
    script = {"process": "complaint-monitoring", "start": AT, "issue": ISSUE, "until": "+1d"}
    problem(owner.post("/api/v1/simulate", {"script": script}), 422, "bad-script")
