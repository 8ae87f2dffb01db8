"""The life of a draft over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from server import drafts, policies
from server.resources import data_dir
from tests.api.calling import Api, problem

NAME = "cn-office"
DRAFTS = f"/api/v1/policies/{NAME}/drafts"


@pytest.fixture
def text() -> str:
    """A calendar that is another in its title."""
    shipped = (data_dir("policies") / f"{NAME}.yaml").read_text("utf-8")
    return shipped.replace("title: {zh: ", "title: {zh: 新")


@pytest.fixture
def meng(calls: Any) -> Api:
    api: Api = calls("meng", "policy.propose")
    return api


@pytest.fixture
def han(calls: Any) -> Api:
    api: Api = calls("han", "policy.approve")
    return api


def begun(api: Api, text: str) -> str:
    answer = api.post(f"{DRAFTS}?reason=better", data=text.encode(), content_type="application/yaml")
    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"].endswith(f"{DRAFTS}/{answer.json['draft']}")
    return f"{DRAFTS}/{answer.json['draft']}"


def test_a_draft_goes_from_its_text_to_being_in_force(meng: Api, han: Api, text: str, open_for_business: Any) -> None:
    draft = begun(meng, text)
    assert meng.post(f"{draft}/check").json == {"findings": []}
    sent = meng.post(f"{draft}/submit", {"reason": "a better name"}).json
    assert (sent["state"], sent["submitted_by"], sent["needs"]) == ("submitted", "meng", 1)
    read = han.get(draft).json
    assert read["yaml"] == text
    assert [change["at"] for change in read["changes"]] == ["/title"]
    assert [one["draft"] for one in han.get("/api/v1/drafts?open=true").json["drafts"]] == [sent["draft"]]
    done = han.post(f"{draft}/approve", {"sha256": read["sha256"], "remark": "right"}).json
    assert (done["state"], done["version"], done["approvals"][0]["approver"]) == ("active", 2, "han")
    newest = han.get(f"/api/v1/policies/{NAME}/versions").json["versions"][0]
    assert (newest["author"], newest["reviewer"], newest["reason"]) == ("meng", "han", "a better name")
    assert han.get("/api/v1/drafts?open=true").json == {"drafts": []}
    assert policies.in_force().versions[NAME]


def test_nobody_approves_his_own_draft(calls: Any, text: str) -> None:
    admin = calls("admin")
    draft = begun(admin, text)
    assert admin.post(f"{draft}/submit").status_code == 200
    problem(admin.post(f"{draft}/approve"), 403, "own-draft")
    problem(calls("tao", "policy.approve").post(f"{draft}/approve", {"sha256": "0" * 64}), 409, "draft-of-another-hash")
    assert calls("tao", "policy.approve").post(f"{draft}/approve").json["state"] == "active"


def test_what_is_wrong_with_it_is_said_with_its_places(meng: Api, text: str) -> None:
    draft = begun(meng, text.replace("Asia/Shanghai", "Asia/Shanghigh"))
    (found,) = meng.post(f"{draft}/check").json["findings"]
    assert (found["code"], found["at"], found["level"]) == ("bad-time-zone", "/timezone", "error")
    refused = problem(meng.post(f"{draft}/submit"), 422, "draft-not-sound")
    assert [(one["code"], one["line"]) for one in refused["errors"]] == [("bad-time-zone", found["line"])]
    written = meng.client.put(draft, data=text.encode(), headers={**meng.headers, "If-Match": '"1"'})
    assert written.json["seq"] == 2
    problem(
        meng.client.put(draft, data=text.encode(), headers={**meng.headers, "If-Match": '"1"'}), 409, "draft-changed"
    )
    assert meng.post(f"{draft}/submit").status_code == 200


def test_a_draft_is_rejected_or_withdrawn(meng: Api, han: Api, text: str) -> None:
    draft = begun(meng, text)
    meng.post(f"{draft}/submit")
    problem(han.post(f"{draft}/reject"), 422, "draft-without-reason")
    assert han.post(f"{draft}/reject", {"reason": "no"}).json["remark"] == "no"
    problem(han.post(f"{draft}/approve"), 409, "draft-state")
    assert meng.post(f"{begun(meng, text)}/withdraw").json["state"] == "withdrawn"


def test_what_does_not_fit_is_a_problem(meng: Api, han: Api, text: str) -> None:
    problem(meng.post("/api/v1/policies/none/drafts"), 404, "unknown-document")
    problem(meng.post("/api/v1/policies/other/drafts", data=text.encode()), 422, "draft-of-another")
    for draft in ("99", "x", "9" * 40):
        problem(han.get(f"{DRAFTS}/{draft}"), 404, "unknown-draft")
    draft = begun(meng, text)
    problem(han.get(draft.replace(NAME, "cn-allday")), 404, "unknown-draft")
    for body in ({"acknowledge": "all"}, {"acknowledge": {}}, {"reason": 7}, {"effective_at": "soon"}, {"by": "han"}):
        problem(meng.post(f"{draft}/submit", body), 422, "refused")
    past = {"effective_at": "2026-03-02T08:00:00+08:00"}
    problem(meng.post(f"{draft}/submit", past), 422, "draft-in-the-past")


def test_a_draft_is_tried_before_it_is_in_force(calls: Any) -> None:
    process = (data_dir("policies") / "improvement.yaml").read_text("utf-8").replace("GJ", "GX")
    meng = calls("meng", "policy.propose")
    draft = meng.post("/api/v1/policies/improvement/drafts", data=process.encode()).json["draft"]
    judged = meng.post("/api/v1/decide", {"draft": draft, "issue": {"subject": "x", "origin": "root_cause"}}).json
    assert judged["version"] == f"sha256:{drafts.one(draft).sha256}"
    script = {
        "process": "improvement",
        "start": "2026-03-02T09:00:00+08:00",
        "issue": {"subject": "x", "origin": "root_cause"},
        "until": "+1m",
    }
    assert meng.post("/api/v1/simulate", {"draft": draft, "script": script}).json[0]["number"] == "SIM-1"
    problem(meng.post("/api/v1/decide", {"draft": 999, "issue": {}}), 404, "unknown-draft")
    problem(meng.post("/api/v1/decide", {"draft": True, "issue": {}}), 422, "refused")
    broken = meng.post("/api/v1/policies/improvement/drafts", data=b"kind: process\nname: improvement\n").json["draft"]
    problem(meng.post("/api/v1/decide", {"draft": broken, "issue": {}}), 422, "bad-documents")


def test_a_draft_is_played_over_past_issues(calls: Any, han: Api, open_for_business: Any) -> None:
    name = "complaint-monitoring"
    reader = calls("meng", "issue.read", "policy.propose")
    text = (data_dir("policies") / f"{name}.yaml").read_text("utf-8")
    draft = reader.post(
        f"/api/v1/policies/{name}/drafts", data=text.replace("within: {A: 1h,", "within: {A: 30m,").encode(),
        content_type="application/yaml",
    ).json["draft"]  # fmt: skip
    path = f"/api/v1/policies/{name}/drafts/{draft}/backtest"
    assert reader.post(path, {"sample": 50}).json["changed_issues"] == []
    problem(reader.post(path, {"from": "yesterday"}), 422, "refused")
    problem(reader.post(path, {"sample": 0}), 422, "refused")
    assert han.post(path).status_code == 403
    problem(reader.post(f"{begun(reader, shipped())}/backtest"), 422, "refused")


def shipped() -> str:
    return (data_dir("policies") / f"{NAME}.yaml").read_text("utf-8")


def test_an_earlier_version_is_proposed_again_and_in_an_emergency_put_back_at_once(
    meng: Api, han: Api, calls: Any, text: str
) -> None:
    page = f"/api/v1/policies/{NAME}/rollback"
    admin = calls("admin", "system")
    problem(admin.post(f"/api/v1/policies/{NAME}/emergency", {"reason": "x"}), 409, "no-version-before")
    draft = begun(meng, text)
    meng.post(f"{draft}/submit")
    han.post(f"{draft}/approve")
    back = meng.post(page, {"version": 1, "reason": "it was better"})
    assert (back.status_code, back.json["origin"], back.json["base"]) == (201, "rollback", 2)
    assert meng.get(back.headers["Location"].removeprefix("http://127.0.0.1:8080")).status_code == 200
    problem(meng.post(page, {"version": 9}), 404, "unknown-version")
    problem(meng.post(page, {"version": 2**40}), 404, "unknown-version")
    for body in ({}, {"version": "1"}, {"version": True}, {"version": 1, "by": "x"}):
        problem(meng.post(page, body), 422, "refused")
    problem(han.post(page, {"version": 1}), 403, "permission-missing")
    problem(admin.post(f"/api/v1/policies/{NAME}/emergency", {}), 422, "emergency-without-reason")
    problem(han.post(f"/api/v1/policies/{NAME}/emergency", {"reason": "x"}), 403, "permission-missing")
    done = admin.post(f"/api/v1/policies/{NAME}/emergency", {"reason": "it hurts"}).json
    assert (done["version"], done["in_force"][-1]["by"], done["in_force"][-1]["until"]) == (1, "admin", None)
    problem(admin.post("/api/v1/policies/nothing/emergency", {"reason": "x"}), 404, "unknown-document")


def test_a_draft_is_put_onto_what_is_in_force_by_itself_or_by_hand(meng: Api, han: Api, calls: Any, text: str) -> None:
    other = calls("fu", "policy.propose")
    late, clash = (
        begun(other, text.replace("办公", "上班")),
        begun(other, text.replace("monday-friday", "monday-thursday")),
    )
    problem(other.post(f"{late}/rebase"), 409, "rebase-not-needed")
    draft = begun(meng, text)
    meng.post(f"{draft}/submit")
    han.post(f"{draft}/approve")
    conflict = problem(other.post(f"{late}/rebase", {}), 409, "rebase-conflict")
    assert [one["at"] for one in conflict["errors"]] == ["/title"]
    problem(other.post(f"{late}/rebase", {"yaml": 7}), 422, "refused")
    problem(other.post(f"{late}/rebase", {"yaml": "kind: calendar\nname: other\n"}), 422, "draft-of-another")
    mended = other.post(f"{late}/rebase", {"yaml": text.replace("title: {zh: ", "title: {zh: 又")}).json
    assert (mended["state"], mended["base"]) == ("draft", 2)
    assert other.post(f"{clash}/rebase").json["base"] == 2


def test_a_rejected_draft_goes_on_as_another(meng: Api, han: Api, text: str) -> None:
    draft = begun(meng, text)
    problem(meng.post(f"{draft}/again"), 409, "draft-state")
    meng.post(f"{draft}/submit")
    han.post(f"{draft}/reject", {"reason": "no"})
    fresh = meng.post(f"{draft}/again", {})
    assert (fresh.status_code, fresh.json["state"], fresh.json["authors"]) == (201, "draft", ["meng"])
    problem(meng.post(f"{draft}/again", {"x": 1}), 422, "refused")


def test_several_documents_are_proposed_as_one_act(meng: Api, han: Api, text: str) -> None:
    allday = (data_dir("policies") / "cn-allday.yaml").read_text("utf-8").replace("title: {zh: ", "title: {zh: 新")
    wrong = problem(meng.post("/api/v1/proposals", {"documents": [text, "kind: ["]}), 422, "proposal-not-sound")
    assert {one["file"] for one in wrong["errors"]} == {"documents/1"}
    assert han.get("/api/v1/drafts").json == {"drafts": []}
    made = meng.post("/api/v1/proposals", {"documents": [text, allday], "reason": "names"})
    assert made.status_code == 201
    assert {(one["name"], one["state"]) for one in made.json["drafts"]} == {
        (NAME, "submitted"),
        ("cn-allday", "submitted"),
    }
    again = meng.post("/api/v1/proposals", {"documents": [text, allday]}).json["drafts"]
    assert {one["draft"] for one in again} == {one["draft"] for one in made.json["drafts"]}
    standing = (data_dir("policies") / "channels.yaml").read_text("utf-8")
    nothing = meng.post("/api/v1/proposals", {"documents": [standing]})
    assert (nothing.status_code, nothing.json) == (200, {"drafts": []})
    for body in ({}, {"documents": []}, {"documents": text}, {"documents": [7]}, {"documents": [text] * 21}):
        problem(meng.post("/api/v1/proposals", body), 422, "refused")
    problem(meng.post("/api/v1/proposals", {"documents": [text], "acknowledge": "all"}), 422, "refused")
    problem(han.post("/api/v1/proposals", {"documents": [text]}), 403, "permission-missing")
