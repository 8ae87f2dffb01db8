"""The history of policy documents over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from server import policies
from server.core.moments import DAY
from server.resources import data_dir
from tests.api.calling import Api, problem
from tests.publishing import approved, publish
from tests.server.conftest import MONDAY

NAME = "complaint-monitoring"


@pytest.fixture
def reader(calls: Any) -> Api:
    api: Api = calls("admin", "audit.read")
    return api


@pytest.fixture
def second() -> str:
    """The text of a second version, in force since a day after the first."""
    text = (data_dir("policies") / f"{NAME}.yaml").read_text("utf-8") + "# a remark without an end of line"
    publish(text, MONDAY + DAY, "mo", "han", "more care")
    return text


def test_every_document_in_force_is_listed(reader: Api, open_for_business: Any) -> None:
    listed = {one["name"]: one for one in reader.get("/api/v1/policies").json["policies"]}
    assert set(listed) == set(policies.in_force().versions)
    assert {one["kind"] for one in listed.values()} == {"process", "calendar", "source", "channels"}


def test_versions_say_who_why_and_since_when(reader: Api, open_for_business: Any, second: str) -> None:
    newest, first = reader.get(f"/api/v1/policies/{NAME}/versions").json["versions"]
    assert (newest["version"], newest["author"], newest["reviewer"], newest["reason"]) == (2, "mo", "han", "more care")
    assert newest["in_force"] == [{"from": "2026-03-03T01:00:00+00:00", "until": None, "by": "han"}]
    assert (first["origin"], first["reviewer"]) == ("shipped", None)
    assert first["in_force"][0]["until"] == "2026-03-03T01:00:00+00:00"


def test_a_version_is_given_with_its_text_as_written(reader: Api, open_for_business: Any, second: str) -> None:
    found = reader.get(f"/api/v1/policies/{NAME}/versions/2").json
    assert found["yaml"] == second
    assert found["sha256"] == hashlib.sha256(second.encode()).hexdigest()


def test_what_differs_is_a_unified_diff(reader: Api, open_for_business: Any, second: str) -> None:
    diff = reader.get(f"/api/v1/policies/{NAME}/diff?from=1&to=2").json["diff"]
    assert diff.splitlines()[0] == f"--- {NAME} 1"
    assert [line for line in diff.splitlines()[2:] if line.startswith(("+", "-"))] == [
        "+# a remark without an end of line"
    ]
    assert reader.get(f"/api/v1/policies/{NAME}/diff?from=2&to=2").json["diff"] == ""


def test_what_differs_is_told_in_the_words_of_the_process(reader: Api, open_for_business: Any, second: str) -> None:
    assert reader.get(f"/api/v1/policies/{NAME}/diff?from=1&to=2").json["changes"] == []  # a comment means nothing
    text = second.replace("within: {A: 1h, B: 4h, C: 24h}", "within: {A: 30m, B: 4h, C: 24h}")
    approved(text, MONDAY + DAY, "mo", "han")
    (change,) = reader.get(f"/api/v1/policies/{NAME}/diff?from=1&to=3").json["changes"]
    assert change == {
        "at": "/clocks/first_response/within/A",
        "change": "changed",
        "before": "1h",
        "after": "30m",
        "text": {
            "zh": "时限“首次响应”（first_response）：级别 A，时限：1 小时 → 30 分钟",
            "en": "clock first_response “First response”: severity A, Within 1 h → 30 min",
        },
    }


def test_what_is_not_there_is_404(reader: Api) -> None:
    problem(reader.get("/api/v1/policies/none/versions"), 404, "unknown-document")
    for version in ("9", "0", "x", "²", "9" * 30):
        problem(reader.get(f"/api/v1/policies/{NAME}/versions/{version}"), 404, "unknown-version")
    problem(reader.get(f"/api/v1/policies/{NAME}/diff?from=1&to=9"), 404, "unknown-version")
    problem(reader.get(f"/api/v1/policies/{NAME}/diff?from=1"), 400, "bad-parameter")
