"""Issues over HTTP: every status that the contract names."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from server import acting, intake, receipts
from server.core.moments import DAY, HOUR, MINUTE
from server.store.database import Store
from server.store.models import IdempotencyKey, Issue, Serial
from tests.api.calling import Api, Clock, problem
from tests.server.conftest import MONDAY

COMPLAINT = {
    "process": "complaint-monitoring",
    "subject": "Charged twice",
    "customer": "Company A",
    "phone": "13800000000",
    "reference": "call 4711",
    "summary": "The customer was charged twice.",
    "category": "price",
    "harm": ["money"],
    "amount": 12000,
}
JSON = "application/json"
SHORT = {"process": "complaint-monitoring", "subject": "x"}


@pytest.fixture
def gong(calls: Any) -> Api:
    """An agent, who may read and write issues."""
    api: Api = calls("gong")
    return api


@pytest.fixture
def number(gong: Api) -> str:
    return str(gong.post("/api/v1/issues", COMPLAINT).json["number"])


# -- recording -----------------------------------------------------------------------------------------------------


def test_an_issue_is_recorded_judged_and_given_a_place(gong: Api) -> None:
    answer = gong.post("/api/v1/issues", COMPLAINT)
    assert answer.status_code == 201
    assert (answer.json["severity"], answer.json["stage"], answer.json["receiver"]) == ("A", "recorded", "gong")
    assert answer.headers["Location"] == f"/api/v1/issues/{answer.json['number']}"
    assert answer.headers["ETag"] == f'"{answer.json["seq"]}"'
    assert gong.get(answer.headers["Location"]).json == answer.json


def test_keys_stand_in_the_order_in_which_they_were_made(gong: Api, number: str) -> None:
    line = json.loads(gong.get(f"/api/v1/issues/{number}/timeline").get_data())[0]
    assert list(line)[:3] == ["at", "number", "kind"]
    assert list(line["because"][0]["facts"]) == ["outage", "harm", "amount"]


REFUSED: list[tuple[Any, list[str]]] = [
    ({"subject": "x"}, ["/process"]),
    ({"process": 7, "subject": "x"}, ["/process"]),
    ({"process": "nothing", "subject": "x"}, ["/process"]),
    ({"process": "complaint-monitoring"}, ["/subject"]),
    ({**SHORT, "nothing": 1, "category": "none"}, ["/nothing", "/category"]),
    ({**SHORT, "amount": "much"}, ["/amount"]),
    ({**SHORT, "received": "2026-03-02T09:06:00+08:00"}, ["/received"]),
    ({**SHORT, "source": "alertmanager"}, ["/source"]),
    ({**SHORT, "extra": {"a": 1}}, ["/extra"]),
]


def test_what_the_process_refuses_is_422_with_every_place(gong: Api) -> None:
    for body, places in REFUSED:
        found = problem(gong.post("/api/v1/issues", data=json.dumps(body), content_type=JSON), 422, "refused")
        assert [error["at"] for error in found["errors"]] == places
    assert Issue.select().count() == 0


UNREADABLE = [
    (b"{", JSON, 400, "bad-json"),
    (b'{"process": "a", "process": "b"}', JSON, 400, "bad-json"),
    (b'{"process": NaN}', JSON, 400, "bad-json"),
    (b'{"process": 1e999}', JSON, 400, "bad-json"),
    (b'{"a": ' + b"9" * 5000 + b"}", JSON, 400, "bad-json"),
    (b"[" * 100_000, JSON, 400, "bad-json"),
    (b'{"subject": "\\ud800"}', JSON, 400, "bad-json"),
    (b'{"subject": "\\u0000"}', JSON, 400, "bad-json"),
    (b'{"subject": "\xff"}', JSON, 400, "bad-json"),
    (b"[]", JSON, 400, "bad-request"),
    (b"process=a", "application/x-www-form-urlencoded", 415, "not-json"),
    (b"{}", "text/plain", 415, "not-json"),
    (b"x" * ((1 << 20) + 1), JSON, 413, "too-large"),
]


def test_a_body_that_cannot_be_read_is_refused_as_what_it_is(gong: Api) -> None:
    for body, type, status, code in UNREADABLE:
        problem(gong.post("/api/v1/issues", data=body, content_type=type), status, code)
    assert Issue.select().count() == 0


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_an_issue_that_the_policy_fails_on_is_refused_and_nothing_stays(
    gong: Api, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    real = receipts.advance
    monkeypatch.setattr(receipts, "advance", lambda *_: 1 / 0)
    body = problem(gong.post("/api/v1/issues", COMPLAINT, headers), 422, "refused")
    assert [(one["at"], one["code"]) for one in body["errors"]] == [("", "not-judged")]
    assert "ZeroDivisionError" in body["errors"][0]["message"]
    assert Issue.select().count() == Serial.select().count() == 0
    monkeypatch.setattr(receipts, "advance", real)
    assert gong.post("/api/v1/issues", COMPLAINT, headers).status_code == 201


# -- idempotency ---------------------------------------------------------------------------------------------------


def test_the_same_key_gets_the_same_answer_for_24_hours(gong: Api, clock: Clock) -> None:
    first = gong.post("/api/v1/issues", COMPLAINT, {"Idempotency-Key": "k"})
    clock.now += DAY - 1
    again = gong.post("/api/v1/issues", COMPLAINT, {"Idempotency-Key": "k"})
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert {name: again.headers[name] for name in ("Location", "ETag")} == {
        name: first.headers[name] for name in ("Location", "ETag")
    }
    clock.now += 1
    later = gong.post("/api/v1/issues", COMPLAINT, {"Idempotency-Key": "k"})
    assert later.json["number"] != first.json["number"]
    assert Issue.select().count() == 2


def test_the_same_key_with_another_body_is_422(gong: Api) -> None:
    gong.post("/api/v1/issues", COMPLAINT, {"Idempotency-Key": "k"})
    problem(gong.post("/api/v1/issues", SHORT, {"Idempotency-Key": "k"}), 422, "key-reused")
    assert Issue.select().count() == 1


def test_what_was_refused_leaves_its_key_free(gong: Api) -> None:
    problem(gong.post("/api/v1/issues", {**SHORT, "amount": -1}, {"Idempotency-Key": "k"}), 422, "refused")
    assert IdempotencyKey.select().count() == 0
    assert gong.post("/api/v1/issues", SHORT, {"Idempotency-Key": "k"}).status_code == 201


def test_keys_of_two_callers_are_two_keys(gong: Api, calls: Any) -> None:
    assert gong.post("/api/v1/issues", SHORT, {"Idempotency-Key": "k"}).status_code == 201
    assert calls("mo").post("/api/v1/issues", COMPLAINT, {"Idempotency-Key": "k"}).status_code == 201


def test_what_is_no_key_is_400(gong: Api) -> None:
    for key in ("", "x" * 256, "a b", "ä"):
        problem(gong.post("/api/v1/issues", SHORT, {"Idempotency-Key": key}), 400, "bad-parameter")


def test_two_equal_keys_at_once_make_one_issue(app: Flask, gong: Api, open_for_business: Store) -> None:
    start = threading.Barrier(6)
    answers: list[Any] = []

    def send() -> None:
        caller = Api(app.test_client())
        caller.headers = gong.headers
        start.wait()
        try:
            answers.append(caller.post("/api/v1/issues", COMPLAINT, {"Idempotency-Key": "k"}))
        finally:
            if not open_for_business.is_postgresql:
                open_for_business.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.get_data() for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 5
    assert Issue.select().count() == 1


def test_many_different_issues_at_once_get_numbers_of_their_own(
    app: Flask, gong: Api, open_for_business: Store
) -> None:
    start = threading.Barrier(6)
    answers: list[Any] = []

    def send(index: int) -> None:
        caller = Api(app.test_client())
        caller.headers = gong.headers
        start.wait()
        try:
            answers.append(caller.post("/api/v1/issues", SHORT, {"Idempotency-Key": f"k{index}"}))
        finally:
            if not open_for_business.is_postgresql:
                open_for_business.close()

    threads = [threading.Thread(target=send, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json["number"] for answer in answers}) == 6


# -- reading -------------------------------------------------------------------------------------------------------


def test_pages_are_filtered_and_go_on_where_the_last_one_ended(gong: Api) -> None:
    numbers = [gong.post("/api/v1/issues", {**SHORT, "subject": f"s{n}"}).json["number"] for n in range(3)]
    other = gong.post("/api/v1/issues", COMPLAINT).json["number"]

    def listed(query: str) -> tuple[list[str], str | None]:
        found = gong.get(f"/api/v1/issues?{query}").json
        return [issue["number"] for issue in found["issues"]], found["next"]

    assert listed("")[0] == [other, *reversed(numbers)]
    assert listed("process=&stage=&severity=&owner=&team=&final=&q=&after=&limit=") == listed("")
    assert listed("severity=A") == ([other], None)
    assert listed("process=contingency") == ([], None)
    assert listed("stage=recorded") == ([other], None)
    assert listed("owner=" + str(gong.get(f"/api/v1/issues/{other}").json["owner"]))[0] == [other]
    assert listed("q=s1")[0] == [numbers[1]]
    assert listed(f"q={other}")[0] == [other]
    assert listed("final=true")[0] == []
    first, cursor = listed("limit=3")
    assert first == [other, *reversed(numbers[1:])]
    assert listed(f"limit=3&after={cursor}") == ([numbers[0]], None)


UNUSABLE = [
    "limit=0",
    "limit=201",
    "limit=x",
    "limit=²",
    "after=x",
    "after=99999999999999999999",
    "sevrity=A",
    "severity=A&severity=B",
    "final=1",
    "q=%00",
    "q=" + "x" * 1001,
]


def test_a_parameter_that_cannot_be_used_is_400(gong: Api) -> None:
    for query in UNUSABLE:
        problem(gong.get(f"/api/v1/issues?{query}"), 400, "bad-parameter")


def test_an_issue_that_is_not_there_is_404(gong: Api) -> None:
    for path in ("", "/timeline"):
        problem(gong.get(f"/api/v1/issues/NONE{path}"), 404, "unknown-issue")
    for path in ("actions/comment", "notices/n/confirm", "notices/n/send"):
        problem(gong.post(f"/api/v1/issues/NONE/{path}", {}), 404, "unknown-issue")


def test_the_issue_says_what_the_caller_may_do_now(gong: Api, number: str, calls: Any) -> None:
    owner = gong.get(f"/api/v1/issues/{number}").json["owner"]
    assert "respond" in [one["action"] for one in calls(owner).get(f"/api/v1/issues/{number}").json["actions"]]
    assert "respond" not in [one["action"] for one in gong.get(f"/api/v1/issues/{number}").json["actions"]]


def test_private_values_are_for_those_who_handle_the_issue_and_tokens_that_carry_the_permission(
    gong: Api, number: str, calls: Any
) -> None:
    acting.act(number, "edit", "gong", {"email": "kehu@example.com"}, MONDAY + MINUTE)

    def sees(api: Api) -> list[bool]:
        issue, timeline = (api.get(f"/api/v1/issues/{number}{path}") for path in ("", "/timeline"))
        assert issue.status_code == timeline.status_code == 200
        return ["13800000000" in issue.get_data(as_text=True), "kehu@example.com" in timeline.get_data(as_text=True)]

    assert sees(gong) == [True, True]
    assert sees(calls("liang")) == [False, False]
    assert sees(calls("admin")) == [True, True]
    assert sees(calls("admin", "issue.read")) == [False, False]


# -- acting --------------------------------------------------------------------------------------------------------


@pytest.fixture
def owner(gong: Api, number: str, calls: Any) -> Api:
    api: Api = calls(gong.get(f"/api/v1/issues/{number}").json["owner"])
    return api


def test_an_action_answers_with_the_issue_as_it_is_then(owner: Api, number: str, clock: Clock) -> None:
    clock.now += 5 * MINUTE
    seq = owner.get(f"/api/v1/issues/{number}").headers["ETag"]
    answer = owner.post(f"/api/v1/issues/{number}/actions/respond", {"with": {}}, {"If-Match": seq})
    assert answer.status_code == 200
    assert answer.json["stage"] == "handling"
    assert answer.headers["ETag"] != seq
    assert {"clock": "first_response", "run": 1, "state": "met", "due": "2026-03-02T10:00:00+08:00"} in answer.json[
        "clocks"
    ]


def test_an_empty_body_is_an_empty_form(owner: Api, number: str) -> None:
    assert owner.post(f"/api/v1/issues/{number}/actions/respond").status_code == 200


def test_who_may_not_is_403(gong: Api, number: str) -> None:
    found = problem(gong.post(f"/api/v1/issues/{number}/actions/respond", {}), 403, "not-by-you")
    assert "respond" in found["detail"]


def test_what_is_not_possible_in_this_stage_is_409(owner: Api, number: str) -> None:
    problem(owner.post(f"/api/v1/issues/{number}/actions/confirm_solved", {}), 409, "not-now")


def test_an_issue_that_changed_since_it_was_seen_is_409(owner: Api, number: str) -> None:
    for seen in ('"99"', '"x"', '"²"', 'W/"1"', "99"):
        problem(owner.post(f"/api/v1/issues/{number}/actions/respond", {}, {"If-Match": seen}), 409, "overtaken")
    assert Issue.get(Issue.number == number).stage == "recorded"


def test_of_several_who_saw_the_same_and_act_at_once_one_comes_through(
    calls: Any, app: Flask, gong: Api, number: str
) -> None:
    seen = gong.get(f"/api/v1/issues/{number}").headers["ETag"]
    gate = threading.Barrier(4)

    def comment(who: int) -> int:
        own = Api(app.test_client())
        own.headers = {**gong.headers, "If-Match": seen}
        gate.wait(30)
        return own.post(f"/api/v1/issues/{number}/actions/comment", {"with": {"text": str(who)}}).status_code

    with ThreadPoolExecutor(4) as people:
        statuses = list(people.map(comment, range(4)))
    assert sorted(statuses) == [200, 409, 409, 409]
    assert gong.get(f"/api/v1/issues/{number}").json["seq"] == int(seen.strip('"')) + 1


def test_an_issue_as_it_was_seen_can_be_acted_on(gong: Api, number: str) -> None:
    for seen in ("*", '"99", "{seq}"', '"{seq}"'):
        seq = Issue.get(Issue.number == number).seq
        headers = {"If-Match": seen.replace("{seq}", str(seq))}
        path = f"/api/v1/issues/{number}/actions/comment"
        answer = gong.post(path, {"with": {"text": "x"}}, headers)
        assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{seq + 1}"')


def test_a_form_that_does_not_fit_is_422_with_every_place(owner: Api, number: str) -> None:
    owner.post(f"/api/v1/issues/{number}/actions/respond")
    answer = owner.post(f"/api/v1/issues/{number}/actions/offer", {"with": {"solution": 7, "nothing": 1}})
    found = problem(answer, 422, "bad-form")
    assert {error["at"] for error in found["errors"]} >= {"/solution", "/nothing"}


@pytest.mark.parametrize(
    ("to", "code"), [("ghost", "unknown-person"), ("team:ghosts", "unknown-team"), ("", "required"), (5, "not-text")]
)
def test_an_issue_is_given_to_nobody_who_is_not_there(owner: Api, number: str, to: object, code: str) -> None:
    before = owner.get(f"/api/v1/issues/{number}").json
    found = problem(owner.post(f"/api/v1/issues/{number}/actions/assign", {"with": {"to": to}}), 422, "bad-form")
    assert [(error["at"], error["code"]) for error in found["errors"]] == [("/to", code)]
    assert owner.get(f"/api/v1/issues/{number}").json == before


def test_a_body_that_is_no_form_is_422(owner: Api, number: str) -> None:
    for body, place in (({"form": {}}, "/form"), ({"with": []}, "/with"), ({"with": 1}, "/with")):
        found = problem(owner.post(f"/api/v1/issues/{number}/actions/respond", body), 422, "refused")
        assert [error["at"] for error in found["errors"]] == [place]


def test_an_action_that_is_not_there_is_404(owner: Api, number: str) -> None:
    problem(owner.post(f"/api/v1/issues/{number}/actions/nothing", {}), 404, "unknown-action")


def test_an_answer_that_comes_late_finds_its_clock_breached(owner: Api, number: str, clock: Clock) -> None:
    clock.now += 2 * HOUR
    owner.post(f"/api/v1/issues/{number}/actions/respond")
    timeline = owner.get(f"/api/v1/issues/{number}/timeline").json
    kinds = [line["kind"] for line in timeline if line.get("clock") == "first_response"]
    assert kinds[-2:] == ["clock_breached", "clock_finished_late"]


# -- notices -------------------------------------------------------------------------------------------------------

ASKS = """\
kind: process
name: asking
title: Asking
calendar: cn-allday
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
route: [{to: team:support}]
stages: {first: {title: First}, end: {title: End, final: true}}
actions:
  finish: {title: Finish, from: first, to: end}
notify:
  weekly: {on: received, send: ask, steps: [{via: verbal, to: lead}]}
  twice: {on: received, steps: [{via: verbal, to: lead}]}
"""


def test_notices_are_confirmed_and_sent_by_those_who_handle_the_issue(calls: Any, put_in_force: Any) -> None:
    put_in_force(ASKS)
    number = intake.receive("asking", {"subject": "x"}, MONDAY).number
    li, liang = calls("li"), calls("liang")
    for notice, doing in (("twice", "confirm"), ("weekly", "send")):
        path = f"/api/v1/issues/{number}/notices/{notice}/{doing}"
        problem(liang.post(path), 403, "not-by-you")
        problem(li.post(path, {"with": {}}), 422, "refused")
        answer = li.post(path)
        assert (answer.status_code, answer.json["number"]) == (200, number)
        problem(li.post(path), 409, "not-now")
    assert [line["kind"] for line in li.get(f"/api/v1/issues/{number}/timeline").json][-2:] == ["confirmed", "notified"]


def test_notices_heed_if_match(calls: Any, put_in_force: Any) -> None:
    put_in_force(ASKS)
    number = intake.receive("asking", {"subject": "x"}, MONDAY).number
    path = f"/api/v1/issues/{number}/notices/twice/confirm"
    problem(calls("li").post(path, {}, {"If-Match": '"99"'}), 409, "overtaken")


# -- reading again -------------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_sent_again(gong: Api, number: str, calls: Any) -> None:
    for path in (f"/api/v1/issues/{number}", f"/api/v1/issues/{number}/timeline"):
        first = gong.get(path)
        seq = first.headers["ETag"]
        for known in (seq, f"W/{seq}", f'"0", {seq}', "*"):
            again = gong.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.get_data(), again.headers["ETag"]) == (304, b"", seq), known
        for other in ('"0"', 'W/"99"', "", "x y"):
            assert gong.get(path, headers={"If-None-Match": other}).json == first.json, other
        # What happens gives another seq, and the whole answer again.
        gong.post(f"/api/v1/issues/{number}/actions/comment", {"with": {"text": "x"}})
        changed = gong.get(path, headers={"If-None-Match": seq})
        assert (changed.status_code, changed.headers["ETag"] != seq) == (200, True)
    assert gong.get("/api/v1/issues/NOBODYS", headers={"If-None-Match": "*"}).status_code == 404


def test_a_page_does_not_move_when_issues_arrive_meanwhile(gong: Api) -> None:
    numbers = [gong.post("/api/v1/issues", SHORT).json["number"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = gong.get(f"/api/v1/issues?limit=2{cursor and f'&after={cursor}'}").json
        seen += [issue["number"] for issue in page["issues"]]
        cursor = page["next"]
        gong.post("/api/v1/issues", SHORT)
    assert seen == numbers[::-1]


# -- set apart -----------------------------------------------------------------------------------------------------


def test_an_issue_that_is_set_apart_is_shown_and_put_back_to_work_by_an_administrator(calls: Any) -> None:
    agent, root = calls("gong"), calls("admin")
    number = agent.post("/api/v1/issues", COMPLAINT).json["number"]
    problem(root.post(f"/api/v1/issues/{number}/take-up", {}), 409, "not-set-apart")
    case = Issue.get(Issue.number == number).case
    Issue.update(case="{}").where(Issue.number == number).execute()
    problem(agent.get(f"/api/v1/issues/{number}"), 409, "set-apart")
    problem(agent.post(f"/api/v1/issues/{number}/actions/comment", {"with": {"text": "x"}}), 409, "set-apart")
    problem(agent.get(f"/api/v1/issues/{number}/timeline"), 409, "set-apart")
    (listed,) = agent.get("/api/v1/issues?problem=true").json["issues"]
    assert (listed["number"], listed["problem"]["error"]) == (number, "ValueError")
    problem(agent.post(f"/api/v1/issues/{number}/take-up", {}), 403, "permission-missing")
    problem(root.post("/api/v1/issues/NONE/take-up", {}), 404, "unknown-issue")
    Issue.update(case=case).where(Issue.number == number).execute()
    assert root.post(f"/api/v1/issues/{number}/take-up", {}).json == {"number": number}
    assert agent.get("/api/v1/issues?problem=true").json["issues"] == []
    assert agent.get(f"/api/v1/issues/{number}").status_code == 200
