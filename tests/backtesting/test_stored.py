"""`duban backtest` over the issues of a store: the owner's question, periods, samples, any number of processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from server import backtesting, erasing, policies
from server.cli import main
from server.core.scripts import read_script
from server.store.database import Store
from server.store.models import Issue
from tests import beginnings
from tests.server.playing import START, Live, all_processes

PROCESS = "complaint-monitoring"
HOUR = 3_600_000
ISSUE = {
    "subject": "支付中断", "customer": "甲", "phone": "13800000000", "reference": "400-1", "summary": "无法支付",
    "category": "product", "outage": True, "channel": "phone",
}  # fmt: skip
RESPONDED = ("+10m", "+20m", "+45m", "+50m", "+3h")
"""How long after receipt each of five issues of grade A was responded to."""


def text() -> bytes:
    return dict(policies.texts_in_force()[0])[f"{PROCESS}.yaml"]


def half_an_hour() -> bytes:
    """The owner's draft: an A issue gets 30 minutes."""
    before = "until: respond, within: {A: 1h,"
    assert before.encode() in text()
    return text().replace(before.encode(), before.replace("1h", "30m").encode())


@pytest.fixture
def month(sqlite_store: Store) -> Store:
    """Five issues of grade A, received one hour apart, each followed for six hours."""
    beginnings.shipped(START)
    pinned = policies.in_force().processes[PROCESS]
    for index, after in enumerate(RESPONDED):
        script = read_script(
            {
                "process": PROCESS,
                "start": pinned.process.calendar.show(START + index * HOUR),
                "issue": {**ISSUE, "number": f"YS-{index}"},
                "people": {"li": ["team"]},
                "events": [{"at": after, "do": "respond", "by": "li"}],
                "until": "+6h",
            },
            pinned.process,
        )
        Live(pinned, script, all_processes(), patient=True).play()
    return sqlite_store


def run(draft: bytes, **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    with backtesting.of_store(PROCESS, draft, START + 20 * HOUR, **options) as outcome:
        return dict(outcome.summary), list(outcome.issues())


def test_the_owner_sees_which_of_last_months_issues_would_have_been_late(month: Store) -> None:
    summary, issues = run(half_an_hour())
    assert summary["issues"] == 5
    assert {"clock": "first_response", "from": "met", "to": "breached", "runs": 2} in summary["clocks"]
    late = [
        issue["number"]
        for issue in issues
        for clock in issue["clocks"]
        if clock["clock"] == "first_response" and (clock["from"], clock["to"]) == ("met", "breached")
    ]
    assert late == ["YS-2", "YS-3"]  # after 45 and 50 minutes; the one after 3 h was late anyway
    (row,) = summary["by_severity"]
    assert (row["severity"], row["more_late"], row["fewer_late"]) == ("A", 2, 0)
    assert summary["judged_otherwise"] == 0
    assert [row["ladder"] for row in summary["escalations"]] == ["complaint"]
    told = {(row["to"], row["via"]): row["more"] for row in summary["notices"]}
    assert told[("role:monitor", "email")] == 2
    lines = [issue["lines"] for issue in summary["most_changed"]]
    assert lines == sorted(lines, reverse=True)
    assert len(lines) == 5
    sides = summary["most_changed"][0]["timeline"]
    assert any(row["before"] is None and row["after"]["kind"] == "clock_breached" for row in sides)


def test_a_period_and_a_sample_choose_issues(month: Store) -> None:
    assert run(text(), start=START + HOUR, end=START + 3 * HOUR)[0]["issues"] == 2
    drawn = {percent: run(text(), percent=percent)[0]["issues"] for percent in (0.01, 40.0, 100.0)}
    assert drawn[0.01] == 0
    assert 0 < drawn[40.0] < 5
    assert drawn[100.0] == 5


def test_any_number_of_processes_gives_the_same(month: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.backtesting.CHUNK", 2)
    assert run(half_an_hour(), processes=2) == run(half_an_hour())


def test_decisions_alone_are_compared_at_receipt(month: Store) -> None:
    draft = text().replace(b"  severity:\n", b"  severity:\n    - {is: C, when: {field: summary, known: true}}\n", 1)
    assert draft != text()
    summary, issues = run(draft, decisions=True)
    assert {"name": "severity", "from": "A", "to": "C", "issues": 5} in summary["judged"]
    assert [issue["number"] for issue in issues] == [f"YS-{index}" for index in range(5)]
    judged = next(one for one in issues[0]["judged"] if one["name"] == "severity")
    assert judged["because"]["rule"] == 1
    assert run(text(), decisions=True)[1] == []


def test_an_issue_whose_private_fields_are_erased_is_left_out(month: Store) -> None:
    erasing.erase(Issue.get(Issue.number == "YS-1").id, START + 19 * HOUR)
    summary, _ = run(half_an_hour())
    assert summary["left_out"] == [{"why": "erased", "issues": 1, "numbers": ["YS-1"]}]
    assert summary["issues"] == 4


def test_private_values_are_not_shown(month: Store) -> None:
    shown = json.dumps(run(half_an_hour()), ensure_ascii=False)
    assert "13800000000" not in shown


def test_a_draft_of_another_document_or_one_that_does_not_compile_is_said(month: Store) -> None:
    other = dict(policies.texts_in_force()[0])["improvement.yaml"]
    with pytest.raises(backtesting.WrongProcess):
        run(other)
    with pytest.raises(backtesting.UnusableDraft) as unusable:
        run(text().replace(b"until: respond", b"until: nothing"))
    assert any("nothing" in finding.text() for finding in unusable.value.findings)


# -- the command ---------------------------------------------------------------------------------------------------


def lines(tmp_path: Path) -> Path:
    path = tmp_path / "issues.jsonl"
    given = [
        {**ISSUE, "received": "2026-03-02T09:00:00+08:00", "events": [{"at": "+45m", "do": "respond"}]},
        {**ISSUE, "received": "2026-03-02T09:00:00+08:00", "events": [{"at": "+20m", "do": "respond"}]},
        {"subject": "x", "nonsense": 1},
    ]
    path.write_text("\n".join([*(json.dumps(one) for one in given), "nonsense"]), "utf-8")
    return path


def drafted(tmp_path: Path) -> Path:
    path = tmp_path / "draft.yaml"
    found = (Path("policies") / f"{PROCESS}.yaml").read_bytes()
    path.write_bytes(found.replace(b"until: respond, within: {A: 1h,", b"until: respond, within: {A: 30m,"))
    return path


def duban(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_issues_of_a_file_need_no_store(tmp_path: Path) -> None:
    command = ("backtest", PROCESS, "--draft", str(drafted(tmp_path)), "--issues", str(lines(tmp_path)))
    found = json.loads(duban(*command, "--processes", "1", "--json"))
    assert found["issues"] == 2
    assert found["clocks"] == [{"clock": "first_response", "from": "met", "to": "breached", "runs": 1}]
    assert {row["why"]: row["numbers"] for row in found["left_out"]} == {
        "refused": ["line 3"],
        "unreadable": ["line 4"],
    }
    assert [issue["number"] for issue in found["changed_issues"]] == ["line 1", "line 2"]


@pytest.mark.parametrize(("language", "said"), [("zh", "时限结果不同"), ("en", "Clocks")])
def test_it_is_told_in_both_languages_and_without_progress_when_piped(tmp_path: Path, language: str, said: str) -> None:
    command = [str(Path(sys.executable).with_name("duban")), "backtest", PROCESS, "--draft", str(drafted(tmp_path))]
    ended = subprocess.run(
        [*command, "--issues", str(lines(tmp_path)), "--processes", "2"],
        capture_output=True, text=True, timeout=100, check=False, env={"DUBAN_LANGUAGE": language, "PATH": ""},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert said in ended.stdout
    assert "first_response" in ended.stdout


def test_wrong_use_ends_with_2(tmp_path: Path) -> None:
    draft = str(drafted(tmp_path))
    for more in (["--issues", "x", "--sample", "5%"], ["--sample", "200%"], ["--processes", "0"]):
        assert CliRunner().invoke(main, ["backtest", PROCESS, "--draft", draft, *more]).exit_code == 2
    result = CliRunner().invoke(main, ["backtest", "improvement", "--draft", draft, "--issues", str(lines(tmp_path))])
    assert result.exit_code == 2
    assert "improvement" in result.stderr
