"""Drills over HTTP: played, kept, listed, read."""

from __future__ import annotations

from typing import Any

from server.store.models import Drill, Message
from tests.api.calling import problem

SCRIPT = """
name: {zh: 夜间故障, en: A failure at night}
process: contingency
start: 2026-12-05T23:50:00+08:00
by: gong
issue: {subject: 核心系统宕机, class: technical, matter: security}
until: +30m
"""


def test_a_drill_is_played_by_an_owner_and_read_by_an_auditor(calls: Any) -> None:
    owner, auditor = calls("meng", "policy.propose"), calls("admin", "audit.read")
    made = owner.post("/api/v1/drills", {"script": SCRIPT})
    assert made.status_code == 201, made.text
    report = made.json
    assert (report["by"], report["process"], report["script"]) == ("meng", "contingency", SCRIPT)
    assert [one["clock"] for one in report["missed"]] == ["respond"]
    assert Message.select().count() == 0
    assert auditor.get(made.headers["Location"]).json == report
    second = owner.post("/api/v1/drills", {"script": {"process": "contingency", "start": "2026-12-05T23:50:00+08:00",
        "issue": {"subject": "x", "class": "technical"}}}).json  # fmt: skip
    page = auditor.get("/api/v1/drills?limit=1").json
    assert [one["drill"] for one in page["drills"]] == [second["drill"]]
    older = auditor.get(f"/api/v1/drills?after={page['next']}").json
    assert (older["drills"][0]["totals"], older["next"]) == (report["totals"], None)


def test_what_cannot_be_played_is_refused_and_not_kept(calls: Any) -> None:
    owner, auditor = calls("meng", "policy.propose"), calls("admin", "audit.read")
    assert problem(auditor.post("/api/v1/drills", {"script": SCRIPT}), 403, "permission-missing")
    unknown = problem(owner.post("/api/v1/drills", {"script": {"process": "nothing"}}), 422, "refused")
    assert unknown["errors"][0]["at"] == "/script/process"
    refused = problem(
        owner.post("/api/v1/drills", {"script": SCRIPT.replace("technical", "nonsense")}), 422, "bad-script"
    )
    assert refused["errors"][0]["at"] == "/script/issue/class"
    assert Drill.select().count() == 0
    for id in ("1", "x", "9" * 30):
        assert problem(auditor.get(f"/api/v1/drills/{id}"), 404, "unknown-drill")
