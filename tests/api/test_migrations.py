"""Migrations of open issues over HTTP."""

from __future__ import annotations

from typing import Any

from server import intake, migration
from tests.api.calling import problem
from tests.migration.conftest import FASTER, NAME, PROCESS, publish
from tests.server.conftest import MONDAY

MIGRATIONS = "/api/v1/migrations"


def test_a_plan_is_looked_at_proposed_approved_by_somebody_else_and_run(app: Any, calls: Any) -> None:
    publish(PROCESS)
    number = intake.receive(NAME, {"subject": "S", "impact": "stopped"}, MONDAY, "gong").number
    publish(FASTER)
    admin: Any = calls("admin")
    han: Any = calls("han", "policy.approve")
    (seen,) = admin.post("/api/v1/migration-previews", {"process": NAME}).json["issues"]
    assert (seen["number"], seen["possible"], seen["better"]) == (number, True, True)
    assert seen["clocks"][0]["after"] == "2026-03-02T10:00:00+08:00"
    made = admin.post(MIGRATIONS, {"process": NAME, "reason": "faster"})
    assert made.status_code == 201
    plan = made.json
    problem(admin.post(f"{MIGRATIONS}/{plan['id']}/approve", {}), 403, "own-migration")
    problem(han.post(f"{MIGRATIONS}/{plan['id']}/approve", {"sha256": "0" * 64}), 409, "migration-of-another-hash")
    assert han.post(f"{MIGRATIONS}/{plan['id']}/approve", {"sha256": plan["sha256"]}).json["state"] == "approved"
    while migration.run(MONDAY):
        pass
    done = han.get(f"{MIGRATIONS}/{plan['id']}").json
    assert (done["state"], done["counts"]["migrated"]) == ("done", 1)
    assert [one["id"] for one in han.get(MIGRATIONS).json["migrations"]] == [plan["id"]]
    problem(admin.post(MIGRATIONS, {"process": NAME, "reason": "again"}), 409, "migration-of-nothing")
    problem(admin.post(MIGRATIONS, {"process": "no-such", "reason": "r"}), 404, "unknown-process")
    problem(admin.post("/api/v1/migration-previews", {"process": NAME, "issues": ["NONE"]}), 422, "migration-not-sound")
    problem(han.get(f"{MIGRATIONS}/999"), 404, "unknown-migration")


def test_whoever_proposed_a_plan_takes_it_back(app: Any, calls: Any) -> None:
    publish(PROCESS)
    intake.receive(NAME, {"subject": "S", "impact": "stopped"}, MONDAY, "gong")
    publish(FASTER)
    admin: Any = calls("admin")
    plan = admin.post(MIGRATIONS, {"process": NAME, "reason": "faster"}).json
    page = f"{MIGRATIONS}/{plan['id']}/withdraw"
    problem(calls("meng", "policy.propose").post(page), 403, "permission-missing")
    done = admin.post(page, {"reason": "not now"}).json
    assert (done["state"], done["decided_by"], done["remark"]) == ("withdrawn", "admin", "not now")
    problem(admin.post(page), 409, "migration-decided")
    problem(admin.post(f"{MIGRATIONS}/999/withdraw"), 404, "unknown-migration")
