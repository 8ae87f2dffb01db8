"""The evidence of an issue in the panel: then, computed anew, taken out; who changed what; exports."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from server import acting, settings
from server.core.moments import HOUR
from server.resources import data_dir
from server.sealing import Sealer, Signer
from server.store import sql
from server.store.models import AuditEntry, Event, Issue, Version
from tests.admin.visiting import COMPLAINTS, Panel, now, panel_app, receive
from tests.publishing import publish

KEY = b"k" * 32


@pytest.fixture
def audited(panel: Panel) -> Panel:
    """The panel of a server with a signing key."""
    settings.use(replace(settings.current(), signing_key=KEY))
    return Panel(panel_app(), panel.base_url)


def test_an_auditor_takes_the_evidence_and_checks_it_with_the_script_in_it(audited: Panel, tmp_path: Path) -> None:
    number = receive(outage=True)
    ida = audited.visitor("ida")
    answer = ida.post(f"/admin/evidence/{number}/file")
    assert answer.mimetype == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    file = tmp_path / "evidence.zip"
    file.write_bytes(answer.get_data())
    with zipfile.ZipFile(file) as archive:
        script = tmp_path / "verify.py"
        script.write_bytes(archive.read("verify.py"))
        assert "private.jsonl" not in archive.namelist()
    key = Signer(KEY).verifier.show()
    run = [sys.executable, "-I", str(script), str(file), "--key", key]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    entry = AuditEntry.get(AuditEntry.kind == "evidence.exported")
    assert entry.by == "ida"
    assert f"Evidence of issue {number} exported" in ida.text("/admin/evidence/")
    assert f"Evidence of issue {number} exported" in ida.text(f"/admin/trail/{entry.id}")


def test_private_fields_are_taken_out_by_those_only_who_may_read_them(audited: Panel) -> None:
    number = receive(phone="13812345678")

    def names(login: str) -> list[str]:
        answer = audited.visitor(login).post(f"/admin/evidence/{number}/file", {"private": "yes"})
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
            return archive.namelist()

    assert "private.jsonl" in names("ida")
    sql.run("""UPDATE "role" SET "permissions" = '["audit.read"]' WHERE "name" = 'inspector'""")
    _changed()
    assert "private.jsonl" not in names("ida")
    page = audited.visitor("ida").text(f"/admin/evidence/{number}?at=2090")
    assert "13812345678" not in page
    assert "with the values of private fields" not in page


def _changed() -> None:
    from server import directory
    from server.store import database

    with database.transaction():
        directory.changed()


def test_what_was_so_at_a_moment_is_told_in_words(audited: Panel) -> None:
    began = now() - 5 * HOUR
    number = receive(outage=True, at=began)
    owner = Issue.get(Issue.number == number).owner
    acting.act(number, "respond", owner, {}, now() - HOUR)
    ida = audited.visitor("ida")
    assert "Moments of its history" in ida.text(f"/admin/evidence/{number}")
    moment = _iso(began + 2 * HOUR)
    page = ida.text(f"/admin/evidence/{number}?at={moment}")
    for expected in (
        "shipped with the product", "No version of its process was in force", "is Urgent", "because",
        "First response", "missed", "Who had been told", "Product",
    ):  # fmt: skip
        assert expected in page, expected
    later = ida.text(f"/admin/evidence/{number}?at={_iso(now() - HOUR + 60_000)}")
    assert "finished late" in later
    assert "In force for new issues then: complaint-monitoring version 1" in ida.text(
        f"/admin/evidence/{number}?at={_iso(now())}"
    )
    chinese = audited.visitor("ida", "zh").text(f"/admin/evidence/{number}?at={moment}")
    assert "当时已通知何人" in chinese
    assert "because" not in chinese
    for given, said in (
        ("soon", "is no moment"),
        (_iso(now() + HOUR), "has not come yet"),
        ("2001-01-01T00:00", "was not there yet"),
        ("<b>x", "“<b>x” is no moment"),
    ):
        answer = ida.get(f"/admin/evidence/{number}?at={given}")
        assert answer.status_code == 200
        assert "<b>x" not in answer.text
        assert said in ida.text(f"/admin/evidence/{number}?at={given}")


def _iso(moment: int) -> str:
    from server.core.moments import show

    return show(moment - moment % 1000).replace("+00:00", "Z")


def test_an_issue_is_computed_anew_and_what_differs_is_named(audited: Panel) -> None:
    number = receive()
    ida = audited.visitor("ida")
    assert "The same: one event was computed anew." in ida.text(f"/admin/evidence/{number}?recompute=yes")
    entries = Event.get().entries
    sql.run('UPDATE "event" SET "entries" = ?', entries.replace('"severity":"', '"severity":"<b>'))
    answer = ida.get(f"/admin/evidence/{number}?recompute=yes").text
    assert "does not come out the same" in answer
    assert "<b>" not in answer


def test_an_issue_that_is_not_there_is_said_where_it_was_asked_for(audited: Panel) -> None:
    ida = audited.visitor("ida")
    answer = ida.get("/admin/evidence/?number=NO-SUCH")
    assert answer.status_code == 404
    assert "There is no issue NO-SUCH." in answer.text
    assert ida.get("/admin/evidence/NO-SUCH").status_code == 404
    assert ida.post("/admin/evidence/NO-SUCH/file").status_code == 404
    number = receive()
    assert ida.get(f"/admin/evidence/?number= {number} ").headers["Location"].endswith(f"/admin/evidence/{number}")
    assert f"/admin/evidence/{number}" in ida.get(f"/admin/issues/{number}").text
    assert "/admin/evidence/" not in audited.visitor("rita").get(f"/admin/issues/{number}").text


def test_without_a_key_no_evidence_is_made_and_nothing_is_noted(panel: Panel) -> None:
    number = receive()
    answer = panel.visitor("ida").post(f"/admin/evidence/{number}/file", follow_redirects=True)
    assert "There is no key to sign evidence with" in answer.text
    assert not AuditEntry.select().where(AuditEntry.kind == "evidence.exported").exists()


def test_who_changed_a_deadline_is_found_with_his_approver_and_reason(audited: Panel) -> None:
    text = (data_dir("policies") / f"{COMPLAINTS}.yaml").read_text(encoding="utf-8")
    publish(text.replace("within: {A: 1h, B: 4h", "within: {A: 30m, B: 4h", 1), now(), "fu", "han", "<b>faster")
    ida = audited.visitor("ida")
    page = ida.text("/admin/changes/?part=clocks&q=first_response+A")
    for expected in (
        "version 2",
        "by 傅晓梅, approved by 韩立群",
        "Reason: <b>faster",
        "1 h → 30 min",
        "in force since",
    ):
        assert expected in page, expected
    markup = ida.get("/admin/changes/?part=clocks&q=response+A").text
    assert "First <mark>response</mark>" in markup
    assert "<b>faster" not in markup
    assert "Nothing like that was changed" in ida.text(f"/admin/changes/?document={COMPLAINTS}&q=zebra")
    assert "30 分钟" in audited.visitor("ida", "zh").text("/admin/changes/?q=时限+A")
    assert ida.get("/admin/changes/?before=x&part=<b>&document=nowhere").status_code == 200
    assert Version.get(Version.name == COMPLAINTS, Version.number == 2).author == "fu"


def test_exports_have_a_period_and_a_format_and_are_noted(audited: Panel) -> None:
    old = receive("=HYPERLINK(1)", at=now() - 40 * 24 * HOUR)
    new = receive("+1")
    ida = audited.visitor("ida")
    today = re.search(r"(?<=datetime=\")\d{4}-\d\d-\d\d", ida.get("/admin/trail/").text)
    assert today is not None
    form = {"process": COMPLAINTS, "format": "csv", "since": today[0], "until": today[0]}
    answer = ida.post("/admin/exports/", form)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith('.csv"') or ".csv" in answer.headers["Content-Disposition"]
    table = answer.get_data(as_text=True)
    assert new in table
    assert old not in table
    assert "'+1" in table
    every = ida.post("/admin/exports/", {"process": COMPLAINTS, "format": "jsonl"}).get_data(as_text=True)
    assert len({json.loads(line).get("number") for line in every.splitlines()} & {old, new}) == 2
    for format_ in ("xlsx", "ocel"):
        assert ida.post("/admin/exports/", {"process": COMPLAINTS, "format": format_}).status_code == 200
    said = [json.loads(row.body)["body"] for row in AuditEntry.select().where(AuditEntry.kind == "export")]
    assert [one["issues"] for one in said] == [1, 2, 2, 2]
    assert "since" in said[0]
    assert "exported as csv" in ida.text("/admin/exports/")
    for wrong in ({"process": "nowhere", "format": "csv"}, {"process": COMPLAINTS, "format": "exe"},
                  {"process": COMPLAINTS, "format": "csv", "since": "<b>"}):  # fmt: skip
        answer = ida.post("/admin/exports/", wrong)
        assert answer.status_code == 422
        assert "<b>" not in answer.text


def seal() -> None:
    sealer = Sealer("test")
    while sealer.work(now(), Signer(KEY)):
        pass
