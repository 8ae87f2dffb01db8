"""The page behind a survey's link: once, in time, in the customer's language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from server import acting, intake
from server.core.moments import DAY, MINUTE
from server.messages import token
from server.recording import held
from server.store.models import Event
from tests.api.calling import Api, Clock
from tests.api.conftest import SECRET
from tests.server.conftest import MONDAY

PROCESS = """\
kind: process
name: asking
title: Asking
calendar: cn-allday
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions:
  finish: {title: Finish, from: first, to: end, by: anyone}
surveys:
  every:
    title: {zh: 回访, en: How was it}
    on: received
    via: email
    expires: 2d
    questions:
      solved: {type: boolean, label: {zh: 是否解决, en: Solved?}, required: true}
      score: {type: rating, of: 5, label: {zh: 评分, en: Score}}
      reason:
        type: choice
        label: {zh: 原因, en: Reason}
        options: {slow: {zh: 慢, en: Slow}, rude: {zh: 粗鲁, en: Rude}}
      also: {type: choice, many: true, label: Also, options: {a: A, b: B}}
      visits: {type: integer, label: Visits, minimum: 0, maximum: 9}
      when: {type: date, label: When}
      remark: {type: long_text, label: <b>Remarks</b>, max_length: 100}
"""
EN, ZH = {"Accept-Language": "en-GB"}, {"Accept-Language": "zh-CN"}


@pytest.fixture
def number(app: Flask, put_in_force: Any) -> str:
    put_in_force(PROCESS)
    return intake.receive("asking", {"subject": "<script>alert(1)</script>"}, MONDAY).number


@pytest.fixture
def link(number: str) -> str:
    return "/s/" + token(SECRET, number, "every", 1)


def send(api: Api, link: str, **answers: Any) -> Any:
    return api.client.post(link, data=answers, headers=EN)


def test_the_questions_are_asked_in_the_language_of_the_browser(api: Api, link: str, number: str) -> None:
    english, chinese = (api.get(link, headers=headers).get_data(as_text=True) for headers in (EN, ZH))
    assert "How was it" in english
    assert "Solved?" in english
    assert 'lang="zh-CN"' in chinese
    assert "是否解决" in chinese
    assert number in english


def test_nothing_on_the_page_runs(api: Api, link: str) -> None:
    answer = api.get(link)
    text = answer.get_data(as_text=True)
    assert "<script" not in text
    assert "&lt;b&gt;Remarks" in text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    nonce = re.search(r"style-src 'nonce-([^']+)'", policy)
    assert nonce
    assert f'<style nonce="{nonce[1]}">' in text
    assert not re.search(r'\sstyle="|\son\w+="', text)


def test_answers_are_recorded_as_what_they_mean(api: Api, link: str, number: str) -> None:
    answer = send(
        api, link, solved="true", score="4", reason="slow", also=["a", "b"], visits="2", when="2026-03-01",
        remark="好\r\n的",
    )  # fmt: skip
    assert answer.status_code == 200
    assert "Thank you" in answer.get_data(as_text=True)
    facts = held(number).case.facts
    assert [facts[name] for name in ("solved", "score", "reason", "also", "visits", "when", "remark")] == [
        True, 4, "slow", ["a", "b"], 2, "2026-03-01", "好\n的",
    ]  # fmt: skip


def test_a_link_works_once(api: Api, link: str, number: str) -> None:
    assert send(api, link, solved="false").status_code == 200
    assert send(api, link, solved="true").status_code == 410
    assert "over" in api.get(link, headers=EN).get_data(as_text=True)
    assert api.get(link).status_code == 410
    assert held(number).case.facts["solved"] is False


def test_what_does_not_fit_is_said_and_what_was_given_stays(api: Api, link: str) -> None:
    for answers, words in (
        ({"remark": "kept"}, "solved must be given"),
        ({"solved": "perhaps", "remark": "kept"}, "solved"),
        ({"solved": "true", "score": "6", "remark": "kept"}, "score"),
        ({"solved": "true", "visits": "²", "remark": "kept"}, "visits"),
        ({"solved": "true", "visits": "nan", "remark": "kept"}, "visits"),
        ({"solved": "true", "when": "soon", "remark": "kept"}, "when"),
        ({"solved": "true", "remark": "kept\x00"}, "remark"),
        ({"solved": "true", "remark": "kept" * 100}, "remark"),
    ):
        answer = send(api, link, **answers)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422, answers
        assert words in text, answers
        assert "kept" in text, answers
    assert Event.select().where(Event.kind == "survey").count() == 0
    assert send(api, link, solved="true", nobody="asked this").status_code == 200


def test_a_link_works_until_it_expires_that_instant_included(api: Api, link: str, clock: Clock) -> None:
    clock.now = MONDAY + 2 * DAY
    assert api.get(link).status_code == 200
    clock.now += 1
    assert api.get(link).status_code == 410
    assert send(api, link, solved="true").status_code == 410


def test_a_link_that_nobody_signed_is_not_found(api: Api, number: str, link: str) -> None:
    for path in (
        "/s/x",
        "/s/a.b",
        "/s/" + token("another secret", number, "every", 1),
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        "/s/" + token(SECRET, "NONE", "every", 1), "/s/" + "x" * 5000, "/s/²",
    ):  # fmt: skip
        assert api.get(path).status_code == 404, path
        assert send(api, path, solved="true").status_code == 404, path


def test_a_link_of_another_round_is_over(api: Api, number: str) -> None:
    assert api.get("/s/" + token(SECRET, number, "every", 2)).status_code == 410
    assert api.get("/s/" + token(SECRET, number, "never", 1)).status_code == 410


def test_too_many_or_too_large_answers_are_refused(api: Api, link: str) -> None:
    form = "application/x-www-form-urlencoded"
    assert api.post(link, data="a=1&" * 300, content_type=form).status_code == 400
    assert api.post(link, data="remark=" + "x" * (1 << 20), content_type=form).status_code == 413
    assert api.post(link, data=b"solved=true&remark=%ff%fe", content_type=form).status_code == 200


def test_the_shipped_survey_can_be_answered(app: Flask, api: Api, clock: Clock) -> None:
    given = {
        "subject": "x", "customer": "甲公司", "phone": "13800000000", "reference": "1", "summary": "x",
        "category": "price", "outage": True,
    }  # fmt: skip
    number = intake.receive("complaint-monitoring", given, MONDAY, "gong").number
    owner = held(number).case.owner or ""
    for minute, (action, form) in enumerate(
        (("respond", {}), ("offer", {"solution": "已修复"}), ("confirm_solved", {})), 1
    ):
        acting.act(number, action, owner, form, MONDAY + minute * MINUTE)
    clock.now += 10 * MINUTE
    link = "/s/" + token(SECRET, number, "follow_up", 1)
    assert api.get(link).status_code == 200
    answer = send(api, link, really_solved="false", with_solution="2", with_service="3")
    assert answer.status_code == 200
    assert held(number).case.stage == "handling"
