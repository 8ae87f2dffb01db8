"""`duban what-if`: of a severity, of a file's issue, of an issue of the store, which stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server import forecasting, policies
from server.cli import main
from server.receipts import record_new
from server.recording import UnknownIssue
from server.store.database import Store
from server.store.models import Event, Issue, Serial
from tests import beginnings
from tests.server.playing import START

PROCESS = "complaint-monitoring"


def duban(*arguments: str, language: str = "en") -> Result:
    return CliRunner().invoke(main, ["what-if", *arguments], env={"DUBAN_LANGUAGE": language})


def lines(*arguments: str) -> list[dict[str, Any]]:
    result = duban(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_of_a_severity_both_futures_are_timelines() -> None:
    found = lines(PROCESS, "--severity", "A", "--at", "2026-03-02T09:00")
    late = {(line["if"], line["clock"]) for line in found if line["kind"] == "clock_breached"}
    assert ("nobody", "first_response") in late
    assert not [name for name, _ in late if name == "everybody"]
    responded = [line for line in found if line["kind"] == "action" and line["action"] == "respond"]
    assert [(line["if"], line["by"], line["at"]) for line in responded] == [
        ("everybody", "system", "2026-03-02T10:00:00+08:00")
    ]
    assert [line["rung"] for line in found if line["kind"] == "escalated"] == [1, 2, 3]


def test_of_a_file_the_issue_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "issue.json"
    path.write_text(json.dumps({"subject": "x", "outage": True, "customer": "甲"}), "utf-8")
    found = lines(PROCESS, str(path), "--at", "2026-03-02T09:00", "--until", "2026-03-02T09:40")
    assert {line["severity"] for line in found if line["kind"] == "received"} == {"A"}
    assert max(line["at"] for line in found) == "2026-03-02T09:30:00+08:00"


@pytest.mark.parametrize(("language", "said"), [("en", "If nobody acts"), ("zh", "没有人处理时")])
def test_it_is_told_in_both_languages(language: str, said: str) -> None:
    result = duban(PROCESS, "--severity", "C", "--at", "2026-03-02T09:00", language=language)
    assert said in result.stdout
    assert "clock_breached clock=first_response" in result.stdout


def test_wrong_use_ends_with_2() -> None:
    for arguments in ((PROCESS,), (PROCESS, "--severity", "Z"), (PROCESS, "--severity", "A", "--issue", "1")):
        result = duban(*arguments)
        assert result.exit_code == 2, arguments
        assert result.stderr.count("\n") == 1


def test_of_an_issue_of_the_store_nothing_is_written(store: Store) -> None:
    beginnings.shipped(START)
    pinned = policies.in_force().processes[PROCESS]
    facts = {"subject": "x", "outage": True, "customer": "甲", "phone": "13800000000", "received": START}
    recorded = record_new(pinned, facts, START)
    assert recorded is not None
    tables = (Issue, Event, Serial)
    with store.session():
        before = [list(table.select().dicts()) for table in tables]
        found = list(forecasting.of_issue(PROCESS, recorded.number))
        assert [list(table.select().dicts()) for table in tables] == before
    assert {line["number"] for line in found} == {recorded.number}
    assert {line["if"] for line in found} == {"nobody", "everybody"}
    assert not [line for line in found if line["kind"] == "received"]  # that lies behind
    assert {line["clock"] for line in found if line["kind"] == "clock_breached"} >= {"first_response", "solution"}
    with pytest.raises(UnknownIssue):
        list(forecasting.of_issue(PROCESS, "none"))
    with pytest.raises(forecasting.OtherProcess):
        list(forecasting.of_issue("improvement", recorded.number))
