"""The audit trail over HTTP, and what the health page warns of."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

from flask import Flask

from server import settings
from server.evidence.bundle import verify
from server.sealing import Anchoring, Sealer, Signer
from server.settings import Anchor
from server.store.models import AuditAnchor, AuditEntry
from tests.api.calling import Api, Clock, problem
from tests.server.conftest import MONDAY


def test_the_trail_is_read_in_pages_with_its_hashes(calls: Any) -> None:
    auditor = calls("admin", "audit.read")
    Sealer("test").work(MONDAY, Signer(b"s" * 32))
    count = AuditEntry.select().count()
    entries, after = [], ""
    while after is not None:
        page = auditor.get(f"/api/v1/audit?limit=20&after={after or 0}").json
        entries += page["entries"]
        after = page["next"]
    assert [entry["place"] for entry in entries] == list(range(1, count + 1))
    for entry in entries:
        assert entry["hash"] == hashlib.sha256(b"\x00" + entry["text"].encode()).hexdigest()
    assert {entry["block"] for entry in entries} == {1}
    assert entries[-1]["kind"] == "token.issued"


def test_what_is_not_sealed_yet_is_in_the_trail_without_a_place(calls: Any) -> None:
    auditor = calls("admin", "audit.read")
    (last,) = auditor.get("/api/v1/audit?limit=1000").json["entries"][-1:]
    assert (last["kind"], last["place"], last["block"]) == ("token.issued", None, None)


def test_the_trail_is_for_auditors(calls: Any, api: Api) -> None:
    problem(calls("admin", "issue.read").get("/api/v1/audit"), 403, "permission-missing")
    problem(api.get("/api/v1/audit"), 401, "not-authenticated")
    for query in ("after=-1", "after=x", "limit=0", "limit=1001", "before=1", "after=1&after=2"):
        problem(calls("admin", "audit.read").get(f"/api/v1/audit?{query}"), 400, "bad-parameter")


def test_who_is_refused_for_want_of_a_permission_is_in_the_trail(calls: Any) -> None:
    problem(calls("admin", "issue.read").get("/api/v1/audit?after=7"), 403, "permission-missing")
    last = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert (last.kind, last.by) == ("access.refused", "admin")
    assert json.loads(last.body)["body"] == {"method": "GET", "place": "/api/v1/audit", "needs": ["audit.read"]}


def test_a_server_without_an_anchor_is_ready_and_warns(api: Api) -> None:
    ready = api.get("/readyz")
    assert ready.status_code == 200
    assert [one["code"] for one in ready.json["warnings"]] == ["no-anchor"]
    assert "DUBAN_ANCHORS" in ready.json["warnings"][0]["message"]


def test_an_anchor_that_fails_is_warned_of_until_it_works(app: Flask, api: Api, tmp_path: Any) -> None:
    anchor = Anchor("file:///not/there", "file", str(tmp_path / "not" / "there"))
    settings.use(replace(settings.current(), anchors=(anchor,)))
    assert api.get("/readyz").json["warnings"] == []
    Sealer("test").work(MONDAY, Signer(b"s" * 32))
    Anchoring(settings.current()).work(MONDAY)
    (warning,) = api.get("/readyz").json["warnings"]
    assert warning["code"] == "anchor-failed"
    assert "2026-03-02" in warning["message"]
    assert "not/there" not in warning["message"], "anybody may read this"
    (tmp_path / "not").mkdir()
    assert Anchoring(settings.current()).work(MONDAY + 60_000) == 1
    assert api.get("/readyz").json["warnings"] == []
    assert AuditAnchor.get().size > 0


def test_an_auditor_takes_the_evidence_about_an_issue(calls: Any, clock: Clock) -> None:
    made = calls("gong").post("/api/v1/issues", {"process": "improvement", "subject": "x", "origin": "root_cause"}).json
    auditor = calls("admin", "audit.read")
    answer = auditor.get(f"/api/v1/issues/{made['number']}/evidence")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert f'filename="{made["number"]}.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    key = settings.current().signing_key
    assert key is not None
    report = verify.check(files, [Signer(key).verifier.show()])
    assert (report.findings, report.issue) == ([], made["number"])
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert (entry.kind, entry.by) == ("evidence.exported", "admin")
    problem(auditor.get("/api/v1/issues/none/evidence"), 404, "unknown-issue")
    problem(calls("admin", "issue.read").get(f"/api/v1/issues/{made['number']}/evidence"), 403, "permission-missing")
    settings.use(replace(settings.current(), signing_key=None))
    auditor.client.application.config["DUBAN"] = settings.current()
    problem(auditor.get(f"/api/v1/issues/{made['number']}/evidence"), 503, "not-sealed")


def test_an_auditor_asks_what_was_so_at_a_time(calls: Any, clock: Clock) -> None:
    made = calls("gong").post("/api/v1/issues", {"process": "improvement", "subject": "x", "origin": "root_cause"}).json
    auditor = calls("admin", "audit.read")
    place = f"/api/v1/issues/{made['number']}/at"
    found = auditor.get(f"{place}?time=2026-03-02T09:00:00%2B08:00").json
    assert (found["number"], found["stage"]) == (made["number"], made["stage"])
    assert found["versions"][0]["name"] == found["in_force"]["name"] == "improvement"
    problem(auditor.get(f"{place}?time=2026-03-02T08:59:59%2B08:00"), 404, "not-recorded-yet")
    problem(auditor.get("/api/v1/issues/none/at?time=2026-03-02T09:00:00%2B08:00"), 404, "unknown-issue")
    for query in ("", "?time=x", "?time=2026-03-02T09:00:01%2B08:00", "?time=2026-03-02T09:00:00Z&x=1"):
        problem(auditor.get(place + query), 400, "bad-parameter")
    problem(calls("admin", "issue.read").get(f"{place}?time=2026-03-02T09:00:00%2B08:00"), 403, "permission-missing")
